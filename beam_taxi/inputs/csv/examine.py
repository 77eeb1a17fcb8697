"""What pass 1 has to know of records: their types, how many they are, and which are bad.

The kernel answers for plain records, which nearly all are. Where it cannot, or there is none, Arrow and numpy do.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from beam_taxi.inputs.columns import ColumnType, widest
from beam_taxi.inputs.csv.arrow_parsing import fits_header, may_repeat_header
from beam_taxi.inputs.csv.bad_rows import RowProblem, count_reasons
from beam_taxi.inputs.csv.boundaries import kernel_dialect
from beam_taxi.inputs.csv.column_types import type_of_cell
from beam_taxi.inputs.csv.decode import fit_as_written, infer_types
from beam_taxi.inputs.csv.rows import count_rows
from beam_taxi.inputs.csv.text_encoding import EncodingError, encoding_of_blocks, to_utf_8
from beam_taxi.inputs.layout import Layout
from beam_taxi.kernel import csv as csv_kernel
from beam_taxi.kernel.library import kernel

# The types that any cell has.
_ANY_CELL = (ColumnType.STRING, ColumnType.SKIPPED)


@dataclasses.dataclass(frozen=True)
class Examined:
  """What pass 1 found in some rows; the offset and line of `first_bad_row` count from a place that goes with it.

  `types` is () where they are all given, and where there is no good row.
  """

  types: tuple[ColumnType, ...] = ()
  count: int = 0
  bad: Mapping[str, int] = dataclasses.field(default_factory=dict)
  first_bad_row: RowProblem | None = None


@dataclasses.dataclass(frozen=True)
class Piece:
  """data[begin:end], without a copy of it."""

  data: bytes
  begin: int
  end: int

  @classmethod
  def whole(cls, data: bytes) -> 'Piece':
    """All of it."""
    return cls(data, 0, len(data))


def examine(pieces: Sequence[Piece], layout: Layout, offset: int = 0, lines: int = 0) -> Examined:
  """Looks at whole records.

  Args:
    pieces: whole records each.
    layout: what their rows must look like.
    offset, lines: how many bytes and lines there are between the records and what offsets count from.
  """
  if kernel() == 'compiled':
    plain = [each for piece in pieces if (each := _examine_plain(piece, layout)) is not None]
    if len(plain) == len(pieces):
      return Examined(widest(each.types for each in plain if each.types), sum(each.count for each in plain))
  data = b''.join(memoryview(piece.data)[piece.begin : piece.end] for piece in pieces)
  count = count_rows(data, layout.settings)
  if layout.has_all_types:
    return Examined(count=count)
  found = infer_types(data, layout)
  first = found.bad[0].problem.behind(offset, lines) if found.bad else None
  return Examined(found.types if count > len(found.bad) else (), count, count_reasons(found.bad), first)


def _examine_plain(piece: Piece, layout: Layout) -> Examined | None:
  """Asks the kernel; None where some row is bad or not plain."""
  if not piece.data.isascii():
    try:
      text = to_utf_8(piece.data[piece.begin : piece.end], encoding_of_blocks(layout.settings))
    except EncodingError:
      return None
    piece = Piece.whole(text)
  # Any cell is a STRING, and where all types are given, only rows are counted.
  begun = [
    ColumnType.STRING if layout.has_all_types or given in _ANY_CELL else ColumnType.UNKNOWN for given in layout.types
  ]
  found = csv_kernel.examine(piece.data, piece.begin, piece.end, kernel_dialect(layout.settings), begun)
  if not found:
    return None
  if not found.rows or layout.has_all_types:
    return Examined(count=found.rows)
  if not fit_as_written(piece.data, piece.begin, piece.end, layout):
    return None
  types = [ColumnType(kind) for kind in found.types]
  for column, cell in found.odd:
    if layout.types[column] is not None:
      return None
    types[column] = max(types[column], type_of_cell(cell))
  for column, given in enumerate(layout.types):
    if given is not None:
      if types[column] > given:
        return None
      types[column] = given
  if fits_header(types, layout) and may_repeat_header(piece.data, layout, piece.begin, piece.end):
    return None
  return Examined(tuple(types), found.rows)
