"""The kernel finds in any bytes what the Python finds that it stands for."""

import dataclasses
import decimal

import numpy as np
import pytest
from csv_files import layout_of
from fuzzing import fuzzed
from hypothesis import example, given
from hypothesis import strategies as st

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv import boundaries, decode, examine
from beam_taxi.inputs.csv.boundaries import Entered, enter, last_record_end, open_quote
from beam_taxi.inputs.csv.decode import DecodedBlock
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.examine import Examined, Piece
from beam_taxi.inputs.layout import Layout
from beam_taxi.kernel import csv

DIALECTS = [
  Dialect(),
  Dialect(skip_blank_lines=False),
  Dialect(delimiter=';', quote_char="'", null_values=('NA', '-9', "a'b")),
  Dialect(quote_char='', null_values=('"',)),
  Dialect(delimiter='-', quote_char='1'),
  Dialect(delimiter=' ', quote_char='.', encoding='latin-1'),
]

# Few bytes of each kind, so that any of them stands beside any other.
ODD_BYTES = st.lists(st.sampled_from([b'"', b"'", b',', b';', b'\n', b'\r', b'a', b'1', b'.', b' ', b'-', b'\xe9']))


def entered(data: bytes, dialect: Dialect, previous: bytes, kernel: str) -> Entered:
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(boundaries, 'kernel', lambda: kernel)
    return enter(data, dialect, previous)


@given(ODD_BYTES.map(b''.join), st.sampled_from(DIALECTS), st.sampled_from([b'', b'\n', b',', b';', b'a', b'1']))
@example(b'\r', Dialect(), b'')
@example(b'""', Dialect(), b'a')
@example(b'"""\r\n"\n', Dialect(), b'')
@fuzzed(500)
def test_records_of_random_bytes_begin_and_end_where_python_says(
  data: bytes, dialect: Dialect, previous: bytes
) -> None:
  if previous != dialect.quote_char.encode():
    assert entered(data, dialect, previous, 'compiled') == entered(data, dialect, previous, 'python')


def examined(records: bytes, layout: Layout, kernel: str) -> Examined:
  # What is around a piece must not matter.
  piece = Piece(b'5,"' + records + b'"x', 3, 3 + len(records))
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(boundaries, 'kernel', lambda: kernel)
    patch.setattr(examine, 'kernel', lambda: kernel)
    return examine.examine([piece], layout, 10, 20)


WORDS = '0 -1 +1 007 1_000 0x1F 1e5 1E-3 1e e5 .5 5. . -.5 --1 - 1.2.3 1e999 1,5 2024-01-01 NA -9'
NON_FINITE = 'nan NaN -inf Infinity nan(1) ninety inf. 1f'
CELLS = [
  *WORDS.split(),
  *('9' * 18, '-' + '9' * 18, str(2**63 - 1), str(2**63), str(-(2**63)), str(-(2**63) - 1), '1' * 400),
  *NON_FINITE.split(),
  *(' 5', '5\t', '', '1\0', '\u0661', '\xe9'),
  *('""', '"5"', '"5', '5"', '1"5', '"5"5', '"5""5"', '"5,5"', '"NA"', '"a\nb"', "'5'", "'a''b'", '"'),
]
TYPES = st.sampled_from([None, None, None, ColumnType.INT, ColumnType.FLOAT, ColumnType.STRING])


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, Layout]:
  """Rows of odd cells, some of them bad."""
  dialect = draw(st.sampled_from(DIALECTS))
  columns = draw(st.integers(1, 3))
  cells = st.sampled_from(CELLS) | st.text(alphabet='0123456789+-._eEiInNaAfF xX', max_size=6)
  line = st.lists(cells, min_size=columns, max_size=columns).map(dialect.delimiter.join)
  lines = draw(st.lists(line | st.sampled_from(['', '1', ',,', '1,2']), max_size=8))
  end = draw(st.sampled_from(['\n', '\r\n', '\r']))
  text = (end.join([*lines, '']) if draw(st.booleans()) else end.join(lines)).encode(dialect.encoding, 'replace')
  types = draw(st.lists(TYPES, min_size=columns, max_size=columns))
  return text, layout_of(['a', 'b', 'c'][:columns], types, dialect=dialect)


