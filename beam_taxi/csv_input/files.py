"""Input files: matching them, their header, and exact reads that notice when a file is not what was planned."""

import bz2
import contextlib
import csv
import dataclasses
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, cast

import pyarrow as pa

from beam_taxi import storage
from beam_taxi.csv_input.boundaries import first_record_end
from beam_taxi.csv_input.dialect import Dialect
from beam_taxi.errors import UserError

_BYTE_ORDER_MARK = b'\xef\xbb\xbf'
_HEADER_STEP = 64 * 1024
_COMPRESSION = {'.gz': 'gzip', '.bz2': 'bz2', '.zst': 'zstd'}


@dataclasses.dataclass(frozen=True)
class InputFile:
  """One input file. `size` is in bytes as stored, `index` its place in the sorted list of all files."""

  path: str
  size: int
  index: int

  @property
  def compression(self) -> str | None:
    """'gzip', 'bz2' or 'zstd' by the name's ending; such a file is read as one stream."""
    return next((codec for ending, codec in _COMPRESSION.items() if self.path.endswith(ending)), None)


@dataclasses.dataclass(frozen=True)
class Header:
  """A file's column names. Its uncompressed bytes [begin, end) are the header's, after a byte-order mark or none."""

  path: str
  columns: tuple[str, ...]
  begin: int
  end: int


@dataclasses.dataclass(frozen=True)
class InputPlan:
  """The whole input: how many files and stored bytes it has, and the header of its first file."""

  files: int
  bytes: int
  header: Header


def match_files(patterns: Iterable[str]) -> list[InputFile]:
  """The files that the patterns name, each once however it is spelled, sorted by path.

  Raises:
    UserError: a pattern names no file.
  """
  files: dict[str, tuple[str, int]] = {}
  for pattern in patterns:
    found = storage.match(pattern)
    if not found:
      raise UserError(f'{pattern}: no file matches; check the path, and quote a pattern that a shell should not expand')
    for path, size in found:
      files.setdefault(storage.identity(path), (path, size))
  return [InputFile(path, size, index) for index, (path, size) in enumerate(sorted(files.values()))]


@contextlib.contextmanager
def open_uncompressed(file: InputFile) -> Iterator[BinaryIO]:
  """A stream of the file's CSV bytes from their beginning; a compressed file is decompressed as it is read.

  Raises:
    UserError: the file is gone, or its compressed stream is broken.
  """
  try:
    with storage.open_for_reading(file.path) as stored, _uncompressed(stored, file) as stream:
      yield stream
  except PermissionError as error:
    raise UserError(f'{file.path}: cannot be read ({error.strerror}); ask for the right to read it') from error
  except FileNotFoundError as error:
    raise UserError(f'{file.path}: is gone since the run began; run again when nothing moves it') from error
  except (EOFError, zlib.error, OSError) as error:
    if not file.compression:
      raise
    raise UserError(
      f'{file.path}: is not a whole {file.compression} file ({error}); fetch or compress it again'
    ) from error


def _uncompressed(stream: BinaryIO, file: InputFile) -> BinaryIO:
  if file.compression == 'gzip':
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream))
  if file.compression == 'bz2':
    return cast(BinaryIO, bz2.BZ2File(stream))
  if file.compression == 'zstd':
    return cast(BinaryIO, pa.CompressedInputStream(pa.PythonFile(stream, 'r'), 'zstd'))
  return stream


def read_exactly(stream: BinaryIO, size: int, file: InputFile) -> bytes:
  """The next `size` bytes of an uncompressed file.

  Raises:
    UserError: the file ends before them, so it shrank after it was planned.
  """
  pieces = []
  missing = size
  while missing:
    piece = stream.read(missing)
    if not piece:
      raise changed(file, 'shorter')
    pieces.append(piece)
    missing -= len(piece)
  return b''.join(pieces)


def changed(file: InputFile, how: str) -> UserError:
  """The error for a file whose size is no longer the planned one."""
  return UserError(
    f'{file.path}: is {how} now than the {file.size:,} bytes it had when the run began; run again when nothing writes '
    'to it'
  )


def read_header(file: InputFile, dialect: Dialect) -> Header:
  """Reads the first record of a file as its column names, after a byte-order mark if there is one.

  Raises:
    UserError: no header, not UTF-8, an empty or a repeated name, or an unclosed quote.
  """
  with open_uncompressed(file) as stream:
    head = stream.read(_HEADER_STEP)
    mark = len(_BYTE_ORDER_MARK) if head.startswith(_BYTE_ORDER_MARK) else 0
    while not (end := first_record_end(head[mark:], dialect)):
      more = stream.read(max(_HEADER_STEP, len(head)))
      if not more:
        end = len(head) - mark
        break
      head += more
  record = head[mark : mark + end]
  if not record.strip():
    raise UserError(f'{file.path}: line 1: has no header; the first line must name the columns')
  try:
    [columns] = csv.reader(
      io.StringIO(record.decode('utf-8'), newline=''),
      delimiter=dialect.delimiter.decode(),
      quotechar=dialect.quote.decode(),
      strict=True,
    )
  except UnicodeDecodeError as error:
    raise UserError(
      f'{file.path}: line 1: the header is not UTF-8 at byte {mark + error.start}; convert the file, for example with '
      'iconv'
    ) from error
  except (csv.Error, ValueError) as error:
    raise UserError(
      f'{file.path}: line 1: the header cannot be read ({error}); is a quote left open, or do lines end in CR alone?'
    ) from error
  seen: set[str] = set()
  for position, name in enumerate(columns, 1):
    if not name:
      raise UserError(f'{file.path}: line 1: column {position} has no name; name every column in the header')
    if name in seen:
      raise UserError(f'{file.path}: line 1: two columns are named {name!r}; give each its own name')
    seen.add(name)
  return Header(file.path, tuple(columns), mark, mark + end)


def plan_input(files: Sequence[InputFile], dialect: Dialect) -> InputPlan:
  """What is known of the input before its records are read. Raises UserError as read_header does."""
  return InputPlan(len(files), sum(file.size for file in files), read_header(files[0], dialect))


def header_difference(first: Header, other: Header) -> str:
  """How a later file's header differs from the first file's, as an error message; '' where they are the same."""
  if first.columns == other.columns:
    return ''
  if len(first.columns) != len(other.columns):
    columns = 'column' if len(other.columns) == 1 else 'columns'
    what = f'{len(other.columns)} {columns} where {first.path} has {len(first.columns)}'
  else:
    position, mine, theirs = next(
      (position, mine, theirs)
      for position, (mine, theirs) in enumerate(zip(first.columns, other.columns, strict=True), 1)
      if mine != theirs
    )
    what = f'column {position} is {theirs!r} where {first.path} has {mine!r}'
  return f'{other.path}: line 1: headers differ: {what}; all files of a run need the same columns in the same order'
