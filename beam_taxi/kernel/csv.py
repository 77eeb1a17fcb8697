"""Where the records of CSV begin and end, and the types of their cells, by the compiled kernel."""

import ctypes
import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from beam_taxi.kernel.library import KINDS, NO_MEMORY, NOT_PLAIN, Cell, Dialect, Outcome, Values, library, owned

# Of so many cells in a block Python may be asked.
_MOST_ODD = 4096


@dataclasses.dataclass(frozen=True)
class RawExamined:
  """What some records have.

  Attributes:
    rows: how many there are.
    types: of each column the highest type of its plain cells, or the given one: 0 for none, 1 INT, 2 FLOAT, 3 STRING.
    odd: the other cells, with their columns' places, each pair once.
  """

  rows: int
  types: list[int]
  odd: set[tuple[int, bytes]]


def dialect_of(delimiter: str, quote_char: str, null_values: Sequence[str], *, skip_blank_lines: bool) -> Dialect:
  """A dialect as the kernel takes it; each argument as an inputs.csv Dialect has it."""
  nulls = [null.encode() for null in null_values]
  return Dialect(
    delimiter=ord(delimiter),
    quote=ord(quote_char) if quote_char else -1,
    skip_blank_lines=skip_blank_lines,
    nulls=(ctypes.c_char_p * len(nulls))(*nulls),
    null_sizes=(ctypes.c_int64 * len(nulls))(*map(len, nulls)),
    null_count=len(nulls),
  )


class RawEntered(NamedTuple):
  """What bytes do to a reader that enters them outside quotes, and inside them; and how many lines end."""

  outside: Outcome
  inside: Outcome
  lines: int


def enter(data: bytes, dialect: Dialect, previous: bytes) -> RawEntered:
  """What bytes do to a reader that enters them.

  Args:
    data: a part of a file.
    dialect: how it is written.
    previous: the byte before it, or b'' where it begins the file's first record.
  """
  loaded = library()
  assert loaded
  outcomes = (Outcome * 2)()
  before = previous[0] if previous else -1
  lines = loaded.beam_taxi_enter(data, len(data), ctypes.byref(dialect), before, outcomes)
  return RawEntered(outcomes[0], outcomes[1], lines)


def examine(data: bytes, begin: int, end: int, dialect: Dialect, types: Sequence[int]) -> RawExamined | None:
  """Looks at whole records.

  Args:
    data: has the records.
    begin, end: where they are in it.
    dialect: how they are written.
    types: as those of RawExamined, so far. A column of 3 is not looked at.

  Returns:
    What they have; None where a row has too many or too few cells, or something else in them is not plain.
  """
  loaded = library()
  assert loaded
  found = np.array(types, np.uint8)
  odd = (Cell * _MOST_ODD)()
  odd_count, rows = ctypes.c_int64(), ctypes.c_int64()
  status = loaded.beam_taxi_examine(
    pa.py_buffer(data).address + begin,
    end - begin,
    ctypes.byref(dialect),
    len(types),
    found.ctypes.data,
    odd,
    _MOST_ODD,
    ctypes.byref(odd_count),
    ctypes.byref(rows),
  )
  if status == NOT_PLAIN:
    return None
  cells = {(cell.column, data[begin + cell.begin : begin + cell.begin + cell.size]) for cell in odd[: odd_count.value]}
  return RawExamined(rows.value, found.tolist(), cells)


def decode(data: bytes, dialect: Dialect, kinds: Sequence[pa.DataType | None]) -> dict[int, pa.Array] | None:
  """Whole records as typed columns.

  Args:
    data: the records, in UTF-8.
    dialect: how they are written.
    kinds: the columns' types: int64, float32, binary or, without any value, null; None for one that is skipped.

  Returns:
    The columns that are not skipped, by their places, an empty cell being null; None where `examine` gives None or a
    cell is no plain one of its column's type.
  """
  loaded = library()
  assert loaded
  numbers = np.array([KINDS[kind] for kind in kinds], np.uint8)
  values = (Values * len(kinds))()
  rows = ctypes.c_int64()
  status = loaded.beam_taxi_decode(
    data, len(data), ctypes.byref(dialect), len(kinds), numbers.ctypes.data, values, ctypes.byref(rows)
  )
  if status == NOT_PLAIN:
    return None
  if status == NO_MEMORY:
    raise MemoryError
  return {
    place: _array(kind, rows.value, each)
    for place, (kind, each) in enumerate(zip(kinds, values, strict=True))
    if kind is not None
  }


def _array(kind: pa.DataType, rows: int, values: Values) -> pa.Array:
  if pa.types.is_null(kind):
    return pa.nulls(rows)
  buffers = [owned(values.validity, (rows + 7) // 8), owned(values.data, values.size) or pa.py_buffer(b'')]
  if pa.types.is_binary(kind):
    buffers.insert(1, owned(values.ends, 4 * (rows + 1)))
  return pa.Array.from_buffers(kind, rows, buffers, values.nulls)
