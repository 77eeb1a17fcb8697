"""Ranges that forks scan before the graph does: the same results, each once, and no process left behind."""

import dataclasses
import multiprocessing
import os
import pathlib
import signal

import pytest
from csv_files import match_files, plan_input

from beam_taxi.inputs import ranges as plan_of_ranges
from beam_taxi.inputs import scan_ahead
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.scan import scan_range
from beam_taxi.inputs.layout import InputPlan
from beam_taxi.inputs.ranges import ByteRange, plan_ranges
from beam_taxi.inputs.scan_ahead import ScanAhead
from beam_taxi.inputs.shard_sizes import Sizes

BLOCK_SIZE = 1000


@pytest.fixture
def planned(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[ByteRange], InputPlan]:
  """More than ten ranges of a file, and the plan that they are of."""
  monkeypatch.setattr(plan_of_ranges, 'SMALLEST_RANGE', 1)
  path = tmp_path / 'rows.csv'
  path.write_text('a,b\n' + ''.join(f'{row},"text {row}\n"\n' for row in range(1000)))
  files = match_files([str(path)], Dialect())
  ranges = list(plan_ranges(files, Sizes(BLOCK_SIZE, 10**9)))
  assert len(ranges) > 10
  return ranges, plan_input(files, Dialect(), {}, '')


def wait_for(ahead: ScanAhead) -> None:
  """Until all ranges have been scanned."""
  for _, reader in ahead._children:
    reader.join()


@pytest.mark.parametrize('processes', [1, 3])
def test_what_is_scanned_ahead_is_what_the_graph_would_find(
  planned: tuple[list[ByteRange], InputPlan], processes: int
) -> None:
  ranges, plan = planned
  ahead = ScanAhead([(ranges, plan)], BLOCK_SIZE, processes)
  wait_for(ahead)

  for part in ranges:
    taken = ahead.take(part, plan, BLOCK_SIZE)
    assert taken
    assert taken[0] == scan_range(part, plan, BLOCK_SIZE)
    assert taken[1] > 0
    assert ahead.take(part, plan, BLOCK_SIZE) is None
  assert not multiprocessing.active_children()


def test_nothing_is_given_to_a_run_over_another_input(planned: tuple[list[ByteRange], InputPlan]) -> None:
  ranges, plan = planned
  ahead = ScanAhead([(ranges, plan)], BLOCK_SIZE, 1)
  wait_for(ahead)

  assert ahead.take(ranges[0], dataclasses.replace(plan, files=2), BLOCK_SIZE) is None
  assert ahead.take(ranges[0], plan, BLOCK_SIZE + 1) is None
  assert ahead.take(ranges[0], plan, BLOCK_SIZE)


def test_sources_are_told_apart(planned: tuple[list[ByteRange], InputPlan]) -> None:
  ranges, plan = planned
  texts = dataclasses.replace(plan, layout=dataclasses.replace(plan.layout, types=(ColumnType.STRING, None)))
  ahead = ScanAhead([(ranges, plan), (ranges[:3], texts)], BLOCK_SIZE, 2)
  wait_for(ahead)

  for part in ranges[:3]:
    for source in (plan, texts):
      taken = ahead.take(part, source, BLOCK_SIZE)
      assert taken
      assert taken[0] == scan_range(part, source, BLOCK_SIZE)
  assert scan_range(ranges[0], plan, BLOCK_SIZE) != scan_range(ranges[0], texts, BLOCK_SIZE)
  assert ahead.take(ranges[3], texts, BLOCK_SIZE) is None


def test_what_a_run_left_is_not_given_to_the_next(planned: tuple[list[ByteRange], InputPlan]) -> None:
  ranges, plan = planned
  scan_ahead.begin([(ranges * 1000, plan)], BLOCK_SIZE, 1)
  assert multiprocessing.active_children()

  scan_ahead.begin([(ranges, plan)], BLOCK_SIZE, 0)

  assert not multiprocessing.active_children()
  assert all(scan_ahead.take(part, plan, BLOCK_SIZE) is None for part in ranges)


def test_the_first_that_is_taken_ends_the_scanning(planned: tuple[list[ByteRange], InputPlan]) -> None:
  ranges, plan = planned
  ahead = ScanAhead([(ranges * 1000, plan)], BLOCK_SIZE, 2)

  ahead.take(ranges[0], plan, BLOCK_SIZE)

  assert not multiprocessing.active_children()


def test_a_range_that_cannot_be_scanned_is_left_to_the_graph(planned: tuple[list[ByteRange], InputPlan]) -> None:
  ranges, plan = planned
  os.remove(ranges[0].file.path)
  ahead = ScanAhead([(ranges[1:], plan)], BLOCK_SIZE, 1)
  wait_for(ahead)

  assert ahead.take(ranges[1], plan, BLOCK_SIZE) is None


def test_a_child_that_dies_leaves_its_ranges_to_the_graph(planned: tuple[list[ByteRange], InputPlan]) -> None:
  ranges, plan = planned
  ahead = ScanAhead([(ranges * 1000, plan)], BLOCK_SIZE, 1)
  [child] = multiprocessing.active_children()
  assert child.pid
  os.kill(child.pid, signal.SIGKILL)

  results = [ahead.take(part, plan, BLOCK_SIZE) for part in ranges]

  assert all(taken is None or taken[0].part in ranges for taken in results)
