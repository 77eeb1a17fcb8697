"""Trying again what came into the way of somebody else who uses the store at the same time, and saying what fails."""

import contextlib
import textwrap
from collections.abc import Iterator

import ml_metadata as mlmd
import tenacity

from beam_taxi.errors import MishapError

_LONGEST_REASON = 300

# What MLMD raises where it was asked for what cannot be; then the program that asks has a bug.
_OF_CALLERS = (
  mlmd.errors.InvalidArgumentError,
  mlmd.errors.NotFoundError,
  mlmd.errors.AlreadyExistsError,
  mlmd.errors.FailedPreconditionError,
  mlmd.errors.OutOfRangeError,
  mlmd.errors.UnimplementedError,
)

# With waits that double from 50 ms up to 2 s, about 15 s in all.
_ATTEMPTS = 12

# What MLMD and the databases say where MLMD has no error of its own for it. Two who open an empty database both make
# its tables, and each may find some of the other's.
_SIGNS = (
  'already exists',
  'concurrent connection',
  'concurrent writes aborted',
  'could not serialize',
  'database is locked',
  'deadlock',
  'duplicate',
  'lock wait timeout',
  'restarting transaction',
  'retry transaction',
)


def attempts() -> tenacity.Retrying:
  """Calls a function again, within bounds, as long as it fails because of somebody else. Raises its last error."""
  return tenacity.Retrying(
    retry=tenacity.retry_if_exception(_meets_another),
    wait=tenacity.wait_random_exponential(multiplier=0.05, max=2),
    stop=tenacity.stop_after_attempt(_ATTEMPTS),
    reraise=True,
  )


@contextlib.contextmanager
def mishaps_of_store() -> Iterator[None]:
  """Raises MishapError where a store fails that is open: its disk is full, its file or its server is gone."""
  try:
    yield
  except _OF_CALLERS:
    raise
  except mlmd.errors.StatusError as error:
    raise MishapError(f'the metadata store fails: {reason_of(error)}') from error


def reason_of(error: object) -> str:
  """What MLMD says, in one line, without the SQL statement behind it, in which there is all that was to be written."""
  cause = str(error).rpartition('Error when executing query: ')[2].partition(' query:')[0]
  return textwrap.shorten(cause, _LONGEST_REASON, placeholder=' ...')


def _meets_another(error: BaseException) -> bool:
  if isinstance(error, mlmd.errors.AlreadyExistsError | mlmd.errors.AbortedError):
    return True
  # MLMD raises RuntimeError where it cannot connect.
  text = str(error).lower()
  return isinstance(error, mlmd.errors.StatusError | RuntimeError) and any(sign in text for sign in _SIGNS)
