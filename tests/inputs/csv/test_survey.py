"""A survey says what an input is, and which cell forced the type of each column."""

import bz2
import gzip
import pathlib
import random
from collections.abc import Callable, Mapping, Sequence

import pytest
from csv_files import match_files, plan_input

from beam_taxi.errors import UserError
from beam_taxi.inputs import ranges
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv import survey as module
from beam_taxi.inputs.csv.column_types import type_of_cell
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.survey import Cell, Survey, survey

UNKNOWN, INT, FLOAT, STRING, _ = ColumnType


@pytest.fixture(params=[3, 16, 64, 2**22], ids=lambda size: f'ranges_of_{size}')
def block_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
  """Bytes of a range, which may be far smaller than it otherwise is."""
  monkeypatch.setattr(ranges, 'SMALLEST_RANGE', 1)
  monkeypatch.setattr(ranges, 'FEWEST', 1)
  monkeypatch.setattr(module, 'BLOCK_SIZE', request.param)
  return int(request.param)


def surveyed(
  folder: pathlib.Path,
  files: Sequence[bytes],
  dialect: Dialect | None = None,
  column_types: Mapping[str, ColumnType] | None = None,
  rows: int = 3,
) -> Survey:
  """The survey of 1.csv, 2.csv and so on, which is the same for one worker and for three."""
  dialect = dialect or Dialect()
  for number, data in enumerate(files, 1):
    (folder / f'{number}.csv').write_bytes(data)
  matched = match_files([str(folder / f'{number}.csv') for number in range(1, len(files) + 1)], dialect)
  plan = plan_input(matched, dialect, column_types or {}, '')
  sizes: list[int] = []
  found = survey(matched, plan, workers=3, rows=rows, scanned=sizes.append)
  assert sum(sizes) == plan.bytes
  assert survey(matched, plan, workers=1, rows=rows, scanned=sizes.append) == found
  return found


def forced(folder: pathlib.Path, found: Survey) -> list[tuple[int, int, str] | None]:
  """(number of the file, line, text) of the cells that forced the types."""
  numbers = {str(path): int(path.stem) for path in folder.glob('*.csv')}
  return [cell and (numbers[cell.file], cell.line, cell.text) for cell in found.forced_by]


