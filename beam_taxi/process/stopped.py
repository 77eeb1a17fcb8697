"""Runs that were stopped in this process, where threads of theirs go on because nothing can interrupt them."""

import contextlib
import threading
from collections.abc import Iterator

from beam_taxi.errors import MishapError

# By folder and by when it began: a later run may have the folder.
_Key = tuple[str, object]

_stopped: set[_Key] = set()
_lock = threading.Lock()


def stop(folder: str, started: object) -> None:
  """Keeps a run from finishing in this process. One that is about to finish has done so when this returns."""
  with _lock:
    _stopped.add((folder, started))


def has_stopped_runs() -> bool:
  """Whether threads of this process may still work for a run that was stopped."""
  return bool(_stopped)


@contextlib.contextmanager
def unless_stopped(folder: str, started: object) -> Iterator[None]:
  """Goes on with the block whole, or not at all. Raises MishapError where the run was stopped."""
  with _lock:
    if (folder, started) in _stopped:
      raise MishapError(f'{folder}: the run was interrupted, and ends without a manifest')
    yield
