"""What a run wrote is read back as it was in the CSV, in each of three forms and from either format."""

import gzip
import os
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tensorflow as tf
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline

from beam_taxi import read
from beam_taxi.artifacts.manifest import RunFolder, read_manifest
from beam_taxi.errors import UserError
from beam_taxi.examples.splits import Split
from beam_taxi.graph.pipeline import build_graph
from beam_taxi.inputs.input_splits import InputSplit
from beam_taxi.settings.config import RunConfig

FORMATS = ['tfrecord', 'parquet']

# Whole columns: always a value, sometimes, never.
ROWS: dict[str, list[Any]] = {
  'number': list(range(100)),
  'sometimes': [None if n % 3 else -n for n in range(100)],
  'share': [None if n % 4 == 0 else n / 8 for n in range(100)],
  'text': [None if n % 5 == 0 else f'é {n}' for n in range(100)],
  'nothing': [None] * 100,
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """A folder with a run in each format, of one split and three shards, whose records are in the files' order."""
  folder = tmp_path_factory.mktemp('runs')
  rows = zip(*ROWS.values(), strict=True)
  lines = [','.join('' if cell is None else str(cell) for cell in row) for row in rows]
  (folder / 'rows.csv').write_text('\n'.join([','.join(ROWS), *lines, '']))
  for output_format in FORMATS:
    config = RunConfig(
      (str(folder / 'rows.csv'),),
      str(folder),
      output_format,
      splits=(Split('all', 1),),
      output_format=output_format,
      num_shards=3,
    )
    with TestPipeline(runner=FnApiRunner()) as root:
      build_graph(root, config)
  return folder / 'runs'


@pytest.fixture(params=FORMATS)
def run(request: pytest.FixtureRequest, folder: pathlib.Path) -> pathlib.Path:
  return folder / request.param


@pytest.fixture
def copied(run: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
  """A copy of the run, which may be damaged."""
  return pathlib.Path(shutil.copytree(run, tmp_path / 'elsewhere'))


def lists(name: str) -> list[list[Any]]:
  cells = [[] if cell is None else [cell.encode() if isinstance(cell, str) else cell] for cell in ROWS[name]]
  return cells


def shard(run: pathlib.Path, number: int = 1) -> pathlib.Path:
  return sorted((run / 'examples' / 'Split-all').iterdir())[number]


@pytest.mark.parametrize('batch_size', [1, 7, 8192])
def test_record_batches_have_all_rows_in_order_as_lists(run: pathlib.Path, batch_size: int) -> None:
  batches = list(read(run, 'all').record_batches(batch_size))

  assert max(batch.num_rows for batch in batches) <= batch_size
  table = pa.Table.from_batches(batches)
  for name, kind in {'number': pa.int64(), 'share': pa.float32(), 'text': pa.large_binary()}.items():
    assert table.schema.field(name).type == pa.large_list(kind)
    assert table[name].to_pylist() == lists(name)


def test_both_formats_give_the_same_record_batches(folder: pathlib.Path) -> None:
  tables = [pa.Table.from_batches(read(folder / name, 'all').record_batches(10**6)) for name in FORMATS]

  assert tables[0].schema == tables[1].schema
  assert tables[0].to_pydict() == tables[1].to_pydict()


def test_a_dataset_has_dense_tensors_where_each_row_has_a_value_and_sparse_ones_elsewhere(run: pathlib.Path) -> None:
  batches = list(read(run, 'all').dataset(batch_size=8))

  numbers = [number for batch in batches for number in batch['number'].numpy().ravel().tolist()]
  assert numbers == ROWS['number']
  assert batches[0]['number'].shape == (8, 1)
  assert isinstance(batches[0]['sometimes'], tf.SparseTensor)
  texts = [text for batch in batches for text in batch['text'].values.numpy().tolist()]
  assert texts == [text.encode() for text in ROWS['text'] if text is not None]


def test_a_model_can_be_trained_on_a_dataset(run: pathlib.Path) -> None:
  data = read(run, 'all').dataset().map(lambda features: (tf.cast(features['number'], tf.float32), features['number']))
  model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
  model.compile(loss='mse')

  assert model.fit(data, verbose=0).history['loss'][0] > 0


def test_a_dataframe_has_the_csvs_columns_in_order_with_types_that_know_what_is_empty(run: pathlib.Path) -> None:
  found = read(run, 'all').dataframe()

  assert list(found.columns) == [name for name in ROWS if name in found]
  assert found.dtypes['number'] == found.dtypes['sometimes'] == pd.Int64Dtype()
  assert found.dtypes['share'] == np.float32
  assert found['sometimes'].tolist() == [pd.NA if value is None else value for value in ROWS['sometimes']]
  assert found['text'].tolist() == ROWS['text']
  assert found['share'].astype(object).where(found['share'].notna(), None).tolist() == ROWS['share']


def test_features_with_more_values_than_one_are_lists_in_a_dataframe(copied: pathlib.Path) -> None:
  if copied.joinpath('examples/Split-all/data_parquet-00000-of-00003.parquet').exists():
    return
  example = tf.train.Example()
  example.features.feature['text'].bytes_list.value.extend([b'a', b'b'])
  example.features.feature['sometimes'].int64_list.value.extend([1, 2, 3])
  manifest = read_manifest(RunFolder(str(copied)))
  assert manifest
  with tf.io.TFRecordWriter(str(shard(copied)), 'GZIP') as writer:
    for _ in range(manifest.examples[1].records):
      writer.write(example.SerializeToString())

  found = read(copied, 'all').dataframe()

  row = found.iloc[manifest.examples[0].records]
  assert (row['text'], row['sometimes']) == (['a', 'b'], [1, 2, 3])


def test_a_run_is_read_where_it_is_now_and_by_its_manifest_where_it_was(
  run: pathlib.Path, copied: pathlib.Path
) -> None:
  manifest = read_manifest(RunFolder(str(run)))
  assert manifest

  assert {str(pathlib.Path(file.path)) for file in read(str(copied), 'all').shards} == {
    str(path) for path in (copied / 'examples' / 'Split-all').iterdir()
  }
  assert read(manifest, 'all').shards == manifest.examples
  assert read(f'{copied}/', 'all').dataframe().equals(read(manifest, 'all').dataframe())


@pytest.mark.parametrize('output_format', FORMATS)
def test_a_split_without_records_has_columns_and_no_rows(tmp_path: pathlib.Path, output_format: str) -> None:
  (tmp_path / 'one.csv').write_text('a,b\n1,x\n')
  splits = (Split('most', 10**6), Split('rest', 1))
  config = RunConfig(
    (str(tmp_path / 'one.csv'),),
    str(tmp_path),
    'run',
    splits=splits,
    output_format=output_format,  # type: ignore[arg-type]
  )
  with TestPipeline(runner=FnApiRunner()) as root:
    build_graph(root, config)

  rest = read(tmp_path / 'runs' / 'run', 'rest')
  assert sum(batch.num_rows for batch in rest.record_batches()) == 0
  assert rest.dataframe().to_dict('list') == {'a': [], 'b': []}
  assert list(rest.dataset()) == []


def run_of(folder: pathlib.Path, output_format: str, **settings: Any) -> pathlib.Path:
  config = RunConfig(output=str(folder), run_id='run', output_format=output_format, **settings)  # type: ignore[arg-type]
  with TestPipeline(runner=FnApiRunner()) as root:
    build_graph(root, config)
  return folder / 'runs' / 'run'


@pytest.mark.parametrize('output_format', FORMATS)
def test_an_input_without_rows_has_features_that_are_sparse_strings(tmp_path: pathlib.Path, output_format: str) -> None:
  (tmp_path / 'a.csv').write_text('a,b\n')

  found = read(run_of(tmp_path, output_format, input=(str(tmp_path / 'a.csv'),)), 'train')

  assert list(found.dataset()) == []
  assert {name: spec.dtype.name for name, spec in found.dataset().element_spec.items()} == {
    'a': 'string',
    'b': 'string',
  }
  assert found.dataframe().to_dict('list') == {'a': [], 'b': []}
  assert sum(batch.num_rows for batch in found.record_batches()) == 0


@pytest.mark.parametrize('output_format', FORMATS)
def test_a_column_that_a_split_has_no_value_of_is_deprecated_as_by_tfdv_and_read_as_sparse(
  tmp_path: pathlib.Path, output_format: str
) -> None:
  (tmp_path / 'train.csv').write_text('a,b\n1,x\n2,y\n')
  (tmp_path / 'eval.csv').write_text('a,b\n3,\n')
  names = ('train', 'eval')
  splits = tuple(InputSplit(name, (str(tmp_path / f'{name}.csv'),)) for name in names)

  run = run_of(tmp_path, output_format, input_splits=splits)

  assert 'lifecycle_stage: DEPRECATED' in (run / 'schema' / 'schema.pbtxt').read_text()
  for name, numbers, texts in (('train', [1, 2], [b'x', b'y']), ('eval', [3], [])):
    [batch] = read(run, name).dataset()
    assert batch['a'].numpy().tolist() == [[number] for number in numbers]
    assert sorted(batch['b'].values.numpy().tolist()) == texts
    assert batch['b'].dense_shape[0] == len(numbers)


def test_a_folder_without_a_manifest_is_no_finished_run(copied: pathlib.Path) -> None:
  os.remove(copied / 'manifest.json')

  with pytest.raises(UserError, match='elsewhere: has no manifest.json; give the folder of a finished run'):
    read(copied, 'all')


def test_an_unknown_split_is_told_with_those_there_are(run: pathlib.Path) -> None:
  with pytest.raises(UserError, match="has no split 'train'; there are all"):
    read(run, 'train')


@pytest.mark.parametrize('what', ['shard', 'schema'])
def test_a_file_that_is_gone_is_told_by_its_path(copied: pathlib.Path, what: str) -> None:
  gone = shard(copied) if what == 'shard' else copied / 'schema' / 'schema.pbtxt'
  gone.unlink()

  with pytest.raises(UserError, match=f'{gone.name}: is missing'):
    read(copied, 'all')


def cut(data: bytes) -> bytes:
  return data[: len(data) // 2]


def flip_a_byte_of_the_first_record(data: bytes) -> bytes:
  plain = bytearray(gzip.decompress(data))
  plain[20] ^= 1
  return gzip.compress(plain)


def flip_a_byte_of_the_first_length(data: bytes) -> bytes:
  plain = bytearray(gzip.decompress(data))
  plain[0] ^= 1
  return gzip.compress(plain)


def leave_out_the_end(data: bytes) -> bytes:
  return gzip.compress(gzip.decompress(data)[:-3])


DAMAGE = {
  'cut': (cut, 'is damaged behind record'),
  'record': (flip_a_byte_of_the_first_record, 'record 0 is damaged or ends early'),
  'length': (flip_a_byte_of_the_first_length, 'record 0 is damaged in its length'),
  'end': (leave_out_the_end, 'is damaged or ends early'),
  'text': (lambda data: b'this is no gzip file', 'is damaged behind record 0'),
  'nothing': (lambda data: b'', 'has 0 records, and the run wrote'),
  'another_shard': (lambda data: data + data, 'records, and the run wrote'),
}


@pytest.mark.parametrize(('damage', 'message'), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_shard_of_tfrecords_is_told_with_the_record(
  folder: pathlib.Path, tmp_path: pathlib.Path, damage: Callable[[bytes], bytes], message: str
) -> None:
  run = pathlib.Path(shutil.copytree(folder / 'tfrecord', tmp_path / 'copy'))
  shard(run).write_bytes(damage(shard(run).read_bytes()))

  with pytest.raises(UserError, match=f'{shard(run).name}: .*{message}'):
    list(read(run, 'all').record_batches())


@pytest.mark.parametrize('damage', [cut, lambda data: b'this is no Parquet file'], ids=['cut', 'text'])
def test_a_damaged_shard_of_parquet_is_told(
  folder: pathlib.Path, tmp_path: pathlib.Path, damage: Callable[[bytes], bytes]
) -> None:
  run = pathlib.Path(shutil.copytree(folder / 'parquet', tmp_path / 'copy'))
  shard(run).write_bytes(damage(shard(run).read_bytes()))

  with pytest.raises(UserError, match=f'{shard(run).name}: is damaged'):
    list(read(run, 'all').record_batches())


def test_a_column_that_only_a_curated_schema_has_is_empty(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
  for name in FORMATS:
    run = pathlib.Path(shutil.copytree(folder / name, tmp_path / name))
    with (run / 'schema' / 'schema.pbtxt').open('a') as schema:
      schema.write('feature { name: "more" type: FLOAT }\n')

    table = pa.Table.from_batches(read(run, 'all').record_batches())
    assert not any(table['more'].to_pylist())
