"""TensorFlow Data Validation, imported when it is first needed: it brings TensorFlow along, which takes seconds."""

import functools
from typing import Any

from beam_taxi.process import heavy_imports, native_stderr


@functools.cache
def tfdv() -> Any:
  """The package."""
  with native_stderr.withheld(), heavy_imports.uncollected():
    import tensorflow_data_validation
  return tensorflow_data_validation
