"""What must be in a run's files besides bytes of the right digest: checked as the bytes come, or when all have."""

from collections.abc import Callable, Iterator
from typing import Protocol

from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0.schema_pb2 import Schema
from zlib_ng import zlib_ng

from beam_taxi.analysis.feature_statistics import of_all_rows, parse_statistics
from beam_taxi.artifacts.manifest import Manifest, WrittenFile
from beam_taxi.errors import UserError
from beam_taxi.examples.frames import FrameCheck
from beam_taxi.examples.tfrecord import FRAME_SIZE
from beam_taxi.kernel.crc32c import crc32c

# What is expected and what is there, in words.
Difference = tuple[str, str]

_GZIP = 31
# What is inflated at a time is checked while it is in the processor's cache.
_PIECE = 256 * 1024


class Content(Protocol):
  """Looks at a file's bytes."""

  def add(self, data: bytes) -> None:
    """Takes the next ones."""

  def differences(self) -> Iterator[Difference]:
    """What is wrong with all that has come."""


class Anything:
  """Content that nobody looks at, since its digest says enough."""

  def add(self, data: bytes) -> None:
    """See Content."""

  def differences(self) -> Iterator[Difference]:
    """See Content."""
    return iter(())


class TFRecords:
  """A gzip-compressed shard of framed records."""

  def __init__(self, file: WrittenFile):
    self._file = file
    self._inflater = zlib_ng.decompressobj(_GZIP)
    self._frames = FrameCheck()
    self._bytes = 0
    self._crc32c = 0
    self._fault = ''
    self._behind = 0

  @property
  def records(self) -> int:
    """How many whole ones have come so far."""
    return self._frames.records

  def add(self, data: bytes) -> None:
    """See Content."""
    if self._fault or self._inflater.eof:
      self._behind += len(data)
      return
    try:
      while True:
        piece = self._inflater.decompress(data, _PIECE)
        data = self._inflater.unconsumed_tail
        self._frames.add(piece)
        self._crc32c = crc32c(piece, self._crc32c)
        self._bytes += len(piece)
        if self._inflater.eof or (not data and len(piece) < _PIECE):
          break
    except zlib_ng.error as error:  # type: ignore[misc]  # It is said to be an exception, and is a class of them.
      self._fault = str(error)
    if self._inflater.eof:
      self._behind = len(self._inflater.unused_data)

  def differences(self) -> Iterator[Difference]:
    """See Content."""
    if self._fault:
      yield 'a gzip stream', f'one that is damaged after {self._bytes:,} bytes of content ({self._fault})'
    elif not self._inflater.eof:
      yield 'a gzip stream', f'one that ends early, after {self._bytes:,} bytes of content'
    elif self._behind:
      yield 'a gzip stream and nothing behind it', f'{self._behind:,} bytes behind it'
    if self._frames.damage:
      yield 'frames with the right checksums', f'a wrong one of the {self._frames.damage} of record {self.records:,}'
    elif self._inflater.eof:
      yield from self._records_that_differ()

  def _records_that_differ(self) -> Iterator[Difference]:
    file = self._file
    if not self._frames.is_whole:
      yield 'whole frames', f'a part of one behind record {self.records:,}'
      return
    if self.records != file.records:
      yield f'{file.records:,} records', f'{self.records:,}'
    size = self._bytes - self.records * FRAME_SIZE
    if file.record_bytes is not None and size != file.record_bytes:
      yield f'records of {file.record_bytes:,} bytes', f'{size:,} bytes'
    if file.records_crc32c and f'{self._crc32c:08x}' != file.records_crc32c:
      yield f'records with the CRC-32C {file.records_crc32c}', f'{self._crc32c:08x}'


class QuarantinedRows:
  """A file of rows that were set aside, one a line."""

  def __init__(self, file: WrittenFile):
    self._rows = sum(file.counts.values())
    self._lines = 0

  def add(self, data: bytes) -> None:
    """See Content."""
    self._lines += data.count(b'\n')

  def differences(self) -> Iterator[Difference]:
    """See Content."""
    if self._lines != self._rows:
      yield f'{self._rows:,} rows', f'{self._lines:,}'


class Message:
  """A small file that is parsed as a whole."""

  def __init__(self, differences_in: Callable[[bytes], Iterator[Difference]]):
    self._differences_in = differences_in
    self._pieces: list[bytes] = []

  def add(self, data: bytes) -> None:
    """See Content."""
    self._pieces.append(data)

  def differences(self) -> Iterator[Difference]:
    """See Content."""
    return self._differences_in(b''.join(self._pieces))


def content_of(key: str, file: WrittenFile, manifest: Manifest) -> Content:
  """What a file of the artifact `key` must hold."""
  if key == 'examples' and not is_parquet(file):
    return TFRecords(file)
  if key == 'statistics' and file.path.endswith('.pb'):
    return Message(lambda data: _in_statistics(data, manifest.splits.get(file.split)))
  if key == 'schema':
    return Message(_in_schema)
  return QuarantinedRows(file) if key == 'quarantine' else Anything()


def is_parquet(file: WrittenFile) -> bool:
  """Whether a shard has no TFRecords, but Parquet, whose digest stands for its records."""
  return file.path.endswith('.parquet')


def _in_statistics(data: bytes, records: int | None) -> Iterator[Difference]:
  try:
    found = of_all_rows(parse_statistics(data, ''))
  except UserError:
    yield 'a binary DatasetFeatureStatisticsList', 'something else'
    return
  if found and records is not None and found.rows != records:
    yield f'statistics of {records:,} records', f'statistics of {found.rows:,}'


def _in_schema(data: bytes) -> Iterator[Difference]:
  try:
    text_format.Parse(data, Schema())
  except (text_format.ParseError, DecodeError, ValueError) as error:
    yield 'a Schema in text form', f'something else ({" ".join(str(error).split())})'
