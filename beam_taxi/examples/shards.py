"""A shard's file: framed records, compressed, appearing whole or not at all."""

import hashlib

import pyarrow as pa

from beam_taxi import storage
from beam_taxi.artifacts import ShardFile

try:
  from isal.isal_zlib import compressobj
except ImportError:  # isal has wheels for x86-64 and 64-bit ARM; elsewhere zlib writes files that read the same.
  from zlib import compressobj  # type: ignore[assignment]  # the two compressors share methods and no type

_FASTEST = 1
# Asks for a gzip header; it then holds no time and no name, so that equal records make equal files.
_GZIP = 31


class ShardWriter:
  """Writes one shard of one split, block by block."""

  def __init__(self, split: str, path: str):
    self._split = split
    self._path = path
    self._file = storage.AtomicFile(path)
    self._compressor = compressobj(_FASTEST, wbits=_GZIP)
    self._hash = hashlib.sha256()
    self._records = 0
    self._bytes = 0

  def append(self, records: pa.BinaryArray) -> None:
    """Adds framed records."""
    self._records += len(records)
    if len(records):
      self._write(self._compressor.compress(_contiguous(records)))

  def finish(self) -> ShardFile:
    """Completes the file and makes it visible."""
    self._write(self._compressor.flush())
    self._file.commit()
    return ShardFile(self._split, self._path, self._records, self._bytes, self._hash.hexdigest())

  def discard(self) -> None:
    """Gives up: no file is left."""
    self._file.discard()

  def _write(self, data: bytes) -> None:
    self._hash.update(data)
    self._bytes += len(data)
    self._file.write(data)


def _contiguous(records: pa.BinaryArray) -> memoryview:
  """All bytes of an array's values, as they lie in its buffer."""
  _, offsets, data = records.buffers()
  ends = memoryview(offsets).cast('i')
  return memoryview(data)[ends[records.offset] : ends[records.offset + len(records)]]
