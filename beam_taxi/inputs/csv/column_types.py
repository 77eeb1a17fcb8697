"""Column types over all rows, by the rules of TFX's CsvExampleGen.

TFX asks of each non-empty cell: does Python's int() take it, and is it an int64? Then it is INT; an int beyond int64 is
STRING; else, does float() take it? FLOAT; else STRING. A column has the highest type of its cells, in the order INT <
FLOAT < STRING, and no type where all its cells are empty. (Source: tfx_bsl/coders/csv_decoder.py, _InferValueType.)

Arrow's own inference finds the same types for nearly every cell, in C++. Where the two may differ - hexadecimal ints,
"+5", "1_000", NaN's spellings, ints beyond int64 - the cells in question are asked again, by Python.
"""

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.boundaries import positions_of
from beam_taxi.inputs.csv.dialect import Dialect

_INT64_LIMIT = 2**63

# What no Python int() or float() refuses, and what needs no second look.
_PLAIN_NUMBER = r'^[ \t]*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?[ \t]*$'
_PLAIN_INT = r'^[ \t]*[-+]?\d{1,18}[ \t]*$'

# What Arrow reads as Python does, once blanks around it are gone.
_SAME_TO_ARROW = {
  ColumnType.INT: r'^[ \t]*-?\d{1,18}[ \t]*$',
  ColumnType.FLOAT: r'^[ \t]*-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?[ \t]*$',
}


def type_of_cell(cell: bytes) -> ColumnType:
  """One cell's type, as TFX infers it."""
  if not cell:
    return ColumnType.UNKNOWN
  try:
    return ColumnType.INT if -_INT64_LIMIT <= int(cell) < _INT64_LIMIT else ColumnType.STRING
  except ValueError:
    pass
  try:
    float(cell)
  except ValueError:
    return ColumnType.STRING
  return ColumnType.FLOAT


def type_of_cells(cells: pa.Array) -> ColumnType:
  """The type of a binary column, asked cell by cell where a regular expression in C++ cannot answer."""
  cells = cells.drop_null()
  result = ColumnType.UNKNOWN
  if not len(cells):
    return result
  # One cell that is no number settles the column, and in a column of text the first one nearly always is.
  if type_of_cell(cells[0].as_py()) is ColumnType.STRING:
    return ColumnType.STRING
  plain = pc.match_substring_regex(cells, _PLAIN_INT)
  if pc.any(plain).as_py():
    result = ColumnType.INT
  cells = cells.filter(pc.invert(plain))
  odd = pc.invert(pc.match_substring_regex(cells, _PLAIN_NUMBER)) if len(cells) else None
  for group in (cells.filter(odd), cells.filter(pc.invert(odd))) if odd is not None else ():
    for cell in group.unique():
      result = max(result, type_of_cell(cell.as_py()))
      if result is ColumnType.STRING:
        return result
  return result


def as_type(cells: pa.Array, kind: ColumnType) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
  """Cells as values of a type, by TFX's rules.

  Args:
    cells: binary; null where empty.
    kind: the type.

  Returns:
    int64 for INT, float64 for FLOAT, binary for STRING or null for UNKNOWN; and of each cell whether it does not fit,
    and so is null.
  """
  filled = np.asarray(cells.is_valid())
  misfits = np.zeros(len(cells), bool)
  if kind is ColumnType.STRING:
    return cells, misfits
  if kind is ColumnType.UNKNOWN:
    return pa.nulls(len(cells)), filled
  plain = pc.match_substring_regex(cells, _SAME_TO_ARROW[kind]).fill_null(False)
  text = pc.utf8_trim_whitespace(pc.if_else(plain, cells, pa.scalar(None, cells.type)).cast(pa.string()))
  numbers = text.cast(pa.int64() if kind is ColumnType.INT else pa.float64())
  values = np.array(numbers.fill_null(0))
  odd = np.flatnonzero(filled & ~np.asarray(plain))
  if odd.size:
    coded = cells.take(pa.array(odd)).dictionary_encode()
    fitting = [_number(cell, kind) for cell in coded.dictionary.to_pylist()]
    codes = np.asarray(coded.indices)
    values[odd] = np.array([0 if number is None else number for number in fitting], values.dtype)[codes]
    misfits[odd] = np.array([number is None for number in fitting])[codes]
  return pa.array(values, mask=~filled | misfits), misfits


def _number(cell: bytes, kind: ColumnType) -> int | float | None:
  """A cell as an int64 or a float, or None where it is none."""
  try:
    if kind is ColumnType.FLOAT:
      return float(cell)
    return number if -_INT64_LIMIT <= (number := int(cell)) < _INT64_LIMIT else None
  except ValueError:
    return None


def may_spell_numbers_oddly(data: bytes, dialect: Dialect) -> bool:
  """Whether CSV bytes may hold a number that Arrow and Python take for different types.

  Arrow reads 0x1F as an int, which Python's int() does not, and in newer releases +5 as a double, which is an int.
  """
  bytes_ = np.frombuffer(data, np.uint8)
  for mark in (b'x', b'X'):
    # A search for b'0x' would stop at each of a CSV file's many zeros.
    places = positions_of(mark, data)
    places = places[places > 0]
    before = bytes_[places - 1]
    # A cell can go on behind its quotes, as in "0"x1F.
    quoted = before == ord(dialect.quote_char) if dialect.quote_char else False
    if ((before == ord('0')) | (quoted & (bytes_[np.maximum(places - 2, 0)] == ord('0')))).any():
      return True
  plus = rb'(?:\A|[\s' + re.escape((dialect.quote_char + dialect.delimiter).encode()) + rb'])\+'
  return data.find(b'+') >= 0 and re.search(plus, data) is not None


def type_of_inferred(column: pa.Array, *, odd: bool) -> ColumnType | None:
  """TFX's type for a column whose type Arrow has inferred; None where only the cells themselves can tell.

  Args:
    column: what Arrow made of the column.
    odd: what may_spell_numbers_oddly says of the bytes that it was read from.
  """
  kind = column.type
  if pa.types.is_null(kind):
    return ColumnType.UNKNOWN
  if pa.types.is_int64(kind):
    return None if odd else ColumnType.INT
  if pa.types.is_float64(kind):
    # Arrow reads an int beyond int64 as a double, and nan(1) as NaN.
    largest = pc.max(pc.abs(column)).as_py()
    suspicious = odd or pc.any(pc.is_nan(column)).as_py() or (largest is not None and largest >= _INT64_LIMIT)
    return None if suspicious else ColumnType.FLOAT
  if pa.types.is_string(kind):
    return None
  # A date, a time or a timestamp: neither int() nor float() takes any of their spellings.
  return ColumnType.STRING
