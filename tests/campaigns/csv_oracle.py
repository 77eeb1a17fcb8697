"""What a CSV file must be read as: Python's csv module, and the rules of docs/CSV.md, in the plainest words.

Nothing here is of beam_taxi but the Dialect and the names of types. The bytes of line ends, delimiters and quotes stand
for themselves (a file in UTF-16 or the like is converted first), so the structure is read from the file as Latin-1, and
each row's text from its own bytes.
"""

import bz2
import codecs
import csv
import dataclasses
import functools
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import zstandard

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect

# Those of the encodings that are tried here whose files are converted as a stream.
STREAMS = frozenset({'utf-16', 'utf-16-le', 'utf-16-be', 'utf-32', 'utf-7', 'iso2022_jp', 'cp500', 'hz'})
_MARK = b'\xef\xbb\xbf'
# Without any delimiter in it.
_SENTINEL = 'behind_the_end'

csv.field_size_limit(1 << 30)


class RefusedError(Exception):
  """A file that cannot be read; its text is why, by the names that `REFUSALS` in mutated_inputs.py has."""


@dataclasses.dataclass(frozen=True)
class Row:
  """A row of a file: its bytes without its line end, where it begins, and its cells as bytes.

  `line` counts from 1 and `offset` from the beginning of the file's text.
  """

  data: bytes
  offset: int
  line: int
  cells: tuple[bytes, ...]
  is_blank: bool = False


@dataclasses.dataclass(frozen=True)
class BadRow:
  """A row that must be set aside, and why."""

  row: Row
  reason: str


@dataclasses.dataclass(frozen=True)
class FileText:
  """A file that can be read: the names of its columns, and its rows behind the header, blank ones left out.

  `header` has the header's bytes; b'' where there is none, or where it has one cell, which may well come again.
  """

  columns: tuple[str, ...]
  rows: tuple[Row, ...]
  encoding: str
  header: bytes = b''


def read_file(stored: bytes, compression: str, dialect: Dialect, needed: Sequence[str] = ()) -> FileText:
  """A file's rows. Raises RefusedError where it has none that anybody could name.

  Args:
    stored: its bytes, as stored.
    compression: 'gzip', 'bzip2', 'zstd' or ''.
    dialect: how it is written.
    needed: columns that it must have.
  """
  data = decompressed(stored, compression)
  encoding = dialect.encoding
  if encoding in STREAMS:
    try:
      # As of a stream, which must say its byte order in UTF-16.
      data, encoding = codecs.getincrementaldecoder(encoding)().decode(data, final=True).encode(), 'utf-8'
    except UnicodeError as error:
      raise RefusedError('not_of_its_encoding') from error
  begin = len(_MARK) if data.startswith(_MARK) else 0
  rows, is_open = rows_of(data[begin:], begin, dialect)
  columns, header = dialect.columns, b''
  if not columns:
    columns = _header(rows, data[begin:], is_open, dialect, encoding)
    header = rows[0].data if len(columns) > 1 else b''
    rows = rows[1:]
  if not set(needed) <= set(columns):
    raise RefusedError('no_such_column')
  if is_open:
    raise RefusedError('open_quote')
  if not dialect.skip_blank_lines:
    return FileText(columns, tuple(_filled(row, len(columns)) for row in rows), encoding, header)
  return FileText(columns, tuple(row for row in rows if not row.is_blank), encoding, header)


def decompressed(stored: bytes, compression: str) -> bytes:
  """The bytes that a file holds. Raises RefusedError where it is not whole."""
  try:
    if compression == 'gzip':
      return gzip.GzipFile(fileobj=io.BytesIO(stored)).read()
    if compression == 'bzip2':
      return bz2.BZ2File(io.BytesIO(stored)).read()
    return b''.join(_frames(stored)) if compression == 'zstd' else stored
  except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
    raise RefusedError('not_whole') from error


def _frames(stored: bytes) -> Iterator[bytes]:
  while stored:
    reader = zstandard.ZstdDecompressor().decompressobj()
    yield reader.decompress(stored)
    if not reader.eof:
      raise EOFError
    stored = reader.unused_data


def rows_of(data: bytes, begin: int, dialect: Dialect) -> tuple[list[Row], bool]:
  """All records of some text that begins at a byte of its file, and whether a quote is still open at its end."""
  text = data.decode('latin-1')
  found: list[Row] = []
  offset, line = begin, 1
  for raw, cells in _records(text, dialect):
    content = _without_line_end(raw)
    found.append(
      Row(
        content.encode('latin-1'), offset, line, tuple(cell.encode('latin-1') for cell in cells), is_blank=not content
      )
    )
    offset += len(raw)
    line += sum(1 for _ in io.StringIO(raw, newline=''))
  *_, (_, last) = _records(f'{text}\n{_SENTINEL}', dialect)
  return found, last != [_SENTINEL]


def _records(text: str, dialect: Dialect) -> Iterator[tuple[str, list[str]]]:
  """Each record's own text, and the cells that Python finds in it; none of a blank line."""
  taken: list[str] = []

  def lines() -> Iterator[str]:
    for line in io.StringIO(text, newline=''):
      taken.append(line)
      yield line

  for cells in csv.reader(lines(), **_as_python_names_it(dialect)):
    yield ''.join(taken), cells
    taken.clear()


