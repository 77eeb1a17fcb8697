"""Whether what lies in a run's folder is what the run wrote: its manifest against the files, the totals and a store.

It reads and changes nothing. How findings are shown is not known here.
"""
