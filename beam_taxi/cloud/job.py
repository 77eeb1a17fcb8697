"""A job elsewhere, as the run that began it sees it: what Dataflow's and portable runners' jobs have in common."""

from typing import Protocol


class JobFailedError(Exception):
  """A job ended without its result; the text is what was said of it, with the workers' traceback."""


class JobCanceledError(Exception):
  """Somebody canceled the job."""


class JobLostError(Exception):
  """Nobody says any more how the job is, which may go on."""


class Job(Protocol):
  """One job, which one thread waits for while another asks how it is."""

  @property
  def id(self) -> str:
    """Its name on its service."""

  def stage(self) -> str:
    """How it is, as in 'job is running'."""

  def counted(self, name: str) -> int:
    """What its workers have counted so far under STEP.NAME, as far as its service says."""

  def wait(self) -> dict[str, int]:
    """Waits for its end; what it counted, by STEP.NAME.

    Raises:
      JobCanceledError, JobLostError: it was canceled, or nobody says any more how it is.
      Exception: what it failed with.
    """

  def cancel(self) -> None:
    """Has it end without its result. Raises an exception where nobody says that it will."""
