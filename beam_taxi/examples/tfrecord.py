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
import pyarrow.compute as pc

from beam_taxi.examples.encoding import by_length

_MASK_DELTA = 0xA282EAD8


def frame_records(records: pa.BinaryArray, data: Sequence[bytes]) -> pa.BinaryArray:
  """Each record as it stands in a TFRecord file.

  Args:
    records: the records.
    data: the same as Python's bytes, which checksums are made of and which the caller has at hand.
  """
  checksums = np.fromiter(map(google_crc32c.value, data), np.uint32, len(records))
  footers = _mask(checksums).astype('<u4')
  tails = pa.FixedSizeBinaryArray.from_buffers(pa.binary(4), len(records), [None, pa.py_buffer(footers.tobytes())])
  heads, _ = by_length(np.asarray(pc.binary_length(records)).astype(np.int64), _head)
  return pc.binary_join_element_wise(heads, records, tails.cast(pa.binary()), pa.scalar(b''))


def _head(length: int) -> bytes:
  size = struct.pack('<Q', length)
  [checksum] = _mask(np.array([google_crc32c.value(size)], np.uint32))
  return size + struct.pack('<I', checksum)


def _mask(checksums: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
  return ((checksums >> np.uint32(15)) | (checksums << np.uint32(17))) + np.uint32(_MASK_DELTA)
