"""What the steps of a run count: Beam counters, which every runner reports, and this process's own share of them.

The run's summary and its metadata come from Beam's counters. Those of an in-process run can be read only after it ends,
so a progress line reads the share that this process has counted so far.
"""

import collections
import contextlib
import threading
import time
from collections.abc import Iterator

from apache_beam.metrics import Metrics

NAMESPACE = 'beam_taxi'

local_counts: collections.Counter[str] = collections.Counter()
_lock = threading.Lock()


class StepCounters:
  """The counters of one step of the graph, named STEP.NAME in one namespace."""

  def __init__(self, step: str):
    self._step = step

  def add(self, name: str, amount: int) -> None:
    """Counts `amount` more of `name`."""
    full = f'{self._step}.{name}'
    Metrics.counter(NAMESPACE, full).inc(amount)
    with _lock:
      local_counts[full] += amount

  @contextlib.contextmanager
  def timed(self) -> Iterator[None]:
    """Counts the block's time as `msecs` of the step, on whichever worker thread it runs."""
    start = time.perf_counter()
    try:
      yield
    finally:
      self.add('msecs', round(1000 * (time.perf_counter() - start)))


def begin_at_zero() -> None:
  """Forgets what this process has counted: of an earlier run."""
  with _lock:
    local_counts.clear()


def all_counted_here() -> dict[str, int]:
  """What this process has counted in its run, by STEP.NAME."""
  with _lock:
    return dict(local_counts)


def counted_here(name: str) -> int:
  """What this process has counted in its run under STEP.NAME."""
  with _lock:
    return local_counts[name]
