"""What a person looks at: the progress line and the summary of a run, what sniff found, lineages and comparisons."""
