r"""Where records begin and end: exact, quoted newlines included, and in parallel.

A newline ends a record unless it stands inside quotes, so whoever starts in the middle of a file must know whether that
place is inside. A range of bytes is therefore read for both cases, and which of the two is true follows from the ranges
before it (the technique is that of Ge et al., "Speculative Distributed CSV Data Parsing for Big Data Analytics", SIGMOD
2019).

A quote opens a quoted field only where a field begins; elsewhere in an unquoted field it is a character like any other,
as Python's csv module and Arrow read it. Records are cut at '\n' only, which ends a record under LF and CRLF alike.
"""

import dataclasses
import re

import numpy as np
import numpy.typing as npt

from beam_taxi.csv_input.dialect import Dialect

Positions = npt.NDArray[np.intp]

_NEWLINE = b'\n'
_LINE_ENDS = b'\r\n'


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
  """A byte's offset in a range, and how many newlines of the range come before it."""

  offset: int
  newlines: int


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
    previous: the byte before the range, or b'' where it begins the file's first record. It is never a quote: see
      `cut_after_quotes`.

  Returns:
    The Outcome.
  """
  begins_record = not inside and previous in (b'', _NEWLINE)
  at_field = previous in (b'', b'\r', _NEWLINE, dialect.delimiter)
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


def cut_after_quotes(data: bytes, position: int, dialect: Dialect) -> int:
  """The first place at or after `position` that does not follow a quote.

  Behind a quote it would matter whether that quote has just closed a field; anywhere else, inside and outside are the
  only two states. `position` is 1 or more.
  """
  while position < len(data) and data[position - 1 : position] == dialect.quote:
    position += 1
  return position


def first_record_end(data: bytes, dialect: Dialect) -> int | None:
  """The length of the first whole record of `data`, its line end included; None where `data` ends before it does."""
  return _first_end(data, quote_edges(data, dialect), inside=False)


def last_record_end(data: bytes, dialect: Dialect) -> int:
  """The length of all whole records of `data`, which begins with one; 0 where not even the first is whole."""
  edges = quote_edges(data, dialect)
  end = data.rfind(_NEWLINE)
  while end >= 0:
    before = int(np.searchsorted(edges, end))
    if before % 2 == 0:
      return end + 1
    end = data.rfind(_NEWLINE, 0, int(edges[before - 1]))
  return 0


def open_quote(data: bytes, dialect: Dialect) -> int | None:
  """Where the quote opens that is still open at the end of `data`, which begins with a record; None where none is."""
  edges = quote_edges(data, dialect)
  return int(edges[-1]) if edges.size % 2 else None


def outside(positions: Positions, edges: Positions) -> Positions:
  """Those positions that are not inside quotes, for data that begins outside them."""
  chosen: Positions = positions[np.searchsorted(edges, positions) % 2 == 0]
  return chosen


def _place(data: bytes, offset: int) -> Place:
  return Place(offset, data.count(_NEWLINE, 0, offset))


def _quotes(data: bytes, dialect: Dialect) -> Positions:
  """Every quote character. Most ranges of most files have none, which bytes.find knows fastest."""
  if data.find(dialect.quote) < 0:
    return np.empty(0, np.intp)
  return np.flatnonzero(np.frombuffer(data, np.uint8) == ord(dialect.quote))


def _open_fields(data: bytes, openings: Positions, dialect: Dialect, at_field: bool) -> bool:
  """Whether all opening quotes stand at the beginning of a field or double the quote before them."""
  if openings.size and openings[0] == 0:
    if not at_field:
      return False
    openings = openings[1:]
  before = np.frombuffer(data, np.uint8)[openings - 1]
  allowed = np.zeros(256, bool)
  allowed[list(dialect.delimiter + dialect.quote + _LINE_ENDS)] = True
  return bool(allowed[before].all())


def _walk(data: bytes, dialect: Dialect, inside: bool, at_field: bool) -> Positions:
  """quote_edges, one quoted field at a time: for data in which some quotes are ordinary characters."""
  opening = re.compile(b'[' + re.escape(dialect.delimiter) + _LINE_ENDS + b']' + re.escape(dialect.quote))
  edges: list[int] = []
  position = 0
  if not inside and at_field and data.startswith(dialect.quote):
    edges.append(0)
    inside, position = True, 1
  while True:
    if inside:
      closing = data.find(dialect.quote, position)
      if closing < 0:
        break
      edges.append(closing)
      position = closing + 1
      inside = data[position : position + 1] == dialect.quote
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
  """The position behind the first newline outside quotes."""
  end = data.find(_NEWLINE)
  while end >= 0:
    before = int(np.searchsorted(edges, end))
    if (before + inside) % 2 == 0:
      return end + 1
    if before == edges.size:
      return None
    end = data.find(_NEWLINE, int(edges[before]))
  return None
