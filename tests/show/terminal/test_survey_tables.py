"""What sniff shows is what was found, and the flags that it prints give the dialect back."""

import io
import pathlib
import shlex
import sys
from typing import Any

import pytest
from csv_files import match_files, plan_input
from rich.console import Console

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.description import dialect_flags
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.guess import guess_dialect
from beam_taxi.inputs.csv.survey import survey
from beam_taxi.settings.flags import parse_flags
from beam_taxi.show.terminal.survey_tables import print_survey

DIALECTS = {
  'default': Dialect(),
  'semicolon': Dialect(';'),
  'tab': Dialect('\t'),
  'blank': Dialect(' '),
  'dash': Dialect('-'),
  'backslash': Dialect('\\'),
  'letter': Dialect('t'),
  'single_quote': Dialect(quote_char="'"),
  'no_quote': Dialect(quote_char=''),
  'dash_as_quote': Dialect(quote_char='-'),
  'quote_as_delimiter': Dialect('"', "'"),
  'columns': Dialect(columns=('a', 'b c', 'größe')),
  'columns_with_marks': Dialect(columns=('a,b', 'c"d', '"', "it's", '$HOME', ' e ', '*')),
  'columns_with_marks_and_a_line_end': Dialect(columns=('a,\nb', 'c')),
  'null_values': Dialect(null_values=('NA', 'null', '\\N', 'a,b')),
  'one_null_value_that_is_a_dash': Dialect(null_values=('-',)),
  'empty_null_value_among_others': Dialect(null_values=('NA', '')),
  'blank_lines': Dialect(skip_blank_lines=False),
  'latin1': Dialect(encoding='latin-1'),
  'utf16': Dialect(encoding='utf-16'),
  'gzip': Dialect(compression='gzip'),
  'uncompressed': Dialect(compression='none'),
  'everything': Dialect('\t', '', ('a', 'b'), ('NA',), False, 'cp1252', 'zstd'),
}


@pytest.mark.parametrize('dialect', DIALECTS.values(), ids=DIALECTS)
def test_the_flags_of_a_dialect_give_it_back(dialect: Dialect) -> None:
  words = dialect_flags(dialect)

  config, beam_args = parse_flags(['--input', 'x', '--output', 'y', *shlex.split(shlex.join(words))])

  assert (config.input_settings, beam_args) == (dialect, [])


def test_what_is_as_it_is_by_default_needs_no_flag() -> None:
  assert dialect_flags(Dialect()) == []
  assert dialect_flags(Dialect(';')) == ['--delimiter=;']


def printed(
  folder: pathlib.Path,
  *files: bytes,
  name: str = 'csv',
  column_types: dict[str, ColumnType] | None = None,
  **given: Any,
) -> str:
  """What is shown of 1.csv, 2.csv and so on."""
  paths = [folder / f'{number}.{name}' for number in range(1, len(files) + 1)]
  for path, data in zip(paths, files, strict=True):
    path.write_bytes(data)
  guess = guess_dialect(str(paths[0]), len(files[0]), given)
  patterns = [f'{folder}/*.{name}']
  matched = match_files(patterns, guess.dialect)
  plan = plan_input(matched, guess.dialect, column_types or {}, '')
  found = survey(matched, plan, workers=2, rows=3, scanned=lambda size: None)
  out = io.StringIO()
  print_survey(Console(file=out, width=200), patterns, guess, plan, found)
  return out.getvalue()


def fact(text: str, name: str) -> str:
  """What is said behind a name in the first block of lines."""
  [value] = [line[len(name) :].strip() for line in text.partition('\n\n')[0].splitlines() if line.startswith(name)]
  return value


def columns_of(text: str) -> list[list[str]]:
  """The table of columns: its lines' cells, which are parted by two blanks."""
  lines = text.split('\n\n')[1].splitlines()
  return [[cell.strip() for cell in line.split('  ') if cell.strip()] for line in lines]


