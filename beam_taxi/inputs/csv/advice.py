"""What settings would make of columns that a run without them would take for text, or for numbers that they are not."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_taxi.inputs.column_form import GivenType
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.conversion import convert
from beam_taxi.inputs.written import Picture, Timestamp

INT, FLOAT, STRING = ColumnType.INT, ColumnType.FLOAT, ColumnType.STRING

_DAYS = ('%m/%d/%Y', '%d/%m/%Y', '%d.%m.%Y', '%d-%m-%Y', '%Y/%m/%d', '%m/%d/%y', '%d-%b-%Y', '%d %b %Y', '%b %d, %Y')
_HOURS = ('', ' %H:%M', ' %H:%M:%S', ' %I:%M %p', ' %I:%M:%S %p')
_TIMES = (Timestamp(), *(Timestamp(day + hour) for day, hour in itertools.product(_DAYS, _HOURS)))
_NUMBERS = (
  Picture(INT, '1,234'),
  *(Picture(FLOAT, f'{sign}1,234.5') for sign in ('', '$', '€', '£', '¥')),
  *(Picture(FLOAT, f'1.234,5{sign}') for sign in ('', ' €')),
  Picture(FLOAT, '1,234.5%'),
)
# Of fewer rows, that all are alike or none says little.
_FEWEST = 100
# Whole numbers that a float in single precision holds.
_EXACT = 2**24


@dataclasses.dataclass(frozen=True)
class Advice:
  """What to look at in a column.

  Attributes:
    column: its name.
    what: what was seen, in words that follow the name.
    row: of the sampled rows one that shows it.
    type: the type to give it; None where it should be left out.
  """

  column: str
  what: str
  row: int
  type: GivenType | None


def advise(columns: Sequence[tuple[str, ColumnType, pa.Array]]) -> tuple[Advice, ...]:
  """Advice on columns.

  Args:
    columns: names, types over all rows, and sampled cells: binary in UTF-8, null where empty.
  """
  return tuple(advice for column in columns if (advice := next(_seen(*column), None)))


def _seen(name: str, kind: ColumnType, cells: pa.Array) -> Iterator[Advice]:
  """All advice on a column, the most important first."""
  if kind is ColumnType.UNKNOWN:
    yield Advice(name, 'has no value', 0, None)
    return
  places = np.flatnonzero(np.asarray(cells.is_valid()))
  some = cells.drop_null()
  if not len(some):
    return
  first = int(places[0])
  if kind is STRING:
    if times := _fitting(some, _TIMES):
      other = f' or, just as well, {times[1]}' if len(times) > 1 else ''
      yield Advice(name, f'has times{other}', first, times[0])
    if numbers := _fitting(some, _NUMBERS):
      yield Advice(name, 'has numbers that are written for people', first, numbers[0])
  for is_one, what in _CODES.get(kind, ()):
    odd = np.flatnonzero(np.asarray(is_one(some)))
    if odd.size:
      yield Advice(name, what, int(places[odd[0]]), STRING)
  distinct = len(some.unique())
  if len(some) >= _FEWEST and distinct == 1:
    yield Advice(name, 'has the same value in all rows that were looked at', first, None)
  if len(some) >= _FEWEST and distinct == len(some) and kind is STRING:
    yield Advice(name, 'has another value in each row that was looked at', first, None)


def _fitting(cells: pa.Array, ways: Sequence[Timestamp | Picture]) -> list[Timestamp | Picture]:
  """The ways in which all cells may be written."""
  few = cells.slice(0, 3)
  return [way for way in ways if not convert(few, way).misfits.any() and not convert(cells, way).misfits.any()]


def _matching(pattern: str) -> Callable[[pa.Array], pa.Array]:
  return lambda cells: pc.match_substring_regex(cells, pattern)


def _inexact(cells: pa.Array) -> pa.Array:
  """Whether cells are whole numbers that FLOAT does not keep."""
  whole = pc.match_substring_regex(cells, r'^-?\d{1,18}$')
  numbers = pc.if_else(whole, cells.cast(pa.string()), '0').cast(pa.int64())
  return pc.greater(pc.abs(numbers), _EXACT)


_CODES: dict[ColumnType, tuple[tuple[Callable[[pa.Array], pa.Array], str], ...]] = {
  INT: (
    (_matching(r'^0\d'), 'has leading zeros, which an INT loses'),
    (_matching(r'^\+\d{5}'), 'has a + before long numbers, which an INT loses'),
  ),
  FLOAT: ((_inexact, 'has long whole numbers, of which a FLOAT keeps 7 digits'),),
}
