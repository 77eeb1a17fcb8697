"""Rows that cannot be read as the header, the encoding or a given type wants them: what is wrong, and where."""

import codecs
import collections
import dataclasses
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from beam_taxi.errors import on_one_line
from beam_taxi.inputs.csv.boundaries import count_lines
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.rows import Rows
from beam_taxi.inputs.csv.text_encoding import EncodingError, first_wrong_byte, to_utf_8
from beam_taxi.inputs.findings import Problem
from beam_taxi.inputs.input_files import InputFile

Reason = Literal['wrong_number_of_cells', 'wrong_encoding', 'wrong_type', 'repeated_header']

# Why rows are bad, and in what detail, by their numbers in the block.
Reasons = dict[int, tuple[Reason, str]]

_SHOWN_BYTES = 80


@dataclasses.dataclass(frozen=True)
class RowProblem:
  """Something wrong in some bytes: its offset in them, how many lines end before it, and what it is."""

  offset: int
  lines: int
  what: str

  def behind(self, offset: int, lines: int) -> 'RowProblem':
    """The same, seen from `offset` bytes and `lines` lines before those bytes."""
    return RowProblem(offset + self.offset, lines + self.lines, self.what)


@dataclasses.dataclass(frozen=True)
class BadRow:
  """One bad row of a block: its offset in it, how many lines end before it, why it is bad, and its bytes."""

  offset: int
  lines: int
  reason: Reason
  detail: str
  data: bytes

  @property
  def problem(self) -> RowProblem:
    """The row as an error message tells of it."""
    return RowProblem(self.offset, self.lines, f'{self.detail}: {_shown(self.data)}')


def located(file: InputFile, problem: RowProblem) -> Problem:
  """A problem as the user reads it. In a file that is converted as a stream, bytes are those of the text in UTF-8."""
  byte = f'byte {problem.offset:,}' + (' of it in UTF-8' if file.converted_from else '')
  place = f'{file.path}: line {problem.lines + 1} ({byte})'
  return Problem(file.index, problem.offset, f'{place}: {problem.what}')


def misread(data: bytes, rows: Rows, columns: int, dialect: Dialect, encoding: str, header: bytes = b'') -> Reasons:
  """Which rows have too many or too few cells or, among the others, are not text of the encoding, or repeat the header.

  Args:
    data: whole records.
    rows: what find_rows says of them.
    columns: how many cells a row must have. A blank line that is a row has that many.
    dialect: how they are written.
    encoding: of `data`.
    header: the bytes of a row that repeats the header, if there may be one.
  """
  wrong = rows.cells != columns
  if not dialect.skip_blank_lines:
    wrong &= rows.ends > rows.begins
  expected = f'where {columns} {"are" if columns > 1 else "is"} expected'
  reasons: Reasons = {}
  for index in np.flatnonzero(wrong).tolist():
    cells = int(rows.cells[index])
    reasons[index] = ('wrong_number_of_cells', f'{cells} cell{"s" if cells > 1 else ""} {expected}')
  if not _is_text(data, encoding):
    for index in np.flatnonzero(~wrong).tolist():
      position = first_wrong_byte(data[rows.begins[index] : rows.ends[index]], encoding)
      if position is not None:
        reasons[index] = ('wrong_encoding', f'byte {position + 1} of the row is not {encoding.upper()}')
  # Where files were joined, a byte-order mark can stand before it.
  for again in (header, codecs.BOM_UTF8 + header) if header else ():
    for index in np.flatnonzero(rows.ends - rows.begins == len(again)).tolist():
      if data.startswith(again, int(rows.begins[index])):
        reasons[index] = ('repeated_header', 'the header again, as where files were joined')
  return reasons


def bad_rows(data: bytes, rows: Rows, reasons: Reasons) -> list[BadRow]:
  """The BadRows of some whole records, in their order."""
  found = []
  position = lines = 0
  for index, (reason, detail) in sorted(reasons.items()):
    begin, end = int(rows.begins[index]), int(rows.ends[index])
    lines += count_lines(data, position, begin)
    position = begin
    found.append(BadRow(begin, lines, reason, detail, data[begin:end]))
  return found


def without(data: bytes, rows: Rows, numbers: Iterable[int]) -> bytes:
  """Whole records without some of their rows; each row that stays keeps its place in the order, not its offset."""
  left_out = np.zeros(rows.begins.size, bool)
  left_out[list(numbers)] = True
  # Each stretch of rows that stay is copied whole.
  edges = np.flatnonzero(np.diff(left_out, prepend=True, append=True))
  stretches = [data[rows.begins[first] : rows.ends[last - 1]] for first, last in edges.reshape(-1, 2)]
  # A stretch may end with a CR, before a blank line: an LF alone would become one line end with it.
  return b'\r\n'.join([*stretches, b'']) if stretches else b''


def count_reasons(rows: Sequence[BadRow]) -> dict[str, int]:
  """How many of the rows are bad for which reason."""
  return dict(collections.Counter(row.reason for row in rows))


def _is_text(data: bytes, encoding: str) -> bool:
  try:
    to_utf_8(data, encoding)
  except EncodingError:
    return False
  return True


def _shown(row: bytes) -> str:
  """The beginning of a row, on one line of printable characters."""
  text = row[:_SHOWN_BYTES].decode('utf-8', 'backslashreplace')
  return on_one_line(text) + ('...' if len(row) > _SHOWN_BYTES else '')
