"""A run's record: who keeps it, what is written into it, and which earlier run can be taken instead."""
