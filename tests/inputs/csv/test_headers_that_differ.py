"""Columns without a name, and files whose columns stand in another order or are not all there."""

import csv
import gzip
import io
import pathlib
import random
from typing import Any

import pyarrow as pa
import pytest

from beam_taxi.errors import UserError
from beam_taxi.inputs.column_form import ColumnForm
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.csv_input import CsvInput
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.guess import guess_dialect
from beam_taxi.inputs.csv.survey import survey
from beam_taxi.inputs.findings import Findings, merge_findings
from beam_taxi.inputs.input_files import InputFile
from beam_taxi.inputs.matching import list_files
from beam_taxi.inputs.shard_sizes import Sizes

BY_NAME = Dialect(columns_by='name')


def read(
  folder: pathlib.Path, dialect: Dialect, form: ColumnForm | None = None, block_size: int = 20
) -> tuple[dict[str, list[Any]], Findings]:
  """The features of all files of a folder, and what pass 1 found: both passes, by what the graph calls."""
  listed = list_files([f'{folder}/*.csv*'])
  reader = CsvInput(dialect)
  plan = reader.plan(listed, form or ColumnForm())
  scans = [reader.scan(part, plan, block_size) for part in reader.ranges(listed, Sizes(block_size, 1024))]
  settled = [reader.settle([scan for scan in scans if scan.part.file.path == file.path]) for file in listed]
  again = [reader.scan_again(each, plan.layout, block_size) for file in settled for each in file.unsure]
  findings = merge_findings([*(file.findings for file in settled), *again])
  layout = findings.settle_types(plan.layout)
  blocks = [block.rows for file in settled for part in file.records for block in reader.read(part, layout, block_size)]
  return pa.Table.from_batches([reader.no_rows(layout), *blocks]).to_pydict(), findings


def write(folder: pathlib.Path, **files: str) -> None:
  for name, text in files.items():
    (folder / f'{name}.csv').write_text(text)


UNNAMED: dict[str, tuple[str, dict[str, list[Any]], dict[str, list[Any]]]] = {
  'index': (',a,b\n0,x,1\n1,y,2\n', {'column_1': [0, 1]}, {}),
  'trailing_in_both': ('a,b,\nx,1,\ny,2,\n', {'column_3': [None, None]}, {}),
  'trailing_in_the_header': ('a,b,\nx,1\ny,2\n', {}, {}),
  'trailing_in_the_rows': ('a,b\nx,1,\ny,2,\n', {'column_3': [None, None]}, {}),
  'blank_line_behind_the_header': ('a,b\n\n\nx,1,\ny,2,\n', {'column_3': [None, None]}, {}),
  'quoted': ('"",a,b\n"p,q",x,1\nr,y,2\n', {'column_1': [b'p,q', b'r']}, {}),
  'in_the_middle': ('a,,b\nx,7,1\ny,8,2\n', {'column_2': [7, 8]}, {}),
}


@pytest.mark.parametrize(('text', 'named', 'dropped'), UNNAMED.values(), ids=UNNAMED)
def test_columns_without_a_name_are_named_or_dropped(
  tmp_path: pathlib.Path, text: str, named: dict[str, list[Any]], dropped: dict[str, list[Any]]
) -> None:
  write(tmp_path, one=text)
  others = {'a': [b'x', b'y'], 'b': [1, 2]}

  by_name, findings = read(tmp_path, Dialect(unnamed_columns='name'))
  left_out, _ = read(tmp_path, Dialect(unnamed_columns='drop'))

  assert by_name == others | named
  assert left_out == others | dropped
  assert not findings.bad_rows


def test_a_column_without_a_name_is_refused_with_what_helps(tmp_path: pathlib.Path) -> None:
  write(tmp_path, one=',a\n0,x\n')

  with pytest.raises(UserError, match=r'one\.csv: line 1: column 1 has no name; .* --unnamed_columns name or drop'):
    read(tmp_path, Dialect())


