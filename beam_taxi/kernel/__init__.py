"""What is compiled, and how Python calls it. beam_taxi runs without it, too, and more slowly."""