# Files, types, and (file, line, text) of the cells that forced them.
FORCED = {
  'first_row': ([b'a,b\n1,x\n2,y\n'], [INT, STRING], [(1, 2, '1'), (1, 2, 'x')]),
  'a_later_row': ([b'a\n1\n2\n2.5\n3.5\n4\n'], [FLOAT], [(1, 4, '2.5')]),
  'last_row_of_the_last_file': (
    [b'a,b\n1,1\n' + b'2,2\n' * 20, b'a,b\n3,3\n', b'a,b\n' + b'4,4\n' * 20 + b'5,x'],
    [INT, STRING],
    [(1, 2, '1'), (3, 22, 'x')],
  ),
  'the_second_of_two_steps': ([b'a\n1\n', b'a\n2.5\n', b'a\nx\n1.5\ny\n'], [STRING], [(3, 2, 'x')]),
  'a_later_range': (
    [b'a,b\n' + b'1,x\n' * 500 + b'n/a,x\n' + b'1,x\nn/a,y\n' * 100],
    [STRING] * 2,
    [(1, 502, 'n/a'), (1, 2, 'x')],
  ),
  'behind_quoted_newlines': (
    [b'a,b\n"x\ny\n\nz",1\n"\n",2\nu,2.5\n'],
    [STRING, FLOAT],
    [(1, 2, 'x\ny\n\nz'), (1, 8, '2.5')],
  ),
  'the_line_is_that_on_which_the_row_begins': (
    [b'a,b\n1,1\n"x\n\ny",2.5\n'],
    [STRING, FLOAT],
    [(1, 3, 'x\n\ny'), (1, 3, '2.5')],
  ),
  'behind_blank_lines': ([b'a\n\n\n1\n\n\r\n2\n\nx\n'], [STRING], [(1, 9, 'x')]),
  'crlf': ([b'a\r\n1\r\n\r\n1.5\r\n'], [FLOAT], [(1, 4, '1.5')]),
  'cr': ([b'a\r1\r\r1.5\r'], [FLOAT], [(1, 4, '1.5')]),
  'behind_bad_rows': ([b'a,b\n1\n1,2,3\n1,2\n"1\n2"\n\n3,2.5\nx\n'], [INT, FLOAT], [(1, 4, '1'), (1, 8, '2.5')]),
  'in_a_bad_row_a_cell_forces_nothing': ([b'a,b\nx\nx,y,z\n1,2\n'], [INT, INT], [(1, 4, '1'), (1, 4, '2')]),
  'empty_cells_force_nothing': ([b'a,b\n,\n,1\n"",x\n'], [UNKNOWN, STRING], [None, (1, 4, 'x')]),
  'no_rows': ([b'a,b\n', b'a,b'], [UNKNOWN, UNKNOWN], [None, None]),
  'an_empty_file_before': ([b'a\n', b'a\n7\n'], [INT], [(2, 2, '7')]),
  'a_quoted_cell': ([b'a,b\n1,1\n"1,5","say ""no"""\n'], [STRING, STRING], [(1, 3, '1,5'), (1, 3, 'say "no"')]),
  'an_int_beyond_int64': ([b'a\n1\n2.5\n9223372036854775808\n'], [STRING], [(1, 4, '9223372036854775808')]),
  'hexadecimal': ([b'a\n1\n0x1F\n'], [STRING], [(1, 3, '0x1F')]),
  'a_mark_before_the_header': ([b'\xef\xbb\xbfa\n1\nx\n'], [STRING], [(1, 3, 'x')]),
}


@pytest.mark.usefixtures('block_size')
@pytest.mark.parametrize(('files', 'types', 'cells'), FORCED.values(), ids=FORCED)
def test_a_type_is_forced_by_the_first_cell_that_has_it(
  tmp_path: pathlib.Path, files: list[bytes], types: list[ColumnType], cells: list[tuple[int, int, str] | None]
) -> None:
  found = surveyed(tmp_path, files)

  assert list(found.layout.types) == types
  assert forced(tmp_path, found) == cells


@pytest.mark.usefixtures('block_size')
@pytest.mark.parametrize('seed', range(12))
def test_any_input_has_the_forcing_cells_that_a_look_at_each_cell_finds(tmp_path: pathlib.Path, seed: int) -> None:
  chance = random.Random(seed)
  files = []
  cells: list[tuple[int, int, tuple[str, ...]]] = []
  kinds = [['', '1', '22'], ['', '1', '1', '1', '2.5'], ['', '1', '1', '2.5', 'x\ny', '"'], ['']]
  for number in range(1, chance.randint(1, 3) + 1):
    text = 'a,b,c,d\n'
    for _ in range(chance.randint(0, 25)):
      text += chance.choice(['', '', '', '\n', '\r\n', '1,2\n', '"\n",2\n'])
      row = tuple(map(chance.choice, kinds))
      cells.append((number, text.count('\n') + 1, row))
      text += ','.join('"' + cell.replace('"', '""') + '"' if set(cell) & set('\n"') else cell for cell in row)
      text += chance.choice(['\n', '\r\n'])
    files.append(text.encode())

  found = surveyed(tmp_path, files)

  types = [max((type_of_cell(row[column].encode()) for *_, row in cells), default=UNKNOWN) for column in range(4)]
  expected = [
    next((file, line, row[column]) for file, line, row in cells if type_of_cell(row[column].encode()) is kind)
    if kind
    else None
    for column, kind in enumerate(types)
  ]
  assert list(found.layout.types) == types
  assert forced(tmp_path, found) == expected
  assert found.first_rows == tuple(tuple(cell or None for cell in row) for *_, row in cells[:3])


