"""Keeping what C++ libraries write to stderr off the terminal while they are imported."""

import contextlib
import os
import tempfile
from collections.abc import Iterator

STDERR = 2


@contextlib.contextmanager
def withheld() -> Iterator[None]:
  """Holds back what is written to the process's stderr, and shows it only where the block raises.

  TensorFlow says on import which CPU features and GPUs it has found; no setting of its own keeps all of that quiet. It
  writes to file descriptor 2, so that is where it is caught, for all threads.
  """
  with tempfile.TemporaryFile() as caught:
    terminal = os.dup(STDERR)
    os.dup2(caught.fileno(), STDERR)
    try:
      yield
    except BaseException:
      caught.seek(0)
      os.write(terminal, caught.read())
      raise
    finally:
      os.dup2(terminal, STDERR)
      os.close(terminal)
