"""Whole records become typed Arrow columns, or the first bad row is named."""

import math
import struct
from collections.abc import Sequence

import pyarrow as pa
import pytest
from csv_files import layout_of

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.bad_rows import RowProblem
from beam_taxi.inputs.csv.decode import BlockTypes, decode, infer_types
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.rows import count_rows
from beam_taxi.inputs.csv.text_encoding import needs_stream

UNKNOWN, INT, FLOAT, STRING, _ = ColumnType


def good_rows(
  data: bytes, columns: Sequence[str], types: Sequence[ColumnType], dialect: Dialect | None = None
) -> pa.RecordBatch:
  """The rows of data that has no bad ones."""
  found = decode(data, layout_of(columns, types, dialect))
  assert not found.bad
  return found.rows


def test_columns_come_back_in_the_headers_order_with_their_arrow_types() -> None:
  batch = good_rows(b'x,1.5,2,\ny,,,\n', ['s', 'f', 'i', 'u'], [STRING, FLOAT, INT, UNKNOWN])

  assert batch.schema == pa.schema([('s', pa.binary()), ('f', pa.float32()), ('i', pa.int64()), ('u', pa.null())])
  assert batch.to_pydict() == {'s': [b'x', b'y'], 'f': [1.5, None], 'i': [2, None], 'u': [None, None]}


INTS = ['+5', '1_000', ' 5 ', '\n7\n', '-9223372036854775808', '9223372036854775807']
FLOATS = ['+1.5', '1_0.5', ' 2.5 ', '1e400', '-1e400', '1e-50', '-0.0', '0.1', '16777217', '3.4028236e38', '5.', '.5']


@pytest.mark.parametrize('plain', ['', '1'], ids=['alone', 'beside_plain'])
@pytest.mark.parametrize('cell', INTS, ids=map(ascii, INTS))
def test_an_int_is_what_python_reads(cell: str, plain: str) -> None:
  batch = good_rows(f'x,"{cell}"\nx,{plain}\n'.encode(), ['x', 'n'], [STRING, INT])

  assert batch.column(1).to_pylist() == [int(cell), int(plain) if plain else None]


@pytest.mark.parametrize('odd', ['', '+1.0'], ids=['alone', 'beside_what_only_python_reads'])
@pytest.mark.parametrize('cell', FLOATS, ids=map(ascii, FLOATS))
def test_a_float_is_what_python_reads_in_single_precision(cell: str, odd: str) -> None:
  batch = good_rows(f'x,"{cell}"\nx,{odd}\n'.encode(), ['x', 'n'], [STRING, FLOAT])

  value = float(cell)
  try:
    [expected] = struct.unpack('<f', struct.pack('<f', value))
  except OverflowError:
    expected = math.copysign(math.inf, value)
  found = batch.column(1)[0].as_py()
  assert (found, math.copysign(1, found)) == (expected, math.copysign(1, expected))


@pytest.mark.parametrize('cell', ['nan', 'NaN', '-nan', '+nan'])
def test_every_spelling_of_nan_is_nan_and_not_empty(cell: str) -> None:
  batch = good_rows(f'{cell}\n'.encode(), ['f'], [FLOAT])

  assert math.isnan(batch.column(0)[0].as_py())


@pytest.mark.parametrize('odd', ['2', '+2'], ids=['read_by_arrow', 'read_by_python'])
def test_a_column_without_values_stays_one_beside_any_other(odd: str) -> None:
  batch = good_rows(f'1,\n{odd},\n'.encode(), ['n', 'u'], [INT, UNKNOWN])

  assert batch.to_pydict() == {'n': [1, 2], 'u': [None, None]}


def test_text_is_kept_byte_for_byte() -> None:
  batch = good_rows('" a ","é\r\n""q"","\n'.encode(), ['a', 'b'], [STRING, STRING])

  assert batch.to_pydict() == {'a': [b' a '], 'b': ['é\r\n"q",'.encode()]}


def test_a_spelling_of_the_empty_cell_is_null_in_a_column_of_any_type() -> None:
  batch = good_rows(b'NA,NA,NA\n', ['i', 'f', 's'], [INT, FLOAT, STRING], Dialect(null_values=('NA',)))

  assert batch.to_pydict() == {'i': [None], 'f': [None], 's': [None]}


@pytest.mark.parametrize('data', [b'', b'\n', b'\r\n\n\r\n'], ids=['nothing', 'one_line', 'several_lines'])
def test_blank_lines_alone_are_no_rows(data: bytes) -> None:
  types = [INT, FLOAT, STRING, UNKNOWN]
  batch = good_rows(data, ['i', 'f', 's', 'u'], types)

  assert batch.num_rows == 0
  assert batch.schema.types == [pa.int64(), pa.float32(), pa.binary(), pa.null()]
  assert infer_types(data, layout_of(['i', 'f'])) == BlockTypes((UNKNOWN, UNKNOWN), ())


