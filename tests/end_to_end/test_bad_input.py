"""Wrong input, output, flags and stores: exit code 2, one message, a FAILED execution, nothing that looks finished."""

import gzip
import os
import pathlib
import sqlite3
import sys
from collections.abc import Iterator

import pytest
from commands import beam_taxi

from beam_taxi.cli import _main as cli
from beam_taxi.inputs.csv import csv_input, scan
from beam_taxi.kernel.library import library

GOOD = b'a,b\n1,2\n'

CASES = {
  'no file matches': ({}, ['*.csv'], 'no file matches'),
  'headers differ in a name': (
    {'1.csv': GOOD, '2.csv': GOOD, '3.csv': b'a,c\n1,2\n', '4.csv': b'x\n'},
    ['*.csv'],
    "3.csv: line 1: headers differ: column 2 is 'c' where",
  ),
  'headers differ in number': (
    {'1.csv': GOOD, '2.csv': b'a,b,c\n'},
    ['*.csv'],
    '2.csv: line 1: headers differ: 3 columns',
  ),
  'a column named twice': ({'1.csv': b'a,b,a\n1,2,3\n'}, ['1.csv'], "1.csv: line 1: two columns are named 'a'"),
  'a column with a NUL in its name, as UTF-16 reads in UTF-8': (
    {'1.csv': 'a,b\n1,2\n'.encode('utf-16-le')},
    ['1.csv'],
    r"1.csv: line 1: column 1 is named 'a\x00', and readers of tf.Examples end a name at a NUL; name it otherwise, or "
    'give the --encoding that the file has',
  ),
  'a column without a name': ({'1.csv': b'a,,b\n1,2,3\n'}, ['1.csv'], '1.csv: line 1: column 2 has no name'),
  'an empty file': ({'1.csv': b''}, ['1.csv'], '1.csv: line 1: has no header'),
  'a row with too few cells': ({'1.csv': GOOD + b'3\n4,5\n'}, ['1.csv'], '1.csv: line 3 (byte 8): 1 cell where'),
  'a row with too many cells': (
    {'1.csv': GOOD + b'"x\ny",4\n5,6,7\n'},
    ['1.csv'],
    '1.csv: line 5 (byte 16): 3 cells where 2 are expected: 5,6,7',
  ),
  'an unclosed quote': (
    {'1.csv': GOOD, '2.csv': GOOD + b'3,"open\n4,5\n'},
    ['*.csv'],
    '2.csv: line 3 (byte 10): a quote opens here and is never closed',
  ),
  'not UTF-8': ({'1.csv': GOOD + b'caf\xe9,3\n'}, ['1.csv'], '1.csv: line 3 (byte 8): byte 4 of the row is not UTF-8'),
  'a header that is not UTF-8': ({'1.csv': b'caf\xe9,b\n1,2\n'}, ['1.csv'], '1.csv: line 1: the header is not UTF-8'),
  'a broken gzip file': ({'1.csv.gz': b'not gzip'}, ['1.csv.gz'], '1.csv.gz: is not a whole gzip file'),
  'a gzip file named as text': (
    {'1.csv': GOOD, '2.csv': gzip.compress(GOOD)},
    ['*.csv'],
    '2.csv: is a gzip file; give --compression gzip or',
  ),
}


@pytest.fixture(params=['', 'python'], ids=['any kernel', 'python'])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
  """The compiled kernel, if there is one, and Python."""
  monkeypatch.setenv('BEAM_TAXI_KERNEL', request.param)
  library.cache_clear()
  yield
  monkeypatch.undo()
  library.cache_clear()


@pytest.fixture
def command(tmp_path, monkeypatch, capfd):
  """Runs the command line in this process: (exit code, stderr)."""
  monkeypatch.chdir(tmp_path)
  monkeypatch.setattr(sys, 'stderr', sys.stderr)

  def call(*arguments: str) -> tuple[int, str]:
    code = cli.main(arguments)
    return code, capfd.readouterr().err

  return call


def recorded_states(store: pathlib.Path) -> list[tuple[int, str]]:
  """(state, error) of each execution in a store; 4 is FAILED."""
  with sqlite3.connect(store) as connection:
    return connection.execute(
      'select last_known_state, string_value from Execution join ExecutionProperty on id = execution_id '
      "where ExecutionProperty.name = 'error'"
    ).fetchall()


def assert_refused(code: int, stderr: str, message: str) -> None:
  assert code == 2, stderr
  [said] = [line for line in stderr.splitlines() if line.startswith('error: ')]
  assert message in said
  assert 'Traceback' not in stderr


@pytest.mark.parametrize(('files', 'patterns', 'message'), CASES.values(), ids=CASES)
def test_bad_input_is_said_once_and_recorded_as_failed(command, tmp_path, files, patterns, message):
  for name, content in files.items():
    (tmp_path / name).write_bytes(content)
  code, stderr = command('--input', *patterns, '--output', 'out')
  assert_refused(code, stderr, message)
  states = recorded_states(tmp_path / 'out' / 'metadata.sqlite')
  assert len(states) == 3
  for state, error in states:
    assert state == 4
    assert message in error
  assert not list(tmp_path.rglob('manifest.json'))


