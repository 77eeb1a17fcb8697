"""Keeping what C++ libraries write to stderr off the terminal."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator

from beam_taxi.errors import MishapError, UserError, hide_secrets

STDERR = 2

# Two at once would put each other's file in the terminal's place.
_one_at_a_time = threading.RLock()


@contextlib.contextmanager
def withheld(*, show_on_error: bool = True) -> Iterator[Callable[[], str]]:
  """Holds back what is written to the process's stderr, and gives a function that returns it.

  TensorFlow says on import which CPU features and GPUs it has found, MLMD that it connects; no setting of their own
  keeps all of that quiet. They write to file descriptor 2, so that is where it is caught, for all threads.

  Args:
    show_on_error: whether it is shown after all where the block raises what is no UserError or MishapError.
  """
  with _one_at_a_time, tempfile.TemporaryFile() as caught:
    terminal = os.dup(STDERR)
    os.dup2(caught.fileno(), STDERR)

    def said() -> str:
      # By position, for the writers share the file's.
      return os.pread(caught.fileno(), os.fstat(caught.fileno()).st_size, 0).decode(errors='replace')

    try:
      yield said
    except BaseException as error:
      # An error that is one line says it all.
      if show_on_error and not isinstance(error, UserError | MishapError):
        os.write(terminal, hide_secrets(said()).encode())
      raise
    finally:
      os.dup2(terminal, STDERR)
      os.close(terminal)
