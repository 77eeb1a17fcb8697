"""Columns that are chosen, renamed and written otherwise, by both kernels."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from beam_taxi.inputs.column_form import ColumnForm, Derived
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.decode import DecodedBlock, decode
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.examine import Examined, Piece, examine
from beam_taxi.inputs.findings import Findings
from beam_taxi.inputs.layout import layout_of
from beam_taxi.inputs.written import Picture, Timestamp
from beam_taxi.kernel import library

UNKNOWN, INT, FLOAT, STRING, SKIPPED = ColumnType
DAY = Timestamp('%d.%m.%Y')
MONEY = Picture(FLOAT, '$1,234.5')
COLUMNS = ('id', 'day', 'fare', 'miles')
ROWS = b'a,19.01.2024,$9.45,1.5\n"b ""x""",20.01.2024,"$1,234.50",\n,,,3\n'


@pytest.fixture(params=['', 'python'], ids=['any kernel', 'python'], autouse=True)
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
  monkeypatch.setenv('BEAM_TAXI_KERNEL', request.param)
  library.library.cache_clear()
  yield
  monkeypatch.undo()
  library.library.cache_clear()


def read(data: bytes, form: ColumnForm, dialect: Dialect | None = None) -> tuple[Examined, DecodedBlock]:
  """What both passes make of records."""
  layout = layout_of(dialect or Dialect(), COLUMNS, form, 'trips.csv')
  found = examine([Piece.whole(data)], layout)
  typed = Findings(types=found.types, rows=found.count, bad_rows=found.bad).settle_types(layout)
  return found, decode(data, typed)


def test_features_are_those_asked_for_in_their_order() -> None:
  form = ColumnForm(select_columns=('miles', 'id'), rename_columns={'id': 'trip'})

  found, block = read(ROWS, form)

  assert found.types == (STRING, SKIPPED, SKIPPED, FLOAT)
  assert block.rows.schema == pa.schema([('miles', pa.float32()), ('trip', pa.binary())])
  assert block.rows.to_pydict() == {'miles': [1.5, None, 3], 'trip': [b'a', b'b "x"', None]}


def test_cells_are_read_as_they_are_written_and_features_are_derived() -> None:
  form = ColumnForm(
    {'day': DAY, 'fare': MONEY}, drop_columns=('id', 'miles'), derive_features={'month': Derived('month', 'day')}
  )

  _, block = read(ROWS, form)

  assert block.rows.schema.types == [pa.int64(), pa.float32(), pa.int64()]
  assert block.rows.to_pydict() == {
    'day': [1705622400, 1705708800, None],
    'fare': [pytest.approx(9.45), 1234.5, None],
    'month': [1, 1, None],
  }


# What is wrong in the row between two good ones, and whether it is a bad one.
BETWEEN: dict[str, tuple[bytes, ColumnForm, str]] = {
  'a misfit': (b'x,today,$1,2\n', ColumnForm({'day': DAY, 'fare': MONEY}), "'today' in column 'day' is not TIMESTAMP("),
  'two misfits': (b'x,today,one,2\n', ColumnForm({'day': DAY, 'fare': MONEY}), "'today' in column 'day'"),
  'a misfit where all types are given': (
    b'x,01.02.2024,one,2\n',
    ColumnForm({'day': DAY, 'fare': MONEY, 'id': STRING, 'miles': FLOAT}),
    "'one' in column 'fare' is not FLOAT($1,234.5)",
  ),
  'a misfit of what is only derived from': (
    b'x,today,$1,2\n',
    ColumnForm({'day': DAY}, select_columns=('id',), derive_features={'d': Derived('day', 'day')}),
    "'today' in column 'day'",
  ),
  'text where nobody looks': (b'x,today,one,two\n', ColumnForm(select_columns=('id',)), ''),
  'another number of cells where nobody looks': (b'x,today,one\n', ColumnForm(select_columns=('id',)), '3 cells'),
  'another encoding where nobody looks': (b'x,\xff,one,2\n', ColumnForm(select_columns=('id',)), 'is not UTF-8'),
}


@pytest.mark.parametrize(('row', 'form', 'why'), BETWEEN.values(), ids=BETWEEN)
def test_a_row_that_does_not_fit_is_a_bad_one(row: bytes, form: ColumnForm, why: str) -> None:
  first, last = ROWS.splitlines(keepends=True)[:2]

  found, block = read(first + row + last, form)

  assert found.count == 3
  assert [why in bad.detail for bad in block.bad] == ([True] if why else [])
  assert [bad.data for bad in block.bad] == ([row.rstrip()] if why else [])
  assert block.rows.num_rows == (2 if why else 3)


def test_a_row_that_is_set_aside_does_not_decide_types() -> None:
  form = ColumnForm({'day': DAY})

  found, _ = read(ROWS + b'1,Total,of,two\n', form)

  assert (found.types, dict(found.bad)) == ((STRING, STRING, STRING, FLOAT), {'wrong_type': 1})


@pytest.mark.parametrize(
  ('dialect', 'empty'),
  [(Dialect(null_values=('-',)), None), (Dialect(quote_char=''), b'-')],
  ids=['nulls', 'no_quotes'],
)
def test_what_is_left_out_is_so_in_any_dialect(dialect: Dialect, empty: bytes | None) -> None:
  _, block = read(b'a,-,x,w\nb,y,-,v\n', ColumnForm(select_columns=('miles', 'day')), dialect)

  assert block.rows.to_pydict() == {'miles': [b'w', b'v'], 'day': [empty, b'y']}


def test_blank_lines_that_are_rows_are_empty_in_each_feature() -> None:
  form = ColumnForm({'day': DAY}, select_columns=('day', 'id'), derive_features={'d': Derived('day', 'day')})

  _, block = read(b'\na,19.01.2024,1,2\n\n', form, Dialect(skip_blank_lines=False))

  assert block.rows.to_pydict() == {'day': [None, 1705622400, None], 'id': [None, b'a', None], 'd': [None, 6, None]}


def test_no_rows_have_the_features() -> None:
  layout = layout_of(Dialect(), COLUMNS, ColumnForm({'day': DAY}, select_columns=('day', 'id')), 'trips.csv')

  block = decode(b'', Findings().settle_types(layout))

  assert block.rows.schema == pa.schema([('day', pa.int64()), ('id', pa.null())])
