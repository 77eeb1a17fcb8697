"""The recipes, run as programs; what they wrote is read with TensorFlow."""

import pathlib
import subprocess
import sys

import apache_beam as beam
import pyarrow as pa
import pytest
import tensorflow as tf
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

import beam_taxi

ROOT = pathlib.Path(__file__).parents[2]
SPLITS = ('train', 'eval')
SCHEMA = pa.schema([('n', pa.int64())])


def cook(folder: pathlib.Path, recipe: str, *words: str) -> None:
  done = subprocess.run(
    [sys.executable, str(ROOT / 'recipes' / recipe), *words],
    cwd=folder,
    env={'PYTHONPATH': str(ROOT), 'HOME': str(folder)},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr


def examples(run: pathlib.Path, split: str, shard: str = '*') -> list[tf.train.Example]:
  shards = sorted(map(str, (run / 'examples' / f'Split-{split}').glob(f'data_tfrecord-{shard}-of-*.gz')))
  return [tf.train.Example.FromString(data.numpy()) for data in tf.data.TFRecordDataset(shards, 'GZIP')]


def number_of(example: tf.train.Example) -> int:
  return example.features.feature['number'].int64_list.value[0]


def test_rows_are_changed_between_reading_and_encoding(tmp_path: pathlib.Path) -> None:
  trips = ''.join(f'{n},{n / 4},trip {n}\n' for n in range(1, 41))
  (tmp_path / 'trips.csv').write_text(f'trip_miles,fare,name\n{trips},5,no miles\n')

  cook(tmp_path, 'change_rows.py', 'trips.csv', 'out')

  run = tmp_path / 'out' / 'runs' / 'changed'
  found = [example.features.feature for split in SPLITS for example in examples(run, split)]
  assert len(found) == 41
  assert {tuple(each['miles_per_dollar'].float_list.value) for each in found} == {(4.0,), ()}
  schema = text_format.Parse((run / 'schema' / 'schema.pbtxt').read_text(), schema_pb2.Schema())
  assert {feature.name for feature in schema.feature} == {'trip_miles', 'fare', 'name', 'miles_per_dollar'}
  statistics = DatasetFeatureStatisticsList.FromString(
    (run / 'statistics' / 'Split-train' / 'FeatureStats.pb').read_bytes()
  )
  assert statistics.datasets[0].num_examples == len(examples(run, 'train'))


def test_batches_are_written_by_their_numbers(tmp_path: pathlib.Path) -> None:
  cook(tmp_path, 'write_batches.py', 'out')

  run = tmp_path / 'out' / 'runs' / 'batches'
  numbers = [
    [number_of(example) for split in SPLITS for example in examples(run, split, shard)] for shard in ('00000', '00001')
  ]
  # Batches 0, 2, 4 and 6 are of shard 0, the others of shard 1.
  assert [sorted({number // 10 for number in shard}) for shard in numbers] == [[0, 2, 4, 6], [1, 3, 5, 7]]
  assert sorted(number for shard in numbers for number in shard) == list(range(80))
  for shard in ('00000', '00001'):
    train = [number_of(example) for example in examples(run, 'train', shard)]
    assert train == sorted(train)


def test_a_shard_without_a_batch_has_one_empty_block() -> None:
  rows = pa.RecordBatch.from_pydict({'n': [7]}, schema=SCHEMA)
  with beam.Pipeline(runner=FnApiRunner()) as pipeline:
    blocks = pipeline | beam.Create([(3, rows)]) | beam_taxi.ShardBatches(SCHEMA, num_shards=2)
    found = blocks | beam.Map(lambda block: (block.shard.index, block.number, block.last, block.rows.num_rows))
    assert_that(found, equal_to([(0, 0, True, 0), (1, 0, False, 0), (1, 1, True, 1)]))


BATCHES = {
  'another_name': ([(0, {'m': [7]})], r'batch 0 has the columns m: int64; all need n: int64'),
  'another_type': ([(0, {'n': ['x']})], r'batch 0 has the columns n: string; all need n: int64'),
  'one_number_twice': ([(0, {'n': [1]}), (0, {'n': [2]})], r'two batches have the number 0'),
}


@pytest.mark.parametrize(('batches', 'message'), BATCHES.values(), ids=BATCHES)
def test_batches_that_cannot_be_put_in_order_are_refused(batches: list, message: str) -> None:
  numbered = [(number, pa.RecordBatch.from_pydict(columns)) for number, columns in batches]
  with (
    pytest.raises((beam_taxi.UserError, RuntimeError), match=message),
    beam.Pipeline(runner=FnApiRunner()) as pipeline,
  ):
    _ = pipeline | beam.Create(numbered) | beam_taxi.ShardBatches(SCHEMA, num_shards=1)


def test_shards_of_no_number_or_of_other_columns_are_refused() -> None:
  with pytest.raises(beam_taxi.UserError, match='num_shards is 0; give at least 1'):
    beam_taxi.ShardBatches(SCHEMA, num_shards=0)
  with pytest.raises(beam_taxi.UserError, match="column 'n' is int32; cast it to int64, float32 or binary"):
    beam_taxi.ShardBatches(pa.schema([('n', pa.int32())]), num_shards=1)
