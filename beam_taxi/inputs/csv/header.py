"""The header of a CSV file, and what stands above it."""

import csv
import dataclasses
import io
import re
import shlex
from typing import BinaryIO

from beam_taxi.errors import UserError
from beam_taxi.inputs.columns import fault_in_names
from beam_taxi.inputs.csv.boundaries import count_lines, first_record_end
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.files import open_csv, read_some
from beam_taxi.inputs.csv.rows import find_rows
from beam_taxi.inputs.csv.text_encoding import UTF_8
from beam_taxi.inputs.first_bytes import no_text
from beam_taxi.inputs.input_files import InputFile

_BYTE_ORDER_MARK = b'\xef\xbb\xbf'
_HEADER_STEP = 64 * 1024
_OTHER_MARKS = {b'\xff\xfe': 'utf-16', b'\xfe\xff': 'utf-16'}


@dataclasses.dataclass(frozen=True)
class Header:
  """A file's column names. Its CSV bytes [begin, end) are the header's, after what stands above it.

  Attributes:
    unnamed: those of the columns that the file does not name.
    row: the header's bytes without their line end; b'' where the file has no header.
    lines: how many lines stand above it.
    says_sep: whether the first line is sep=, with a delimiter.
  """

  path: str
  columns: tuple[str, ...]
  begin: int
  end: int
  row: bytes = b''
  lines: int = 0
  says_sep: bool = False
  unnamed: tuple[str, ...] = ()


def read_header(file: InputFile, dialect: Dialect) -> Header:
  """The names of a file's columns, from its first record or, where files have no header, from the dialect.

  Raises:
    UserError: no text at all, no header, of another encoding, an empty or a repeated name, or an unclosed quote.
  """
  if dialect.columns:
    with open_csv(file) as stream:
      top = _read_top(stream, file, dialect)
    return Header(file.path, dialect.columns, top.end, top.end, lines=top.lines, says_sep=top.says_sep)
  first = read_first_row(file, dialect)
  header = first.header if dialect.unnamed_columns == 'fail' else _with_all_names(first, dialect)
  if fault := fault_in_names(header.columns):
    line = f'{file.path}: line {header.lines + 1}'
    others = '--no_header and --columns where this is no header'
    unnamed = '--unnamed_columns name or drop, or ' if '' in header.columns else ''
    raise UserError(f'{line}: {fault}, or give {unnamed}{others}')
  return header


def _with_all_names(first: 'FirstRow', dialect: Dialect) -> Header:
  """A header in which each column of the rows has a name: by its place, where the file gives it none.

  A delimiter may end the header, the rows behind it, or both.
  """
  names = list(first.header.columns)
  if first.next_cells == len(names) - 1 and not names[-1]:
    names.pop()
  elif first.next_cells == len(names) + 1 and first.next_row.endswith(dialect.delimiter.encode()):
    names.append('')
  named = tuple(name or f'column_{place}' for place, name in enumerate(names, 1))
  unnamed = tuple(new for new, name in zip(named, names, strict=True) if not name)
  return dataclasses.replace(first.header, columns=named, unnamed=unnamed)


@dataclasses.dataclass(frozen=True)
class FirstRow:
  """A file's first record as its header, whatever its names are, and the row behind it; b'' where there is none."""

  header: Header
  next_row: bytes
  next_cells: int


def read_first_row(file: InputFile, dialect: Dialect) -> FirstRow:
  """A file's first record, and the row behind it. Raises UserError as read_header does."""
  with open_csv(file) as stream:
    top = _read_top(stream, file, dialect)
    head, begin = top.head, top.end
    while not (length := first_record_end(head[begin:], dialect)):
      more = read_some(stream, max(_HEADER_STEP, len(head)))
      if not more:
        length = len(head) - begin
        break
      head += more
    behind = head[begin + length :] or read_some(stream, _HEADER_STEP)
  record = head[begin : begin + length]
  if not record.strip():
    line = f'{file.path}: line {top.lines + 1}'
    raise UserError(f'{line}: has no header; the first line must name the columns, or give --columns')
  names = _names_in(record, head, top, file, dialect)
  header = Header(file.path, tuple(names), begin, begin + length, record.rstrip(b'\r\n'), top.lines, top.says_sep)
  return FirstRow(header, *_first_cells(behind.lstrip(b'\r\n'), dialect))