def command_of(text: str) -> list[str]:
  return shlex.split(text[text.index('To read it this way:') :].splitlines()[1])


FACTS: dict[str, tuple[bytes, dict[str, Any], dict[str, str]]] = {
  'plain': (
    b'a,b\n1,2\n3,4\n',
    {},
    {
      'Files': '1, 12 bytes',
      'Rows': '2',
      'Delimiter': 'comma',
      'Quote': '"',
      'Header': '2 columns',
      'Line ends': 'LF',
      'Encoding': 'utf-8',
      'Compression': 'none',
    },
  ),
  'another': (
    b"\xef\xbb\xbf1;1\r\n'x;';2\r\n",
    {},
    {'Delimiter': 'semicolon', 'Quote': "'", 'Header': 'none', 'Line ends': 'CRLF', 'Rows': '2'},
  ),
  'mark': (b'\xef\xbb\xbfa|b\n', {}, {'Encoding': 'utf-8 with a byte-order mark', 'Delimiter': 'pipe', 'Rows': '0'}),
  'tab_and_no_quotes': (b'a\tb\r1\t2', {'quote_char': ''}, {'Delimiter': 'tab', 'Quote': 'none', 'Line ends': 'CR'}),
  'odd_delimiter': (b'a[b\n1[2\n', {'delimiter': '['}, {'Delimiter': '[', 'Header': '2 columns'}),
  'latin1': (b'a,b\n\xfc,\x81\n', {}, {'Encoding': 'iso8859-1'}),
  'compression_that_was_said': (b'a,b\n', {'compression': 'none'}, {'Compression': 'none'}),
  'many_rows': (b'a\n' + b'1\n' * 1234, {}, {'Rows': '1,234', 'Files': '1, 2.5 kB'}),
}


@pytest.mark.parametrize(('data', 'given', 'facts'), FACTS.values(), ids=FACTS)
def test_the_facts_of_a_file_are_shown(
  tmp_path: pathlib.Path, data: bytes, given: dict[str, Any], facts: dict[str, str]
) -> None:
  text = printed(tmp_path, data, **given)

  assert {name: fact(text, name) for name in facts} == facts


def test_each_column_has_its_type_the_cell_that_forced_it_and_its_first_cells(tmp_path: pathlib.Path) -> None:
  data = b'n,text,none,given\n1,"x\ny",,1\n\n2,[bold]z[/],,2\n2.5,,,3\n4,u,,4\n'

  text = printed(tmp_path, data, column_types={'given': ColumnType.STRING})

  assert columns_of(text) == [
    ['Column', 'Type', 'Forced by', 'Row 1', 'Row 2', 'Row 3'],
    ['n', 'FLOAT', 'line 6: 2.5', '1', '2', '2.5'],
    ['text', 'STRING', 'line 2: x\\ny', 'x\\ny', '[bold]z[/]', 'empty'],
    ['none', 'UNKNOWN', '(no values)', 'empty', 'empty', 'empty'],
    ['given', 'STRING', 'given', '1', '2', '3'],
  ]


def test_a_name_that_looks_like_markup_is_shown_as_it_is(tmp_path: pathlib.Path) -> None:
  assert columns_of(printed(tmp_path, b'[red]a,b\n1,2\n'))[1][0] == '[red]a'


def test_of_several_files_that_with_the_forcing_cell_is_named(tmp_path: pathlib.Path) -> None:
  text = printed(tmp_path, b'a\n1\n', b'a\n2\n' + b'3\n' * 1000 + b'x\n')

  assert fact(text, 'Files').startswith('2, ')
  assert f'{tmp_path}/2.csv line 1,003: x' in text


def test_a_long_cell_is_cut(tmp_path: pathlib.Path) -> None:
  text = printed(tmp_path, b'a,b\n' + b'x' * 25 + b',' + b'y' * 24 + b'\n')

  assert columns_of(text)[1:] == [
    ['a', 'STRING', f'line 2: {"x" * 23}…', f'{"x" * 23}…'],
    ['b', 'STRING', f'line 2: {"y" * 24}', 'y' * 24],
  ]


