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

from beam_taxi.csv_input.layout import InputPlan
from beam_taxi.csv_input.ranges import ByteRange
from beam_taxi.csv_input.scan import RangeScan, scan_range

# No other method leaves the child what is imported already.
_FORK = multiprocessing.get_context('fork')


class ScanAhead:
  """Scans ranges in processes of its own until the first of them is asked for."""

  def __init__(self, ranges: Sequence[ByteRange], plan: InputPlan, block_size: int, processes: int):
    """Begins. Arguments other than `processes` are those that scan_range is going to be called with."""
    self._called_with = (plan, block_size)
    self._lock = threading.Lock()
    self._scans: dict[ByteRange, tuple[RangeScan, float]] = {}
    self._children = []
    for number in range(processes):
      receiver, sender = _FORK.Pipe(duplex=False)
      arguments = (receiver, sender, ranges[number::processes], plan, block_size)
      child = _FORK.Process(target=_scan_and_send, args=arguments, daemon=True)
      child.start()
      sender.close()
      reader = threading.Thread(target=self._receive, args=(receiver,), daemon=True)
      reader.start()
      self._children.append((child, reader))

  def take(self, part: ByteRange, plan: InputPlan, block_size: int) -> tuple[RangeScan, float] | None:
    """What scan_range gives for these arguments, and its seconds; None where it has not been called.

    Each range is given once. The first call ends the scanning here.
    """
    if self._called_with != (plan, block_size):
      return None
    with self._lock:
      self._end()
      return self._scans.pop(part, None)

  def _end(self) -> None:
    for child, reader in self._children:
      child.terminate()
      reader.join()
      child.join()
    self._children = []

  def _receive(self, receiver: multiprocessing.connection.Connection) -> None:
    with receiver:
      while True:
        try:
          part, scan, seconds = receiver.recv()
        except (EOFError, OSError):  # The child is done, or was ended, perhaps within a message.
          return
        self._scans[part] = (scan, seconds)


def _scan_and_send(
  receiver: multiprocessing.connection.Connection,
  sender: multiprocessing.connection.Connection,
  ranges: Sequence[ByteRange],
  plan: InputPlan,
  block_size: int,
) -> None:
  """What a child does. It ends when it is done or told to, or when nobody is left to send to."""
  signal.signal(signal.SIGINT, signal.SIG_IGN)
  signal.signal(signal.SIGTERM, signal.SIG_DFL)
  receiver.close()
  for part in ranges:
    start = time.perf_counter()
    try:
      scan = scan_range(part, plan, block_size)
      sender.send((part, scan, time.perf_counter() - start))
    except Exception:  # The graph comes to this range as well, and says what is wrong.
      return


_begun: list[ScanAhead] = []


def begin(ranges: Sequence[ByteRange], plan: InputPlan, block_size: int, processes: int) -> None:
  """Begins to scan ranges of a run that this process is about to make."""
  _begun.append(ScanAhead(ranges, plan, block_size, processes))


def take(part: ByteRange, plan: InputPlan, block_size: int) -> tuple[RangeScan, float] | None:
  """ScanAhead.take of what was begun here, if anything was."""
  return next(filter(None, (ahead.take(part, plan, block_size) for ahead in _begun)), None)