def test_a_workers_traceback_stays_away_from_stderr(tmp_path):
  (tmp_path / 'bad.csv').write_text('a,b\n' + '1,2\n' * 9 + '3\n')
  done = beam_taxi(tmp_path, '--input', 'bad.csv', '--output', 'out', '--direct_num_workers', '2')
  assert_refused(done.returncode, done.stderr, 'bad.csv: line 11 (byte 40): 1 cell')
  assert done.stdout == ''


@pytest.mark.parametrize(
  ('grown', 'how'), [(GOOD + b'3,4\n', 'longer'), (b'a,b\n', 'shorter')], ids=['grown', 'shrunk']
)
def test_a_file_that_changes_size_while_it_is_read_is_an_error(command, tmp_path, monkeypatch, grown, how):
  source = tmp_path / 'changing.csv'
  source.write_bytes(GOOD)
  scan_bytes = scan.scan_bytes

  def change_then_scan(*arguments):
    source.write_bytes(grown)
    return scan_bytes(*arguments)

  monkeypatch.setattr(scan, 'scan_bytes', change_then_scan)
  code, stderr = command('--input', 'changing.csv', '--output', 'out')
  assert_refused(code, stderr, f'changing.csv: is {how} now than the 8 bytes it had when the run began')


ROWS = b'a,b\n' + b'1,2\n' * 2000
# At level 0 gzip makes as many bytes of any rows that are as many.
BETWEEN_PASSES = {
  'a plain file': ('1.csv', ROWS, ROWS[:-2] + b'3\n', 'bytes 4 to 8,004 are not what they were'),
  'a plain file with other rows': ('1.csv', ROWS, ROWS[:-4] + b'\n\n\n\n', 'bytes 4 to 8,004 are not what they were'),
  'a gzip file': (
    '1.csv.gz',
    gzip.compress(ROWS, 0),
    gzip.compress(ROWS[:-2] + b'3\n', 0),
    'bytes 4 to 8,004 of its text are not what they were',
  ),
  'a gzip file that is now damaged': (
    '1.csv.gz',
    gzip.compress(ROWS, 0),
    gzip.compress(ROWS, 0)[:-8] + bytes(8),
    'it is no whole gzip file any more (',
  ),
  'a gzip file that now ends inside quotes': (
    '1.csv.gz',
    gzip.compress(ROWS, 0),
    gzip.compress(ROWS[:4] + b'"' + ROWS[5:], 0),
    'it ends inside quotes',
  ),
  'text in UTF-16': (
    '1.csv',
    ROWS.decode().encode('utf-16'),
    ROWS[:-2].decode().encode('utf-16') + b'3\0\n\0',
    'bytes 4 to 8,004 of its text are not what they were',
  ),
  'text that is no UTF-16 any more': (
    '1.csv',
    ROWS.decode().encode('utf-16'),
    ROWS[:-2].decode().encode('utf-16') + b'\0\xd8\n\0',
    "'utf-",
  ),
}


@pytest.mark.usefixtures('kernel')
@pytest.mark.parametrize(('name', 'before', 'after', 'what'), BETWEEN_PASSES.values(), ids=BETWEEN_PASSES)
def test_a_file_whose_bytes_change_between_the_passes_is_an_error(
  command, tmp_path, monkeypatch, name, before, after, what
):
  source = tmp_path / name
  source.write_bytes(before)
  written = source.stat()
  read_records = csv_input.read_records

  def change_then_read(*arguments):
    source.write_bytes(after)
    os.utime(source, ns=(written.st_atime_ns, written.st_mtime_ns))
    return read_records(*arguments)

  monkeypatch.setattr(csv_input, 'read_records', change_then_read)
  encoding = 'utf-16' if before.startswith(b'\xff\xfe') else 'utf-8'
  code, stderr = command('--input', name, '--output', 'out', '--encoding', encoding)
  assert len(before) == len(after)
  assert_refused(code, stderr, f'{name}: changed while it was read: {what}')
  assert not list(tmp_path.rglob('manifest.json'))


def test_a_run_id_that_exists_is_refused_and_left_alone(command, tmp_path):
  (tmp_path / '1.csv').write_bytes(GOOD)
  assert command('--input', '1.csv', '--output', 'out', '--run_id', 'mine')[0] == 0
  manifest = (tmp_path / 'out' / 'runs' / 'mine' / 'manifest.json').read_bytes()
  code, stderr = command('--input', '1.csv', '--output', 'out', '--run_id', 'mine')
  assert_refused(code, stderr, 'runs/mine: already exists')
  assert (tmp_path / 'out' / 'runs' / 'mine' / 'manifest.json').read_bytes() == manifest
  with sqlite3.connect(tmp_path / 'out' / 'metadata.sqlite') as connection:
    states = dict(connection.execute('select name, last_known_state from Execution'))
  assert [states[f'mine.{node}'] for node in ('ExampleGen', 'StatisticsGen', 'SchemaGen')] == [3, 3, 3]
  refused = [state for name, state in states.items() if name.startswith('mine.refused-')]
  assert refused == [4, 4, 4]


