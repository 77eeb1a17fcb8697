"""What the beginning of a file says of how it is written: compression, encoding, delimiter, quotes, header."""

import codecs
import csv
import dataclasses
import io
import re
from typing import Any

import numpy as np

from beam_taxi import storage
from beam_taxi.artifacts.listing import ListedFile
from beam_taxi.errors import UserError
from beam_taxi.inputs.columns import ColumnType, fault_in_names
from beam_taxi.inputs.compression import compression_of
from beam_taxi.inputs.csv.boundaries import last_record_end, open_quote, positions_of, quote_edges
from beam_taxi.inputs.csv.column_types import type_of_cell
from beam_taxi.inputs.csv.comments import WithoutComments
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.files import input_file, open_csv
from beam_taxi.inputs.csv.header import FirstRow, read_first_row
from beam_taxi.inputs.csv.rows import find_rows
from beam_taxi.inputs.first_bytes import ENOUGH, codec_of, no_text
from beam_taxi.inputs.input_files import InputFile

_SAMPLE = 1024 * 1024
# The longer marks come first: UTF-32's begins with UTF-16's.
_MARKS = {
  codecs.BOM_UTF8: 'utf-8',
  codecs.BOM_UTF32_LE: 'utf-32',
  codecs.BOM_UTF32_BE: 'utf-32',
  codecs.BOM_UTF16_LE: 'utf-16',
  codecs.BOM_UTF16_BE: 'utf-16',
}
# How many of the bytes at every second place are 0 in UTF-16 that is mostly ASCII, at least.
_OFTEN = 0.3
_DELIMITERS = ',;\t|'
_SEP = re.compile(rb'sep=([,;\t|])(?:\r\n|\r|\n)')
_LINE_END = re.compile(rb'\r\n|\r|\n')
_COMMENTS = '#'
# How many rows are looked at for what a column without a name has.
_MOST_ROWS = 1000
# What stands above a header is rarely longer.
_MOST_LINES_ABOVE = 50


@dataclasses.dataclass(frozen=True)
class Guess:
  """How files are probably written.

  Attributes:
    dialect: the guess, with what was given.
    line_ends: 'LF', 'CRLF', 'CR', 'mixed' or, of a single line without an end, 'none'.
    byte_order_mark: whether there is one.
    notes: what a person should look at.
  """

  dialect: Dialect
  line_ends: str
  byte_order_mark: bool
  notes: tuple[str, ...]


def guess_dialect(path: str, size: int, given: dict[str, Any]) -> Guess:
  """Guesses from a file's first MiB.

  Args:
    path: the file.
    size: its bytes as stored.
    given: the Dialect's fields that are known.

  Raises:
    UserError: the file cannot be read, or no Dialect has what is given.
  """
  Dialect(**given)
  known = dict(given)
  known.setdefault('compression', _compression(path))
  sample = _beginning(input_file(ListedFile(path, size), 0, Dialect(compression=known['compression'])))
  mark = next((mark for mark in _MARKS if sample.startswith(mark)), b'')
  known.setdefault('encoding', _MARKS[mark] if mark else _encoding(sample))
  text = sample.decode(known['encoding'], 'replace').lstrip('\ufeff').encode()
  # A file that ends here must end with a whole record; a sample may end anywhere.
  whole = len(sample) < _SAMPLE
  if says := _SEP.match(text):
    known.setdefault('delimiter', says[1].decode())
    text = text[says.end() :]
  text = _without_top(text, known)
  delimiters = [known['delimiter']] if 'delimiter' in known else _DELIMITERS
  quotes = [known['quote_char']] if 'quote_char' in known else _quotes(text)
  # The first of those that read a file equally well, and for it the delimiter that makes more cells.
  known['quote_char'], known['delimiter'] = max(
    (
      max(
        ((quote, delimiter) for delimiter in delimiters if delimiter != quote),
        key=lambda marks: _consistency(text, marks[0], marks[1], whole),
      )
      for quote in quotes
    ),
    key=lambda marks: _consistency(text, marks[0], marks[1], whole)[0],
  )
  notes = []
  if 'skip_lines' not in given and (lines := _lines_above(text, Dialect(known['delimiter'], known['quote_char']))):
    known['skip_lines'] = lines + int(bool(says))
    notes.append(f'{_counted(lines, "line")} above the header {"is" if lines == 1 else "are"} skipped.')
  if 'comment_char' in known and 'comment_char' not in given:
    notes.append(f'Lines that begin with {known["comment_char"]} are taken for comments.')
  if known['quote_char'] and f'\\{known["quote_char"]}'.encode() in text:
    notes.append(
      f'There are quotes behind backslashes (\\{known["quote_char"]}). CSV doubles a quote within quotes, and a '
      'backslash is a character like any other; if it is meant to escape, write the file anew.'
    )
  if not known['quote_char'] and 'quote_char' not in given and b'"' in text:
    notes.append('Read as quotes, the " in the file would leave a cell open, so they are taken as text.')
  if 'columns' not in known:
    dialect = Dialect(**known)
    first = read_first_row(input_file(ListedFile(path, size), 0, dialect), dialect)
    names = first.header.columns
    if 'unnamed_columns' not in given and (found := _unnamed(first, text, dialect)):
      known['unnamed_columns'], note = found
      names = tuple(filter(None, names))
      notes.append(note)
    numbers = [name for name in names if name[-1:].isdigit() and type_of_cell(name.encode()) is not ColumnType.STRING]
    if fault := fault_in_names(names):
      known['columns'] = tuple(f'column_{number}' for number in range(1, len(names) + 1))
      notes.append(f'The first row is taken for data: as a header, {fault.partition(";")[0]}.')
    elif numbers:
      notes.append(
        f'The first row has numbers ({", ".join(numbers[:3])}): if it is data, give --no_header and --columns.'
      )
  return Guess(Dialect(**known), _line_ends(text), bool(mark), tuple(notes))


