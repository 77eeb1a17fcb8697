"""Frames that TensorFlow's reader and writer take for their own."""

import pathlib

import pyarrow as pa
import pytest
import tensorflow as tf

from beam_taxi.examples.encoding import encode_examples
from beam_taxi.examples.tfrecord import encode_records

VALUES = [b'', b'a', b'\x00' * 127, None, b'', bytes(range(256)) * 20, b'c' * 70_000]


def batch_of(values: list[bytes | None]) -> pa.RecordBatch:
  return pa.RecordBatch.from_arrays([pa.array(values, pa.binary())], names=['column'])


def framed(values: list[bytes | None]) -> list[bytes]:
  return encode_records(batch_of(values), 'missing').to_pylist()


def test_framed_records_are_what_tensorflow_writes(tmp_path: pathlib.Path) -> None:
  path = str(tmp_path / 'a.tfrecord')
  with tf.io.TFRecordWriter(path) as writer:
    for example in encode_examples(batch_of(VALUES), 'missing').to_pylist():
      writer.write(example)

  assert b''.join(framed(VALUES)) == pathlib.Path(path).read_bytes()


@pytest.mark.parametrize('copies', [1, 1000], ids=['at_once', 'some_at_a_time'])
def test_tensorflow_reads_framed_records_as_the_examples_that_are_shown(tmp_path: pathlib.Path, copies: int) -> None:
  path = tmp_path / 'a.tfrecord'
  shown: list[list[bytes]] = []
  batch = batch_of(VALUES[:5] * copies)
  records = encode_records(batch, 'missing', shown.append)
  examples = [example for some in shown for example in some]
  path.write_bytes(b''.join(records.to_pylist()))

  assert list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()) == examples
  assert examples == encode_examples(batch, 'missing').to_pylist()
  assert len(shown) == (1 if copies == 1 else 3)


@pytest.mark.parametrize('place', [0, 9, 12, -1], ids=['length', 'length_checksum', 'data', 'data_checksum'])
def test_tensorflow_notices_a_changed_byte(tmp_path: pathlib.Path, place: int) -> None:
  [frame] = framed([b'record'])
  damaged = bytearray(frame)
  damaged[place] ^= 1
  path = tmp_path / 'a.tfrecord'
  path.write_bytes(damaged)

  with pytest.raises(tf.errors.DataLossError):
    list(tf.data.TFRecordDataset(str(path)))


def test_no_rows_have_no_records() -> None:
  assert len(encode_records(batch_of([]), 'missing')) == 0


def test_a_part_of_a_batch_is_framed_alone() -> None:
  records = encode_records(batch_of(VALUES).slice(1, 3), 'missing')

  assert records.to_pylist() == framed(VALUES)[1:4]
