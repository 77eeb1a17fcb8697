"""How far a run has come: a progress bar on a terminal, a log line every few seconds elsewhere."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

_LOG = logging.getLogger(__name__)

_FRAMES_A_SECOND = 5
_SECONDS_BETWEEN_LINES = 5


class Followed(Protocol):
  """A run whose progress is shown."""

  def wait(self, seconds: float) -> bool:
    """Waits so long at most; whether the run has ended."""

  def counted(self, name: str) -> int:
    """What its steps have counted so far under STEP.NAME."""

  def stage(self) -> str:
    """What it does before its steps count anything."""


def show_progress(console: Console, total_bytes: int, run: Followed) -> None:
  """Shows progress until the run ends.

  Args:
    console: where to show it.
    total_bytes: the input's, as stored. Each of the two passes reads them once.
    run: the run.
  """
  try:
    if console.is_terminal:
      _show_bar(console, total_bytes, run)
    else:
      _log_lines(total_bytes, run)
  except (BrokenPipeError, SystemExit):  # Rich raises the second. Nobody reads on, and the run goes on.
    while not run.wait(_SECONDS_BETWEEN_LINES):
      pass


@contextlib.contextmanager
def shown_aside(console: Console, total_bytes: int, run: Followed) -> Iterator[None]:
  """Shows progress on a thread of its own during the block, which this thread has to do itself."""
  over = threading.Event()
  thread = threading.Thread(target=show_progress, args=(console, total_bytes, _Until(over, run)), daemon=True)
  thread.start()
  try:
    yield
  finally:
    over.set()
    thread.join()


class _Until:
  """A run as it is followed until something is over."""

  def __init__(self, over: threading.Event, run: Followed):
    self.wait = over.wait
    self.counted = run.counted
    self.stage = run.stage


def _show_bar(console: Console, total_bytes: int, run: Followed) -> None:
  columns = (
    SpinnerColumn(),
    TextColumn('{task.description}'),
    BarColumn(),
    TaskProgressColumn(),
    TextColumn('{task.fields[rows]}'),
    TimeElapsedColumn(),
  )
  with Progress(*columns, console=console, transient=True) as progress:
    task = progress.add_task('', total=None, rows='')
    rate = _Rate(run)
    ended = False
    while not ended:
      ended = run.wait(1 / _FRAMES_A_SECOND)
      step, done = _position(total_bytes, run)
      # A bar without an end is shown while nothing has been counted that says how far the run is.
      end = 2 * max(total_bytes, 1) if done else None
      progress.update(task, description=step, completed=done, total=end, rows=rate.text())


def _log_lines(total_bytes: int, run: Followed) -> None:
  rate = _Rate(run)
  while not run.wait(_SECONDS_BETWEEN_LINES):
    step, done = _position(total_bytes, run)
    share = f': {50 * done / max(total_bytes, 1):.0f} %, {rate.text() or "no rows yet"}' if done else ''
    _LOG.info('%s%s', step, share)


def _position(total_bytes: int, run: Followed) -> tuple[str, int]:
  """What the run is doing, and how many bytes of both passes it has read."""
  scanned = run.counted('ScanRanges.bytes')
  # A compressed file yields more bytes in the second pass than it has stored.
  read = min(run.counted('ReadRows.bytes'), total_bytes)
  if read:
    return 'writing Examples', scanned + read
  return ('finding records and types', scanned) if scanned else (run.stage(), 0)


class _Rate:
  """Rows written so far, and how many a second since the first ones."""

  def __init__(self, run: Followed) -> None:
    self._run = run
    self._since = time.monotonic()

  def text(self) -> str:
    """As in '1,200,000 rows, 98,000 rows/s'; '' before there are rows."""
    rows = self._run.counted('ReadRows.rows')
    if not rows:
      self._since = time.monotonic()
      return ''
    seconds = max(time.monotonic() - self._since, 0.001)
    return f'{rows:,} rows, {rows / seconds:,.0f} rows/s'