@pytest.mark.usefixtures('block_size')
def test_a_type_that_was_given_was_forced_by_no_cell(tmp_path: pathlib.Path) -> None:
  found = surveyed(tmp_path, [b'a,b,c\n1,1,\n2,x,\n'], column_types={'a': FLOAT, 'c': STRING})

  assert found.layout.types == (FLOAT, STRING, STRING)
  assert forced(tmp_path, found) == [None, (1, 3, 'x'), None]


@pytest.mark.usefixtures('block_size')
def test_a_row_that_does_not_fit_a_given_type_is_bad_and_forces_nothing(tmp_path: pathlib.Path) -> None:
  found = surveyed(tmp_path, [b'a,b\n1,1\nx,2.5\n3,3\n\n4,4.5\n'], column_types={'a': INT})

  assert found.layout.types == (INT, FLOAT)
  assert forced(tmp_path, found) == [None, (1, 6, '4.5')]
  assert found.findings.bad_rows == {'wrong_type': 1}
  assert found.first_rows == (('1', '1'), ('3', '3'), ('4', '4.5'))


@pytest.mark.usefixtures('block_size')
def test_where_all_types_are_given_the_first_rows_are_those_that_fit(tmp_path: pathlib.Path) -> None:
  found = surveyed(tmp_path, [b'a,b\nx,1\n1,2\n3\n4,\n'], column_types={'a': INT, 'b': STRING})

  assert (found.layout.types, found.forced_by) == ((INT, STRING), (None, None))
  assert found.findings.rows == 4
  assert found.first_rows == (('1', '2'), ('4', None))


@pytest.mark.usefixtures('block_size')
def test_bad_rows_are_counted_by_reason_and_the_first_is_told(tmp_path: pathlib.Path) -> None:
  found = surveyed(tmp_path, [b'a,b\n1,2\n', b'a,b\n3,4\n5\n6,7,8\n\xe9,9\n1,2\n'])

  assert found.findings.rows == 6
  assert found.findings.bad_rows == {'wrong_encoding': 1, 'wrong_number_of_cells': 2}
  assert found.findings.first_bad_row is not None
  assert found.findings.first_bad_row.message.startswith(f'{tmp_path}/2.csv: line 3 (byte 8): 1 cell where 2 are')
  assert found.first_rows == (('1', '2'), ('3', '4'), ('1', '2'))


ROWS = [('1', 'x'), ('2', None), ('3', 'y\nz'), ('4', 'é')]


@pytest.mark.usefixtures('block_size')
@pytest.mark.parametrize('rows', [1, 3, 4, 9])
def test_the_first_rows_are_so_many_over_all_files(tmp_path: pathlib.Path, rows: int) -> None:
  files = [b'a,b\n', b'a,b\n1,x\n\n2,\n', 'a,b\n3,"y\nz"\n4,é\n'.encode()]

  assert surveyed(tmp_path, files, rows=rows).first_rows == tuple(ROWS[:rows])


@pytest.mark.usefixtures('block_size')
@pytest.mark.parametrize('encoding', ['cp1252', 'utf-16', 'utf-16-be'])
def test_cells_of_another_encoding_are_shown_as_text(tmp_path: pathlib.Path, encoding: str) -> None:
  data = 'a,b\n1,"ü\n"\n2,x\né,y\n'.encode(encoding)

  found = surveyed(tmp_path, [data], Dialect(encoding=encoding))

  assert forced(tmp_path, found) == [(1, 5, 'é'), (1, 2, 'ü\n')]
  assert found.first_rows == (('1', 'ü\n'), ('2', 'x'), ('é', 'y'))