def test_a_run_id_that_the_store_has_from_another_output_is_refused(command, tmp_path):
  (tmp_path / '1.csv').write_bytes(GOOD)
  store = ['--metadata', 'sqlite:///shared.sqlite', '--run_id', 'mine']
  assert command('--input', '1.csv', '--output', 'here', *store)[0] == 0
  code, stderr = command('--input', '1.csv', '--output', 'there', *store)
  assert_refused(code, stderr, '--run_id mine: the store has this run already, in ')
  with sqlite3.connect(tmp_path / 'shared.sqlite') as connection:
    states = connection.execute('select name, last_known_state from Execution').fetchall()
  assert sorted(state for _, state in states) == [3, 3, 3, 4, 4, 4]
  assert not (tmp_path / 'there' / 'runs' / 'mine').exists()


def test_a_run_id_is_free_again_after_its_run_wrote_nothing(command, tmp_path):
  (tmp_path / '1.csv').write_bytes(GOOD + b'3\n')
  assert command('--input', '1.csv', '--output', 'out', '--run_id', 'mine')[0] == 2
  (tmp_path / '1.csv').write_bytes(GOOD)
  assert command('--input', '1.csv', '--output', 'out', '--run_id', 'mine')[0] == 0
  with sqlite3.connect(tmp_path / 'out' / 'metadata.sqlite') as connection:
    assert connection.execute('select last_known_state from Execution').fetchall() == [(3,)] * 3
    assert not connection.execute("select * from ExecutionProperty where name = 'error'").fetchall()


def test_a_header_that_other_delimiters_separate_is_warned_of(command, tmp_path, caplog):
  (tmp_path / '1.csv').write_bytes(b'a;b\n1;2\n')
  assert command('--input', '1.csv', '--output', 'out')[0] == 0
  assert "1.csv: has one column, 'a;b'; is --delimiter right?" in caplog.text


def test_a_path_of_an_unknown_file_system_is_refused(command):
  code, stderr = command('--input', 'nowhere://bucket/1.csv', '--output', 'out')
  assert_refused(code, stderr, 'nowhere://bucket/1.csv: cannot be looked up')


def test_an_output_that_is_a_file_is_refused(command, tmp_path):
  (tmp_path / '1.csv').write_bytes(GOOD)
  code, stderr = command('--input', '1.csv', '--output', '1.csv', '--metadata', 'sqlite:///kept.sqlite')
  assert_refused(code, stderr, '1.csv: cannot be written (a folder in this path is a file)')
  assert [state for state, _ in recorded_states(tmp_path / 'kept.sqlite')] == [4, 4, 4]


@pytest.mark.parametrize('store', ['sqlite:///1.csv', 'sqlite:////proc/none/x.sqlite'], ids=['no store', 'no folder'])
def test_a_store_that_cannot_be_opened_is_refused_before_the_run(command, tmp_path, store):
  (tmp_path / '1.csv').write_bytes(GOOD * 100)
  code, stderr = command('--input', '1.csv', '--output', 'out', '--metadata', store)
  absolute = store.replace('sqlite:///1', f'sqlite:///{tmp_path}/1')
  assert_refused(code, stderr, f'--metadata {absolute}: the store cannot be opened')
  assert not list(tmp_path.rglob('manifest.json'))


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    (
      ['--shard_sise', '3'],
      '--shard_sise: neither a flag of this program nor of Apache Beam; did you mean --shard_size?',
    ),
    (['--splits', 'train'], "--splits 'train': give NAME:BUCKETS pairs"),
    (['--runner', 'NoRunner'], '--runner NoRunner'),
    (['--block_size', 'big'], "'big' is not a size"),
    (['--splits', 'a:4294967295,b:1'], '--splits has 4,294,967,296 buckets or more'),
  ],
  ids=['misspelled', 'splits', 'runner', 'size', 'buckets'],
)
def test_a_wrong_flag_is_named(command, tmp_path, flags, message):
  (tmp_path / '1.csv').write_bytes(GOOD)
  code, stderr = command('--input', '1.csv', '--output', 'out', *flags)
  assert_refused(code, stderr, message)
  assert not os.path.exists('out')


def test_a_run_that_fails_for_another_reason_has_exit_code_1_and_says_where(command, tmp_path, monkeypatch):
  (tmp_path / '1.csv').write_bytes(GOOD)

  def fail(*_):
    raise ZeroDivisionError('something broke')

  monkeypatch.setattr('beam_taxi.graph.output_steps.encode_block', fail)
  code, stderr = command('--input', '1.csv', '--output', 'out', '--run_id', 'broken')
  assert code == 1
  assert 'error: broken failed and is recorded as FAILED: something broke' in stderr
  assert [state for state, _ in recorded_states(tmp_path / 'out' / 'metadata.sqlite')] == [4, 4, 4]
  assert not list(tmp_path.rglob('manifest.json'))
