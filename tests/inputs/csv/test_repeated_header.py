"""A header that comes again within a file, as where files were joined: a bad row, found in both passes."""

import pathlib
from collections.abc import Iterator

import pytest
from campaigns.mutated_inputs import ranges_of_any_size
from reader import Reading, read

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.kernel.library import library

INT, STRING = ColumnType.INT, ColumnType.STRING
MARK = b'\xef\xbb\xbf'


@pytest.fixture(params=['', 'python'], ids=['any kernel', 'python'], autouse=True)
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
  monkeypatch.setenv('BEAM_TAXI_KERNEL', request.param)
  library.cache_clear()
  with ranges_of_any_size():
    yield
  monkeypatch.undo()
  library.cache_clear()


def bad_rows_of(reading: Reading) -> list[tuple[int, str, bytes]]:
  return [(block.offset + row.offset, row.reason, row.data) for block, row in reading.bad]


CASES = {
  'numbers': (b'a,b\n1,2\n3,4\n', b'a,b', {}, (INT, INT)),
  'text': (b'a,b\nx,y\nb,a\n', b'a,b', {}, (STRING, STRING)),
  'crlf_and_quotes': (b'"a","b"\r\n1,"y"\r\n', b'"a","b"', {}, (INT, STRING)),
  'a_name_that_is_a_number': (b'2019,b\n1,2\n3,4\n', b'2019,b', {}, (INT, INT)),
  'given_numbers': (b'a,b\n1,2\n', b'a,b', {'a': INT, 'b': INT}, (INT, INT)),
  'given_strings': (b'a,b\n1,2\n', b'a,b', {'a': STRING, 'b': STRING}, (STRING, STRING)),
}


@pytest.mark.parametrize('block_size', [3, 1000])
@pytest.mark.parametrize('mark', [b'', MARK], ids=['plain', 'byte_order_mark'])
@pytest.mark.parametrize(('data', 'header', 'given', 'types'), CASES.values(), ids=CASES)
def test_a_repeated_header_is_a_bad_row_and_decides_no_type(
  tmp_path: pathlib.Path, data: bytes, header: bytes, given, types, mark: bytes, block_size: int
) -> None:
  path = tmp_path / 'a.csv'
  path.write_bytes(mark + data + mark + data)

  found = read([path], block_size, column_types=given)

  assert bad_rows_of(found) == [(len(mark + data), 'repeated_header', mark + header)]
  assert found.findings.settle_types(found.plan.layout).types == types
  rows = data.count(b'\n') - 1
  assert (found.findings.rows, found.rows.num_rows) == (2 * rows + 1, 2 * rows)
  if len(given) < 2:
    assert found.findings.bad_rows == {'repeated_header': 1}
    assert found.findings.first_bad_row
    assert f': line {rows + 2} (byte {len(mark + data)}): the header again' in found.findings.first_bad_row.message


@pytest.mark.parametrize(
  ('data', 'dialect'),
  [
    (b'a\nb\na\n', Dialect()),
    (b'a,b\n1,2\na,b\n', Dialect(columns=('a', 'b'))),
    (b'a,b\nx,"a,b"\na,bc\nba,b\n', Dialect()),
    (b'a,b\nx,"\na,b\n"\n', Dialect()),
    (b'a,b\na,"b"\n', Dialect()),
  ],
  ids=['one_column', 'no_header', 'within_rows', 'within_quotes', 'written_otherwise'],
)
def test_what_only_looks_like_the_header_is_data(tmp_path: pathlib.Path, data: bytes, dialect: Dialect) -> None:
  (tmp_path / 'a.csv').write_bytes(data)

  found = read([tmp_path / 'a.csv'], 1000, dialect)

  assert not found.bad
  assert not found.findings.bad_rows
  assert found.rows.num_rows == found.findings.rows
