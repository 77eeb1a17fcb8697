"""CSV files: their text, and the header that each begins with."""

import contextlib
import csv
import dataclasses
import io
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from beam_taxi.artifacts.listing import ListedFile
from beam_taxi.errors import UserError
from beam_taxi.inputs.columns import fault_in_names
from beam_taxi.inputs.compression import compression_of
from beam_taxi.inputs.csv.boundaries import count_lines, first_record_end
from beam_taxi.inputs.csv.comments import WithoutComments
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.text_encoding import UTF_8, EncodingError, Utf8Stream, needs_stream
from beam_taxi.inputs.first_bytes import no_text
from beam_taxi.inputs.input_files import InputFile, changed_within, open_file

_BYTE_ORDER_MARK = b'\xef\xbb\xbf'
_HEADER_STEP = 64 * 1024
_OTHER_MARKS = {b'\xff\xfe': 'utf-16', b'\xfe\xff': 'utf-16'}


@dataclasses.dataclass(frozen=True)
class Header:
  """A file's column names. Its CSV bytes [begin, end) are the header's, after what stands above it.

  Attributes:
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


def input_files(listed: Iterable[ListedFile], dialect: Dialect) -> list[InputFile]:
  """Listed files, which are written in a dialect."""
  return [input_file(file, index, dialect) for index, file in enumerate(listed)]


def input_file(file: ListedFile, index: int, dialect: Dialect) -> InputFile:
  """A listed file, which is written in a dialect."""
  converted_from = dialect.encoding if needs_stream(dialect) else None
  return InputFile(
    file.path,
    file.size,
    index,
    file.version,
    compression_of(file.path, dialect.compression),
    converted_from,
    dialect if dialect.comment_char else None,
  )


@contextlib.contextmanager
def open_csv(file: InputFile, span: tuple[int, int] | None = None, *, again: bool = False) -> Iterator[BinaryIO]:
  """A stream of the file's CSV bytes from their beginning: as it is read, decompressed, converted, without comments.

  Args:
    file: the file.
    span: the stored bytes that will be read, where that is known.
    again: whether it has been read to its end before; then what is broken in it has changed since.

  Raises:
    UserError: as open_file does, or its text is not of its encoding.
  """
  with open_file(file, span, again=again) as stream:
    try:
      # These streams have no more than the one method that a stream's reader needs.
      if file.converted_from:
        stream = cast(BinaryIO, Utf8Stream(stream, file.converted_from))
      if file.filtered_by:
        stream = cast(BinaryIO, WithoutComments(stream, file.filtered_by))
      yield stream
    except EncodingError as error:
      if again:
        raise changed_within(file, str(error)) from error
      raise UserError(f'{file.path}: {error}; give the --encoding that it has, or fix it') from error


def read_some(stream: BinaryIO, size: int) -> bytes:
  """The next `size` bytes or more of CSV, never cut between a CR and the LF behind it; b'' at the end.

  A CR ends a line by itself unless an LF follows, so whoever looks at it must see what follows.
  """
  data = stream.read(size)
  while data.endswith(b'\r') and (more := stream.read(size)):
    data += more
  return data


def read_header(file: InputFile, dialect: Dialect) -> Header:
  """The names of a file's columns, from its first record or, where files have no header, from the dialect.

  Raises:
    UserError: no text at all, no header, of another encoding, an empty or a repeated name, or an unclosed quote.
  """
  if dialect.columns:
    with open_csv(file) as stream:
      top = _read_top(stream, file, dialect)
    return Header(file.path, dialect.columns, top.end, top.end, lines=top.lines, says_sep=top.says_sep)
  header = read_first_row(file, dialect)
  if fault := fault_in_names(header.columns):
    line = f'{file.path}: line {header.lines + 1}'
    raise UserError(f'{line}: {fault}, or give --no_header and --columns where this is no header')
  return header


def read_first_row(file: InputFile, dialect: Dialect) -> Header:
  """The first record of a file as a header, whatever its names are. Raises UserError as read_header does."""
  with open_csv(file) as stream:
    top = _read_top(stream, file, dialect)
    head, begin = top.head, top.end
    while not (end := first_record_end(head[begin:], dialect)):
      more = read_some(stream, max(_HEADER_STEP, len(head)))
      if not more:
        end = len(head) - begin
        break
      head += more
  record = head[begin : begin + end]
  if not record.strip():
    line = f'{file.path}: line {top.lines + 1}'
    raise UserError(f'{line}: has no header; the first line must name the columns, or give --columns')
  names = _names_in(record, head, top, file, dialect)
  return Header(file.path, tuple(names), begin, begin + end, record.rstrip(b'\r\n'), top.lines, top.says_sep)


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
  return f'{line}: headers differ: {what}; all files of a run need the same columns in the same order'
