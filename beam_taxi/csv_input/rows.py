"""The rows of some whole records: where each of them stands, and how many cells it has."""

import dataclasses

import numpy as np

from beam_taxi.config import Dialect
from beam_taxi.csv_input.boundaries import Positions, line_ends, outside, quote_edges


@dataclasses.dataclass(frozen=True)
class Rows:
  """Row i is data[begins[i]:ends[i]], its line end left out, and has cells[i] cells; blank lines are rows of one."""

  begins: Positions
  ends: Positions
  cells: Positions


def find_rows(data: bytes, dialect: Dialect) -> Rows:
  """The rows of whole records, without blank lines where the dialect skips them."""
  edges = quote_edges(data, dialect)
  begins, ends = _spans(data, dialect, edges)
  delimiters = outside(np.flatnonzero(np.frombuffer(data, np.uint8) == ord(dialect.delimiter)), edges)
  return Rows(begins, ends, np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, begins) + 1)


def count_rows(data: bytes, dialect: Dialect) -> int:
  """How many rows whole records have."""
  return int(_spans(data, dialect, quote_edges(data, dialect))[0].size)


def _spans(data: bytes, dialect: Dialect, edges: Positions) -> tuple[Positions, Positions]:
  """Where each row begins, and where it ends."""
  stops = outside(line_ends(data), edges)
  if data and (not stops.size or stops[-1] + 1 < len(data)):
    stops = np.append(stops, len(data))
  begins = np.zeros_like(stops)
  begins[1:] = stops[:-1] + 1
  if data.find(b'\r') < 0:
    ends = stops
  else:
    bytes_ = np.frombuffer(data, np.uint8)
    # Only the LF of a CRLF is in `stops`; for the last row that may be the end of the data.
    before = bytes_[np.maximum(stops, 1) - 1]
    at = bytes_[np.minimum(stops, len(data) - 1)]
    ends = stops - ((stops > begins) & (before == ord('\r')) & (at == ord('\n')) & (stops < len(data)))
  if dialect.skip_blank_lines:
    filled = ends > begins
    if not filled.all():
      begins, ends = begins[filled], ends[filled]
  return begins, ends