def _as_python_names_it(dialect: Dialect) -> dict:
  if dialect.quote_char:
    return {'delimiter': dialect.delimiter, 'quotechar': dialect.quote_char}
  return {'delimiter': dialect.delimiter, 'quotechar': None, 'quoting': csv.QUOTE_NONE}


def _without_line_end(raw: str) -> str:
  return raw[:-2] if raw.endswith('\r\n') else raw[:-1] if raw.endswith(('\r', '\n')) else raw


def _header(rows: Sequence[Row], data: bytes, is_open: bool, dialect: Dialect, encoding: str) -> tuple[str, ...]:
  """The names that the first record has. Raises RefusedError where it is no header."""
  if not rows or not rows[0].data.strip():
    raise RefusedError('no_header')
  record = data if is_open and len(rows) == 1 else rows[0].data
  try:
    [names] = csv.reader(io.StringIO(record.decode(encoding), newline=''), strict=True, **_as_python_names_it(dialect))
  except (UnicodeDecodeError, csv.Error, ValueError) as error:
    raise RefusedError('no_header') from error
  if '' in names or any('\0' in name for name in names) or len(set(names)) < len(names):
    raise RefusedError('no_header')
  return tuple(names)


def _filled(row: Row, columns: int) -> Row:
  return dataclasses.replace(row, cells=(b'',) * columns) if row.is_blank else row


def bad_row(row: Row, columns: int, encoding: str, header: bytes = b'') -> str:
  """Why a row cannot be read, whatever the types are; '' where it can."""
  if header and row.data in (header, _MARK + header):
    return 'repeated_header'
  if len(row.cells) != columns:
    return 'wrong_number_of_cells'
  try:
    row.data.decode(encoding).encode()
  except UnicodeError:
    return 'wrong_encoding'
  return ''


@functools.lru_cache(4096)
def type_of(cell: bytes) -> ColumnType:
  """The type of one cell in UTF-8: by int(), then by float()."""
  if not cell:
    return ColumnType.UNKNOWN
  try:
    return ColumnType.INT if -(2**63) <= int(cell) < 2**63 else ColumnType.STRING
  except ValueError:
    pass
  try:
    float(cell)
  except ValueError:
    return ColumnType.STRING
  return ColumnType.FLOAT


def fits(cell: bytes, kind: ColumnType) -> bool:
  """Whether a cell can be read as a type that was given."""
  found = type_of(cell)
  if kind is ColumnType.FLOAT and found is ColumnType.STRING:
    try:
      float(cell)
    except ValueError:
      return False
    return True
  return found <= kind


@dataclasses.dataclass(frozen=True)
class Expected:
  """What a run over some files must make: the types, the cells of all good rows in order, and the bad rows by file."""

  types: tuple[ColumnType, ...]
  good: tuple[tuple[object, ...], ...]
  bad: tuple[tuple[str, BadRow], ...]


def expected_of(files: Iterable[tuple[str, FileText]], dialect: Dialect, given: Mapping[str, ColumnType]) -> Expected:
  """What a run over files of the same columns must make of them.

  Args:
    files: their names and texts, in the order in which they are read.
    dialect: how they are written.
    given: types of columns that are not inferred.
  """
  good: list[list[bytes]] = []
  bad: list[tuple[str, BadRow]] = []
  columns: tuple[str, ...] = ()
  header = None
  empty = {text.encode() for text in ('', *dialect.null_values)}
  for name, text in files:
    columns = text.columns
    header = text.header if header is None else header
    for row in text.rows:
      reason = bad_row(row, len(columns), text.encoding, header)
      cells = [] if reason else [cell.decode(text.encoding).encode() for cell in row.cells]
      cells = [b'' if cell in empty else cell for cell in cells]
      if any(column in given and not fits(cell, given[column]) for column, cell in zip(columns, cells, strict=False)):
        reason = 'wrong_type'
      if reason:
        bad.append((name, BadRow(row, reason)))
      else:
        good.append(cells)
  inferred = [max(map(type_of, cells), default=ColumnType.UNKNOWN) for cells in zip(*good, strict=True)]
  kinds = inferred or [ColumnType.UNKNOWN] * len(columns)
  types = tuple(given.get(column, kind) for column, kind in zip(columns, kinds, strict=True))
  values = tuple(tuple(value_of(cell, kind) for cell, kind in zip(cells, types, strict=True)) for cells in good)
  return Expected(types, values, tuple(bad))


def value_of(cell: bytes, kind: ColumnType) -> object:
  """A cell as an Example has it: an int, a float's 32 bits as text, bytes; None where it is empty."""
  if not cell:
    return None
  if kind is ColumnType.FLOAT:
    return as_shown(float(cell))
  return int(cell) if kind is ColumnType.INT else cell


def as_shown(number: float) -> str:
  """A float of 32 bits, by which two can be compared: NaN is NaN, and 0 is not -0."""
  with np.errstate(over='ignore'):
    return f'float {np.float32(number)!s}'
