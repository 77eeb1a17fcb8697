"""Whole records become typed Arrow columns, or the first bad row is named."""

import math
import struct

import pyarrow as pa
import pytest

from beam_taxi.csv_input.column_types import ColumnType
from beam_taxi.csv_input.decode import BadRowError, RowProblem, decode, infer_types
from beam_taxi.csv_input.dialect import Dialect

UNKNOWN, INT, FLOAT, STRING = ColumnType


def test_columns_come_back_in_the_headers_order_with_their_arrow_types() -> None:
  batch = decode(b'x,1.5,2,\ny,,,\n', ['s', 'f', 'i', 'u'], [STRING, FLOAT, INT, UNKNOWN], Dialect())

  assert batch.schema == pa.schema([('s', pa.binary()), ('f', pa.float32()), ('i', pa.int64()), ('u', pa.null())])
  assert batch.to_pydict() == {'s': [b'x', b'y'], 'f': [1.5, None], 'i': [2, None], 'u': [None, None]}


INTS = ['+5', '1_000', ' 5 ', '\n7\n', '-9223372036854775808', '9223372036854775807']
FLOATS = ['+1.5', '1_0.5', ' 2.5 ', '1e400', '-1e400', '1e-50', '-0.0', '0.1', '16777217', '3.4028236e38', '5.', '.5']


@pytest.mark.parametrize('plain', ['', '1'], ids=['alone', 'beside_plain'])
@pytest.mark.parametrize('cell', INTS, ids=map(ascii, INTS))
def test_an_int_is_what_python_reads(cell: str, plain: str) -> None:
  batch = decode(f'x,"{cell}"\nx,{plain}\n'.encode(), ['x', 'n'], [STRING, INT], Dialect())

  assert batch.column(1).to_pylist() == [int(cell), int(plain) if plain else None]


@pytest.mark.parametrize('odd', ['', '+1.0'], ids=['alone', 'beside_what_only_python_reads'])
@pytest.mark.parametrize('cell', FLOATS, ids=map(ascii, FLOATS))
def test_a_float_is_what_python_reads_in_single_precision(cell: str, odd: str) -> None:
  batch = decode(f'x,"{cell}"\nx,{odd}\n'.encode(), ['x', 'n'], [STRING, FLOAT], Dialect())

  value = float(cell)
  try:
    [expected] = struct.unpack('<f', struct.pack('<f', value))
  except OverflowError:
    expected = math.copysign(math.inf, value)
  found = batch.column(1)[0].as_py()
  assert (found, math.copysign(1, found)) == (expected, math.copysign(1, expected))


@pytest.mark.parametrize('cell', ['nan', 'NaN', '-nan', '+nan'])
def test_every_spelling_of_nan_is_nan_and_not_empty(cell: str) -> None:
  batch = decode(f'{cell}\n'.encode(), ['f'], [FLOAT], Dialect())

  assert math.isnan(batch.column(0)[0].as_py())


@pytest.mark.parametrize('odd', ['2', '+2'], ids=['read_by_arrow', 'read_by_python'])
def test_a_column_without_values_stays_one_beside_any_other(odd: str) -> None:
  batch = decode(f'1,\n{odd},\n'.encode(), ['n', 'u'], [INT, UNKNOWN], Dialect())

  assert batch.to_pydict() == {'n': [1, 2], 'u': [None, None]}


def test_a_value_in_a_column_that_had_none_is_a_bad_row() -> None:
  with pytest.raises(BadRowError, match="'u'"):
    decode(b'1,x\n', ['n', 'u'], [INT, UNKNOWN], Dialect())


def test_text_is_kept_byte_for_byte() -> None:
  batch = decode('" a ","é\r\n""q"","\n'.encode(), ['a', 'b'], [STRING, STRING], Dialect())

  assert batch.to_pydict() == {'a': [b' a '], 'b': ['é\r\n"q",'.encode()]}


def test_a_spelling_of_the_empty_cell_is_null_in_a_column_of_any_type() -> None:
  batch = decode(b'NA,NA,NA\n', ['i', 'f', 's'], [INT, FLOAT, STRING], Dialect(null_values=('NA',)))

  assert batch.to_pydict() == {'i': [None], 'f': [None], 's': [None]}


@pytest.mark.parametrize('data', [b'', b'\n', b'\r\n\n\r\n'], ids=['nothing', 'one_line', 'several_lines'])
def test_blank_lines_alone_are_no_rows(data: bytes) -> None:
  types = [INT, FLOAT, STRING, UNKNOWN]
  batch = decode(data, ['i', 'f', 's', 'u'], types, Dialect())

  assert batch.num_rows == 0
  assert batch.schema.types == [pa.int64(), pa.float32(), pa.binary(), pa.null()]
  assert infer_types(data, ['i', 'f'], Dialect()) == ((UNKNOWN, UNKNOWN), 0)


def test_another_delimiter_and_quote_are_followed() -> None:
  dialect = Dialect(delimiter=b';', quote=b"'")
  data = b"1,5;'a;b''\n'\n"

  assert infer_types(data, ['a', 'b'], dialect) == ((STRING, STRING), 1)
  assert decode(data, ['a', 'b'], [STRING, STRING], dialect).to_pydict() == {'a': [b'1,5'], 'b': [b"a;b'\n"]}


@pytest.mark.parametrize(
  ('kind', 'cell'), [(INT, 'x'), (INT, '9223372036854775808'), (FLOAT, 'x')], ids=['text', 'too_long', 'no_float']
)
def test_a_cell_that_its_column_does_not_take_names_the_column(kind: ColumnType, cell: str) -> None:
  with pytest.raises(BadRowError, match=f"column 'n' is not {kind.name}"):
    decode(f'{cell}\n'.encode(), ['n'], [kind], Dialect())


BAD_ROWS = {
  'too_many': (b'1,2\n"a\nb",2\n\nBAD,2,3\n', '3 cells where the header has 2: BAD,2,3'),
  'too_few': (b'1,2\r\n"a\nb",2\r\n\nBAD\r\n', '1 cell where the header has 2: BAD'),
  'not_utf8': (b'1,2\n"a\n\xc3\xa9",2\n\nBAD,\xe9\n', 'byte 5 of the row is not UTF-8: BAD,\\xe9'),
}


@pytest.mark.parametrize(('data', 'reason'), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_told_with_its_place_and_its_beginning(data: bytes, reason: str) -> None:
  with pytest.raises(BadRowError) as raised:
    infer_types(data, ['a', 'b'], Dialect())

  assert raised.value.problem == RowProblem(data.index(b'BAD'), 4, reason)


def test_delimiters_in_quotes_are_not_counted_as_cells() -> None:
  with pytest.raises(BadRowError) as raised:
    infer_types(b'"a,a",2\nx",y",z\n', ['a', 'b'], Dialect())

  assert (raised.value.problem.offset, raised.value.problem.reason[:7]) == (8, '3 cells')


def test_a_problem_seen_from_further_ahead_counts_what_lies_between() -> None:
  assert RowProblem(5, 2, 'reason').behind(100, 10) == RowProblem(105, 12, 'reason')
