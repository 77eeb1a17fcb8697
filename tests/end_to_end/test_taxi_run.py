"""`main.py` as a user runs it, on the real taxi data; what it wrote is read by TensorFlow, TFDV and MLMD's client."""

import bisect
import collections
import csv
import hashlib
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys

import ml_metadata as mlmd
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

ROOT = pathlib.Path(__file__).parent.parent.parent


@pytest.fixture(scope='module')
def run(taxi_csv, tmp_path_factory):
  """One complete run: (its folder, what it printed)."""
  output = tmp_path_factory.mktemp('taxi') / 'out'
  done = main('--input', taxi_csv, '--output', output, '--run_id', 'taxi-1')
  assert done.returncode == 0, done.stderr
  return output / 'runs' / 'taxi-1', done


@pytest.fixture(scope='module')
def rows(taxi_csv):
  """The taxi CSV as Python's csv module reads it."""
  with taxi_csv.open(newline='') as stream:
    return list(csv.DictReader(stream))


def main(*arguments: object) -> subprocess.CompletedProcess:
  command = [sys.executable, ROOT / 'main.py', *map(str, arguments)]
  environment = {**os.environ, 'COLUMNS': '100'}
  return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def records_of(folder: pathlib.Path, split: str) -> list[bytes]:
  files = sorted(map(str, (folder / 'examples' / f'Split-{split}').glob('data_tfrecord-*-of-*.gz')))
  return [record.numpy() for record in tf.data.TFRecordDataset(files, compression_type='GZIP')]


def column_kinds(rows: list[dict[str, str]]) -> dict[str, str]:
  """TFX's types by its own rules, cell by cell."""

  def kind_of(cell: str) -> int:
    for level, number in ((1, int), (2, float)):
      try:
        number(cell)
        return level
      except ValueError:
        pass
    return 3

  widest = {name: max((kind_of(row[name]) for row in rows if row[name]), default=0) for name in rows[0]}
  return {name: ('UNKNOWN', 'INT', 'FLOAT', 'STRING')[level] for name, level in widest.items()}


def example_of(row: dict[str, str], kinds: dict[str, str]) -> bytes:
  """A row as CsvExampleGen makes it a tf.Example, serialized deterministically by protobuf."""
  example = tf.train.Example()
  for name, cell in row.items():
    feature = example.features.feature[name]
    if kinds[name] == 'INT':
      feature.int64_list.value.extend([int(cell)] if cell else [])
      feature.int64_list.SetInParent()
    elif kinds[name] == 'FLOAT':
      feature.float_list.value.extend([float(cell)] if cell else [])
      feature.float_list.SetInParent()
    elif kinds[name] == 'STRING':
      feature.bytes_list.value.extend([cell.encode()] if cell else [])
      feature.bytes_list.SetInParent()
  return example.SerializeToString(deterministic=True)


def split_of(record: bytes, names: list[str], buckets: list[int]) -> str:
  """TFX's rule for output splits; `buckets` are running totals."""
  return names[bisect.bisect(buckets, int(hashlib.sha256(record).hexdigest(), 16) % buckets[-1])]


def open_store(output: pathlib.Path) -> mlmd.MetadataStore:
  config = mlmd_pb2.ConnectionConfig()
  config.sqlite.filename_uri = str(output / 'metadata.sqlite')
  config.sqlite.connection_mode = mlmd_pb2.SqliteMetadataSourceConfig.READONLY
  return mlmd.MetadataStore(config)


def test_every_row_is_the_example_that_tfx_would_write_in_the_split_where_tfx_would_put_it(run, rows):
  kinds = column_kinds(rows)
  expected = {'train': [], 'eval': []}
  for row in rows:
    record = example_of(row, kinds)
    expected[split_of(record, ['train', 'eval'], [2, 3])].append(record)
  assert {split: records_of(run[0], split) for split in expected} == expected


def test_statistics_say_what_the_csv_module_says(run, rows):
  train = [tf.train.Example.FromString(record) for record in records_of(run[0], 'train')]
  statistics = tfdv.load_stats_binary(str(run[0] / 'statistics' / 'Split-train' / 'FeatureStats.pb'))
  [dataset] = statistics.datasets
  assert dataset.num_examples == len(train)
  features = {feature.path.step[0]: feature for feature in dataset.features}
  assert set(features) == set(rows[0])

  fares = [example.features.feature['fare'].float_list.value[0] for example in train]
  assert features['fare'].num_stats.common_stats.tot_num_values == len(fares)
  assert features['fare'].num_stats.min == min(fares)
  assert features['fare'].num_stats.max == max(fares)
  assert features['fare'].num_stats.mean == pytest.approx(sum(fares) / len(fares), rel=1e-6)

  companies = [value for example in train for value in example.features.feature['company'].bytes_list.value]
  [(most_common, times)] = collections.Counter(companies).most_common(1)
  company = features['company'].string_stats
  assert company.common_stats.tot_num_values == len(companies) < len(train)
  assert company.common_stats.num_missing == 0
  assert company.unique == len(set(companies))
  assert company.top_values[0].value == most_common.decode()
  assert company.top_values[0].frequency == times


