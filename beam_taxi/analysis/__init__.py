"""Statistics and schema with TensorFlow Data Validation: its batches, its options, reading and writing its protos.

This package imports TFDV, which takes seconds; whoever needs it imports it where it is needed.
"""
