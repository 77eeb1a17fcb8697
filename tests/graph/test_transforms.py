"""The steps of the graph in pipelines of one's own: each does there what it does in a run."""

import functools
import itertools
import json
import operator
import pathlib
import re
from decimal import Decimal
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.errors import UserError, user_error_in
from beam_taxi.examples.output_form import OutputForm
from beam_taxi.graph.input_steps import ReadCsv
from beam_taxi.graph.output_steps import EncodeExamples, WriteExamples
from beam_taxi.graph.pipeline import build_graph
from beam_taxi.graph.shard_batches import ShardBatches
from beam_taxi.graph.statistics_steps import GenerateStatistics
from beam_taxi.inputs.bad_row_policy import BadRowLimit
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.settings.config import RunConfig

TYPES = {'n': ColumnType.INT, 's': ColumnType.STRING}


@pytest.fixture
def rows(tmp_path: pathlib.Path) -> str:
  """A file of 1000 rows."""
  (tmp_path / 'rows.csv').write_text('n,s\n' + ''.join(f'{n},text {n}\n' for n in range(1000)))
  return str(tmp_path / 'rows.csv')


@pytest.fixture
def bad_rows(tmp_path: pathlib.Path) -> str:
  """A file of five rows, two of which have a cell too few."""
  (tmp_path / 'bad.csv').write_text('n,s\n1,x\n2\n3,y\n4\n5,z\n')
  return str(tmp_path / 'bad.csv')


def refusal_of(*steps: beam.PTransform) -> str:
  """What the user is told of a pipeline of these steps, one after the other."""
  with pytest.raises((UserError, RuntimeError)) as raised, TestPipeline(runner=FnApiRunner()) as pipeline:
    functools.reduce(operator.or_, steps, pipeline)
  return str(user_error_in(raised.value))


def test_the_examples_of_csv_are_those_of_a_run_byte_for_byte(tmp_path: pathlib.Path, rows: str) -> None:
  sizes: dict[str, Any] = {'block_size': 1000, 'num_shards': 3}
  form = OutputForm(shuffle_seed=7, empty_cells='missing')
  folder = RunFolder(str(tmp_path / 'own'))
  with TestPipeline(runner=FnApiRunner()) as pipeline:
    read = pipeline | ReadCsv(rows, **sizes)
    encoded = read.blocks | EncodeExamples(form)
    _ = encoded | WriteExamples(folder)
  config = RunConfig((rows,), str(tmp_path / 'out'), 'run', shuffle_seed=7, empty_cells='missing', **sizes)
  with TestPipeline(runner=FnApiRunner()) as pipeline:
    build_graph(pipeline, config)

  run = RunFolder.of(config.output, config.run_id)
  own, of_run = (
    {path.relative_to(where.examples): path.read_bytes() for path in pathlib.Path(where.examples).rglob('*.gz')}
    for where in (folder, run)
  )
  assert len(of_run) == 2 * 3
  assert own == of_run


