"""TFRecord framing: each record with its length and two checksums.

A record is a little-endian uint64 length, the masked CRC-32C of those eight bytes, the data, and the masked CRC-32C of
the data. (Source: tensorflow/core/lib/io/record_writer.h.)
"""

import gzip
import io
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import google_crc32c
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_taxi import storage
from beam_taxi.errors import UserError
from beam_taxi.examples.encoding import EmptyCells, encode_examples
from beam_taxi.examples.feature_order import FeatureOrder

HEADER_SIZE, FOOTER_SIZE = 12, 4
# What a record takes in a file besides its data.
FRAME_SIZE = HEADER_SIZE + FOOTER_SIZE
# Python's copies of so many Examples fit into a processor's cache.
_RECORDS_AT_A_TIME = 2048
_MASK_DELTA = 0xA282EAD8
_READ_SIZE = 1024 * 1024


def encode_records(
  batch: pa.RecordBatch,
  empty_cells: EmptyCells,
  show: Callable[[list[bytes]], object] = lambda examples: None,
  order: FeatureOrder = 'upb',
) -> pa.BinaryArray:
  """The tf.Examples of a batch as they stand in a TFRecord file.

  The encoder leaves room for the frames, so that the Examples are not copied to be framed.

  Args:
    batch, empty_cells, order: as for encode_examples, which also says what is raised.
    show: is called with the serialized Examples, some at a time and in order.
  """
  records = encode_examples(batch, empty_cells, header_of, bytes(FOOTER_SIZE), order)
  _, offsets, data = records.buffers()
  bounds = np.frombuffer(offsets, np.int32)[: len(records) + 1]
  for start in range(0, len(records), _RECORDS_AT_A_TIME):
    ends = bounds[start : start + _RECORDS_AT_A_TIME + 1]
    content = data.slice(ends[0], ends[-1] - ends[0]).to_pybytes()
    within = ends - ends[0]
    places = zip((within[:-1] + HEADER_SIZE).tolist(), (within[1:] - FOOTER_SIZE).tolist(), strict=True)
    examples = [content[begin:end] for begin, end in places]
    show(examples)
    footers = (ends[1:, None] - FOOTER_SIZE) + np.arange(FOOTER_SIZE)
    # Nobody else has the array yet, so its buffer may still be written.
    np.frombuffer(data, np.uint8)[footers] = _checksums(examples).view(np.uint8).reshape(-1, FOOTER_SIZE)
  return records


def header_of(length: int) -> bytes:
  """What stands before the data of a record of this length."""
  size = struct.pack('<Q', length)
  return size + footer_of(size)


def footer_of(data: bytes) -> bytes:
  """What stands behind the data of a record."""
  return footer_of_checksum(google_crc32c.value(data))


def footer_of_checksum(checksum: int) -> bytes:
  """What stands behind the data of a record, by their CRC-32C."""
  return struct.pack('<I', _masked(checksum))


def _checksums(items: Sequence[bytes]) -> npt.NDArray[np.uint32]:
  """The masked CRC-32C of each, little-endian."""
  plain = np.fromiter(map(google_crc32c.value, items), np.uint32, len(items))
  masked: npt.NDArray[np.uint32] = _masked(plain.astype(np.uint64)).astype('<u4')
  return masked


def _masked(checksum: Any) -> Any:
  """TFRecord's mask of a CRC-32C: of an int, or of an array of 64 bits."""
  return ((checksum >> 15 | checksum << 17) + _MASK_DELTA) & 0xFFFFFFFF


def read_records(path: str, batch_size: int) -> Iterator[list[bytes]]:
  """The records of a gzip TFRecord file, at most `batch_size` at a time.

  Raises:
    UserError: the file is not one, ends too early, or a checksum does not agree; the message says at which record.
  """
  number = 0
  try:
    with (
      storage.open_for_reading(path) as stored,
      io.BufferedReader(gzip.GzipFile(fileobj=stored), _READ_SIZE) as stream,
    ):
      batch: list[bytes] = []
      while header := stream.read(HEADER_SIZE):
        if header != header_of(size := int.from_bytes(header[:8], 'little')):
          raise UserError(f'{path}: record {number:,} is damaged in its length; copy the file again')
        record, footer = stream.read(size), stream.read(FOOTER_SIZE)
        if footer != footer_of(record):
          raise UserError(f'{path}: record {number:,} is damaged or ends early; copy the file again')
        batch.append(record)
        number += 1
        if len(batch) == batch_size:
          yield batch
          batch = []
      if batch:
        yield batch
  except (EOFError, OSError, zlib.error) as error:
    raise UserError(f'{path}: is damaged behind record {number:,} ({error}); copy the file again') from error
