"""The recipes, run as programs; what they wrote is read with TensorFlow."""

import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf
import warm
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

ROOT = pathlib.Path(__file__).parents[2]
SPLITS = ('train', 'eval')


def cook(folder: pathlib.Path, recipe: str, *words: str) -> None:
  """Runs a recipe, which should end well."""
  command = [sys.executable, str(ROOT / 'recipes' / recipe), *words]
  done = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True)
  assert done.returncode == 0, done.stderr


def environment(home: pathlib.Path) -> dict[str, str]:
  return {'PYTHONPATH': str(ROOT), 'HOME': str(home)}


def examples(run: pathlib.Path, split: str, shard: str = '*') -> list[tf.train.Example]:
  shards = sorted(map(str, (run / 'examples' / f'Split-{split}').glob(f'data_tfrecord-{shard}-of-*.gz')))
  return [tf.train.Example.FromString(data.numpy()) for data in tf.data.TFRecordDataset(shards, 'GZIP')]


def number_of(example: tf.train.Example) -> int:
  return example.features.feature['number'].int64_list.value[0]


def test_rows_are_changed_between_reading_and_encoding(tmp_path: pathlib.Path) -> None:
  trips = ''.join(f'{n},{n / 4},trip {n}\n' for n in range(1, 41))
  (tmp_path / 'trips.csv').write_text(f'trip_miles,fare,name\n{trips},5,no miles\n')

  cook(tmp_path, 'change_rows.py', 'trips.csv', 'out')

  run = tmp_path / 'out'
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

  run = tmp_path / 'out'
  numbers = [
    [number_of(example) for split in SPLITS for example in examples(run, split, shard)] for shard in ('00000', '00001')
  ]
  # Batches 0, 2, 4 and 6 are of shard 0, the others of shard 1.
  assert [sorted({number // 10 for number in shard}) for shard in numbers] == [[0, 2, 4, 6], [1, 3, 5, 7]]
  assert sorted(number for shard in numbers for number in shard) == list(range(80))
  for shard in ('00000', '00001'):
    train = [number_of(example) for example in examples(run, 'train', shard)]
    assert train == sorted(train)


WRONG = {
  'no_words': ('change_rows.py', [], 'change_rows.py: error: the following arguments are required: pattern, output'),
  'no_output': ('write_batches.py', [], 'write_batches.py: error: the following arguments are required: output'),
  'no_file': ('change_rows.py', ['none.csv', 'out'], 'none.csv: no file matches; check the path'),
  'a_bad_row': ('change_rows.py', ['bad.csv', 'out'], 'bad.csv: line 3 (byte 20): 1 cell where 2 are expected: 3; '),
}


@pytest.mark.parametrize(('recipe', 'words', 'message'), WRONG.values(), ids=WRONG)
def test_wrong_use_is_said_in_one_line(tmp_path: pathlib.Path, recipe: str, words: list[str], message: str) -> None:
  (tmp_path / 'bad.csv').write_text('trip_miles,fare\n1,2\n3\n')

  process = warm.Process([str(ROOT / 'recipes' / recipe), *words], tmp_path, environment(tmp_path))
  _, said = process.communicate()

  assert process.returncode == 2, said
  assert message in said.splitlines()[-1]
  assert 'Traceback' not in said