def _without_top(text: bytes, known: dict[str, Any]) -> bytes:
  """A text without the lines that are known to be skipped, and without comments, whose mark becomes known."""
  for _ in range(known.get('skip_lines', 0)):
    found = _LINE_END.search(text)
    text = text[found.end() :] if found else b''
  mark = known.get('comment_char', _COMMENTS)
  if not mark or not text.startswith(mark.encode()):
    return text  # Within a file it may be text.
  dialect = Dialect(known.get('delimiter', ','), known.get('quote_char', '"'), comment_char=mark)
  without = WithoutComments(io.BytesIO(text), dialect).read(len(text))
  if 'comment_char' not in known:
    # A header may begin so: then its cells are as many as a row's.
    first, row = (lines.lstrip(b'\r\n').partition(b'\n')[0] for lines in (text, without))
    if any(first.count(each) == row.count(each) > 0 for each in map(str.encode, _DELIMITERS)):
      return text
    known['comment_char'] = mark
  return without


def _lines_above(text: bytes, dialect: Dialect) -> int:
  """How many lines stand above the first row that has as many cells as most rows."""
  rows = find_rows(text[: last_record_end(text, dialect) or len(text)], dialect)
  if rows.cells.size < 3:
    return 0
  usual = int(np.bincount(rows.cells).argmax())
  same = np.flatnonzero(rows.cells == usual)
  first = int(same[0])
  if usual == 1 or not first or same.size < 2 or int(rows.cells[0]) >= usual:
    return 0
  if rows.cells[first - 1] == usual - 1 and all(text[end - 1] == ord(dialect.delimiter) for end in rows.ends[same]):
    first -= 1  # A header, and rows that end with a delimiter.
  lines = len(_LINE_END.findall(text[: int(rows.begins[first])]))
  return lines if lines <= _MOST_LINES_ABOVE else 0


def _unnamed(first: FirstRow, text: bytes, dialect: Dialect) -> tuple[str, str] | None:
  """What --unnamed_columns should be, and why, where a header seems to leave out names; else None."""
  names = first.header.columns
  named = tuple(filter(None, names))
  in_rows = first.next_cells == len(names) + 1 and first.next_row.endswith(dialect.delimiter.encode())
  if not named or (len(named) == len(names) and not in_rows):
    return None
  if fault_in_names(named) or any(type_of_cell(name.encode()) is not ColumnType.STRING for name in named):
    return None  # It is data.
  if not names[-1] and first.next_cells == len(names) - 1:
    names = names[:-1]
  width = len(names) + int(in_rows)
  rows = [row for row in _rows_of(text, width, dialect) if tuple(row) != first.header.columns]
  notes = []
  way = 'drop'
  for place in [*(place for place, name in enumerate(names) if not name), *range(len(names), width)]:
    cells = [row[place] for row in rows]
    column = f'Column {place + 1} has no name'
    if not any(cells):
      notes.append(f'{column} and no values, as where a delimiter ends each line')
    elif cells == [str(number) for number in range(int(cells[0] == '1'), len(cells) + int(cells[0] == '1'))]:
      notes.append(f'{column} and counts the rows, as the index that pandas writes')
    else:
      notes.append(column)
      way = 'name'
  if not notes:
    notes = ['The header ends with a delimiter, and the rows do not']
  done = 'it is left out' if way == 'drop' else 'it is named by its place'
  return way, f'{"; ".join(notes)}: {done} (--unnamed_columns {way}).'


