r"""Where records begin and end: exact, quoted newlines included, and in parallel.

A newline ends a record unless it stands inside quotes, so whoever starts in the middle of a file must know whether that
place is inside. A range of bytes is therefore read for both cases, and which of the two is true follows from the ranges
before it (the technique is that of Ge et al., "Speculative Distributed CSV Data Parsing for Big Data Analytics", SIGMOD
2019).

A quote opens a quoted field only where a field begins; elsewhere in an unquoted field it is a character like any other,
as Python's csv module and Arrow read it. LF, CRLF and a CR alone each end a line, as they do for those two.
"""

import dataclasses
import functools
import itertools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.kernel import csv as csv_kernel
from beam_taxi.kernel import library
from beam_taxi.kernel.library import kernel

Positions = npt.NDArray[np.intp]

_LF, _CR, _CRLF = b'\n', b'\r', b'\r\n'
_LINE_ENDS = _CR + _LF
# b'' is where a file's first record begins.
_BEFORE_RECORDS = (b'', _LF, _CR)

# Bytes that are looked at in one call: few, for the system maps new memory each time for arrays as large as a block.
PIECE = 64 * 1024


@dataclasses.dataclass(frozen=True)
class Outcome:
  """What a range does to a reader that enters it in one of the two states.

  Attributes:
    first_record: where the range's first record begins; None where none begins in it.
    first_end, last_end: how many bytes there are up to the end of the first record that ends in it, and of the last; 0
      where none does.
    ends_inside: whether the range ends inside quotes.
    open_quote: where the quote stands that is open at the range's end; None where none is, or not in this range.
    plausible: whether every quote, read so, begins or ends quoted text, as long as the state matters. That is up to the
      first odd run of quotes that does not begin a field, as behind the end of a quoted word: behind it any reader is
      outside (see `_real_edges`).
  """

  first_record: 'Place | None'
  first_end: int
  last_end: int
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
  return _edges(data, _quotes(data, dialect), dialect, inside=inside, at_field=at_field)


class Entered(NamedTuple):
  """What a range does to a reader that enters it outside quotes, and inside them; and how many of its lines end."""

  outside: Outcome
  inside: Outcome
  lines: int


def enter(data: bytes, dialect: Dialect, previous: bytes = b'') -> Entered:
  """Reads a range for both states that a reader can enter it in.

  Args:
    data: the range.
    dialect: its delimiter and quote.
    previous: the byte before the range, or b'' where it begins the file's first record. It is no quote, and no CR that
      an LF follows: see `next_cut`.
  """
  if kernel() == 'python':
    ends = line_ends(data)
    states = [_outcome(data, ends, dialect, inside=inside, previous=previous) for inside in (False, True)]
    return Entered(states[0], states[1], ends.size)
  found = csv_kernel.enter(data, kernel_dialect(dialect), previous)
  states = []
  for inside, state in ((False, found.outside), (True, found.inside)):
    behind = None if state.first_end < 0 else Place(state.first_end + 1, state.first_lines)
    states.append(
      Outcome(
        _first_record(data, behind, inside, previous),
        behind.offset if behind else 0,
        state.last_end + 1,
        bool(state.ends_inside),
        None if state.open_quote < 0 else Place(state.open_quote, state.quote_lines),
        bool(state.plausible),
      )
    )
  return Entered(states[0], states[1], found.lines)


@functools.cache
def kernel_dialect(dialect: Dialect) -> library.Dialect:
  """A dialect as the kernel takes it."""
  return csv_kernel.dialect_of(
    dialect.delimiter, dialect.quote_char, dialect.null_values, skip_blank_lines=dialect.skip_blank_lines
  )


