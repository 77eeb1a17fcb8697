"""Importing what takes seconds a little quicker: Beam, TensorFlow and what they bring along."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
  """Keeps the garbage collector from going through imported objects, in the block and ever after.

  They are hundreds of thousands, and hardly one is garbage: looking for it took a fifth of the time of
  `import tensorflow_data_validation`. For a process whose imports stay to its end.
  """
  was_on = gc.isenabled()
  gc.disable()
  try:
    yield
  finally:
    gc.freeze()
    if was_on:
      gc.enable()