@pytest.mark.usefixtures('block_size')
@pytest.mark.parametrize(('compression', 'compress'), [('gzip', gzip.compress), ('bzip2', bz2.compress)])
def test_a_compressed_file_is_surveyed_like_the_plain_one(
  tmp_path: pathlib.Path, compression: str, compress: Callable[[bytes], bytes]
) -> None:
  data = b'a,b\n' + b'1,"x\ny"\n' * 50 + b'\n1.5,z\n'

  found = surveyed(tmp_path, [compress(data)], Dialect(compression=compression))

  assert (found.findings.rows, found.layout.types) == (51, (FLOAT, STRING))
  assert forced(tmp_path, found) == [(1, 103, '1.5'), (1, 2, 'x\ny')]


DIALECTS = {
  'semicolon_and_single_quotes': (Dialect(';', "'"), b"a;b\n1;'x;\n'\n2,5;y\n", [(1, 4, '2,5'), (1, 2, 'x;\n')]),
  'no_quotes': (Dialect(quote_char=''), b'a,b\n"1,x"\n', [(1, 2, '"1'), (1, 2, 'x"')]),
  'no_header': (Dialect(columns=('a', 'b')), b'1,2\n2,x\n', [(1, 1, '1'), (1, 2, 'x')]),
  'null_values': (Dialect(null_values=('NA', '-')), b'a,b\nNA,-\n1,NA\n', [(1, 3, '1'), None]),
  'blank_lines_are_rows': (Dialect(skip_blank_lines=False), b'a,b\n\n1,2\n\nx,3\n', [(1, 5, 'x'), (1, 3, '2')]),
}


@pytest.mark.usefixtures('block_size')
@pytest.mark.parametrize(('dialect', 'data', 'cells'), DIALECTS.values(), ids=DIALECTS)
def test_the_dialect_is_followed(
  tmp_path: pathlib.Path, dialect: Dialect, data: bytes, cells: list[tuple[int, int, str] | None]
) -> None:
  assert forced(tmp_path, surveyed(tmp_path, [data], dialect)) == cells


@pytest.mark.usefixtures('block_size')
def test_a_blank_line_that_is_a_row_is_counted_and_shown_as_empty_cells(tmp_path: pathlib.Path) -> None:
  found = surveyed(tmp_path, [b'a,b\n1,2\n\n3,4\n'], Dialect(skip_blank_lines=False))

  assert found.findings.rows == 3
  assert found.first_rows == (('1', '2'), (None, None), ('3', '4'))


FAULTS = {
  'an_unclosed_quote': ([b'a,b\n1,2\n', b'a,b\n3,4\n\n5,"6\n7,8\n'], '2.csv: line 4 (byte 11): a quote opens here'),
  'headers_that_differ': ([b'a,b\n1,2\n', b'a,c\n1,2\n'], "2.csv: line 1: headers differ: column 2 is 'c'"),
}


@pytest.mark.usefixtures('block_size')
@pytest.mark.parametrize(('files', 'message'), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_and_then_no_cells_and_rows_are(
  tmp_path: pathlib.Path, files: list[bytes], message: str
) -> None:
  found = surveyed(tmp_path, files)

  assert found.findings.fault is not None
  assert found.findings.fault.message.startswith(f'{tmp_path}/{message}')
  assert (found.forced_by, found.first_rows) == ((None, None), ())


def test_the_forcing_cell_is_told_with_the_path_of_its_file(tmp_path: pathlib.Path) -> None:
  assert surveyed(tmp_path, [b'a\n1\n']).forced_by == (Cell(f'{tmp_path}/1.csv', 2, '1'),)


def test_a_file_that_grew_since_it_was_matched_is_refused(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'a.csv'
  path.write_bytes(b'a\n1\n')
  files = match_files([str(path)], Dialect())
  plan = plan_input(files, Dialect(), {}, '')
  path.write_bytes(b'a\n1\n2\n')

  with pytest.raises(UserError, match=r'a\.csv: is longer now than the 4 bytes it had'):
    survey(files, plan, workers=2, rows=1, scanned=lambda size: None)
