"""Statistics and schema with TensorFlow Data Validation: its transform, and writing and comparing its protos.

This package imports TFDV, which takes seconds; whoever needs it imports it where it is needed.
"""

from beam_taxi.process import native_stderr

with native_stderr.withheld():
  import tensorflow_data_validation  # noqa: F401 - the first import, which is the talkative one
