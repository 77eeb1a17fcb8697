"""What a run can be told: the table of settings, and what is made of it - flags, template parameters, docs."""
