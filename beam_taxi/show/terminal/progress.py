"""How far a run has come: a progress bar on a terminal, a log line every few seconds elsewhere."""

import logging
import time
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
    task = progress.add_task('', total=2 * max(total_bytes, 1), rows='')
    rate = _Rate(run)
    ended = False
    while not ended:
      ended = run.wait(1 / _FRAMES_A_SECOND)
      step, done = _position(total_bytes, run)
      progress.update(task, description=step, completed=done, rows=rate.text())


def _log_lines(total_bytes: int, run: Followed) -> None:
  rate = _Rate(run)
  while not run.wait(_SECONDS_BETWEEN_LINES):
    step, done = _position(total_bytes, run)
    _LOG.info('%s: %.0f %%, %s', step, 50 * done / max(total_bytes, 1), rate.text() or 'no rows yet')


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
