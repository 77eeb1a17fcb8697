"""A kind of input of somebody else's: registered, it goes the whole way to Examples and a manifest."""

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from beam_taxi.artifacts.listing import ListedFile, read_listing
from beam_taxi.artifacts.manifest import RunFolder, read_manifest
from beam_taxi.errors import UserError
from beam_taxi.examples.reading import read
from beam_taxi.graph.pipeline import build_graph
from beam_taxi.inputs import kinds
from beam_taxi.inputs.column_form import ColumnForm
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.findings import Findings, Problem
from beam_taxi.inputs.layout import InputPlan, Layout
from beam_taxi.inputs.quarantine import BadRecord
from beam_taxi.inputs.reader import ReadBlock
from beam_taxi.inputs.shard_sizes import Shard, Sizes
from beam_taxi.record.resolving import list_sources, plan_sources
from beam_taxi.settings.config import RunConfig

ARROW = {ColumnType.INT: pa.int64(), ColumnType.STRING: pa.binary()}


@dataclasses.dataclass(frozen=True)
class NumberedLines:
  """Settings of a kind whose files have a JSON list of a number and a text on each line."""

  names: tuple[str, str] = ('number', 'text')


@dataclasses.dataclass(frozen=True)
class File:
  path: str
  index: int


@dataclasses.dataclass(frozen=True)
class Whole:
  """A whole file, as its range and as its records: nothing has to be found in pass 1 but how many lines it has."""

  file: File
  start: int
  end: int
  shard: Shard


@dataclasses.dataclass(frozen=True)
class Settled:
  records: Sequence[Whole]
  findings: Findings
  unsure: Sequence[Whole] = ()


@dataclasses.dataclass(frozen=True)
class NumberedLinesInput:
  settings: NumberedLines

  def plan(self, listed: Sequence[ListedFile], columns: ColumnForm) -> InputPlan:
    size = sum(file.size for file in listed)
    return InputPlan(
      len(listed), size, size, Layout(self.settings, self.settings.names, (ColumnType.INT, ColumnType.STRING))
    )

  def ranges(self, listed: Sequence[ListedFile], sizes: Sizes) -> list[Whole]:
    return [Whole(File(file.path, index), 0, file.size, Shard(index, len(listed))) for index, file in enumerate(listed)]

  def scan(self, part: Whole, plan: InputPlan, block_size: int) -> tuple[Whole, int]:
    return part, len(pathlib.Path(part.file.path).read_text().splitlines())

  def settle(self, scans: Iterable[tuple[Whole, int]]) -> Settled:
    [(part, lines)] = scans
    return Settled([part], Findings((ColumnType.INT, ColumnType.STRING), lines))

  def scan_again(self, records: Any, layout: Layout, block_size: int) -> Findings:
    raise AssertionError('nothing is unsure')

  def read(self, records: Whole, layout: Layout, block_size: int) -> Iterator[ReadBlock]:
    good, bad = [], []
    for number, line in enumerate(pathlib.Path(records.file.path).read_text().splitlines(), 1):
      try:
        good.append(json.loads(line))
      except ValueError:
        problem = Problem(records.file.index, 0, f'{records.file.path}: line {number}: is no JSON')
        bad.append(BadRecord(records.file.path, number, 0, 'no_json', 'is no JSON', line.encode(), problem))
    columns = [pa.array([row[0] for row in good], pa.int64()), pa.array([row[1] for row in good], pa.binary())]
    yield ReadBlock(pa.RecordBatch.from_arrays(columns, names=list(layout.columns)), tuple(bad), records.end)

  def no_rows(self, layout: Layout) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({'number': pa.array([], pa.int64()), 'text': pa.array([], pa.binary())})

  def sample(self, listed: Sequence[ListedFile], size: int) -> Iterator[tuple[str, bytes]]:
    raise AssertionError('nothing is rehearsed')


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
  """A folder with two files of the kind, which is registered."""
  kind = kinds.Kind('numbered_lines', NumberedLines, f'{__name__}:NumberedLinesInput', ('.lines',))
  monkeypatch.setattr(kinds, 'KINDS', (*kinds.KINDS, kind))
  (tmp_path / 'a.lines').write_text('[1, "one"]\n[2, "two"]\n')
  (tmp_path / 'b.lines').write_text('[3, "three"]\nfour\n')
  return tmp_path


def run(folder: pathlib.Path, **settings: Any) -> RunFolder:
  config = RunConfig((f'{folder}/*.lines',), str(folder / 'out'), 'r', **settings)
  with beam.Pipeline(runner=FnApiRunner()) as pipeline:
    build_graph(pipeline, config)
  return RunFolder.of(config.output, config.run_id)


def test_its_rows_become_examples_and_its_bad_rows_are_set_aside(folder: pathlib.Path) -> None:
  made = run(folder, bad_rows='quarantine')

  rows = [
    row for split in ('train', 'eval') for batch in read(made.uri, split).record_batches() for row in batch.to_pylist()
  ]
  assert sorted((row['number'], row['text']) for row in rows) == [([1], [b'one']), ([2], [b'two']), ([3], [b'three'])]
  manifest = read_manifest(made)
  assert manifest
  assert (manifest.input.rows, manifest.bad_rows) == (4, {'no_json': 1})
  assert [file.path for file in read_listing(made).files] == [f'{folder}/a.lines', f'{folder}/b.lines']


def test_its_files_are_not_read_as_another_kind(folder: pathlib.Path) -> None:
  config = RunConfig((f'{folder}/',), str(folder / 'out'), 'r')

  with pytest.raises(UserError) as raised:
    plan_sources(config, list_sources(config))

  assert str(raised.value) == (
    f'{folder}/a.lines: is numbered_lines by its name, and would be read as csv; give patterns that end in .lines, and '
    'no flags of csv'
  )


def test_its_bad_rows_end_a_run_that_stands_none(folder: pathlib.Path) -> None:
  with pytest.raises((UserError, RuntimeError), match=r'b\.lines: line 2: is no JSON'):
    run(folder)
