"""The progress of a run: a bar on a terminal, lines in a log."""

import collections
import functools
import io
import logging
from collections.abc import Callable

import pytest
from rich.console import Console

from beam_taxi.runners import counters
from beam_taxi.show.terminal.progress import show_progress, shown_aside


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> collections.Counter[str]:
  """What this process has counted, for one test."""
  counts: collections.Counter[str] = collections.Counter()
  monkeypatch.setattr(counters, 'local_counts', counts)
  return counts


class Steps:
  """A run that takes one step each time that it is waited for, in no time, and has ended when none is left."""

  def __init__(self, *steps: Callable[[], None]):
    self._left = iter(steps)

  def wait(self, seconds: float) -> bool:
    assert seconds > 0
    step = next(self._left, None)
    if step:
      step()
    return step is None

  def counted(self, name: str) -> int:
    return counters.counted_here(name)

  def stage(self) -> str:
    return 'starting'


def test_where_nobody_reads_on_the_run_is_waited_for_all_the_same(counted: collections.Counter[str]) -> None:
  class Closed(io.StringIO):
    def write(self, _: str) -> int:
      raise BrokenPipeError

  left = []
  steps = Steps(*[functools.partial(left.append, number) for number in range(3)])

  show_progress(Console(file=Closed(), force_terminal=True), 1000, steps)

  assert left == [0, 1, 2]


def test_a_log_has_a_line_each_time_until_the_run_ends(
  counted: collections.Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
  steps = (
    lambda: None,
    lambda: counted.update({'ScanRanges.bytes': 500}),
    lambda: counted.update({'ScanRanges.bytes': 500, 'ReadRows.bytes': 600, 'ReadRows.rows': 1234}),
  )

  with caplog.at_level(logging.INFO, 'beam_taxi'):
    show_progress(Console(file=io.StringIO()), 1000, Steps(*steps))

  lines = [record.getMessage() for record in caplog.records]
  assert lines[0] == 'starting'
  assert lines[1] == 'finding records and types: 25 %, no rows yet'
  assert lines[2].startswith('writing Examples: 80 %, 1,234 rows, ')
  assert len(lines) == 3


def test_a_compressed_input_is_never_more_than_wholly_read(
  counted: collections.Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
  def step() -> None:
    counted.update({'ScanRanges.bytes': 1000, 'ReadRows.bytes': 6000})

  with caplog.at_level(logging.INFO, 'beam_taxi'):
    show_progress(Console(file=io.StringIO()), 1000, Steps(step))

  assert caplog.records[0].getMessage().startswith('writing Examples: 100 %')


def test_an_empty_input_has_progress_too(caplog: pytest.LogCaptureFixture) -> None:
  with caplog.at_level(logging.INFO, 'beam_taxi'):
    show_progress(Console(file=io.StringIO()), 0, Steps(lambda: None))

  assert caplog.records[0].getMessage() == 'starting'


def test_progress_is_shown_aside_until_what_this_thread_does_is_done() -> None:
  out = io.StringIO()

  with pytest.raises(KeyboardInterrupt), shown_aside(Console(file=out, force_terminal=True, width=100), 0, Steps()):
    raise KeyboardInterrupt

  assert 'starting' in out.getvalue()
  assert out.getvalue().rstrip().endswith('\x1b[2K')


def test_a_terminal_has_a_bar_that_is_gone_in_the_end(counted: collections.Counter[str]) -> None:
  out = io.StringIO()
  console = Console(file=out, force_terminal=True, width=100)

  show_progress(
    console,
    1000,
    Steps(lambda: counted.update({'ScanRanges.bytes': 1000, 'ReadRows.bytes': 500, 'ReadRows.rows': 10})),
  )

  assert 'writing Examples' in out.getvalue()
  # Erasing the line that the bar was on (ECMA-48, EL).
  assert out.getvalue().rstrip().endswith('\x1b[2K')
