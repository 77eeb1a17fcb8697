"""What only Google Cloud Dataflow needs: a job's names, its link and its state."""
