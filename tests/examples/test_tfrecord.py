"""Frames that TensorFlow's reader and writer take for their own."""

import pathlib

import pyarrow as pa
import pytest
import tensorflow as tf

from beam_taxi.examples.tfrecord import frame_records

RECORDS = [b'', b'a', b'\x00' * 127, b'b' * 128, b'', bytes(range(256)) * 20, b'c' * 70_000]


def framed(records: list[bytes]) -> list[bytes]:
  return frame_records(pa.array(records, pa.binary()), records).to_pylist()


def test_framed_records_are_what_tensorflow_writes(tmp_path: pathlib.Path) -> None:
  path = str(tmp_path / 'a.tfrecord')
  with tf.io.TFRecordWriter(path) as writer:
    for record in RECORDS:
      writer.write(record)

  assert b''.join(framed(RECORDS)) == pathlib.Path(path).read_bytes()


def test_tensorflow_reads_framed_records(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'a.tfrecord'
  path.write_bytes(b''.join(framed(RECORDS)))

  assert list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()) == RECORDS


@pytest.mark.parametrize('place', [0, 9, 12, -1], ids=['length', 'length_checksum', 'data', 'data_checksum'])
def test_tensorflow_notices_a_changed_byte(tmp_path: pathlib.Path, place: int) -> None:
  [frame] = framed([b'record'])
  damaged = bytearray(frame)
  damaged[place] ^= 1
  path = tmp_path / 'a.tfrecord'
  path.write_bytes(damaged)

  with pytest.raises(tf.errors.DataLossError):
    list(tf.data.TFRecordDataset(str(path)))


def test_no_records_have_no_frames() -> None:
  assert framed([]) == []


def test_a_part_of_an_array_is_framed_alone() -> None:
  records = pa.array(RECORDS, pa.binary()).slice(1, 3)

  assert frame_records(records, RECORDS[1:4]).to_pylist() == framed(RECORDS)[1:4]
