"""What is different between two runs, by real schemas and statistics that TFDV makes of small DataFrames."""

import dataclasses
import math
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0.schema_pb2 import Schema
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beam_taxi.analysis.comparison import Pair, compare
from beam_taxi.analysis.feature_statistics import DatasetStatistics, of_all_rows
from beam_taxi.analysis.moves import Move, Thresholds, moves
from beam_taxi.analysis.schema import infer_schema, write_inferred_schema
from beam_taxi.analysis.schema_changes import SchemaChange, schema_changes
from beam_taxi.analysis.statistics import write_statistics
from beam_taxi.artifacts.manifest import InputSummary, Manifest, RunFolder, WrittenFile
from beam_taxi.errors import UserError

TAXI = {'fare': [float(fare) for fare in range(100)], 'company': ['Blue'] * 60 + ['Green'] * 40}


def statistics(columns: Mapping[str, list[Any]]) -> DatasetFeatureStatisticsList:
  return tfdv.generate_statistics_from_dataframe(pd.DataFrame(columns))


Make = Callable[..., Manifest]


@pytest.fixture
def run(tmp_path: pathlib.Path) -> Make:
  """Makes a run with a split 'train' of this data: schema and statistics as files, the rest as it is told."""

  def make(run_id: str, data: Mapping[str, list[Any]] = TAXI, **told: Any) -> Manifest:
    folder = RunFolder.of(str(tmp_path), run_id)
    found = statistics(data)
    rows = found.datasets[0].num_examples
    manifest = Manifest(
      run_id=run_id,
      pipeline_name='taxi',
      input=InputSummary(('*.csv',), 1, 1000, rows, 'sha256:ab'),
      columns={'fare': 'FLOAT', 'company': 'STRING'},
      splits={'train': rows},
      artifacts={
        'examples': (WrittenFile(folder.shard_file('train', 0, 1), 'cd', 'train', 100, rows),),
        'statistics': (write_statistics(found, folder.statistics_file('train'), 'train'),),
        'schema': (write_inferred_schema(folder.schema_file, found),),
        **told.pop('artifacts', {}),
      },
      versions={'pyarrow': '1'},
    )
    return dataclasses.replace(manifest, **told)

  return make


def test_runs_of_the_same_data_are_the_same(run: Make) -> None:
  found = compare(run('run-1'), run('run-2'))

  assert (found.first, found.second) == ('run-1', 'run-2')
  assert found.same_input
  assert found.same_results
  assert found.same_examples
  assert (found.columns, found.schema, found.moves, found.versions) == ((), (), (), ())


def test_both_inputs_are_described(run: Make) -> None:
  other = InputSummary(('a.csv', 'b.csv'), 2, 2000, 150, 'sha256:ef')

  found = compare(run('run-1'), run('run-2', input=other))

  assert found.input == (
    Pair('patterns', '*.csv', 'a.csv b.csv'),
    Pair('files', 1, 2),
    Pair('bytes', 1000, 2000),
    Pair('rows', 100, 150),
    Pair('fingerprint', 'sha256:ab', 'sha256:ef'),
  )
  assert not found.same_input
  assert found.same_results


@pytest.mark.parametrize(
  ('told', 'field', 'pairs'),
  [
    ({'splits': {'train': 90, 'test': 10}}, 'records', (Pair('train', 100, 90), Pair('test', None, 10))),
    ({'bad_rows': {'not_text': 3}}, 'bad_rows', (Pair('not_text', 0, 3),)),
    ({'columns': {'fare': 'INT', 'tip': 'FLOAT'}}, 'columns', None),
    ({'versions': {'pyarrow': '2'}}, 'versions', (Pair('pyarrow', '1', '2'),)),
  ],
  ids=['records', 'bad rows', 'columns', 'versions'],
)
def test_what_manifests_say_is_put_side_by_side(
  run: Make, told: Mapping[str, Any], field: str, pairs: tuple[Pair, ...] | None
) -> None:
  found = compare(run('run-1'), run('run-2', **told))

  columns = (Pair('fare', 'FLOAT', 'INT'), Pair('company', 'STRING', None), Pair('tip', None, 'FLOAT'))
  assert getattr(found, field) == (columns if pairs is None else pairs)


