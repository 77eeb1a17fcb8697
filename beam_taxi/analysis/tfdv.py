"""TFDV: the package, which takes seconds to import TensorFlow, and its compiled part alone, which takes none."""

import functools
import importlib.machinery
import importlib.util
import pathlib
from typing import Any

from beam_taxi.process import heavy_imports, native_stderr

_PACKAGE = 'tensorflow_data_validation'
_COMPILED = 'tensorflow_data_validation_extension'


@functools.cache
def tfdv() -> Any:
  """The package, imported when it is first needed."""
  with native_stderr.withheld(), heavy_imports.uncollected():
    import tensorflow_data_validation
  return tensorflow_data_validation


@functools.cache
def compiled() -> Any | None:
  """What tfdv.infer_schema and tfdv.update_schema call, C++ from protos to protos, loaded in a few milliseconds.

  None where a release does not have it as 1.16 and 1.21 do. It is loaded under its full name, as the package loads it:
  under two names in one process it would free its memory twice.
  """
  package = importlib.util.find_spec(_PACKAGE)
  if not package or not package.origin:
    return None
  folder = pathlib.Path(package.origin).parent / 'pywrap'
  spec = importlib.machinery.PathFinder.find_spec(f'{_PACKAGE}.{folder.name}.{_COMPILED}', [str(folder)])
  if not spec or not spec.loader:
    return None
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  found = getattr(module, 'validation', None)
  return found if hasattr(found, 'InferSchema') and hasattr(found, 'UpdateSchema') else None
