"""`sniff` as it is typed: what it shows, its exit code, and the command that it prints."""

import gzip
import pathlib
import shlex
import subprocess
import sys

import pytest
from commands import ROOT, beam_taxi

from beam_taxi.artifacts.manifest import RunFolder, read_manifest
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.settings.flags import parse_flags


def sniff(*arguments: str, folder: pathlib.Path = ROOT) -> subprocess.CompletedProcess[str]:
  """Runs `python -m beam_taxi sniff`, on a terminal that is wide enough for each line of a table."""
  return beam_taxi(folder, 'sniff', *arguments, COLUMNS='300', NO_COLOR='1')


def lines_of(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
  """The words of each line."""
  return [line.split() for line in done.stdout.splitlines()]


def command_in(done: subprocess.CompletedProcess[str]) -> list[str]:
  """The words of the command that is printed, behind the program as it was called."""
  python, option, package, *words = shlex.split(done.stdout.splitlines()[-1])
  assert (python, option, package) == ('python', '-m', 'beam_taxi')
  return words


def test_rows_types_and_the_lines_that_forced_them_are_shown(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'trips.csv'
  path.write_bytes(b'id,fare,company\n1,2,"Blue\nCab"\n2,3.5,\n\n3,4,Red\n')

  done = sniff(str(path))

  lines = lines_of(done)
  assert (done.returncode, done.stderr.strip()) == (0, '')
  assert ['Rows', '3'] in lines
  assert ['Header', '3', 'columns'] in lines
  assert ['id', 'INT', 'line', '2:', '1', '1', '2', '3'] in lines
  assert ['fare', 'FLOAT', 'line', '4:', '3.5', '2', '3.5', '4'] in lines
  assert ['company', 'STRING', 'line', '2:', 'Blue\\nCab', 'Blue\\nCab', 'empty', 'Red'] in lines


def test_the_taxi_data_is_shown(taxi_csv: pathlib.Path) -> None:
  done = sniff(str(taxi_csv))

  assert done.returncode == 0
  assert ['Rows', '15,002'] in lines_of(done)
  assert command_in(done) == ['--input', str(taxi_csv), '--output', 'out']


def test_types_that_are_given_are_shown_as_given(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'a.csv'
  path.write_bytes(b'a,b\n1,2\n')
  schema = tmp_path / 'schema.pbtxt'
  schema.write_text('feature { name: "b" type: FLOAT }')

  lines = lines_of(sniff(str(path), '--column_types', 'a:STRING', '--schema', str(schema)))

  assert ['a', 'STRING', 'given', '1'] in lines
  assert ['b', 'FLOAT', 'given', '2'] in lines


def test_nothing_is_written(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.csv').write_bytes(b'a,b\n1\n')

  done = sniff('*.csv', folder=tmp_path)

  assert done.returncode == 0
  assert [file.name for file in tmp_path.iterdir()] == ['a.csv']


def test_bad_rows_alone_are_shown_and_end_with_0(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'a.csv'
  path.write_bytes(b'a,b\n1,2\n3\n4,5\n')

  done = sniff(str(path))

  assert done.returncode == 0
  assert f'bad rows: 1 wrong number of cells; the first: {path}: line 3 (byte 8): 1 cell where 2 are' in done.stdout
  assert command_in(done)[-2:] == ['--bad_rows', 'quarantine']


def test_an_unclosed_quote_is_told_with_its_place_and_ends_with_2(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'a.csv'
  path.write_bytes(b'a,b\n1,2\n3,"4\n5,6\n')

  done = sniff(str(path), '--quote_char="')

  assert done.returncode == 2
  assert f'fault: {path}: line 3 (byte 10): a quote opens here and is never closed' in done.stdout


def test_headers_that_differ_are_told_with_both_files_and_end_with_2(tmp_path: pathlib.Path) -> None:
  (tmp_path / '1.csv').write_bytes(b'a,b\n1,2\n')
  (tmp_path / '2.csv').write_bytes(b'a,c\n1,2\n')

  done = sniff(str(tmp_path))

  assert done.returncode == 2
  assert (
    f"fault: {tmp_path}/2.csv: line 1: headers differ: column 2 is 'c' where {tmp_path}/1.csv has 'b'" in done.stdout
  )


ERRORS: dict[str, tuple[bytes, list[str], str]] = {
  'an_empty_file': (b'', [], 'a.csv: line 1: has no header'),
  'a_broken_gzip_file': (gzip.compress(b'a,b\n' * 99)[:-9], [], 'a.csv: is not a whole gzip file'),
  'a_column_that_is_not_there': (b'a,b\n', ['--column_types', 'c:INT'], "has no column 'c'; there are a, b"),
  'a_zip_archive': (b'PK\x03\x04' + bytes(99), [], 'a.csv: is a zip archive, and not whole'),
  'a_schema_that_is_not_there': (b'a,b\n', ['--schema', '/none.pbtxt'], '--schema /none.pbtxt: cannot be read'),
  'a_wrong_encoding': (b'a,b\n', ['--encoding', 'utf-9'], '--encoding utf-9: unknown encoding'),
  'columns_without_no_header': (b'a,b\n', ['--columns', 'x,y'], '--no_header and --columns go together'),
  'a_header_of_another_encoding': (b'a,\xe9\n', ['--encoding', 'utf-8'], 'the header is not UTF-8 at byte 2'),
}


@pytest.mark.parametrize(('data', 'arguments', 'message'), ERRORS.values(), ids=ERRORS)
def test_what_cannot_be_read_is_one_error_and_ends_with_2(
  tmp_path: pathlib.Path, data: bytes, arguments: list[str], message: str
) -> None:
  path = tmp_path / 'a.csv'
  path.write_bytes(data)

  done = sniff(str(path), *arguments)

  assert (done.returncode, done.stdout) == (2, '')
  [line] = done.stderr.splitlines()
  assert line.startswith('error: ')
  assert message in line


def test_a_pattern_that_matches_no_file_ends_with_2(tmp_path: pathlib.Path) -> None:
  done = sniff(f'{tmp_path}/*.csv')

  assert (done.returncode, done.stdout) == (2, '')
  assert done.stderr.startswith(f'error: {tmp_path}/*.csv: no file matches')


def test_without_a_file_it_says_how_it_is_called() -> None:
  done = sniff()

  assert done.returncode == 2
  assert 'usage: python -m beam_taxi sniff' in done.stderr
  assert 'the following arguments are required: FILE' in done.stderr


GIVEN = [
  *('--delimiter=-', '--quote_char=', '--no_header', '--columns', 'n,"a,b"', '--null_values', 'x y'),
  *('--no_skip_blank_lines', '--encoding', 'latin-1'),
]
COMMANDS: dict[str, tuple[str, bytes, list[str], Dialect]] = {
  'plain': ('a.csv', b'a,b\n1,2\n', [], Dialect()),
  'tab': ('a.tsv', b'a\tb\n1\t2,5\n', [], Dialect('\t')),
  'semicolon_and_cp1252': ('a b.csv', b'a;b\n1,5;\x80\n', [], Dialect(';', encoding='cp1252')),
  'utf16': ("it's.csv", 'a|b\r\n1|é\r\n'.encode('utf-16'), [], Dialect('|', encoding='utf-16')),
  'no_header': ('a.csv', b'1,1\n2,3\n', [], Dialect(columns=('column_1', 'column_2'))),
  'gzip_by_another_name': ('a.csv', gzip.compress(b'a,b\n1,2\n'), [], Dialect(compression='gzip')),
  'a_plain_file_named_gz': ('a.csv.gz', b"a,b\n'1,2',3\n", [], Dialect(quote_char="'", compression='none')),
  'what_was_given': (
    'a.csv',
    b'1-x\n\n2-\n',
    GIVEN,
    Dialect('-', '', ('n', 'a,b'), ('x y',), False, 'latin-1'),
  ),
}


@pytest.mark.parametrize(('name', 'data', 'arguments', 'dialect'), COMMANDS.values(), ids=COMMANDS)
def test_the_command_that_it_prints_reads_the_same_files_so(
  tmp_path: pathlib.Path, name: str, data: bytes, arguments: list[str], dialect: Dialect
) -> None:
  path = tmp_path / name
  path.write_bytes(data)

  done = sniff(str(path), *arguments)

  config, beam_args = parse_flags(command_in(done))
  assert done.returncode == 0
  assert (config.input, config.input_settings, beam_args) == ((str(path),), dialect, [])


# What a file begins with, and what sniff's command says of it.
TOPS: dict[str, tuple[bytes, list[str], str]] = {
  'a_report': (b'Report\nmade on "2024\n\nid;fare\n1;2\n2;3\n', ['--delimiter=;', '--skip_lines=3'], '3 lines above'),
  'comments': (b'# a "note\nid,fare\n1,2\n# b\n2,3\n', ['--comment_char=#'], 'begin with # are taken for comments'),
  'a_header_with_a_mark': (b'#id,fare\n1,2\n2,3\n', [], ''),
  'sep': (b'sep=;\r\nid;fare\r\n1;2\r\n2;3\r\n', ['--delimiter=;'], ''),
  'backslashes': (b'id,fare\n"a \\"" b",2\n2,3\n', [], 'quotes behind backslashes'),
}


@pytest.mark.parametrize(('data', 'flags', 'note'), TOPS.values(), ids=TOPS)
def test_what_stands_above_the_rows_is_found(tmp_path: pathlib.Path, data: bytes, flags: list[str], note: str) -> None:
  path = tmp_path / 'a.csv'
  path.write_bytes(data)

  done = sniff(str(path))

  assert command_in(done) == ['--input', str(path), '--output', 'out', *flags]
  assert note in done.stdout
  assert ['Rows', '2'] in lines_of(done)


def test_where_most_rows_are_bad_there_is_no_command(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.csv').write_bytes(b'a,b\n1\n2\n3,4\n5\n')

  done = sniff(str(tmp_path / 'a.csv'), '--delimiter', ',')

  assert 'Most rows are bad' in done.stdout
  assert '--input' not in done.stdout


def test_an_export_of_the_portal_gets_a_command_that_reads_it(tmp_path: pathlib.Path) -> None:
  script = [sys.executable, ROOT / 'scripts/make_taxi_csv.py', '--rows', '500', '--portal', '--dollars']
  subprocess.run([*script, '--out', tmp_path / 'portal.csv'], check=True)

  done = sniff('portal.csv', folder=tmp_path)
  assert 'advice: Fare has numbers that are written for people (line 2: $' in done.stdout
  assert "'--column_types=Trip Start Timestamp:TIMESTAMP(%m/%d/%Y %I:%M:%S %p)'" in done.stdout
  words = command_in(done)
  run = beam_taxi(tmp_path, *words, '--run_id', 'one')

  assert run.returncode == 0, run.stderr
  manifest = read_manifest(RunFolder.of(str(tmp_path / 'out'), 'one'))
  assert manifest
  assert [manifest.columns.get(name) for name in ('Trip Start Timestamp', 'Fare', 'Trip ID')] == ['INT', 'FLOAT', None]


def test_advice_comes_on_top_of_what_was_given(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.csv').write_bytes(b'zip,day,fare\n01234,2024-01-19,$5\n12345,2024-01-20,$6\n')

  done = sniff('a.csv', '--select_columns', 'zip,fare', '--column_types', 'fare:STRING', folder=tmp_path)

  given = ['--input', 'a.csv', '--output', 'out', '--column_types=fare:STRING,zip:STRING', '--select_columns=zip,fare']
  assert sorted(command_in(done)) == sorted(given)
  assert 'day' not in done.stdout


def test_a_file_of_settings_is_written_that_a_run_and_sniff_take(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.csv').write_bytes(b'zip;day;fare\n01234;2024-01-19;$5\n12345;2024-01-20;$6\n')

  written = sniff('a.csv', '--write_config', 'a.toml', folder=tmp_path)
  run = beam_taxi(tmp_path, '--config', 'a.toml', '--run_id', 'one')
  again = sniff('a.csv', '--config', 'a.toml', folder=tmp_path)

  assert written.stdout.endswith('a.toml has all of it. To run with it:\n  python -m beam_taxi --config a.toml\n')
  assert '# fare has numbers that are written for people (line 2: $5)\n' in (tmp_path / 'a.toml').read_text()
  assert run.returncode == 0, run.stderr
  manifest = read_manifest(RunFolder.of(str(tmp_path / 'out'), 'one'))
  assert manifest
  assert manifest.columns == {'zip': 'STRING', 'day': 'INT', 'fare': 'FLOAT'}
  assert manifest.provenance['config_file'] == 'a.toml'
  assert '--delimiter' in str(manifest.provenance['config_flags'])
  assert 'advice' not in again.stdout


def test_a_file_of_settings_is_not_overwritten(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.csv').write_bytes(b'a,b\n1,2\n')
  (tmp_path / 'a.toml').write_text('mine')

  done = sniff('a.csv', '--write_config', 'a.toml', folder=tmp_path)

  assert (done.returncode, done.stderr) == (
    2,
    'error: --write_config a.toml: is there already; give another name, or remove it\n',
  )
  assert (tmp_path / 'a.toml').read_text() == 'mine'
