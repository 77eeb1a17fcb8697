"""TensorFlow Data Validation, imported when it is first needed: it brings TensorFlow along, which takes seconds."""

from typing import Any

from beam_taxi.process import heavy_imports, native_stderr


def tfdv() -> Any:
  """The package. Threads that ask for it at once wait for one import."""
  with native_stderr.withheld(), heavy_imports.uncollected():
    import tensorflow_data_validation
  return tensorflow_data_validation
