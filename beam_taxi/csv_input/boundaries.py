r"""Where records begin and end: exact, quoted newlines included, and in parallel.

A newline ends a record unless it stands inside quotes, so whoever starts in the middle of a file must know whether that
place is inside. A range of bytes is therefore read for both cases, and which of the two is true follows from the ranges
before it (the technique is that of Ge et al., "Speculative Distributed CSV Data Parsing for Big Data Analytics", SIGMOD
2019).

A quote opens a quoted field only where a field begins; elsewhere in an unquoted field it is a character like any other,
as Python's csv module and Arrow read it. LF, CRLF and a CR alone each end a line, as they do for those two.
"""

import dataclasses
import re

import numpy as np
import numpy.typing as npt

from beam_taxi.config import Dialect

Positions = npt.NDArray[np.intp]

_LF, _CR, _CRLF = b'\n', b'\r', b'\r\n'
_LINE_ENDS = _CR + _LF


@dataclasses.dataclass(frozen=True)
class Outcome:
  """What a range does to a reader that enters it in one of the two states.

  Attributes:
    first_record: where the range's first record begins; None where none begins in it.
    ends_inside: whether the range ends inside quotes.
    open_quote: where the quote stands that is open at the range's end; None where none is, or not in this range.
    plausible: whether each quote that opens a field, read so, stands where a field begins.
  """

  first_record: 'Place | None'
  ends_inside: bool
  open_quote: 'Place | None'
  plausible: bool


@dataclasses.dataclass(frozen=True)
class Place:
  """A byte's offset in a range, and how many lines of the range end before it."""

  offset: int
  lines: int


def quote_edges(data: bytes, dialect: Dialect, *, inside: bool = False, at_field: bool = True) -> Positions:
  """Positions in `data` at which quoted text begins or ends, alternately.

  Args:
    data: CSV bytes.
    dialect: their delimiter and quote.
    inside: whether `data` begins inside quotes.
    at_field: whether, outside quotes, a field begins with the first byte of `data`.

  Returns:
    Sorted positions. A doubled quote appears as an end and a beginning side by side.
  """
  edges = _quotes(data, dialect)
  if edges.size and not _open_fields(data, edges[int(inside) :: 2], dialect, at_field):
    return _walk(data, dialect, inside, at_field)
  return edges


def outcome(data: bytes, dialect: Dialect, *, inside: bool, previous: bytes) -> Outcome:
  """Reads a range that a reader enters inside or outside quotes.

  Args:
    data: the range's bytes.
    dialect: their delimiter and quote.
    inside: the state at the first byte.
    previous: the byte before the range, or b'' where it begins the file's first record. It is neither a quote nor a CR:
      see `next_cut`.

  Returns:
    The Outcome.
  """
  begins_record = not inside and previous in (b'', _LF)
  at_field = begins_record or previous in (_LF, dialect.delimiter.encode())
  quotes = _quotes(data, dialect)
  plausible = _open_fields(data, quotes[int(inside) :: 2], dialect, at_field)
  edges = quotes if plausible else _walk(data, dialect, inside, at_field)
  ends_inside = bool((edges.size + inside) % 2)
  first = 0 if begins_record else _first_end(data, edges, inside)
  return Outcome(
    first_record=_place(data, first) if first is not None and first < len(data) else None,
    ends_inside=ends_inside,
    open_quote=_place(data, int(edges[-1])) if ends_inside and edges.size else None,
    plausible=plausible,
  )


def next_cut(data: bytes, position: int, dialect: Dialect) -> int:
  """The first place at or after `position`, which is 1 or more, that follows neither a quote nor a CR.

  Behind a quote it would matter whether that quote has just closed a field, and behind a CR whether an LF follows;
  anywhere else, inside and outside are the only two states.
  """
  unfit = dialect.quote_char.encode() + _CR
  while position < len(data) and data[position - 1] in unfit:
    position += 1
  return position


def first_record_end(data: bytes, dialect: Dialect) -> int | None:
  """The length of the first whole record of `data`, its line end included; None where `data` ends before it does."""
  return _first_end(data, quote_edges(data, dialect), inside=False)


def last_record_end(data: bytes, dialect: Dialect) -> int:
  """The length of all whole records of `data`, which begins with one; 0 where not even the first is whole."""
  edges = quote_edges(data, dialect)
  end = _last_line_end(data, len(data))
  while end >= 0:
    before = int(np.searchsorted(edges, end))
    if before % 2 == 0:
      return end + 1
    end = _last_line_end(data, int(edges[before - 1]))
  return 0


