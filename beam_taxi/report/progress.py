"""How far a run in this process has come: a progress bar on a terminal, a log line every few seconds elsewhere."""

import logging
import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from beam_taxi.counters import counted_here

_LOG = logging.getLogger(__name__)

_FRAMES_A_SECOND = 5
_SECONDS_BETWEEN_LINES = 5


def show_progress(console: Console, total_bytes: int, wait: Callable[[float], bool]) -> None:
  """Shows progress until the run ends.

  Args:
    console: where to show it.
    total_bytes: the input's, as stored. Each of the two passes reads them once.
    wait: waits so many seconds at most, and says whether the run has ended.
  """
  if console.is_terminal:
    _show_bar(console, total_bytes, wait)
  else:
    _log_lines(total_bytes, wait)


def _show_bar(console: Console, total_bytes: int, wait: Callable[[float], bool]) -> None:
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
    rate = _Rate()
    ended = False
    while not ended:
      ended = wait(1 / _FRAMES_A_SECOND)
      step, done = _position(total_bytes)
      progress.update(task, description=step, completed=done, rows=rate.text())


def _log_lines(total_bytes: int, wait: Callable[[float], bool]) -> None:
  rate = _Rate()
  while not wait(_SECONDS_BETWEEN_LINES):
    step, done = _position(total_bytes)
    _LOG.info('%s: %.0f %%, %s', step, 50 * done / max(total_bytes, 1), rate.text() or 'no rows yet')


def _position(total_bytes: int) -> tuple[str, int]:
  """What the run is doing, and how many bytes of both passes it has read."""
  scanned = counted_here('ScanRanges.bytes')
  # A compressed file yields more bytes in the second pass than it has stored.
  read = min(counted_here('ReadCsv.bytes'), total_bytes)
  if read:
    return 'writing Examples', scanned + read
  return ('finding records and types', scanned) if scanned else ('starting', 0)


class _Rate:
  """Rows written so far, and how many a second since the first ones."""

  def __init__(self) -> None:
    self._since = time.monotonic()

  def text(self) -> str:
    """As in '1,200,000 rows, 98,000 rows/s'; '' before there are rows."""
    rows = counted_here('ReadCsv.rows')
    if not rows:
      self._since = time.monotonic()
      return ''
    seconds = max(time.monotonic() - self._since, 0.001)
    return f'{rows:,} rows, {rows / seconds:,.0f} rows/s'