def test_the_schema_is_what_tfdv_infers_from_these_statistics(run):
  splits = [
    tfdv.load_stats_binary(str(run[0] / 'statistics' / f'Split-{split}' / 'FeatureStats.pb'))
    for split in ('train', 'eval')
  ]
  expected = tfdv.infer_schema(splits[0], infer_feature_shape=True)
  expected = tfdv.update_schema(expected, splits[1], infer_feature_shape=True)
  written = tfdv.load_schema_text(str(run[0] / 'schema' / 'schema.pbtxt'))
  assert written == expected
  assert {'company', 'fare', 'trip_start_hour'} <= {feature.name for feature in written.feature}


def test_the_manifest_counts_what_is_there(run, rows):
  manifest = json.loads((run[0] / 'manifest.json').read_text())
  assert manifest['input']['rows'] == len(rows) == 15_002
  assert manifest['splits'] == {split: len(records_of(run[0], split)) for split in ('train', 'eval')}
  assert manifest['columns'] == column_kinds(rows)
  assert set(manifest['artifacts']) == {*('examples', 'statistics', 'accumulators', 'schema', 'report', 'quarantine')}
  for file in itertools.chain.from_iterable(manifest['artifacts'].values()):
    data = pathlib.Path(file['path']).read_bytes()
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (file['sha256'], file['bytes'])


def test_nothing_else_is_in_the_runs_folder(run):
  names = {str(path.relative_to(run[0])) for path in run[0].rglob('*') if path.is_file()}
  shards = {f'examples/Split-{split}/data_tfrecord-0000{n}-of-00002.gz' for split in ('train', 'eval') for n in (0, 1)}
  statistics = {f'statistics/Split-{split}/FeatureStats.pb' for split in ('train', 'eval')}
  statistics |= {f'accumulators/Split-{split}/accumulator.arrow' for split in ('train', 'eval')}
  assert names == {*shards, *statistics, 'schema/schema.pbtxt', 'report/index.html', 'input.json', 'manifest.json'}


def test_mlmd_leads_from_the_pipeline_to_the_run_to_its_artifacts(run, taxi_csv):
  store = open_store(run[0].parent.parent)
  pipeline = store.get_context_by_type_and_name('pipeline', 'beam_taxi')
  [child] = store.get_children_contexts_by_context(pipeline.id)
  assert child.name == 'taxi-1'
  executions = store.get_executions_by_context(child.id)
  assert {execution.type for execution in executions} == {
    'beam_taxi.ExampleGen',
    'beam_taxi.StatisticsGen',
    'beam_taxi.SchemaGen',
  }
  assert {execution.last_known_state for execution in executions} == {mlmd_pb2.Execution.COMPLETE}
  artifacts = {artifact.type: artifact for artifact in store.get_artifacts_by_context(child.id)}
  assert {name: artifact.uri for name, artifact in artifacts.items()} == {
    'beam_taxi.CsvInput': str(taxi_csv),
    'Examples': f'{run[0]}/examples',
    'ExampleStatistics': f'{run[0]}/statistics',
    'Schema': f'{run[0]}/schema',
  }
  assert json.loads(artifacts['Examples'].properties['split_names'].string_value) == ['train', 'eval']


def test_the_summary_shows_rows_splits_features_steps_and_ids(run):
  printed = run[1].stdout
  assert 'Run taxi-1 is complete' in printed
  assert '15,002 rows, 1.9 MB in 1 file' in printed
  assert re.search(r'train +10,036 +66\.9%', printed)
  assert re.search(r'trip_miles +FLOAT +\d+\.\d% +0 ', printed)
  assert re.search(r'company +STRING +\d+\.\d% +\d+ +Taxi Affiliation Services \(\d+\.\d%\)', printed)
  assert re.search(r'GenerateStatistics +statistics +\d+\.\d', printed)
  assert re.search(r'examples +2 +examples', printed)
  assert f'Where: {run[0]}\n' in printed


def test_stderr_has_progress_lines_and_no_warning(run):
  for line in run[1].stderr.splitlines():
    assert re.match(r'\d\d:\d\d:\d\d INFO ', line), run[1].stderr


def test_chosen_splits_empty_cells_and_null_values_are_followed(taxi_csv, tmp_path, rows):
  done = main(
    *('--input', taxi_csv, '--output', tmp_path, '--run_id', 'other', '--splits', 'train:8,eval:1,test:1'),
    *('--empty_cells', 'missing', '--null_values', 'Cash,Unknown', '--metadata', 'none'),
  )
  assert done.returncode == 0, done.stderr
  records = {split: records_of(tmp_path / 'runs' / 'other', split) for split in ('train', 'eval', 'test')}
  assert sum(map(len, records.values())) == len(rows)
  for split, found in records.items():
    assert {split_of(record, ['train', 'eval', 'test'], [8, 9, 10]) for record in found} == {split}
  examples = [tf.train.Example.FromString(record) for found in records.values() for record in found]
  for name in ('payment_type', 'company'):
    present = collections.Counter(
      example.features.feature[name].bytes_list.value[0] for example in examples if name in example.features.feature
    )
    cells = collections.Counter(row[name].encode() for row in rows if row[name] not in ('', 'Cash', 'Unknown'))
    assert present == cells
  assert not (tmp_path / 'metadata.sqlite').exists()
