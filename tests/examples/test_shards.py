"""A shard's file: whole or not there, the same bytes each time, and as its ShardFile says."""

import gzip
import hashlib
import pathlib
import tempfile

import pyarrow as pa
import pytest
import tensorflow as tf

from beam_taxi.artifacts import ShardFile
from beam_taxi.examples import shards
from beam_taxi.examples.shards import TFRecordShardWriter

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


def write(path: pathlib.Path, blocks: list[list[bytes]]) -> ShardFile:
  writer = TFRecordShardWriter('train', str(path))
  for block in blocks:
    writer.append(framed(block))
  return writer.finish()


@pytest.fixture(params=['isal', 'zlib'])
def compressor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
  """Both of the libraries that compress: isal where it is installed, and zlib elsewhere."""
  if request.param == 'zlib':
    monkeypatch.setattr(shards, 'isal_zlib', None)


@pytest.mark.usefixtures('compressor')
def test_tensorflow_reads_a_shards_records_in_their_order(tmp_path: pathlib.Path) -> None:
  write(tmp_path / 'a.gz', BLOCKS)

  records = tf.data.TFRecordDataset(str(tmp_path / 'a.gz'), compression_type='GZIP').as_numpy_iterator()
  assert list(records) == [b'one', b'two', b'three' * 50_000, b'']


@pytest.mark.usefixtures('compressor')
def test_a_shard_without_records_is_an_empty_gzip_file(tmp_path: pathlib.Path) -> None:
  shard = write(tmp_path / 'a.gz', [])

  assert gzip.decompress((tmp_path / 'a.gz').read_bytes()) == b''
  assert list(tf.data.TFRecordDataset(str(tmp_path / 'a.gz'), compression_type='GZIP')) == []
  assert shard.records == 0


@pytest.mark.usefixtures('compressor')
def test_what_is_said_of_a_shard_is_true_of_its_file(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'folder' / 'a.gz'

  shard = write(path, BLOCKS)

  data = path.read_bytes()
  assert shard == ShardFile('train', str(path), 4, len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.usefixtures('compressor')
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
