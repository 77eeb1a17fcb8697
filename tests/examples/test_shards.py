"""A shard's file: whole or not there, the same file each time, and as its WrittenFile says."""

import gzip
import hashlib
import pathlib
import tempfile
from typing import Literal

import google_crc32c
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from beam_taxi.artifacts.manifest import RunFolder, WrittenFile
from beam_taxi.examples.shards import ParquetShardWriter, TFRecordShardWriter, open_shard
from beam_taxi.examples.tfrecord import encode_records
from beam_taxi.settings.config import RunConfig

ROWS = pa.RecordBatch.from_arrays(
  [
    pa.array([1, None, -(2**63)]),
    pa.array([0.5, None, float('inf')], pa.float32()),
    pa.array(['é'.encode(), b'', None], pa.binary()),
    pa.nulls(3),
  ],
  names=['int', 'float', 'text', 'nothing'],
)
BLOCKS = [[b'one', b'two'], [], [b'three' * 50_000], [b'']]


def framed(records: list[bytes]) -> pa.BinaryArray:
  """Records as TensorFlow frames them."""
  frames = []
  with tempfile.NamedTemporaryFile() as file:
    for record in records:
      with tf.io.TFRecordWriter(file.name) as writer:
        writer.write(record)
      frames.append(pathlib.Path(file.name).read_bytes())
  return pa.array(frames, pa.binary())


def write(path: pathlib.Path, blocks: list[list[bytes]]) -> WrittenFile:
  writer = TFRecordShardWriter('train', str(path))
  for block in blocks:
    writer.append(framed(block))
  return writer.finish()


def test_tensorflow_reads_a_shards_records_in_their_order(tmp_path: pathlib.Path) -> None:
  write(tmp_path / 'a.gz', BLOCKS)

  records = tf.data.TFRecordDataset(str(tmp_path / 'a.gz'), compression_type='GZIP').as_numpy_iterator()
  assert list(records) == [b'one', b'two', b'three' * 50_000, b'']


def test_a_shard_without_records_is_an_empty_gzip_file(tmp_path: pathlib.Path) -> None:
  shard = write(tmp_path / 'a.gz', [])

  assert gzip.decompress((tmp_path / 'a.gz').read_bytes()) == b''
  assert list(tf.data.TFRecordDataset(str(tmp_path / 'a.gz'), compression_type='GZIP')) == []
  assert shard.records == 0