def _outcome(data: bytes, lines: Positions, dialect: Dialect, *, inside: bool, previous: bytes) -> Outcome:
  """What a range, whose lines end at `lines`, does to a reader in one of the states."""
  quotes = _quotes(data, dialect)
  at_field = previous == dialect.delimiter.encode() or (not inside and previous in _BEFORE_RECORDS)
  edges = _edges(data, quotes, dialect, inside=inside, at_field=at_field)
  ends = outside(lines, edges, inside=inside)
  ends_inside = bool((edges.size + inside) % 2)

  def place(offset: int) -> Place:
    return Place(offset, int(np.searchsorted(lines, offset)))

  behind = place(int(ends[0]) + 1) if ends.size else None
  return Outcome(
    first_record=_first_record(data, behind, inside, previous),
    first_end=behind.offset if behind else 0,
    last_end=int(ends[-1]) + 1 if ends.size else 0,
    ends_inside=ends_inside,
    open_quote=place(int(edges[-1])) if ends_inside and edges.size else None,
    plausible=bool(np.isin(quotes[: _quotes_in_head(data, quotes, dialect)], edges).all()),
  )


def _first_record(data: bytes, behind: Place | None, inside: bool, previous: bytes) -> Place | None:
  """Where the first record begins, if it does: behind the first end of one, unless the range begins with a record."""
  first = Place(0, 0) if not inside and previous in _BEFORE_RECORDS else behind
  return first if first and first.offset < len(data) else None


def next_cut(data: bytes, position: int, dialect: Dialect) -> int | None:
  """The first place at or after `position` where ranges may meet; None where that is not in `data`.

  Behind a quote it would matter whether that quote has just closed a field, and a CR and an LF side by side are one
  line end. Anywhere else, inside and outside are the only two states.

  Args:
    data: CSV bytes.
    position: 1 or more.
    dialect: their quote.
  """
  quote = dialect.quote_char.encode()
  while True:
    previous = data[position - 1 : position]
    if previous not in (quote, _CR) or not previous:
      return position
    if position == len(data):
      return None
    if previous == _CR:
      if data[position : position + 1] != _LF:
        return position
      position += 1
    else:
      rest = data[position : position + PIECE]
      behind = rest.lstrip(quote)
      # One byte more, so that it is behind that and not behind a quote.
      position += len(rest) - len(behind) + bool(behind)


def first_record_end(data: bytes, dialect: Dialect) -> int | None:
  """The length of the first whole record of `data`, its line end included; None where `data` ends before it does."""
  return enter(data, dialect).outside.first_end or None


def last_record_end(data: bytes, dialect: Dialect) -> int:
  """The length of all whole records of `data`, which begins with one; 0 where not even the first is whole."""
  return enter(data, dialect).outside.last_end


def open_quote(data: bytes, dialect: Dialect) -> int | None:
  """Where the quote opens that is still open at the end of `data`, which begins with a record; None where none is."""
  opened = enter(data, dialect).outside.open_quote
  return opened.offset if opened else None


def line_ends(data: bytes) -> Positions:
  """The last byte of every line end, inside quotes and outside: each LF, and each CR without one behind it."""
  ends = positions_of(_LF, data)
  returns = positions_of(_CR, data)
  if not returns.size:
    return ends
  behind = np.frombuffer(data + b'\0', np.uint8)[returns + 1]
  alone = returns[behind != _LF[0]]
  return np.sort(np.concatenate([ends, alone])) if alone.size else ends


def positions_of(byte: bytes, data: bytes) -> Positions:
  """Where a byte occurs in `data`."""
  if data.find(byte) < 0:
    return np.empty(0, np.intp)
  bytes_ = np.frombuffer(data, np.uint8)
  pieces = [np.flatnonzero(bytes_[begin : begin + PIECE] == byte[0]) for begin in range(0, len(data), PIECE)]
  for number, piece in enumerate(pieces):
    piece += number * PIECE
  return np.concatenate(pieces)


def count_in_records(byte: bytes, data: bytes, stops: Positions) -> npt.NDArray[np.unsignedinteger]:
  """How often a byte occurs in each of some records, of which there is at least one; they end at `stops`."""
  bytes_ = np.frombuffer(data, np.uint8)
  begins = np.concatenate([[0], stops[:-1] + 1])
  # Sums in the narrowest type that holds a record's length are several times faster than in a wider one.
  narrow = np.min_scalar_type(np.diff(begins, append=len(data)).max())
  pieces = np.unique(np.searchsorted(begins, np.arange(0, begins[-1] + 1, PIECE)))
  counts = []
  for first, last in itertools.pairwise([*pieces, begins.size]):
    start, end = begins[first], begins[last] if last < begins.size else len(data)
    marks = bytes_[start:end] == byte[0]
    counts.append(np.add.reduceat(marks.view(np.uint8), begins[first:last] - start, dtype=narrow))
  return np.concatenate(counts)


