"""Content that nobody expects of CSV is read as Python's csv module reads it, or set aside with a reason."""

import csv
import io
import pathlib

import pytest
from reader import read

from beam_taxi.inputs.columns import ColumnType

MEBIBYTE = 1024 * 1024

# What stands in the cells of one column, each in a row of its own; text that CSV has to quote is quoted.
CELLS = {
  'nul': ['a\0b', '\0', 'c'],
  'control_characters': [chr(code) for code in range(1, 32)] + ['\x7f'],
  'ctrl_z': ['a', '\x1a', 'b\x1a'],
  'line_ends_of_unicode': ['a\x85b', 'c\u2028d', 'e\u2029f', '\x0b', '\x0c'],
  'marks_within': ['\ufeffa', 'b\ufeff', '\ufeff'],
  'beyond_16_bits': ['\U0001f695', 'e\u0301', '\U0010ffff', '\ue000'],
  'long': ['short', 'two\nlines,' * MEBIBYTE, 'short'],
}


@pytest.mark.parametrize('cells', CELLS.values(), ids=CELLS)
@pytest.mark.parametrize('block_size', [100, 4 * MEBIBYTE])
def test_cells_are_read_as_they_are(tmp_path: pathlib.Path, cells: list[str], block_size: int) -> None:
  text = io.StringIO()
  csv.writer(text, csv.unix_dialect).writerows([['n', 'cell'], *enumerate(cells)])
  path = tmp_path / 'odd.csv'
  path.write_bytes(text.getvalue().encode())

  found = read([path], max(block_size, path.stat().st_size // 64))

  assert not found.findings.bad_rows
  assert found.cells()[1] == [cell.encode() for cell in cells]


# The bytes of a cell that is no text.
NOT_UTF_8 = {
  'lone_surrogate': b'\xed\xa0\x80',
  'pair_of_surrogates': b'\xed\xa0\xbd\xed\xba\x95',
  'overlong': b'\xc0\x80',
  'beyond_unicode': b'\xf4\x90\x80\x80',
  'cut_off': b'\xe2\x82',
}


@pytest.mark.parametrize('cell', NOT_UTF_8.values(), ids=NOT_UTF_8)
def test_what_is_no_utf_8_is_a_bad_row(tmp_path: pathlib.Path, cell: bytes) -> None:
  (tmp_path / 'odd.csv').write_bytes(b'n,cell\n1,a\n2,' + cell + b'\n3,b\n')

  found = read([tmp_path / 'odd.csv'], 1000)

  assert found.cells() == [[1, 3], [b'a', b'b']]
  assert found.findings.bad_rows == {'wrong_encoding': 1}


NAMES = [
  'a' * 10_000,
  'with "quotes"',
  'two\nlines',
  ' ',
  '\x01',
  '.',
  '../x',
  'a/b',
  'a:b',
  '%s',
  '{x}',
  'größe',
  '<b>',
]


def test_columns_may_have_any_name_but_an_empty_one(tmp_path: pathlib.Path) -> None:
  text = io.StringIO()
  csv.writer(text, lineterminator='\n').writerows([NAMES, range(len(NAMES))])
  (tmp_path / 'odd.csv').write_bytes(text.getvalue().encode())

  found = read([tmp_path / 'odd.csv'], 1000)

  assert found.rows.column_names == NAMES
  assert found.findings.types == (ColumnType.INT,) * len(NAMES)


def test_hundreds_of_files_are_one_input(tmp_path: pathlib.Path) -> None:
  for number in range(500):
    (tmp_path / f'{number:04}.csv').write_text(f'n\n{number}\n')

  found = read(sorted(tmp_path.iterdir()), 1000)

  assert found.cells() == [list(range(500))]