def test_another_delimiter_and_quote_are_followed() -> None:
  dialect = Dialect(delimiter=';', quote_char="'")
  data = b"1,5;'a;b''\n'\n"

  assert infer_types(data, layout_of(['a', 'b'], dialect=dialect)).types == (STRING, STRING)
  assert good_rows(data, ['a', 'b'], [STRING, STRING], dialect).to_pydict() == {'a': [b'1,5'], 'b': [b"a;b'\n"]}


def test_without_a_quote_character_quotes_are_text() -> None:
  dialect = Dialect(quote_char='')

  assert good_rows(b'"a,b"\n"c,d\n', ['a', 'b'], [STRING, STRING], dialect).to_pydict() == {
    'a': [b'"a', b'"c'],
    'b': [b'b"', b'd'],
  }


@pytest.mark.parametrize('encoding', ['latin-1', 'cp1252', 'koi8-r', 'shift_jis', 'gb18030'])
def test_text_of_another_encoding_becomes_utf8(encoding: str) -> None:
  text = {'koi8-r': 'Москва', 'shift_jis': '東京ソ', 'gb18030': '北京'}.get(encoding, 'Zürich')
  data = f'"{text}\n",1\n'.encode(encoding)

  batch = good_rows(data, ['a', 'b'], [STRING, INT], Dialect(encoding=encoding))

  assert batch.to_pydict() == {'a': [f'{text}\n'.encode()], 'b': [1]}


@pytest.mark.parametrize(
  ('columns', 'expected'),
  [(['n'], {'n': [1, None, 2, None]}), (['n', 's'], {'n': [1, None, 2, None], 's': [b'x', None, b'\n\n', None]})],
  ids=['one_column', 'two_columns'],
)
@pytest.mark.parametrize('line_end', [b'\n', b'\r\n', b'\r'], ids=['lf', 'crlf', 'cr'])
def test_a_blank_line_that_is_not_skipped_is_a_row_of_empty_cells(
  columns: list[str], expected: dict[str, list[object]], line_end: bytes
) -> None:
  lines = [b'1,x', b'', b'2,"\n\n"', b''] if len(columns) == 2 else [b'1', b'', b'2', b'']
  data = line_end.join([*lines, b''])
  dialect = Dialect(skip_blank_lines=False)

  batch = good_rows(data, columns, [INT, STRING][: len(columns)], dialect)

  assert batch.to_pydict() == expected
  assert count_rows(data, dialect) == 4


MISFITS = {
  'text': (INT, 'x'),
  'float': (INT, '1.0'),
  'beyond_int64': (INT, '9223372036854775808'),
  'hexadecimal': (INT, '0x1F'),
  'no_float': (FLOAT, 'x'),
  'a_nan_that_only_arrow_knows': (FLOAT, 'nan(1)'),
  'a_value_where_none_was': (UNKNOWN, 'x'),
}


@pytest.mark.parametrize(('kind', 'cell'), MISFITS.values(), ids=MISFITS)
def test_a_row_with_a_cell_that_does_not_fit_its_type_is_bad_and_the_others_are_read(
  kind: ColumnType, cell: str
) -> None:
  good = '' if kind is UNKNOWN else '+7'
  data = f'"a\nb",{good}\nBAD,{cell}\n\nc,{good}\nBAD,{cell}'.encode()

  found = decode(data, layout_of(['s', 'n'], [STRING, kind]))

  assert found.rows.to_pydict() == {'s': [b'a\nb', b'c'], 'n': [int(good) if good else None] * 2}
  assert [(row.offset, row.lines, row.reason, row.data) for row in found.bad] == [
    (offset, data.count(b'\n', 0, offset), 'wrong_type', f'BAD,{cell}'.encode())
    for offset in (data.index(b'BAD'), data.rindex(b'BAD'))
  ]
  assert found.bad[0].detail == f"{cell!r} in column 'n' is not {kind.name}"


def test_a_type_is_inferred_from_the_rows_whose_other_cells_fit() -> None:
  data = b'1,1\nx,1.5\n2,2\n'

  found = infer_types(data, layout_of(['given', 'open'], [INT, None]))

  assert found.types == (INT, INT)
  assert [row.data for row in found.bad] == [b'x,1.5']