def count_lines(data: bytes, begin: int = 0, end: int | None = None) -> int:
  """How many lines end in data[begin:end]."""
  end = len(data) if end is None else end
  lines = data.count(_LF, begin, end)
  if data.find(_CR, begin, end) >= 0:
    lines += data.count(_CR, begin, end) - data.count(_CRLF, begin, end)
  return lines


def outside(positions: Positions, edges: Positions, *, inside: bool = False) -> Positions:
  """Those positions that are not inside quotes, for data that begins outside or inside them."""
  if not edges.size:
    return positions[:0] if inside else positions
  chosen: Positions = positions[np.searchsorted(edges, positions) % 2 == int(inside)]
  return chosen


def _quotes(data: bytes, dialect: Dialect) -> Positions:
  """Every quote character."""
  return positions_of(dialect.quote_char.encode(), data) if dialect.quote_char else np.empty(0, np.intp)


def _edges(data: bytes, quotes: Positions, dialect: Dialect, *, inside: bool, at_field: bool) -> Positions:
  """Those of `quotes`, from some place in `data` on, that begin or end quoted text."""
  if _open_fields(data, quotes[int(inside) :: 2], dialect, at_field):
    return quotes
  return _real_edges(data, quotes, dialect, inside, at_field)


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


def _real_edges(data: bytes, quotes: Positions, dialect: Dialect, inside: bool, at_field: bool) -> Positions:
  """_edges, where some quotes are ordinary characters.

  What a run of quotes side by side does follows from its length, the byte before it and the state in which a reader
  meets it. Where a field begins, or inside quotes, each of its quotes is an edge, so an odd number of them changes the
  state. Elsewhere outside they are ordinary characters. So an odd run that does not begin a field leaves any reader
  outside, and between two of those the state is the parity of the odd runs that begin one.
  """
  runs = _Runs(data, quotes, dialect, at_field)
  changing = runs.begins_field & runs.odd
  changes = np.cumsum(changing)
  before = changes - changing
  # The last run before each that leaves any reader outside; -1 where there is none.
  known = np.maximum.accumulate(np.where(runs.leaves_outside, np.arange(changing.size), -1))
  known = np.concatenate([[-1], known[:-1]])
  state = np.where(known >= 0, before - changes[known], before + inside) % 2 == 1
  real: Positions = quotes[np.repeat(runs.begins_field | state, runs.lengths)]
  return real


def _quotes_in_head(data: bytes, quotes: Positions, dialect: Dialect) -> int:
  """How many quotes there are up to the end of the first run that leaves any reader outside; all where none does."""
  if not quotes.size:
    return 0
  runs = _Runs(data, quotes, dialect, at_field=True)
  found = np.flatnonzero(runs.leaves_outside)
  return int(np.cumsum(runs.lengths)[found[0]]) if found.size else quotes.size


class _Runs:
  """Runs of quotes side by side: their lengths, whether a field begins there, whether any reader is outside behind."""

  def __init__(self, data: bytes, quotes: Positions, dialect: Dialect, at_field: bool):
    firsts = np.flatnonzero(np.diff(quotes, prepend=-2) != 1)
    self.lengths = np.diff(firsts, append=quotes.size)
    self.odd = self.lengths % 2 == 1
    self.begins_field = _follows_mark(data, quotes[firsts], dialect)
    if quotes[0] == 0:
      self.begins_field[0] = at_field
    self.leaves_outside = self.odd & ~self.begins_field


def _follows_mark(data: bytes, places: Positions, dialect: Dialect) -> npt.NDArray[np.bool_]:
  """Whether a delimiter or a line end stands before each place. (Before the first byte of `data` that is unknown.)"""
  marks = np.zeros(256, bool)
  marks[list(dialect.delimiter.encode() + _LINE_ENDS)] = True
  found: npt.NDArray[np.bool_] = marks[np.frombuffer(data, np.uint8)[places - 1]]
  return found