@given(files())
@fuzzed(500)
def test_rows_and_types_of_random_records_are_those_that_python_finds(file: tuple[bytes, Layout]) -> None:
  records, layout = file
  if open_quote(records, layout.settings) is None and last_record_end(records, layout.settings):
    assert examined(records, layout, 'compiled') == examined(records, layout, 'python')


def decoded(records: bytes, layout: Layout, kernel: str) -> DecodedBlock:
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(decode, 'kernel', lambda: kernel)
    return decode.decode(records, layout)


def check_values(records: bytes, layout: Layout) -> None:
  found, expected = decoded(records, layout, 'compiled'), decoded(records, layout, 'python')

  found.rows.validate(full=True)
  assert found.bad == expected.bad
  assert found.rows.schema == expected.rows.schema
  # NaN is not equal to itself, but it is written as itself.
  assert repr(found.rows.to_pydict()) == repr(expected.rows.to_pydict())


@given(files())
@fuzzed(500)
def test_rows_of_random_records_are_decoded_as_by_python(file: tuple[bytes, Layout]) -> None:
  records, layout = file
  if open_quote(records, layout.settings) is None:
    types = examined(records, dataclasses.replace(layout, types=(None,) * len(layout.columns)), 'python').types
    given = [ColumnType.STRING if kind is None else kind for kind in layout.types]
    for each in (types, given):
      if each:
        check_values(records, dataclasses.replace(layout, types=tuple(each)))


@given(st.lists(st.floats() | st.floats(width=32) | st.decimals(allow_nan=False), min_size=1))
@example([0.1, 16777217.0, 1e39, 1e-46, 7.038531e-26, 9007199254740993.0, -0.0, 123456789.123456789])
@fuzzed(300)
def test_floats_are_those_of_python_in_single_precision(numbers: list[float | decimal.Decimal]) -> None:
  records = ''.join(f'{number}\n' for number in numbers).encode()
  layout = layout_of(['a'], [ColumnType.FLOAT])

  [column] = decoded(records, layout, 'compiled').rows.columns

  with np.errstate(over='ignore'):
    expected = np.array([float(str(number)) for number in numbers]).astype(np.float32)
  np.testing.assert_array_equal(np.asarray(column).view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize('cell', CELLS)
def test_a_cell_has_the_type_that_python_gives_it(cell: str) -> None:
  layout = layout_of(['a', 'b'])
  for records in (f'{cell},1\n'.encode(), f'1,{cell}'.encode(), f'2,2\n{cell},{cell}\r\n'.encode()):
    if open_quote(records, layout.settings) is None:
      found = examined(records, layout, 'python')
      assert examined(records, layout, 'compiled') == found
      if found.types:
        check_values(records, layout_of(['a', 'b'], found.types))


@pytest.mark.parametrize('cell', ['2024-01-19', '1 2', '555-0100', '- 5', ' ', '5-', '1-e5'])
def test_python_is_not_asked_for_dates_and_such(cell: str) -> None:
  data = f'{cell}\n'.encode()

  found = csv.examine(data, 0, len(data), boundaries.kernel_dialect(Dialect()), [0])

  assert found == csv.RawExamined(1, [3], set())


def test_more_odd_cells_than_there_is_room_for_are_left_to_python() -> None:
  records = b''.join(b'+%d\n' % number for number in range(10_000))
  layout = layout_of(['a'])

  assert csv.examine(records, 0, len(records), boundaries.kernel_dialect(Dialect()), [0]) is None
  assert examined(records, layout, 'compiled') == Examined((ColumnType.INT,), 10_000)


def test_no_records_have_no_rows_and_no_types() -> None:
  assert examined(b'', layout_of(['a']), 'compiled') == examined(b'', layout_of(['a']), 'python') == Examined()
