"""Pass 1, begun before the graph: while a process still imports what the graph needs, forks of it scan ranges.

The graph is the same with this and without. What has been scanned when its pass 1 begins is taken from here; the rest
is scanned there. (Threads would not do: an import and a scan take Python's lock from each other, and both are slower.)
"""

import multiprocessing
import multiprocessing.connection
import signal
import threading
import time
from collections.abc import Sequence

from beam_taxi.inputs.kinds import reader_of
from beam_taxi.inputs.layout import InputPlan
from beam_taxi.inputs.reader import Range, Scan

# No other method leaves the child what is imported already.
_FORK = multiprocessing.get_context('fork')


class ScanAhead:
  """Scans ranges in processes of its own until the first of them is asked for."""

  def __init__(self, sources: Sequence[tuple[Sequence[Range], InputPlan]], block_size: int, processes: int):
    """Begins.

    Args:
      sources: parts of the input that are read as if they were alone: each one's ranges, and its plan.
      block_size: the third argument that `scan` is going to be called with.
      processes: how many of them, over all sources.
    """
    self._plans = [plan for _, plan in sources]
    self._block_size = block_size
    self._lock = threading.Lock()
    # By the source's place and the range.
    self._scans: dict[tuple[int, Range], tuple[Scan, float]] = {}
    self._children = []
    work = [(source, part) for source, (ranges, _) in enumerate(sources) for part in ranges]
    for number in range(processes):
      receiver, sender = _FORK.Pipe(duplex=False)
      arguments = (receiver, sender, work[number::processes], self._plans, block_size)
      child = _FORK.Process(target=_scan_and_send, args=arguments, daemon=True)
      child.start()
      sender.close()
      reader = threading.Thread(target=self._receive, args=(receiver,), daemon=True)
      reader.start()
      self._children.append((child, reader))

  def take(self, part: Range, plan: InputPlan, block_size: int) -> tuple[Scan, float] | None:
    """What the scan gives for these arguments, and its seconds; None where it has not been called.

    Each range of a source is given once. The first call ends the scanning here.
    """
    if plan not in self._plans or block_size != self._block_size:
      return None
    self.end()
    return self._scans.pop((self._plans.index(plan), part), None)

  def end(self) -> None:
    """Ends the scanning; what has been scanned can still be taken."""
    with self._lock:
      for child, reader in self._children:
        child.terminate()
        reader.join()
        child.join()
      self._children = []

  def _receive(self, receiver: multiprocessing.connection.Connection) -> None:
    with receiver:
      while True:
        try:
          source, part, scan, seconds = receiver.recv()
        except (EOFError, OSError):  # The child is done, or was ended, perhaps within a message.
          return
        self._scans[source, part] = (scan, seconds)


def _scan_and_send(
  receiver: multiprocessing.connection.Connection,
  sender: multiprocessing.connection.Connection,
  work: Sequence[tuple[int, Range]],
  plans: Sequence[InputPlan],
  block_size: int,
) -> None:
  """What a child does. It ends when it is done or told to, or when nobody is left to send to."""
  signal.signal(signal.SIGINT, signal.SIG_IGN)
  signal.signal(signal.SIGTERM, signal.SIG_DFL)
  receiver.close()
  for source, part in work:
    start = time.perf_counter()
    try:
      plan = plans[source]
      scan = reader_of(plan.layout.settings).scan(part, plan, block_size)
      sender.send((source, part, scan, time.perf_counter() - start))
    except Exception:  # The graph comes to this range as well, and says what is wrong.
      return


_begun: ScanAhead | None = None


def begin(sources: Sequence[tuple[Sequence[Range], InputPlan]], block_size: int, processes: int) -> None:
  """Begins to scan for the run that this process is about to make, as ScanAhead does.

  What the run before left is forgotten: its files may have been written anew.
  """
  global _begun
  if _begun:
    _begun.end()
  _begun = ScanAhead(sources, block_size, processes)


def take(part: Range, plan: InputPlan, block_size: int) -> tuple[Scan, float] | None:
  """ScanAhead.take of what was begun here, if anything was."""
  return _begun.take(part, plan, block_size) if _begun else None
