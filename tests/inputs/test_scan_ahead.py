"""Ranges that threads scan before the graph does: the same results, each once."""

import concurrent.futures
import dataclasses
import os
import pathlib
import threading
from typing import Any

import pytest
from csv_files import match_files, plan_input

from beam_taxi.inputs import ranges as plan_of_ranges
from beam_taxi.inputs import scan_ahead
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.scan import scan_range
from beam_taxi.inputs.kinds import reader_of
from beam_taxi.inputs.layout import InputPlan
from beam_taxi.inputs.ranges import ByteRange, plan_ranges
from beam_taxi.inputs.reader import Scan
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
  concurrent.futures.wait(ahead._scans.values())


@pytest.mark.parametrize('threads', [1, 3])
def test_what_is_scanned_ahead_is_what_the_graph_would_find(
  planned: tuple[list[ByteRange], InputPlan], threads: int
) -> None:
  ranges, plan = planned
  ahead = ScanAhead([(ranges, plan)], BLOCK_SIZE, threads)
  wait_for(ahead)

  for part in ranges:
    taken = ahead.take(part, plan, BLOCK_SIZE)
    assert taken
    assert taken[0] == scan_range(part, plan, BLOCK_SIZE)
    assert taken[1] > 0
    assert ahead.take(part, plan, BLOCK_SIZE) is None


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
  scan_ahead.begin([(ranges, plan)], BLOCK_SIZE, 1)

  scan_ahead.begin([(ranges, plan)], BLOCK_SIZE, 0)

  assert all(scan_ahead.take(part, plan, BLOCK_SIZE) is None for part in ranges)


def test_without_the_kernel_nothing_is_scanned_ahead(planned: tuple[list[ByteRange], InputPlan], monkeypatch) -> None:
  ranges, plan = planned
  monkeypatch.setattr(scan_ahead, 'kernel', lambda: 'python')

  scan_ahead.begin([(ranges, plan)], BLOCK_SIZE, 1)

  assert all(scan_ahead.take(part, plan, BLOCK_SIZE) is None for part in ranges)


def test_the_first_that_is_taken_ends_the_scanning(planned: tuple[list[ByteRange], InputPlan], monkeypatch) -> None:
  ranges, plan = planned
  reader, began, go_on = reader_of(Dialect()), threading.Event(), threading.Event()

  class Waiting:
    def scan(self, *arguments: Any) -> Scan:
      began.set()
      go_on.wait()
      return reader.scan(*arguments)

  monkeypatch.setattr(scan_ahead, 'reader_of', lambda _: Waiting())
  ahead = ScanAhead([(ranges, plan)], BLOCK_SIZE, 1)
  began.wait()

  assert ahead.take(ranges[1], plan, BLOCK_SIZE) is None
  go_on.set()
  under_way = ahead.take(ranges[0], plan, BLOCK_SIZE)

  assert under_way
  assert under_way[0] == scan_range(ranges[0], plan, BLOCK_SIZE)
  assert all(ahead.take(part, plan, BLOCK_SIZE) is None for part in ranges)


def test_a_range_that_cannot_be_scanned_is_left_to_the_graph(planned: tuple[list[ByteRange], InputPlan]) -> None:
  ranges, plan = planned
  os.remove(ranges[0].file.path)
  ahead = ScanAhead([(ranges[1:], plan)], BLOCK_SIZE, 1)
  wait_for(ahead)

  assert ahead.take(ranges[1], plan, BLOCK_SIZE) is None