@pytest.mark.parametrize(
  'told',
  [{'splits': {'train': 99}}, {'bad_rows': {'not_text': 1}}, {'columns': {'fare': 'FLOAT'}}],
  ids=['records', 'bad rows', 'columns'],
)
def test_runs_with_another_count_or_column_are_not_the_same(run: Make, told: Mapping[str, Any]) -> None:
  assert not compare(run('run-1'), run('run-2', **told)).same_results


@pytest.mark.parametrize(
  ('one', 'other', 'expected'),
  [
    ({'sha256': 'a'}, {'sha256': 'a'}, (True, 'files')),
    ({'sha256': 'a'}, {'sha256': 'b'}, (False, 'files')),
    ({'sha256': 'a', 'records_crc32c': '1'}, {'sha256': 'b', 'records_crc32c': '1'}, (True, 'records')),
    ({'sha256': 'a', 'records_crc32c': '1'}, {'sha256': 'b', 'records_crc32c': '2'}, (False, 'records')),
    ({'records_crc32c': '1', 'record_bytes': 8}, {'records_crc32c': '1', 'record_bytes': 9}, (False, 'records')),
    ({'sha256': 'a'}, {'sha256': 'b', 'records_crc32c': '1'}, (False, 'files')),
  ],
  ids=['one file', 'two files', 'compressed otherwise', 'other records', 'other sizes', 'no digest of one'],
)
def test_shards_are_compared_by_their_records_where_both_runs_have_digests_of_them(
  run: Make, one: Mapping[str, Any], other: Mapping[str, Any], expected: tuple[bool, str]
) -> None:
  first, second = (
    run(name, artifacts={'examples': (WrittenFile(f'{name}/a.gz', **{'sha256': '', **shard}),)})
    for name, shard in (('run-1', one), ('run-2', other))
  )

  found = compare(first, second)

  assert (found.same_examples, found.examples_compared) == expected


def test_what_moved_most_comes_first(run: Make) -> None:
  columns = {'fare': [fare * 3 for fare in TAXI['fare']], 'company': ['Blue'] * 58 + ['Green'] * 42}

  found = compare(run('run-1'), run('run-2', columns)).moves

  assert {(move.split, move.feature) for move in found} == {('train', 'fare'), ('train', 'company')}
  assert [move.times for move in found] == sorted((move.times for move in found), reverse=True)


def test_a_split_that_only_one_run_has_does_not_move(run: Make) -> None:
  assert compare(run('run-1'), run('run-2', artifacts={'statistics': ()})).moves == ()


def test_the_thresholds_may_be_given(run: Make) -> None:
  columns = {**TAXI, 'company': ['Blue'] * 58 + ['Green'] * 42}
  wide = Thresholds(share=0.5, distance=0.5)

  found = compare(run('run-1'), run('run-2', columns), wide)

  assert found.moves == ()
  assert found.thresholds == wide


def test_a_file_that_is_gone_is_named(run: Make) -> None:
  second = run('run-2')
  pathlib.Path(second.schema.path).unlink()

  with pytest.raises(UserError, match=f'{second.schema.path}: cannot be read .No such file'):
    compare(run('run-1'), second)


@pytest.mark.parametrize('damaged', [b'garbage', b'\xff'], ids=['no schema', 'no text'])
def test_a_schema_that_is_none_is_named(run: Make, damaged: bytes) -> None:
  second = run('run-2')
  pathlib.Path(second.schema.path).write_bytes(damaged)

  with pytest.raises(UserError, match=f'^{second.schema.path}: is no schema .*[^\n]$'):
    compare(run('run-1'), second)


def dataset(columns: Mapping[str, list[Any]]) -> DatasetStatistics:
  found = of_all_rows(statistics(columns))
  assert found
  return found


def moved(first: Mapping[str, list[Any]], second: Mapping[str, list[Any]]) -> dict[str, Move]:
  """The moves of the one feature, by measure, and by the value where they have one."""
  found = moves('train', dataset(first), dataset(second), Thresholds())
  return {move.value or move.measure: move for move in found}


NUMBERS = [float(number) for number in range(1, 101)]


