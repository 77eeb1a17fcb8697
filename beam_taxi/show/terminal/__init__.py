"""What is printed on a terminal: progress, summaries, tables."""
