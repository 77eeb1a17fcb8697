"""Dataflow and Cloud Storage on this machine, to rehearse a launch whole: their protocols, and what they do with a job.

Users get it as `python -m beam_taxi rehearse`, the tests as what stands in for a cloud. Nothing else imports it.
"""