@pytest.mark.parametrize(
  ('second', 'measure', 'numbers'),
  [
    ([*NUMBERS[:90], *[None] * 10], 'missing', (0.0, 0.1)),
    ([*[0.0] * 20, *NUMBERS[20:]], 'zeros', (0.0, 0.2)),
    ([number + 5 for number in NUMBERS], 'mean', (50.5, 55.5)),
    ([number / 2 for number in NUMBERS], 'std dev', (28.866, 14.433)),
    ([-20.0, *NUMBERS[1:]], 'min', (1.0, -20.0)),
    ([*NUMBERS[:99], 150.0], 'max', (100.0, 150.0)),
  ],
  ids=['missing', 'zeros', 'mean', 'std dev', 'min', 'max'],
)
def test_a_statistic_of_numbers_moves(second: list[Any], measure: str, numbers: tuple[float, float]) -> None:
  move = moved({'fare': NUMBERS}, {'fare': second})[measure]

  assert (move.split, move.feature) == ('train', 'fare')
  assert (move.first, move.second) == pytest.approx(numbers, abs=1e-3)


@pytest.mark.parametrize(
  ('second', 'measure', 'numbers'),
  [
    (['a'] * 60 + ['b'] * 20 + [None] * 20, 'missing', (0.0, 0.2)),
    (['a'] * 60 + ['b'] * 30 + ['c'] * 10, 'unique', (2, 3)),
    (['a'] * 70 + ['b'] * 30, 'a', (0.6, 0.7)),
    (['a'] * 30 + ['c'] * 70, 'c', (0.0, 0.7)),
    (['a'] * 50 + ['b'] * 50, 'L-infinity distance', (0, 0.1)),
  ],
  ids=['missing', 'unique', 'top value', 'another top value', 'distance'],
)
def test_a_statistic_of_strings_moves(second: list[Any], measure: str, numbers: tuple[float, float]) -> None:
  move = moved({'company': ['a'] * 60 + ['b'] * 40}, {'company': second})[measure]

  assert (move.first, move.second) == pytest.approx(numbers)


def test_the_distance_of_numbers_is_tfdvs() -> None:
  others = [1 + (number - 1) ** 2 / 99 for number in NUMBERS]
  first, second = statistics({'fare': NUMBERS}), statistics({'fare': others})
  schema = tfdv.infer_schema(first)
  tfdv.get_feature(schema, 'fare').drift_comparator.jensen_shannon_divergence.threshold = 0
  [drift] = tfdv.validate_statistics(second, schema, previous_statistics=first).drift_skew_info

  move = moved({'fare': NUMBERS}, {'fare': others})['Jensen-Shannon divergence']

  assert move.second == pytest.approx(drift.drift_measurements[0].value)


def test_of_lists_rows_without_one_are_missing_however_many_values_the_others_have() -> None:
  first = {'tags': [[1, 2], [1, 2, 3], [4], [5, 6]]}

  assert moved(first, {'tags': [[1, 2], [1, 2, 3], [4, 5], [5, 6]]}).get('missing') is None
  assert (moved(first, {'tags': [[1, 2], None, None, [5, 6]]})['missing'].second) == 0.5


def test_a_move_says_how_many_times_its_threshold_it_is() -> None:
  assert moved({'fare': NUMBERS}, {'fare': [*NUMBERS[:90], *[None] * 10]})['missing'].times == pytest.approx(10)


@pytest.mark.parametrize(
  ('first', 'second'),
  [
    (NUMBERS, [number + 0.1 for number in NUMBERS]),
    ([1] * 100, [1.0] * 100),
    ([None] * 10, [None] * 10),
    (['a'] * 10, ['a'] * 20),
    ([math.inf, -math.inf, 1.0], [math.inf, -math.inf, 1.0]),
    ([1.0, 2.0], ['a', 'b']),
  ],
  ids=['little', 'int and float', 'no values', 'more rows', 'not finite', 'another type'],
)
def test_nothing_moves(first: list[Any], second: list[Any]) -> None:
  assert moved({'x': first}, {'x': second}) == {}


def test_another_constant_is_infinitely_far() -> None:
  found = moved({'x': [1.0] * 10}, {'x': [2.0] * 10})

  assert found['mean'].times == math.inf


def test_values_that_are_no_longer_finite_are_infinitely_far() -> None:
  assert moved({'x': [1.0, 2.0]}, {'x': [1.0, math.inf]})['max'].times == math.inf


def test_a_column_without_values_has_only_its_missing_share() -> None:
  assert set(moved({'x': NUMBERS}, {'x': [math.nan] * 100})) == {'missing'}