def open_quote(data: bytes, dialect: Dialect) -> int | None:
  """Where the quote opens that is still open at the end of `data`, which begins with a record; None where none is."""
  edges = quote_edges(data, dialect)
  return int(edges[-1]) if edges.size % 2 else None


def line_ends(data: bytes) -> Positions:
  """The last byte of every line end, inside quotes and outside: each LF, and each CR without one behind it."""
  bytes_ = np.frombuffer(data, np.uint8)
  ends = bytes_ == _LF[0]
  if data.find(_CR) >= 0:
    alone = bytes_ == _CR[0]
    alone[:-1] &= ~ends[1:]
    ends |= alone
  return np.flatnonzero(ends)


def count_lines(data: bytes, begin: int = 0, end: int | None = None) -> int:
  """How many lines end in data[begin:end]."""
  end = len(data) if end is None else end
  lines = data.count(_LF, begin, end)
  if data.find(_CR, begin, end) >= 0:
    lines += data.count(_CR, begin, end) - data.count(_CRLF, begin, end)
  return lines


def outside(positions: Positions, edges: Positions) -> Positions:
  """Those positions that are not inside quotes, for data that begins outside them."""
  if not edges.size:
    return positions
  chosen: Positions = positions[np.searchsorted(edges, positions) % 2 == 0]
  return chosen


def _place(data: bytes, offset: int) -> Place:
  return Place(offset, count_lines(data, 0, offset))


def _quotes(data: bytes, dialect: Dialect) -> Positions:
  """Every quote character. Most ranges of most files have none, which bytes.find knows fastest."""
  if not dialect.quote_char or data.find(dialect.quote_char.encode()) < 0:
    return np.empty(0, np.intp)
  return np.flatnonzero(np.frombuffer(data, np.uint8) == ord(dialect.quote_char))


def _open_fields(data: bytes, openings: Positions, dialect: Dialect, at_field: bool) -> bool:
  """Whether all opening quotes stand at the beginning of a field or double the quote before them."""
  if openings.size and openings[0] == 0:
    if not at_field:
      return False
    openings = openings[1:]
  before = np.frombuffer(data, np.uint8)[openings - 1]
  allowed = np.zeros(256, bool)
  allowed[list((dialect.delimiter + dialect.quote_char).encode() + _LINE_ENDS)] = True
  return bool(allowed[before].all())


def _walk(data: bytes, dialect: Dialect, inside: bool, at_field: bool) -> Positions:
  """quote_edges, one quoted field at a time: for data in which some quotes are ordinary characters."""
  quote = dialect.quote_char.encode()
  opening = re.compile(b'[' + re.escape(dialect.delimiter.encode()) + _LINE_ENDS + b']' + re.escape(quote))
  edges: list[int] = []
  position = 0
  if not inside and at_field and data.startswith(quote):
    edges.append(0)
    inside, position = True, 1
  while True:
    if inside:
      closing = data.find(quote, position)
      if closing < 0:
        break
      edges.append(closing)
      position = closing + 1
      inside = data[position : position + 1] == quote
      if inside:
        edges.append(position)
        position += 1
    else:
      found = opening.search(data, position)
      if not found:
        break
      edges.append(found.end() - 1)
      inside, position = True, found.end()
  return np.array(edges, np.intp)


def _first_end(data: bytes, edges: Positions, inside: bool) -> int | None:
  """The position behind the first line end outside quotes."""
  end = _next_line_end(data, 0)
  while end >= 0:
    before = int(np.searchsorted(edges, end))
    if (before + inside) % 2 == 0:
      return end + 1
    if before == edges.size:
      return None
    end = _next_line_end(data, int(edges[before]))
  return None


def _next_line_end(data: bytes, begin: int) -> int:
  """The last byte of the first line end in data[begin:], or -1."""
  lf = data.find(_LF, begin)
  cr = data.find(_CR, begin, lf if lf >= 0 else len(data))
  return lf if cr < 0 or cr + 1 == lf else cr


def _last_line_end(data: bytes, end: int) -> int:
  """The last byte of the last line end in data[:end], or -1. `end` is not between a CR and an LF."""
  lf = data.rfind(_LF, 0, end)
  return max(lf, data.rfind(_CR, lf + 1, end))
