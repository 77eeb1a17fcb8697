"""What is left in a run's folder of files that nobody finished: hidden, under names that storage.AtomicFile gives."""

import contextlib
import os
import re

from beam_taxi import storage

_TEMPORARY = re.compile(r'\..+\.[0-9a-f]{8}\.tmp')


def leftovers(folder: str) -> list[str]:
  """The paths of temporary files in a run's folder; none where it is not local, since only there a file has one."""
  if not storage.is_local(folder):
    return []
  return [
    os.path.join(root, name) for root, _, names in os.walk(folder) for name in names if _TEMPORARY.fullmatch(name)
  ]


def delete_leftovers(folder: str) -> None:
  """Deletes the temporary files of a run that nobody writes any more: it has ended, and its workers are gone."""
  for path in leftovers(folder):
    with contextlib.suppress(OSError):  # Another may do the same, or own it.
      os.remove(path)