def _first_cells(text: bytes, dialect: Dialect) -> tuple[bytes, int]:
  """The first row of a text, and how many cells it has; (b'', 0) where it is not whole."""
  row = text[: first_record_end(text, dialect) or (0 if len(text) >= _HEADER_STEP else len(text))]
  cells = find_rows(row, dialect).cells
  return row.rstrip(b'\r\n'), int(cells[0]) if cells.size else 0


@dataclasses.dataclass(frozen=True)
class _Top:
  """What stands above a file's header or first row: head[:end], with so many lines; more of the file may be read."""

  head: bytes
  end: int
  lines: int
  says_sep: bool


def _read_top(stream: BinaryIO, file: InputFile, dialect: Dialect) -> _Top:
  """A byte-order mark, sep= with a delimiter, and the lines that the dialect skips. Raises UserError."""
  head = read_some(stream, _HEADER_STEP)
  _check_text(file, head)
  end = len(_BYTE_ORDER_MARK) if head.startswith(_BYTE_ORDER_MARK) else 0
  # Excel understands it.
  sep = _SEP.match(head, end)
  if sep and sep[1].decode('latin-1') != dialect.delimiter:
    given = sep[1].decode('latin-1')
    raise UserError(f'{file.path}: line 1: says that the delimiter is {given!r}; give --delimiter {shlex.quote(given)}')
  wanted = max(dialect.skip_lines, int(bool(sep)))
  for line in range(wanted):
    while not (found := _LINE.match(head, end)):
      more = read_some(stream, max(_HEADER_STEP, len(head)))
      if not more:
        raise UserError(f'{file.path}: has {line:,} whole lines, of which --skip_lines {wanted} leaves nothing')
      head += more
    end = found.end()
  lines = wanted
  if dialect.comment_char:
    # Comments have become blank lines.
    rows = len(head) - len(head[end:].lstrip(b'\r\n'))
    lines, end = lines + count_lines(head, end, rows), rows
  return _Top(head, end, lines, bool(sep))


_LINE = re.compile(rb'[^\r\n]*(?:\r\n|\r|\n)')
_SEP = re.compile(rb'sep=([^\r\n])(?:\r\n|\r|\n)')


def _check_text(file: InputFile, head: bytes) -> None:
  """Raises UserError where a file is, by the beginning of what is read of it, of a kind that is no text."""
  if found := no_text(file.path, head, compressed=file.compression is not None):
    raise UserError(f'{file.path}: {found}')


def _names_in(record: bytes, head: bytes, top: _Top, file: InputFile, dialect: Dialect) -> list[str]:
  """The cells of a file's first record."""
  line = f'{file.path}: line {top.lines + 1}'
  encoding = UTF_8 if file.converted_from else dialect.encoding
  try:
    [columns] = csv.reader(
      io.StringIO(record.decode(encoding), newline=''),
      delimiter=dialect.delimiter,
      quotechar=dialect.quote_char or None,
      quoting=csv.QUOTE_MINIMAL if dialect.quote_char else csv.QUOTE_NONE,
      strict=True,
    )
  except UnicodeDecodeError as error:
    # Text that begins like UTF-16's says what it is.
    guess = next((name for begin, name in _OTHER_MARKS.items() if head.startswith(begin)), 'latin-1')
    raise UserError(
      f'{line}: the header is not {encoding.upper()} at byte {top.end + error.start}; give the --encoding that it has, '
      f'perhaps {guess}'
    ) from error
  except (csv.Error, ValueError) as error:
    raise UserError(f'{line}: the header cannot be read ({error}); is a quote left open?') from error
  return columns


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
  line = f'{other.path}: line {other.lines + 1}'
  return (
    f'{line}: headers differ: {what}; all files need the same columns in the same order, or give --columns_by name to '
    'read each by its own header'
  )