def test_a_dropped_column_can_be_selected_by_its_place(tmp_path: pathlib.Path) -> None:
  write(tmp_path, one=',a\n0,x\n')

  found, _ = read(tmp_path, Dialect(unnamed_columns='drop'), ColumnForm(select_columns=('a', 'column_1')))

  assert found == {'a': [b'x'], 'column_1': [0]}


def test_a_name_by_place_that_is_another_columns_is_refused(tmp_path: pathlib.Path) -> None:
  write(tmp_path, one=',column_1\n0,x\n')

  with pytest.raises(UserError, match="two columns are named 'column_1'"):
    read(tmp_path, Dialect(unnamed_columns='name'))


def test_rows_that_do_not_end_as_the_first_does_are_bad(tmp_path: pathlib.Path) -> None:
  write(tmp_path, one='a,b\nx,1,\ny,2\n')

  found, findings = read(tmp_path, Dialect(unnamed_columns='drop'))

  assert found == {'a': [b'x'], 'b': [1]}
  assert findings.bad_rows == {'wrong_number_of_cells': 1}


def test_files_are_read_by_their_own_headers(tmp_path: pathlib.Path) -> None:
  write(tmp_path, one='a,b\n1,x\n2,y\n', two='c,b,a\n2.5,z,3\n', three='b\nonly\n', zero='c\n7\n')

  found, findings = read(tmp_path, BY_NAME)

  assert found == {
    'a': [1, 2, None, 3, None],
    'b': [b'x', b'y', b'only', b'z', None],
    'c': [None, None, None, 2.5, 7.0],
  }
  assert (findings.rows, findings.types) == (5, (ColumnType.INT, ColumnType.STRING, ColumnType.FLOAT))


def test_rows_are_counted_in_files_without_any_column_that_is_wanted(tmp_path: pathlib.Path) -> None:
  write(tmp_path, one='a,b\n1,x\n', two='b\nz\n"q\nr"\n')

  found, findings = read(tmp_path, BY_NAME, ColumnForm(select_columns=('a',)))

  assert found == {'a': [1, None, None]}
  assert findings.rows == 3


def test_each_file_has_its_own_bad_rows(tmp_path: pathlib.Path) -> None:
  write(tmp_path, one='a,b\n1,x\na,b\n', two='b,a\nz,3\nw\nb,a\n')

  found, findings = read(tmp_path, BY_NAME)

  assert found == {'a': [1, 3], 'b': [b'x', b'z']}
  assert findings.bad_rows == {'repeated_header': 2, 'wrong_number_of_cells': 1}


def test_types_and_names_are_given_as_ever(tmp_path: pathlib.Path) -> None:
  write(tmp_path, one='a,b\n1,x\n', two='c,b,a\n5,z,w\n')
  form = ColumnForm({'a': ColumnType.INT, 'c': ColumnType.STRING, 'b': ColumnType.STRING}, rename_columns={'c': 'see'})

  found, _ = read(tmp_path, BY_NAME, form)

  assert found == {'a': [1], 'b': [b'x'], 'see': [None]}


def test_an_unknown_name_is_looked_for_in_all_files(tmp_path: pathlib.Path) -> None:
  write(tmp_path, one='a,b\n1,x\n', two='c,b,a\n5,z,2\n')

  with pytest.raises(UserError, match="with the other files has no column 'd'; there are a, b, c"):
    read(tmp_path, BY_NAME, ColumnForm(select_columns=('d',)))