def _rows_of(text: bytes, width: int, dialect: Dialect) -> list[list[str]]:
  """The cells of a text's first rows with so many cells, without its header."""
  found = find_rows(text[: last_record_end(text, dialect) or len(text)], dialect)
  rows = []
  for place in np.flatnonzero(found.cells == width)[: _MOST_ROWS + 1].tolist():
    row = text[found.begins[place] : found.ends[place]].decode('utf-8', 'replace')
    [cells] = csv.reader(
      io.StringIO(row, newline=''),
      delimiter=dialect.delimiter,
      quotechar=dialect.quote_char or None,
      quoting=csv.QUOTE_MINIMAL if dialect.quote_char else csv.QUOTE_NONE,
    )
    rows.append(cells)
  return rows


def _counted(number: int, what: str) -> str:
  return f'{number} {what}' + ('s' if number > 1 else '')


def _compression(path: str) -> str:
  """'auto' where the name's ending and the first bytes agree. Raises UserError where a file is no text."""
  with storage.open_for_reading(path) as stream:
    head = stream.read(ENOUGH)
  found = codec_of(head)
  if not found and (other := no_text(path, head)):
    raise UserError(f'{path}: {other}')
  return 'auto' if found == compression_of(path, 'auto') else found or 'none'


def _beginning(file: InputFile) -> bytes:
  pieces: list[bytes] = []
  missing = _SAMPLE
  with open_csv(file) as stream:
    while missing and (piece := stream.read(missing)):
      pieces.append(piece)
      missing -= len(piece)
  return b''.join(pieces)


def _encoding(sample: bytes) -> str:
  """UTF-16 where every second byte is often 0, else UTF-8 if that is possible, else what Windows writes in the West."""
  zeros = np.frombuffer(sample, np.uint8) == 0
  if zeros.any() and zeros.size > 1:
    even, odd = zeros[::2].mean(), zeros[1::2].mean()
    if max(even, odd) > _OFTEN > min(even, odd):
      return 'utf-16-le' if odd > even else 'utf-16-be'
  for encoding in ('utf-8', 'cp1252'):
    try:
      # The sample may end within a character.
      codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
      continue
    return encoding
  return 'latin-1'


def _quotes(text: bytes) -> list[str]:
  """Possible quote characters, in the order in which they are preferred where they read a file equally well."""
  if b"'" not in text:
    return ['"', '']
  # Where each of them begins or ends a cell and there are no other quotes, they are no apostrophes.
  only = b'"' not in text and any(
    quote_edges(text, Dialect(delimiter, "'")).size == positions_of(b"'", text).size for delimiter in _DELIMITERS
  )
  return ["'", '"', ''] if only else ['"', "'", '']


def _consistency(text: bytes, quote_char: str, delimiter: str, whole: bool) -> tuple[float, int]:
  """How well a text reads with two marks: the share of it in rows with as many cells as the first, and that number."""
  dialect = Dialect(delimiter, quote_char)
  unclosed = open_quote(text, dialect) is not None
  if whole and unclosed:
    return 0, 0
  read = len(text) if whole else last_record_end(text, dialect)
  cells = find_rows(text[:read], dialect).cells
  if not cells.size or (cells == 1).all():
    # One column, for which nothing speaks but quotes.
    return (1, 1) if quote_char and text.startswith(quote_char.encode()) else (0, 0)
  # A sample may end within a cell, but most of it in one cell is a wrong quote's doing.
  share = read / len(text) if unclosed else 1
  # Lines above the header have another number of cells than the rows behind it.
  usual = int(np.bincount(cells[1:] if cells.size > 1 else cells).argmax())
  if usual == 1:
    return 0, 0
  return round(float((cells == usual).mean()) * share, 2), usual


def _line_ends(text: bytes) -> str:
  # A sample may end between the two.
  text = text.removesuffix(b'\r') if b'\r\n' in text else text
  crlf = text.count(b'\r\n')
  counts = {'LF': text.count(b'\n') - crlf, 'CRLF': crlf, 'CR': text.count(b'\r') - crlf}
  kinds = [kind for kind, count in counts.items() if count]
  return kinds[0] if len(kinds) == 1 else 'mixed' if kinds else 'none'
