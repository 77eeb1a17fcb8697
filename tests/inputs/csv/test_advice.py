"""What is advised on columns: what people write as times, numbers and codes is seen; plain columns are left alone."""

import pyarrow as pa
import pytest

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.advice import advise
from beam_taxi.inputs.written import Picture, Timestamp

UNKNOWN, INT, FLOAT, STRING, _ = ColumnType

# A column's type and cells; what its advice says, the row that shows it, and the type to give.
SEEN: dict[str, tuple[ColumnType, list[str | None], str, int, object]] = {
  'portal times': (STRING, [None, '01/19/2024 05:00:00 PM'], 'has times', 1, Timestamp('%m/%d/%Y %I:%M:%S %p')),
  'ISO': (STRING, ['2024-01-19', '2024-01-20T10:00:00Z'], 'has times', 0, Timestamp()),
  'days': (STRING, ['19.01.2024', '1.2.2024'], 'has times', 0, Timestamp('%d.%m.%Y')),
  'months': (STRING, ['19-Jan-2024'], 'has times', 0, Timestamp('%d-%b-%Y')),
  'dollars': (STRING, ['$9.45', '1,234.50', '($3)'], 'written for people', 0, Picture(FLOAT, '$1,234.5')),
  'groups': (STRING, ['3,255', '12'], 'written for people', 0, Picture(INT, '1,234')),
  'decimal commas': (STRING, ['12,50', '1.234,5'], 'written for people', 0, Picture(FLOAT, '1.234,5')),
  'percents': (STRING, ['5%', '12.5%'], 'written for people', 0, Picture(FLOAT, '1,234.5%')),
  'zip codes': (INT, ['12345', None, '01234'], 'leading zeros', 2, STRING),
  'phones': (INT, ['+491234567'], 'a + before', 0, STRING),
  'long ids': (FLOAT, ['1.5', '123456789012'], 'long whole numbers', 1, STRING),
  'nothing': (UNKNOWN, [None, None], 'has no value', 0, None),
  'ids': (STRING, [f'id {number}' for number in range(100)], 'another value in each row', 0, None),
  'constants': (STRING, ['x'] * 100, 'the same value', 0, None),
  'constant numbers': (INT, [None, *['1'] * 100], 'the same value', 1, None),
}


@pytest.mark.parametrize(('kind', 'cells', 'what', 'row', 'advised'), SEEN.values(), ids=SEEN)
def test_a_column_gets_advice(kind: ColumnType, cells: list[str | None], what: str, row: int, advised: object) -> None:
  [advice] = advise([('n', kind, pa.array([cell and cell.encode() for cell in cells], pa.binary()))])

  assert what in advice.what
  assert (advice.column, advice.row, advice.type) == ('n', row, advised)


def test_a_day_that_may_be_a_month_is_told() -> None:
  [advice] = advise([('n', STRING, pa.array([b'1/2/2024', b'12/11/2024'], pa.binary()))])

  assert advice.what == 'has times or, just as well, TIMESTAMP(%d/%m/%Y)'


PLAIN: dict[str, tuple[ColumnType, list[str | None]]] = {
  'numbers': (INT, ['0', '1', '-5', '20240119']),
  'floats': (FLOAT, ['0.5', '00.5', '16777216', '1e9']),
  'words': (STRING, ['a', 'b', '1']),
  'words of digits': (STRING, ['12 Main St', '3-4']),
  'mostly times': (STRING, ['2024-01-19', 'soon']),
  'few alike': (STRING, ['x'] * 99),
  'few unlike': (STRING, ['x', 'y']),
  'empty so far': (STRING, [None]),
}


@pytest.mark.parametrize(('kind', 'cells'), PLAIN.values(), ids=PLAIN)
def test_a_plain_column_gets_none(kind: ColumnType, cells: list[str | None]) -> None:
  assert advise([('n', kind, pa.array([cell and cell.encode() for cell in cells], pa.binary()))]) == ()
