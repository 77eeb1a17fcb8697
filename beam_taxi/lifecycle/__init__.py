"""A run's life, from its settings to its exit code."""
