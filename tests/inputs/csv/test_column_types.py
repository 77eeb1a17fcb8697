"""A column's type is the one that TFX's rule gives, whatever Arrow's own inference thinks of its cells."""

import itertools

import pyarrow as pa
import pytest
from csv_files import layout_of
from fuzzing import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from beam_taxi.inputs.columns import ColumnType, widest
from beam_taxi.inputs.csv.column_types import as_type, type_of_cell, type_of_cells
from beam_taxi.inputs.csv.decode import infer_types
from beam_taxi.inputs.csv.dialect import Dialect

UNKNOWN, INT, FLOAT, STRING, _ = ColumnType

# What TFX makes of a cell, worked out by hand from its rule.
CELLS = {
  '0': INT,
  '-0': INT,
  '007': INT,
  '+5': INT,
  '1_000': INT,
  '1__000': STRING,
  ' 5 ': INT,
  '\t5': INT,
  '9223372036854775807': INT,
  '-9223372036854775808': INT,
  '9223372036854775808': STRING,
  '-9223372036854775809': STRING,
  '99999999999999999999999': STRING,
  '0x1F': STRING,
  '-0x1f': STRING,
  '0X1F': STRING,
  '0b1': STRING,
  '1.5': FLOAT,
  '+1.5': FLOAT,
  '.5': FLOAT,
  '5.': FLOAT,
  '.': STRING,
  '1e5': FLOAT,
  '1E-5': FLOAT,
  '1e': STRING,
  '1e400': FLOAT,
  '1_0.5': FLOAT,
  '9223372036854775808.0': FLOAT,
  ' 1.5 ': FLOAT,
  'nan': FLOAT,
  'NaN': FLOAT,
  '-nan': FLOAT,
  'nan(1)': STRING,
  'inf': FLOAT,
  '-Infinity': FLOAT,
  'infinit': STRING,
  '2024-01-31': STRING,
  '20240131': INT,
  '12:30': STRING,
  '12:30:59': STRING,
  '2024-01-31 12:30:59': STRING,
  '2024-01-31T12:30:59Z': STRING,
  'true': STRING,
  'False': STRING,
  'NA': STRING,
  'null': STRING,
  'N/A': STRING,
  '#N/A': STRING,
  ' ': STRING,
  '-': STRING,
  '1 000': STRING,
  '1,5': STRING,
  '$5': STRING,
  '5%': STRING,
  '٥': STRING,
  '\u00a05': STRING,
  '５': STRING,
  '\n5\n': INT,
  '\x0b5': INT,
}


def column_type(*cells: str) -> ColumnType:
  """The type of one column that has these cells, quoted, beside another that keeps each row from being blank."""
  rows = ''.join(f'x,"{cell}"\n' for cell in cells)
  found = infer_types(rows.encode(), layout_of(['other', 'cell']))
  assert not found.bad
  return found.types[1]


@pytest.mark.parametrize(('cell', 'expected'), CELLS.items(), ids=map(ascii, CELLS))
def test_a_cell_alone_has_the_type_that_tfx_gives_it(cell: str, expected: ColumnType) -> None:
  assert type_of_cell(cell.encode()) is expected
  assert type_of_cells(pa.array([cell.encode()], pa.binary())) is expected
  assert column_type(cell) is expected


@pytest.mark.parametrize('other', ['1', '1.5', ''], ids=['int', 'float', 'empty'])
@pytest.mark.parametrize(('cell', 'kind'), CELLS.items(), ids=map(ascii, CELLS))
def test_a_cell_among_plain_ones_keeps_its_type(cell: str, kind: ColumnType, other: str) -> None:
  expected = max(kind, {'1': INT, '1.5': FLOAT, '': UNKNOWN}[other])

  assert column_type(other, cell, other) is expected


@fuzzed(150)
@given(st.lists(st.sampled_from(['', *CELLS]), min_size=1, max_size=6))
def test_a_column_has_the_highest_type_of_its_cells(cells: list[str]) -> None:
  assert column_type(*cells) is max(CELLS.get(cell, UNKNOWN) for cell in cells)


@fuzzed(150)
@given(
  st.lists(st.text(st.sampled_from('0123456789+-.eE_xXnaif \t:T'), min_size=1, max_size=8), min_size=1, max_size=4)
)
def test_cells_that_look_like_numbers_have_the_type_that_python_gives_them(cells: list[str]) -> None:
  def by_python(cell: str) -> ColumnType:
    try:
      return INT if -(2**63) <= int(cell.encode()) < 2**63 else STRING
    except ValueError:
      try:
        float(cell.encode())
      except ValueError:
        return STRING
      return FLOAT

  assert column_type(*cells) is max(map(by_python, cells))


@pytest.mark.parametrize('cell', ['', '""'], ids=['bare', 'quoted'])
def test_an_empty_cell_has_no_type(cell: str) -> None:
  assert infer_types(f'1,{cell}\n2,{cell}\n'.encode(), layout_of(['a', 'b'])).types == (INT, UNKNOWN)


@pytest.mark.parametrize('cell', ['"0"x1F', '0x1F', '""0x1F', '"0x1F"', '"0"X1f'])
@pytest.mark.parametrize('before', [b'', b'1,1\n'], ids=['first', 'behind_an_int'])
def test_a_hexadecimal_number_is_text_however_it_is_quoted(cell: str, before: bytes) -> None:
  data = before + f'{cell},1\n'.encode()

  assert infer_types(data, layout_of(['a', 'b'])).types == (STRING, INT)
  assert len(infer_types(data, layout_of(['a', 'b'], [INT, None])).bad) == 1


@pytest.mark.parametrize('spelling', ['NA', '-', '-999'])
def test_a_spelling_of_the_empty_cell_has_no_type(spelling: str) -> None:
  data = f'{spelling},{spelling}\n1,{spelling}\n'.encode()

  assert infer_types(data, layout_of(['a', 'b'], dialect=Dialect(null_values=(spelling,)))).types == (INT, UNKNOWN)


def test_the_widest_of_two_types_is_the_higher_one() -> None:
  for one, other in itertools.product(ColumnType, repeat=2):
    assert widest([[one], [other]]) == (max(one, other),)


def test_no_types_at_all_have_no_widest() -> None:
  assert widest([]) == ()


@pytest.mark.parametrize('wanted', [INT, FLOAT])
@pytest.mark.parametrize('neighbours', [[], ['', '7', '+8']], ids=['alone', 'among_others'])
@pytest.mark.parametrize(('cell', 'kind'), CELLS.items(), ids=map(ascii, CELLS))
def test_a_cell_fits_a_number_type_if_python_reads_it_so(
  cell: str, kind: ColumnType, neighbours: list[str], wanted: ColumnType
) -> None:
  number = int if wanted is INT else float
  try:
    expected = number(cell.encode())
    fits = wanted is FLOAT or -(2**63) <= expected < 2**63
  except ValueError:
    fits = False

  cells = [text.encode() or None for text in [*neighbours, cell]]
  values, misfits = as_type(pa.array(cells, pa.binary()), wanted)

  assert misfits.tolist() == [*(False for _ in neighbours), not fits]
  assert fits == (kind <= wanted or (wanted is FLOAT and cell.isascii() and cell.strip('-').isdecimal()))
  assert repr(values.to_pylist()[-1]) == repr(expected if fits else None)
  assert values.to_pylist()[:-1] == [None, 7, 8][: len(neighbours)]
