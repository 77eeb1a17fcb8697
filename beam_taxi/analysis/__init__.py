"""Statistics and schema: making them, and reading and comparing what was made.

Importing TensorFlow Data Validation takes seconds. `tfdv` does it where it cannot be avoided.
"""