@pytest.mark.parametrize('seed', range(20))
def test_files_with_any_columns_are_read_as_pythons_csv_reads_them(tmp_path: pathlib.Path, seed: int) -> None:
  chance = random.Random(seed)
  expected: list[dict[str, str]] = []
  for number in range(chance.randint(1, 5)):
    names = chance.sample(['a', 'b', 'c', 'd,d', 'e"e'], chance.randint(2, 5))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=chance.choice(['\n', '\r\n']))
    writer.writerow(names)
    for _ in range(chance.randint(0, 30)):
      writer.writerow(chance.choice(['x', 'two\nlines', 'a, b', '"', 'word' * 4]) for _ in names)
    data = text.getvalue().encode()
    pressed = chance.random() < 0.3
    (tmp_path / f'{number}.csv{".gz" * pressed}').write_bytes(gzip.compress(data) if pressed else data)
    expected += csv.DictReader(io.StringIO(text.getvalue(), newline=''))

  found, findings = read(tmp_path, BY_NAME, block_size=chance.choice([16, 64, 1000]))

  assert findings.rows == len(expected)
  for name, cells in found.items():
    assert [cell and cell.decode() for cell in cells] == [row.get(name) for row in expected]


def test_settings_that_need_a_header_are_refused_without_one() -> None:
  for settings in ({'columns_by': 'name'}, {'unnamed_columns': 'drop'}):
    with pytest.raises(UserError, match='goes by a header'):
      Dialect(columns=('a',), **settings)


GUESSES: dict[str, tuple[str, str, str]] = {
  'index': (',name,fare\n0,x,1\n1,y,2\n', 'drop', 'Column 1 has no name and counts the rows'),
  'index_from_one': ('"",name,fare\n1,x,1\n2,y,2\n', 'drop', 'Column 1 has no name and counts the rows'),
  'names_of_rows': (',name,fare\nfirst,x,1\nsecond,y,2\n', 'name', 'Column 1 has no name: it is named by its place'),
  'both': ('name,fare,\nx,1,\ny,2,\n', 'drop', 'Column 3 has no name and no values'),
  'header': ('name,fare,\nx,1\ny,2\n', 'drop', 'The header ends with a delimiter, and the rows do not'),
  'rows': ('name,fare\nx,1,\ny,2,\nz,3,\n', 'drop', 'Column 3 has no name and no values'),
  'rows_below_a_title': ('Trips\nname,fare\nx,1,\ny,2,\nz,3,\n', 'drop', 'Column 3 has no name and no values'),
}


@pytest.mark.parametrize(('text', 'way', 'note'), GUESSES.values(), ids=GUESSES)
def test_sniff_says_what_a_column_without_a_name_is(tmp_path: pathlib.Path, text: str, way: str, note: str) -> None:
  write(tmp_path, one=text)

  guess = guess_dialect(str(tmp_path / 'one.csv'), len(text), {})
  found, findings = read(tmp_path, guess.dialect)

  assert guess.dialect.unnamed_columns == way
  assert [each for each in guess.notes if note in each]
  assert not findings.bad_rows
  assert {'name', 'fare'} <= found.keys()


@pytest.mark.parametrize('text', ['1,,x\n2,3,y\n', 'name,fare\nx,1\ny,2\n', ',\n1,2\n'], ids=['data', 'named', 'none'])
def test_sniff_guesses_nothing_of_other_headers(tmp_path: pathlib.Path, text: str) -> None:
  write(tmp_path, one=text)

  assert guess_dialect(str(tmp_path / 'one.csv'), len(text), {}).dialect.unnamed_columns == 'fail'


def test_sniff_surveys_files_by_name(tmp_path: pathlib.Path) -> None:
  write(tmp_path, one='a,b\n1,x\n', two='c,b,a\n2.5,z,3.5\n')
  listed = list_files([f'{tmp_path}/*.csv'])
  plan = CsvInput(BY_NAME).plan(listed, ColumnForm())
  files = [InputFile(file.path, file.size, index, file.version) for index, file in enumerate(listed)]

  found = survey(files, plan, workers=2, rows=3, scanned=lambda size: None)

  assert found.first_rows == (('1', 'x', None), ('3.5', 'z', '2.5'))
  assert [cell and (cell.line, cell.text) for cell in found.forced_by] == [(2, '3.5'), (2, 'x'), (2, '2.5')]