BAD_ROWS = {
  'too_many': (b'BAD,2,3', 'wrong_number_of_cells', '3 cells where 2 are expected', 'BAD,2,3'),
  'too_few': (b'BAD', 'wrong_number_of_cells', '1 cell where 2 are expected', 'BAD'),
  'not_utf8': (b'BAD,\xe9', 'wrong_encoding', 'byte 5 of the row is not UTF-8', 'BAD,\\xe9'),
  'quoted': (b'BAD,"a,\nb",3', 'wrong_number_of_cells', '3 cells where 2 are expected', 'BAD,"a,\\nb",3'),
}


@pytest.mark.parametrize('line_end', [b'\n', b'\r\n', b'\r'], ids=['lf', 'crlf', 'cr'])
@pytest.mark.parametrize(('row', 'reason', 'detail', 'shown'), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_told_with_its_place_and_the_others_are_read(
  row: bytes, reason: str, detail: str, shown: str, line_end: bytes
) -> None:
  data = line_end.join([b'1,2', b'"a\nb",\xc3\xa9', b'', row, b'3,4', row])
  layout = layout_of(['a', 'b'], [STRING, STRING])

  for found in (infer_types(data, layout_of(['a', 'b'])), decode(data, layout)):
    assert [(bad.reason, bad.detail, bad.data) for bad in found.bad] == [(reason, detail, row)] * 2
    assert found.bad[0].problem == RowProblem(data.index(b'BAD'), 4, f'{detail}: {shown}')
  assert decode(data, layout).rows.to_pydict() == {'a': [b'1', b'a\nb', b'3'], 'b': [b'2', 'é'.encode(), b'4']}


@pytest.mark.parametrize('line_end', [b'\r', b'\n', b'\r\n'], ids=['cr', 'lf', 'crlf'])
def test_blank_lines_beside_a_bad_row_stay_rows_where_they_are(line_end: bytes) -> None:
  data = line_end.join([b'', b'', b'1', b'', b'x,5', b'', b'7,8', b''])
  layout = layout_of(['a', 'b'], [INT, INT], Dialect(skip_blank_lines=False))

  found = decode(data, layout)

  assert found.rows.to_pydict() == {'a': [None, None, None, None, 7], 'b': [None, None, None, None, 8]}
  assert [(row.lines, row.reason, row.data) for row in found.bad] == [
    (2, 'wrong_number_of_cells', b'1'),
    (4, 'wrong_type', b'x,5'),
  ]


@pytest.mark.parametrize('cells', [3, 40_000, 1_000_000])
def test_a_row_with_very_many_cells_is_a_bad_row(cells: int) -> None:
  # pyarrow 10 writes beyond its buffer for such a row, and the process can die; pyarrow 25 does not.
  data = b'1,2\n' * 600 + b','.join([b'"a,b"'] * cells) + b'\n3,4\n'

  found = decode(data, layout_of(['a', 'b'], [INT, INT]))

  assert found.rows.num_rows == 601
  assert [row.detail for row in found.bad] == [f'{cells} cells where 2 are expected']


@pytest.mark.parametrize('data', [b'\xef\xbb\xbf1,2\n', b'\xef\xbb\xbf\xef\xbb\xbf1,2'], ids=['one', 'two'])
@pytest.mark.parametrize('skip', [True, False])
def test_a_mark_behind_the_files_beginning_is_text(data: bytes, skip: bool) -> None:
  dialect = Dialect(skip_blank_lines=skip)

  assert infer_types(data, layout_of(['a', 'b'], dialect=dialect)).types == (STRING, INT)
  assert good_rows(data, ['a', 'b'], [STRING, INT], dialect).column(0).to_pylist() == [data[: data.index(b',')]]


@pytest.mark.parametrize('encoding', ['iso2022_jp', 'iso2022_kr', 'hz', 'raw_unicode_escape', 'utf-7'])
def test_an_encoding_with_escapes_is_not_converted_block_by_block(encoding: str) -> None:
  assert needs_stream(Dialect('\t', '', encoding=encoding))


def test_every_row_can_be_bad() -> None:
  found = decode(b'1\n2\n', layout_of(['a', 'b'], [INT, STRING]))

  assert (found.rows.num_rows, len(found.bad)) == (0, 2)
  assert infer_types(b'1\n2\n', layout_of(['a', 'b'])).types == (UNKNOWN, UNKNOWN)


def test_delimiters_in_quotes_are_not_counted_as_cells() -> None:
  [bad] = infer_types(b'"a,a",2\nx",y",z\n', layout_of(['a', 'b'])).bad

  assert (bad.offset, bad.detail[:7]) == (8, '3 cells')


def test_a_problem_seen_from_further_ahead_counts_what_lies_between() -> None:
  assert RowProblem(5, 2, 'reason').behind(100, 10) == RowProblem(105, 12, 'reason')
