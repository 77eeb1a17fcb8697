"""TFRecord framing: each record with its length and two checksums.

A record is a little-endian uint64 length, the masked CRC-32C of those eight bytes, the data, and the masked CRC-32C of
the data. (Source: tensorflow/core/lib/io/record_writer.h.)
"""

import struct
from collections.abc import Sequence

import google_crc32c
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_taxi.examples.encoding import EmptyCells, encode_examples

_HEADER_SIZE, _FOOTER_SIZE = 12, 4
_MASK_DELTA = 0xA282EAD8


def encode_records(batch: pa.RecordBatch, empty_cells: EmptyCells) -> tuple[pa.BinaryArray, list[bytes]]:
  """The tf.Examples of a batch as they stand in a TFRecord file, and each by itself.

  The encoder leaves room for the frames, so that the Examples are not copied to be framed.

  Args and errors: encode_examples'.
  """
  records = encode_examples(batch, empty_cells, _header, bytes(_FOOTER_SIZE))
  _, offsets, data = records.buffers()
  bounds = np.frombuffer(offsets, np.int32)[: len(records) + 1]
  content = data.to_pybytes() if data else b''
  begins, ends = (bounds[:-1] + _HEADER_SIZE).tolist(), (bounds[1:] - _FOOTER_SIZE).tolist()
  examples = [content[begin:end] for begin, end in zip(begins, ends, strict=True)]
  if examples:
    footers = (bounds[1:, None] - _FOOTER_SIZE) + np.arange(_FOOTER_SIZE)
    # Nobody else has the array yet, so its buffer may still be written.
    np.frombuffer(data, np.uint8)[footers] = _checksums(examples).view(np.uint8).reshape(-1, _FOOTER_SIZE)
  return records, examples


def _header(length: int) -> bytes:
  size = struct.pack('<Q', length)
  return size + _checksums([size]).tobytes()


def _checksums(items: Sequence[bytes]) -> npt.NDArray[np.uint32]:
  """The masked CRC-32C of each, little-endian."""
  plain = np.fromiter(map(google_crc32c.value, items), np.uint32, len(items))
  masked = ((plain >> np.uint32(15)) | (plain << np.uint32(17))) + np.uint32(_MASK_DELTA)
  return masked.astype('<u4', copy=False)
