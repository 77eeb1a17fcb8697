"""Judging the data: statistics against a schema, a baseline and rules; findings, and the verdict that they give.

What is found is a Finding, of one of the kinds in `findings.KINDS`. The other modules find: each is a function from
statistics to findings, and knows nothing of graphs, of folders or of the others.
"""