@pytest.mark.parametrize('empty', [DatasetStatistics(0, {}), dataset({'x': []})], ids=['nothing', 'no rows'])
def test_a_split_without_rows_does_not_move(empty: DatasetStatistics) -> None:
  assert moves('train', dataset({'x': NUMBERS}), empty, Thresholds()) == []
  assert moves('train', empty, dataset({'x': NUMBERS}), Thresholds()) == []


def test_statistics_without_a_dataset_do_not_move(run: Make) -> None:
  second = run('run-2', {'fare': [1.0], 'company': ['x']})
  path = second.statistics[0].path
  pathlib.Path(path).write_bytes(DatasetFeatureStatisticsList().SerializeToString())

  assert compare(run('run-1'), second).moves == ()


def test_features_that_only_one_run_has_do_not_move() -> None:
  assert moved({'x': NUMBERS, 'y': NUMBERS}, {'z': NUMBERS, 'x': NUMBERS}) == {}


def schema(text: str) -> Schema:
  return text_format.Parse(text, Schema())


COMPANY = 'feature { name: "c" type: BYTES domain: "d" } string_domain { name: "d" value: ["a", "b"] }'


@pytest.mark.parametrize(
  ('first', 'second', 'change'),
  [
    ('', 'feature { name: "x" type: INT }', SchemaChange('x', 'feature', '', 'INT')),
    ('feature { name: "x" type: INT }', '', SchemaChange('x', 'feature', 'INT', '')),
    (
      'feature { name: "x" type: INT }',
      'feature { name: "x" type: FLOAT }',
      SchemaChange('x', 'type', 'INT', 'FLOAT'),
    ),
    (
      'feature { name: "x" presence { min_fraction: 1 min_count: 1 } }',
      'feature { name: "x" presence { min_count: 1 } }',
      SchemaChange('x', 'presence', 'min_fraction: 1.0 min_count: 1', 'min_count: 1'),
    ),
    (
      'feature { name: "x" shape { dim { size: 1 } } }',
      'feature { name: "x" }',
      SchemaChange('x', 'shape', 'dim { size: 1 }', ''),
    ),
    (
      'feature { name: "x" int_domain { min: 0 max: 5 } }',
      'feature { name: "x" int_domain { min: 0 max: 9 } }',
      SchemaChange('x', 'int_domain', 'min: 0 max: 5', 'min: 0 max: 9'),
    ),
    (
      'feature { name: "x" }',
      'feature { name: "x" bool_domain {} }',
      SchemaChange('x', 'bool_domain', '', 'any'),
    ),
    (
      'feature { name: "x" in_environment: "A" }',
      'feature { name: "x" in_environment: ["A", "B"] }',
      SchemaChange('x', 'in_environment', 'A', 'A, B'),
    ),
    (
      COMPANY,
      'feature { name: "c" type: BYTES domain: "d" } string_domain { name: "d" value: ["b", "c", "d"] }',
      SchemaChange('c', 'string domain', '2 strings', '3 strings', ('c', 'd'), ('a',)),
    ),
    (COMPANY, 'feature { name: "c" type: BYTES }', SchemaChange('c', 'string domain', '2 strings', '')),
    ('', 'default_environment: "A"', SchemaChange('', 'default_environment', '', 'A')),
  ],
  ids=[
    'added',
    'removed',
    'type',
    'presence',
    'shape',
    'range',
    'empty message',
    'list',
    'strings',
    'no more strings',
    'of all features',
  ],
)
def test_a_schema_changes(first: str, second: str, change: SchemaChange) -> None:
  assert schema_changes(schema(first), schema(second)) == (change,)


@pytest.mark.parametrize(
  'second',
  [
    'feature { name: "c" type: BYTES domain: "other" } string_domain { name: "other" value: ["b", "a"] }',
    'feature { name: "c" type: BYTES string_domain { value: ["a", "b"] } }',
  ],
  ids=['by another name', 'in the feature'],
)
def test_a_domain_is_its_strings(second: str) -> None:
  assert schema_changes(schema(COMPANY), schema(second)) == ()


def test_inferred_schemas_are_compared() -> None:
  one = infer_schema([statistics({'x': [1, 2], 'c': ['a', 'b']})])
  other = infer_schema([statistics({'x': [1.0, None], 'c': ['a', 'c']})])

  changes = {(change.feature, change.what) for change in schema_changes(one, other)}

  assert {('x', 'type'), ('x', 'presence'), ('c', 'string domain')} <= changes
