"""The rows of some whole records: where each of them stands, and how many cells it has."""

import dataclasses

import numpy as np

from beam_taxi.inputs.csv.boundaries import Positions, count_in_records, line_ends, outside, positions_of, quote_edges
from beam_taxi.inputs.csv.dialect import Dialect


@dataclasses.dataclass(frozen=True)
class Rows:
  """Row i is data[begins[i]:ends[i]], its line end left out, and has cells[i] cells; blank lines are rows of one."""

  begins: Positions
  ends: Positions
  cells: Positions


def find_rows(data: bytes, dialect: Dialect) -> Rows:
  """The rows of whole records, without blank lines where the dialect skips them."""
  edges = quote_edges(data, dialect)
  begins, ends = _row_spans(data, record_ends(data, dialect), dialect)
  delimiters = outside(positions_of(dialect.delimiter.encode(), data), edges)
  return Rows(begins, ends, np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, begins) + 1)


def count_rows(data: bytes, dialect: Dialect) -> int:
  """How many rows whole records have."""
  return _row_spans(data, record_ends(data, dialect), dialect)[0].size


def record_ends(data: bytes, dialect: Dialect) -> Positions:
  """Of whole records the last byte of each one's line end, and the end of the data where the last has none."""
  stops = outside(line_ends(data), quote_edges(data, dialect))
  return np.append(stops, len(data)) if (stops[-1] + 1 if stops.size else 0) < len(data) else stops


def has_too_wide_row(data: bytes, columns: int, dialect: Dialect) -> bool:
  """Whether some row of whole records has more than `columns` cells."""
  stops = record_ends(data, dialect)
  if not stops.size:
    return False
  delimiters = count_in_records(dialect.delimiter.encode(), data, stops)
  # Some of them may be inside quotes.
  return bool((delimiters >= columns).any()) and bool((find_rows(data, dialect).cells > columns).any())


def _row_spans(data: bytes, stops: Positions, dialect: Dialect) -> tuple[Positions, Positions]:
  """Where each row of whole records, which end at `stops`, begins, and where it ends."""
  begins = np.zeros_like(stops)
  begins[1:] = stops[:-1] + 1
  ends = stops
  if data.find(b'\r') >= 0:
    bytes_ = np.frombuffer(data + b'\0', np.uint8)
    crlf = (bytes_[stops] == ord('\n')) & (bytes_[np.maximum(stops, 1) - 1] == ord('\r'))
    ends = stops - (crlf & (stops > begins))
  if dialect.skip_blank_lines:
    filled = ends > begins
    if not filled.all():
      begins, ends = begins[filled], ends[filled]
  return begins, ends
