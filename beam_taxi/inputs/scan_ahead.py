"""Pass 1, begun before the graph: while a process still imports what the graph needs, threads of it scan ranges.

The graph is the same with this and without. What has been scanned when its pass 1 begins is taken from here; the rest
is scanned there. (Only the kernel scans without Python's lock, which an import holds. Without it, nothing is begun.)
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future

from beam_taxi.inputs.kinds import reader_of
from beam_taxi.inputs.layout import InputPlan
from beam_taxi.inputs.reader import Range, Scan
from beam_taxi.kernel.library import kernel


class ScanAhead:
  """Scans ranges on threads of its own until the first of them is asked for."""

  def __init__(self, sources: Sequence[tuple[Sequence[Range], InputPlan]], block_size: int, threads: int):
    """Begins.

    Args:
      sources: parts of the input that are read as if they were alone: each one's ranges, and its plan.
      block_size: the third argument that `scan` is going to be called with.
      threads: how many of them, over all sources.
    """
    self._plans = [plan for _, plan in sources]
    self._block_size = block_size
    # By the source's place and the range.
    self._scans: dict[tuple[int, Range], Future[tuple[Scan, float]]] = {
      (source, part): Future() for source, (ranges, _) in enumerate(sources) for part in ranges
    }
    work = list(self._scans.items())
    for number in range(threads):
      # An executor's threads would have to end before the process may.
      threading.Thread(target=self._scan, args=(work[number::threads],), daemon=True).start()

  def take(self, part: Range, plan: InputPlan, block_size: int) -> tuple[Scan, float] | None:
    """What the scan gives for these arguments, and its seconds; None where it has not been called, or has failed.

    Each range of a source is given once. The first call ends the scanning here, but for what is under way.
    """
    if plan not in self._plans or block_size != self._block_size:
      return None
    self.end()
    scan = self._scans.pop((self._plans.index(plan), part), None)
    return None if scan is None or scan.cancelled() or scan.exception() else scan.result()

  def end(self) -> None:
    """Begins no other scan; what has been scanned can still be taken."""
    for scan in list(self._scans.values()):
      scan.cancel()

  def _scan(self, work: Sequence[tuple[tuple[int, Range], Future[tuple[Scan, float]]]]) -> None:
    for (source, part), scan in work:
      if scan.set_running_or_notify_cancel():
        start = time.perf_counter()
        plan = self._plans[source]
        try:
          found = reader_of(plan.layout.settings).scan(part, plan, self._block_size)
          scan.set_result((found, time.perf_counter() - start))
        except Exception as error:  # The graph comes to this range as well, and says what is wrong.
          scan.set_exception(error)


_begun: ScanAhead | None = None


def begin(sources: Sequence[tuple[Sequence[Range], InputPlan]], block_size: int, threads: int) -> None:
  """Begins to scan for the run that this process is about to make, as ScanAhead does.

  What the run before left is forgotten: its files may have been written anew.
  """
  global _begun
  if _begun:
    _begun.end()
  _begun = ScanAhead(sources, block_size, threads if kernel() == 'compiled' else 0)


def take(part: Range, plan: InputPlan, block_size: int) -> tuple[Scan, float] | None:
  """ScanAhead.take of what was begun here, if anything was."""
  return _begun.take(part, plan, block_size) if _begun else None