def test_what_is_said_of_a_shard_is_true_of_its_file(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'folder' / 'a.gz'

  shard = write(path, BLOCKS)

  data = path.read_bytes()
  assert shard == WrittenFile(
    str(path),
    hashlib.sha256(data).hexdigest(),
    'train',
    len(data),
    records=4,
    record_bytes=sum(len(record) for block in BLOCKS for record in block),
    records_crc32c=f'{google_crc32c.value(gzip.decompress(data)):08x}',
  )


def test_the_digest_of_records_is_theirs_however_they_are_compressed_and_cut(tmp_path: pathlib.Path) -> None:
  found = {}
  for level, blocks in ((1, BLOCKS), (9, [[record for block in BLOCKS for record in block]])):
    writer = TFRecordShardWriter('train', str(tmp_path / 'a.gz'), level)
    for block in blocks:
      writer.append(framed(block))
    found[level] = writer.finish()

  assert found[1].sha256 != found[9].sha256
  assert (found[1].records_crc32c, found[1].record_bytes) == (found[9].records_crc32c, found[9].record_bytes)


CHANGED = {
  'another_byte': [b'one', b'twO'],
  'another_order': [b'two', b'one'],
  'one_more': [b'one', b'two', b''],
  'cut_elsewhere': [b'on', b'etwo'],
}


@pytest.mark.parametrize('records', CHANGED.values(), ids=CHANGED)
def test_other_records_have_another_digest(tmp_path: pathlib.Path, records: list[bytes]) -> None:
  first, second = (write(tmp_path / 'a.gz', [some]) for some in ([b'one', b'two'], records))

  assert first.records_crc32c != second.records_crc32c


def test_equal_records_make_equal_files_under_any_name(tmp_path: pathlib.Path) -> None:
  write(tmp_path / 'a.gz', BLOCKS)
  write(tmp_path / 'b.gz', BLOCKS)

  data = (tmp_path / 'a.gz').read_bytes()
  assert data == (tmp_path / 'b.gz').read_bytes()
  # No time (RFC 1952, MTIME) and no file name (FLG.FNAME) in the header.
  assert (data[4:8], data[3]) == (bytes(4), 0)


def test_a_part_of_an_array_is_written_alone(tmp_path: pathlib.Path) -> None:
  writer = TFRecordShardWriter('train', str(tmp_path / 'a.gz'))
  writer.append(framed([b'one', b'two', b'three']).slice(1, 1))
  shard = writer.finish()

  assert gzip.decompress((tmp_path / 'a.gz').read_bytes()) == framed([b'two'])[0].as_py()
  assert shard.records == 1


def test_no_file_is_seen_before_a_shard_is_finished(tmp_path: pathlib.Path) -> None:
  writer = TFRecordShardWriter('train', str(tmp_path / 'a.gz'))
  writer.append(framed([b'one']))

  assert not (tmp_path / 'a.gz').exists()
  writer.finish()
  assert [path.name for path in tmp_path.iterdir()] == ['a.gz']


def test_a_discarded_shard_leaves_nothing(tmp_path: pathlib.Path) -> None:
  writer = TFRecordShardWriter('train', str(tmp_path / 'a.gz'))
  writer.append(framed([b'one']))

  writer.discard()

  assert list(tmp_path.iterdir()) == []


def test_a_shard_that_is_written_again_replaces_the_first(tmp_path: pathlib.Path) -> None:
  first, second = (write(tmp_path / 'a.gz', BLOCKS) for _ in range(2))

  assert first == second
  assert [path.name for path in tmp_path.iterdir()] == ['a.gz']


@pytest.mark.parametrize('level', range(1, 10))
def test_every_level_makes_a_gzip_file_of_the_same_records(tmp_path: pathlib.Path, level: int) -> None:
  block = framed([b'a record', bytes(range(256)) * 40])
  writer = TFRecordShardWriter('train', str(tmp_path / 'a.gz'), level)
  writer.append(block)
  writer.finish()

  assert gzip.decompress((tmp_path / 'a.gz').read_bytes()) == b''.join(block.to_pylist())


# The beginnings of their SHA-256, by zlib-ng 2.3.3. Another version may make other files: then say so in the changelog.
FILES = {1: 'd037c7678e897e65', 2: '417f37934977f05e', 6: '1f89adc7e23f805d', 9: '9cbe7c8a97b17fd9'}


@pytest.mark.parametrize(('level', 'expected'), FILES.items(), ids=[f'level_{level}' for level in FILES])
def test_the_same_records_make_this_file_on_any_processor(tmp_path: pathlib.Path, level: int, expected: str) -> None:
  writer = TFRecordShardWriter('train', str(tmp_path / 'a.gz'), level)
  for first in (0, 2000, 4000):
    numbers = range(first, first + 2000)
    columns = [pa.array([number * number * factor % 10_007 for number in numbers]) for factor in range(1, 9)]
    names = [f'column_{number}' for number in range(len(columns))]
    writer.append(encode_records(pa.RecordBatch.from_arrays(columns, names=names), 'empty'))

  assert writer.finish().sha256[:16] == expected


def test_higher_levels_make_smaller_files(tmp_path: pathlib.Path) -> None:
  columns = [pa.array([n * n * factor % 10_007 for n in range(2000)]) for factor in range(1, 9)]
  names = [f'column_{number}' for number in range(len(columns))]
  block = encode_records(pa.RecordBatch.from_arrays(columns, names=names), 'empty')
  sizes = []
  for level in (1, 9):
    writer = TFRecordShardWriter('train', str(tmp_path / f'{level}.gz'), level)
    writer.append(block)
    sizes.append(writer.finish().bytes)

  assert sizes[1] < sizes[0]


def write_parquet(path: pathlib.Path, blocks: list[pa.RecordBatch], row_group_size: int = 2**20) -> WrittenFile:
  writer = ParquetShardWriter('train', str(path), row_group_size)
  for block in blocks:
    writer.append(block)
  return writer.finish()


def test_parquet_has_the_rows_with_nulls_and_text(tmp_path: pathlib.Path) -> None:
  shard = write_parquet(tmp_path / 'a.parquet', [ROWS.slice(0, 0), ROWS.slice(0, 2), ROWS.slice(2)])

  table = pq.read_table(tmp_path / 'a.parquet')
  assert table.schema.types == [pa.int64(), pa.float32(), pa.string(), pa.null()]
  assert table.to_pydict() == {
    'int': [1, None, -(2**63)],
    'float': [0.5, None, float('inf')],
    'text': ['é', '', None],
    'nothing': [None, None, None],
  }
  data = (tmp_path / 'a.parquet').read_bytes()
  assert shard == WrittenFile(str(tmp_path / 'a.parquet'), hashlib.sha256(data).hexdigest(), 'train', len(data), 3)


def test_a_parquet_shard_without_records_has_its_columns(tmp_path: pathlib.Path) -> None:
  shard = write_parquet(tmp_path / 'a.parquet', [ROWS.slice(0, 0)])

  assert pq.read_table(tmp_path / 'a.parquet').schema.names == ROWS.schema.names
  assert shard.records == 0


def test_row_groups_are_made_of_whole_blocks_that_have_the_size_together(tmp_path: pathlib.Path) -> None:
  write_parquet(tmp_path / 'a.parquet', [ROWS] * 7, row_group_size=3 * ROWS.nbytes)

  parquet = pq.ParquetFile(tmp_path / 'a.parquet')
  assert [parquet.metadata.row_group(n).num_rows for n in range(parquet.num_row_groups)] == [9, 9, 3]


def test_a_discarded_parquet_shard_leaves_nothing(tmp_path: pathlib.Path) -> None:
  writer = ParquetShardWriter('train', str(tmp_path / 'a.parquet'), 1)
  writer.append(ROWS)

  writer.discard()

  assert list(tmp_path.iterdir()) == []


FORMATS = {
  'tfrecord': ('data_tfrecord-00002-of-00005.gz', TFRecordShardWriter),
  'parquet': ('data_parquet-00002-of-00005.parquet', ParquetShardWriter),
}


@pytest.mark.parametrize(('output_format', 'expected'), FORMATS.items(), ids=FORMATS)
def test_a_shard_is_opened_in_the_runs_format_under_tfxs_name(
  tmp_path: pathlib.Path, output_format: Literal['tfrecord', 'parquet'], expected: tuple[str, type]
) -> None:
  config = RunConfig(('a.csv',), str(tmp_path), 'run', output_format=output_format)
  writer = open_shard(RunFolder.of(config.output, config.run_id), config.form, 'train', 2, 5)
  writer.append(ROWS if output_format == 'parquet' else framed([b'one']))

  assert isinstance(writer, expected[1])
  assert writer.finish().path == f'{tmp_path}/runs/run/examples/Split-train/{expected[0]}'
