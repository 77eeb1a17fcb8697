"""What the beginning of a file says of how it is written: compression, encoding, delimiter, quotes, header."""

import codecs
import dataclasses
from typing import Any

import numpy as np

from beam_taxi import storage
from beam_taxi.artifacts.listing import ListedFile
from beam_taxi.errors import UserError
from beam_taxi.inputs.columns import ColumnType, fault_in_names
from beam_taxi.inputs.compression import compression_of
from beam_taxi.inputs.csv.boundaries import last_record_end, open_quote, positions_of, quote_edges
from beam_taxi.inputs.csv.column_types import type_of_cell
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.files import input_file, open_csv, read_first_row
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
  if not known['quote_char'] and 'quote_char' not in given and b'"' in text:
    notes.append('Read as quotes, the " in the file would leave a cell open, so they are taken as text.')
  if 'columns' not in known:
    names = read_first_row(input_file(ListedFile(path, size), 0, Dialect(**known)), Dialect(**known)).columns
    numbers = [name for name in names if name[-1:].isdigit() and type_of_cell(name.encode()) is not ColumnType.STRING]
    if fault := fault_in_names(names):
      known['columns'] = tuple(f'column_{number}' for number in range(1, len(names) + 1))
      notes.append(f'The first row is taken for data: as a header, {fault.partition(";")[0]}.')
    elif numbers:
      notes.append(
        f'The first row has numbers ({", ".join(numbers[:3])}): if it is data, give --no_header and --columns.'
      )
  return Guess(Dialect(**known), _line_ends(text), bool(mark), tuple(notes))


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
  return round(float((cells == cells[0]).mean()) * share, 2), int(cells[0])


def _line_ends(text: bytes) -> str:
  # A sample may end between the two.
  text = text.removesuffix(b'\r') if b'\r\n' in text else text
  crlf = text.count(b'\r\n')
  counts = {'LF': text.count(b'\n') - crlf, 'CRLF': crlf, 'CR': text.count(b'\r') - crlf}
  kinds = [kind for kind, count in counts.items() if count]
  return kinds[0] if len(kinds) == 1 else 'mixed' if kinds else 'none'
