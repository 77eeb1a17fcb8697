"""What only Google Cloud Dataflow needs: a job's names and link, and what its service says of it."""
