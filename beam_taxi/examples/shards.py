"""A shard's file: compressed TFRecords or Parquet, appearing whole or not at all."""

import dataclasses
import hashlib
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from zlib_ng import zlib_ng

from beam_taxi import storage
from beam_taxi.artifacts.manifest import RunFolder, WrittenFile
from beam_taxi.examples.output_form import OutputForm
from beam_taxi.examples.tfrecord import FRAME_SIZE
from beam_taxi.kernel.crc32c import crc32c

# Asks for a gzip header; it then holds no time and no name, so that equal records make equal files.
_GZIP = 31
# Rows of a Parquet file are kept until they take so many times the block size, to be one row group.
_BLOCKS_IN_A_ROW_GROUP = 8


class ShardWriter(Protocol):
  """Writes one shard of one split, block by block."""

  def append(self, records: Any) -> None:
    """Adds a block's records."""

  def finish(self) -> WrittenFile:
    """Completes the file and makes it visible."""

  def discard(self) -> None:
    """Gives up: no file is left."""


def open_shard(folder: RunFolder, form: OutputForm, split: str, shard: int, shards: int) -> ShardWriter:
  """A writer for shard `shard` of `shards`, in the run's folder and format."""
  path = folder.shard_file(split, shard, shards, form.output_format)
  if form.output_format == 'parquet':
    return ParquetShardWriter(split, path, _BLOCKS_IN_A_ROW_GROUP * form.block_size)
  return TFRecordShardWriter(split, path, form.compression_level)


class TFRecordShardWriter:
  """Writes gzip-compressed framed records.

  The same blocks at the same level make the same file. zlib-ng repeats itself on any processor, which ISA-L does not;
  its levels 1 and 6 also go by how the content is cut, and that is by blocks.
  """

  def __init__(self, split: str, path: str, level: int = OutputForm.compression_level):
    self._file = _File(split, path)
    self._compressor = zlib_ng.compressobj(level, wbits=_GZIP)
    self._records = 0
    self._bytes = 0
    self._crc32c = 0

  def append(self, records: pa.BinaryArray) -> None:
    """Adds framed records."""
    if len(records):
      content = _contiguous(records)
      self._records += len(records)
      self._bytes += content.size
      self._crc32c = crc32c(content, self._crc32c)
      self._file.write(self._compressor.compress(content))

  def finish(self) -> WrittenFile:
    """See ShardWriter."""
    self._file.write(self._compressor.flush())
    return dataclasses.replace(
      self._file.finish(self._records),
      record_bytes=self._bytes - self._records * FRAME_SIZE,
      records_crc32c=f'{self._crc32c:08x}',
    )

  def discard(self) -> None:
    """See ShardWriter."""
    self._file.discard()


class ParquetShardWriter:
  """Writes rows as columns of int64, float and string; an empty cell is a null."""

  def __init__(self, split: str, path: str, row_group_size: int):
    """Row groups have about `row_group_size` bytes of memory."""
    self._file = _File(split, path)
    self._row_group_size = row_group_size
    self._writer: pq.ParquetWriter | None = None
    self._waiting: list[pa.RecordBatch] = []
    self._records = 0

  def append(self, rows: pa.RecordBatch) -> None:
    """Adds rows; those of the first call, even if there are none, tell the columns of the file."""
    self._records += rows.num_rows
    self._waiting.append(_with_strings(rows))
    if not self._writer:
      self._writer = pq.ParquetWriter(pa.PythonFile(self._file, 'w'), self._waiting[0].schema)
    if sum(batch.nbytes for batch in self._waiting) >= self._row_group_size:
      self._write_row_group()

  def finish(self) -> WrittenFile:
    """See ShardWriter."""
    self._write_row_group()
    if self._writer:
      self._writer.close()
    return self._file.finish(self._records)

  def discard(self) -> None:
    """See ShardWriter."""
    self._file.discard()

  def _write_row_group(self) -> None:
    table = pa.Table.from_batches(self._waiting) if self._waiting else None
    self._waiting = []
    if table and self._writer:
      self._writer.write_table(table, row_group_size=max(table.num_rows, 1))


class _File:
  """A file of a shard: as much of Python's files as Parquet's writer needs, counted and hashed on the way."""

  closed = False

  def __init__(self, split: str, path: str):
    self._split = split
    self._path = path
    self._file = storage.AtomicFile(path, durable=True)
    self._hash = hashlib.sha256()
    self._bytes = 0
    self._discarded = False

  def write(self, data: bytes) -> int:
    if self._discarded:  # Parquet's writer writes the end of its file even when it is given up.
      return len(data)
    self._hash.update(data)
    self._bytes += len(data)
    self._file.write(data)
    return len(data)

  def flush(self) -> None:
    """Nothing is held back."""

  def finish(self, records: int) -> WrittenFile:
    self._file.commit()
    return WrittenFile(self._path, self._hash.hexdigest(), self._split, self._bytes, records)

  def discard(self) -> None:
    self._discarded = True
    self._file.discard()


def _contiguous(records: pa.BinaryArray) -> pa.Buffer:
  """All bytes of an array's values, as they lie in its buffer."""
  _, offsets, data = records.buffers()
  ends = memoryview(offsets).cast('i')
  start = ends[records.offset]
  return data.slice(start, ends[records.offset + len(records)] - start)


def _with_strings(rows: pa.RecordBatch) -> pa.RecordBatch:
  """Columns of bytes, which are UTF-8, as columns of text."""
  columns = [column.cast(pa.string()) if pa.types.is_binary(column.type) else column for column in rows.columns]
  return pa.RecordBatch.from_arrays(columns, names=rows.schema.names)