def test_csv_is_read_in_its_dialect(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.txt').write_text('1;x\n2;y\n')
  (tmp_path / 'b.txt').write_text('3;\n')
  with TestPipeline(runner=FnApiRunner()) as pipeline:
    read = pipeline | ReadCsv([f'{tmp_path}/a.txt', f'{tmp_path}/b.txt'], Dialect(delimiter=';', columns=('n', 's')))
    found = read.blocks | beam.FlatMap(lambda block: [tuple(row.values()) for row in block.rows.to_pylist()])
    assert_that(found, equal_to([(1, b'x'), (2, b'y'), (3, None)]))


def test_a_relative_pattern_means_what_it_means_where_the_pipeline_is_built(
  tmp_path: pathlib.Path, rows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.chdir(tmp_path)
  reading = ReadCsv('rows.csv')
  monkeypatch.chdir('/')
  with TestPipeline(runner=FnApiRunner()) as pipeline:
    read = pipeline | reading
    assert_that(read.blocks | beam.Map(lambda block: block.rows.num_rows) | beam.CombineGlobally(sum), equal_to([1000]))


def test_nothing_is_written_where_no_row_is_set_aside(tmp_path: pathlib.Path, rows: str) -> None:
  before = sorted(tmp_path.rglob('*'))
  with TestPipeline(runner=FnApiRunner()) as pipeline:
    read = pipeline | ReadCsv(rows)
    assert_that(read.quarantine, equal_to([]))

  assert sorted(tmp_path.rglob('*')) == before


@pytest.mark.parametrize('types', [{}, TYPES], ids=['inferred', 'given'])
def test_bad_rows_are_set_aside_in_files_that_come_with_the_blocks(
  tmp_path: pathlib.Path, bad_rows: str, types: dict
) -> None:
  folder = tmp_path / 'aside'
  limit = BadRowLimit(Decimal(40), percent=True)
  with TestPipeline(runner=FnApiRunner()) as pipeline:
    read = pipeline | ReadCsv(bad_rows, column_types=types, quarantine=str(folder), max_bad_rows=limit)
    assert_that(read.blocks | beam.Map(lambda block: block.rows.num_rows) | beam.CombineGlobally(sum), equal_to([3]))
    found = read.quarantine | beam.Map(lambda file: (file.path, dict(file.counts)))
    path = folder / 'rows-00000-of-00001.jsonl'
    assert_that(found, equal_to([(str(path), {'wrong_number_of_cells': 2})]), 'quarantine')

  assert [json.loads(line)['row'] for line in path.read_text().splitlines()] == ['2', '4']


@pytest.mark.parametrize('types', [{}, TYPES], ids=['inferred', 'given'])
@pytest.mark.parametrize(
  'limit', [BadRowLimit(Decimal(1)), BadRowLimit(Decimal('39.9'), percent=True)], ids=['rows', 'share']
)
def test_more_bad_rows_than_allowed_fail_the_pipeline(
  tmp_path: pathlib.Path, bad_rows: str, types: dict, limit: BadRowLimit
) -> None:
  said = refusal_of(ReadCsv(bad_rows, column_types=types, quarantine=str(tmp_path / 'aside'), max_bad_rows=limit))

  assert said.startswith(f'2 of 5 rows are bad, and --max_bad_rows is {limit}; ')


@pytest.mark.parametrize('types', [{}, TYPES], ids=['inferred', 'given'])
def test_a_bad_row_fails_a_pipeline_that_stands_none(bad_rows: str, types: dict) -> None:
  assert 'bad.csv: line 3 (byte 8): 1 cell where 2 are expected: 2' in refusal_of(ReadCsv(bad_rows, column_types=types))


def test_a_pattern_that_names_no_file_fails_the_pipeline(tmp_path: pathlib.Path) -> None:
  assert f'{tmp_path}/none.csv: no file matches' in refusal_of(ReadCsv(f'{tmp_path}/none.csv'))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
  'a_type_by_its_name': ({'column_types': {'n': 'INT'}}, "column_types: 'n' is 'INT'; give a ColumnType"),
  'no_pattern': ({'patterns': ()}, 'ReadCsv: there is no pattern'),
  'limit': ({'max_bad_rows': BadRowLimit(5)}, 'ReadCsv: max_bad_rows says how many rows are set aside'),
  'size': ({'block_size': 0}, '--block_size 0: give a positive number of bytes'),
}


@pytest.mark.parametrize(('settings', 'message'), WRONG.values(), ids=WRONG)
def test_a_setting_that_is_wrong_is_told_before_anything_is_read(settings: dict[str, Any], message: str) -> None:
  with pytest.raises(UserError) as raised:
    ReadCsv(**{'patterns': 'rows.csv', **settings})

  assert str(raised.value).startswith(message)


def test_statistics_by_something_unknown_are_refused() -> None:
  with pytest.raises(UserError, match="GenerateStatistics: by is 'tfx'; give one of shard, tfdv"):
    GenerateStatistics(OutputForm(), 'tfx')


SCHEMA = pa.schema([('n', pa.int64())])


def batch(*numbers: int) -> pa.RecordBatch:
  return pa.RecordBatch.from_pydict({'n': numbers}, schema=SCHEMA)


SHARDED: dict[str, tuple[list[tuple], list[tuple[int, list[int]]]]] = {
  'numbers': ([(3, batch(3)), (0, batch(0)), (1, batch(1)), (10, batch(10))], [(0, [0, 10]), (1, [1, 3])]),
  'no_batch_of_a_shard': ([(3, batch(3))], [(0, []), (1, [3])]),
  'no_batch': ([], [(0, []), (1, [])]),
  'texts': ([('d', batch(4)), ('c', batch(3)), ('a', batch(1))], [(0, [4]), (1, [1, 3])]),
  'both': ([('a', batch(1)), (7, batch(7))], [(0, []), (1, [7, 1])]),
}


@pytest.mark.parametrize(('batches', 'expected'), SHARDED.values(), ids=SHARDED)
def test_batches_stand_in_the_shard_and_the_place_of_their_keys(batches: list, expected: list) -> None:
  def check(blocks: list) -> None:
    blocks.sort(key=lambda block: (block.shard.index, block.number))
    found = []
    for index, of_shard in itertools.groupby(blocks, key=lambda block: block.shard.index):
      first, *others = of_shard
      assert (first.number, first.rows.num_rows) == (0, 0)
      assert [block.number for block in others] == list(range(1, len(others) + 1))
      assert [block.last for block in (first, *others)] == [False] * len(others) + [True]
      found.append((index, [number for block in others for number in block.rows['n'].to_pylist()]))
    assert found == expected

  with TestPipeline(runner=FnApiRunner()) as pipeline:
    assert_that(pipeline | beam.Create(batches) | ShardBatches(SCHEMA, num_shards=2), check)


def test_nullability_and_metadata_of_a_schema_do_not_matter() -> None:
  schema = pa.schema([pa.field('n', pa.int64(), nullable=False), ('s', pa.null())], {'made': 'by pandas'})
  plain = pa.schema([('n', pa.int64()), ('s', pa.null())])
  batches = [
    (number, pa.RecordBatch.from_pylist([{'n': number}], schema=each)) for number, each in enumerate([schema, plain])
  ]

  def check(blocks: list) -> None:
    assert {block.rows.schema for block in blocks} == {plain}
    assert {block.rows.schema.metadata for block in blocks} == {None}

  with TestPipeline(runner=FnApiRunner()) as pipeline:
    assert_that(pipeline | beam.Create(batches) | ShardBatches(schema, num_shards=1), check)


BATCHES: dict[str, tuple[list[tuple], str]] = {
  'another_name': ([(0, {'m': [7]})], 'ShardBatches: batch 0 has the columns m: int64; all need n: int64'),
  'another_type': ([('a', {'n': ['x']})], "ShardBatches: batch 'a' has the columns n: string; all need n: int64"),
  'one_number_twice': ([(0, {'n': [1]}), (0, {'n': [2]})], 'ShardBatches: two batches have the key 0; each needs'),
  'one_text_twice': ([('a', {'n': [1]}), ('a', {'n': [2]})], "ShardBatches: two batches have the key 'a'; each needs"),
}


@pytest.mark.parametrize(('batches', 'message'), BATCHES.values(), ids=BATCHES)
def test_batches_that_cannot_be_put_in_order_are_refused(batches: list, message: str) -> None:
  keyed = [(key, pa.RecordBatch.from_pydict(columns)) for key, columns in batches]

  assert refusal_of(beam.Create(keyed), ShardBatches(SCHEMA, num_shards=1)).startswith(message)


SCHEMAS: dict[str, tuple[pa.Schema, int, str]] = {
  'no_shard': (SCHEMA, 0, 'ShardBatches: num_shards is 0; give at least 1'),
  'another_type': (pa.schema([('n', pa.int32())]), 1, "ShardBatches: column 'n' is int32; cast it to int64, float32"),
  'a_name_twice': (pa.schema([('n', pa.int64()), ('n', pa.binary())]), 1, "ShardBatches: two columns are named 'n'"),
}


@pytest.mark.parametrize(('schema', 'num_shards', 'message'), SCHEMAS.values(), ids=SCHEMAS)
def test_what_no_batches_can_be_sharded_by_is_refused(schema: pa.Schema, num_shards: int, message: str) -> None:
  with pytest.raises(UserError, match=re.escape(message)):
    ShardBatches(schema, num_shards)
