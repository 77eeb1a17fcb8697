"""The report: one page about a run, or about two side by side; in a notebook too."""