def test_the_notes_of_the_guess_are_shown(tmp_path: pathlib.Path) -> None:
  assert "note: The first row is taken for data: as a header, two columns are named '[b]'." in printed(
    tmp_path, b'[b],[b]\n1,2\n'
  )
  assert 'note:' not in printed(tmp_path, b'a,b\n1,2\n')


def test_bad_rows_are_counted_and_the_first_is_told_on_one_line(tmp_path: pathlib.Path) -> None:
  text = printed(tmp_path, b'a,b\n1,2\n[x],4,5\n6\n' + b'7,x\n', column_types={'b': ColumnType.INT})

  [line] = [line for line in text.splitlines() if line.startswith('bad rows:')]
  assert line.startswith(
    'bad rows: 2 wrong number of cells, 1 wrong type; the first: '
    f'{tmp_path}/1.csv: line 3 (byte 8): 3 cells where 2 are expected: [x],4,5'
  )
  assert 'fault:' not in text


@pytest.mark.parametrize(
  ('files', 'at_end'),
  [
    ((b'a,b\n1,2\n3,4\nTotal 6\n',), True),
    ((b'a,b\n1,2\n3,4\nTotal', b'a,b\n5,6\n7,8\nTotal\n\n'), True),
    ((b'a,b\n1,2\nTotal\n3,4\n',), False),
    ((b'a,b\n1\n1,2\n3,4\nTotal\n',), False),
  ],
  ids=['one', 'two', 'within', 'another'],
)
def test_bad_rows_that_end_files_are_explained(tmp_path: pathlib.Path, files: tuple[bytes, ...], at_end: bool) -> None:
  assert ('they end their files, as totals do' in printed(tmp_path, *files)) == at_end


def test_a_fault_is_told_on_one_line_with_its_place(tmp_path: pathlib.Path) -> None:
  text = printed(tmp_path, b'a,b\n1,2\n3,"4\n', quote_char='"')

  [line] = [line for line in text.splitlines() if line.startswith('fault:')]
  assert line.startswith(f'fault: {tmp_path}/1.csv: line 3 (byte 10): a quote opens here and is never closed')


def test_an_input_without_a_flaw_has_neither_bad_rows_nor_a_fault(tmp_path: pathlib.Path) -> None:
  text = printed(tmp_path, b'a,b\n1,2\n')

  assert [word for word in ('bad rows', 'fault:', 'quarantine') if word in text] == []


COMMANDS: dict[str, tuple[bytes, dict[str, Any], list[str]]] = {
  'plain': (b'a,b\n1,2\n', {}, []),
  'tab': (b'a\tb\n1\t2\n', {}, ['--delimiter=tab']),
  'no_header': (b'1;1\n2;2\n', {}, ['--delimiter=;', '--no_header', '--columns=column_1,column_2']),
  'bad_rows': (b'a,b\n1\n1,2\n', {}, ['--bad_rows', 'quarantine']),
  'given': (b'a\n1\n', {'null_values': ('NA', 'a b')}, ['--null_values=NA,a b']),
  'no_quotes': (b'a,b\n', {'quote_char': ''}, ['--quote_char=']),
}


@pytest.mark.parametrize(('data', 'given', 'words'), COMMANDS.values(), ids=COMMANDS)
def test_the_command_that_reads_it_so_comes_last_and_can_be_copied(
  tmp_path: pathlib.Path,
  data: bytes,
  given: dict[str, Any],
  words: list[str],
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  monkeypatch.setattr(sys, 'argv', ['/usr/bin/beam-taxi'])
  folder = tmp_path / 'a folder with a long name' / ('x' * 200)
  folder.mkdir(parents=True)

  text = printed(folder, data, **given)

  assert command_of(text) == ['beam-taxi', '--input', f'{folder}/*.csv', '--output', 'out', *words]
  assert len(text[text.index('To read it this way:') :].splitlines()) == 2
