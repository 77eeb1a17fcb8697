"""Google Cloud: checks before a run, jobs on Dataflow, and doubles of both to rehearse with."""
