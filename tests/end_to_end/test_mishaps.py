"""Ordinary conditions of the world: a disk that fills up, files that are cut off, a store that goes away."""

import os
import pathlib
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest
from commands import asked, beam_taxi, start_with
from emulators.databases import DatabaseServer

from beam_taxi.metadata.store import connect


@pytest.fixture
def rows(tmp_path: pathlib.Path) -> str:
  (tmp_path / 'rows.csv').write_text('n,s\n' + ''.join(f'{n},x{n}\n' for n in range(100)))
  return 'rows.csv'


@pytest.fixture
def disk(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
  """A disk of 2 MB."""
  folder = tmp_path / 'disk'
  folder.mkdir()
  mount = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], capture_output=True, check=False)
  if mount.returncode:
    pytest.skip('only root may mount a disk')
  yield folder
  subprocess.run(['umount', folder], check=True)


def fill(disk: pathlib.Path, spare: int = 0) -> None:
  """Leaves so many bytes free, to a page."""
  with (disk / 'filler').open('wb') as file:
    os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - spare)


def run_with(
  folder: pathlib.Path, place: tuple[str, str, str, int], mishap: Callable[[], object], *words: object
) -> tuple[int, str]:
  """Runs the command line and has a mishap at one place in it; its exit code and what it says on stderr."""
  run = start_with(folder, place, 'wait', *words)
  assert run.stdout
  assert run.stdout.readline() == 'waiting\n', run.communicate()
  mishap()
  _, said = run.communicate('\n')
  assert 'Traceback' not in said
  return run.returncode, said


# Where the disk is full, of what is written there, and what is said.
WRITES = {
  'input_json': (('beam_taxi.lifecycle.opening', 'write_listing', 'before', 1), 2, 'cannot be written'),
  'shard': (('beam_taxi.graph.output_steps', 'encode_block', 'before', 1), 1, '/data_tfrecord-0000'),
  'statistics': (('beam_taxi.analysis.statistics', 'write_file', 'before', 1), 1, '/FeatureStats.pb: No space left'),
  'schema': (('beam_taxi.analysis.schema', 'write_file', 'before', 1), 1, '/schema.pbtxt: No space left on device'),
  'manifest': (('beam_taxi.graph.output_steps', 'write_bytes', 'before', 1), 1, '/manifest.json: No space left'),
}


@pytest.mark.parametrize(('place', 'code', 'said'), WRITES.values(), ids=WRITES)
def test_a_disk_that_is_full_ends_a_run_in_one_line(
  tmp_path: pathlib.Path, rows: str, disk: pathlib.Path, place: tuple[str, str, str, int], code: int, said: str
) -> None:
  words = ['--input', rows, '--output', 'disk', '--metadata', 'sqlite:///m', '--run_id', 'full']

  ended = run_with(tmp_path, place, lambda: fill(disk), *words)

  assert ended[0] == code, ended
  assert said in ended[1].splitlines()[-1]
  assert 'No space left on device' in ended[1].splitlines()[-1]
  assert list(disk.rglob('.*.tmp')) == []
  [run] = asked(tmp_path, 'runs', '--metadata', 'sqlite:///m')
  assert (run['state'], 'No space left' in run['properties']['error']) == ('FAILED', True)


def test_a_report_that_finds_no_room_is_left_out(tmp_path: pathlib.Path, rows: str, disk: pathlib.Path) -> None:
  place = ('beam_taxi.show.report.run_report', 'write_file', 'before', 1)
  words = ['--input', rows, '--output', 'disk', '--metadata', 'sqlite:///m', '--run_id', 'none']

  code, said = run_with(tmp_path, place, lambda: fill(disk, spare=16 << 10), *words)

  assert code == 0, said
  assert f'none has no report: {disk}/runs/none/report/index.html: No space left on device' in said


STORE_WRITES = {
  'start': (('beam_taxi.record.recorder', 'record_start', 'before', 1), 'failed and could not be recorded as FAILED: '),
  'end': (('beam_taxi.record.recorder', 'record_manifest', 'before', 1), 'is complete in '),
}


@pytest.mark.parametrize(('place', 'said'), STORE_WRITES.values(), ids=STORE_WRITES)
def test_a_store_on_a_full_disk_is_said_in_one_line(
  tmp_path: pathlib.Path, rows: str, disk: pathlib.Path, place: tuple[str, str, str, int], said: str
) -> None:
  words = ['--input', rows, '--output', 'out', '--metadata', 'sqlite:///disk/m', '--run_id', 'full']

  code, last = run_with(tmp_path, place, lambda: fill(disk), *words)

  assert code == 1
  assert said in last.splitlines()[-1]
  assert 'database or disk is full' in last.splitlines()[-1]


def test_a_store_that_is_removed_is_made_anew(tmp_path: pathlib.Path, rows: str) -> None:
  place = ('beam_taxi.record.recorder', 'record_manifest', 'before', 1)
  store = tmp_path / 'out' / 'metadata.sqlite'

  code, said = run_with(tmp_path, place, store.unlink, '--input', rows, '--output', 'out', '--run_id', 'removed')

  assert code == 0, said
  [run] = asked(tmp_path, 'runs', '--output', 'out')
  assert (run['run_id'], run['state']) == ('removed', 'COMPLETE')


def test_a_store_that_is_overwritten_while_it_is_asked_is_said_in_one_line(tmp_path: pathlib.Path, rows: str) -> None:
  place = ('beam_taxi.record.recorder', 'runs_that_read', 'before', 1)
  store = tmp_path / 'out' / 'metadata.sqlite'
  words = ['--input', rows, '--output', 'out', '--run_id', 'asks', '--cache']

  code, said = run_with(tmp_path, place, lambda: store.write_bytes(b'no database' * 10_000), *words)

  assert code == 1
  assert 'asks failed and could not be recorded as FAILED: the metadata store fails: ' in said.splitlines()[-1]


MARIADB = {
  'before_the_start': (('beam_taxi.record.recorder', 'record_start', 'before', 1), 'failed and could not be recorded'),
  'while_the_end_is_recorded': (('beam_taxi.metadata.recording', 'put_step', 'before', 5), 'is complete in '),
}


@pytest.mark.parametrize(('place', 'what'), MARIADB.values(), ids=MARIADB)
def test_a_database_that_stops_is_said_in_one_line(
  tmp_path: pathlib.Path, rows: str, mysql_server: DatabaseServer, place: tuple[str, str, str, int], what: str
) -> None:
  name = f'stopped_{secrets.token_hex(8)}'
  mysql_server.create_database(name)
  words = ['--input', rows, '--output', 'out', '--metadata', mysql_server.uri(name), '--run_id', 'stopped']

  try:
    code, said = run_with(tmp_path, place, mysql_server.stop, *words)
  finally:
    mysql_server.start()

  assert code == 1
  assert what in said.splitlines()[-1]


MANIFESTS = {'empty': '', 'no_fields': '{}', 'a_list': '[]', 'cut_off': '{"version": 2, "run_id": "a', 'null': 'null'}


@pytest.mark.parametrize('content', MANIFESTS.values(), ids=MANIFESTS)
@pytest.mark.parametrize('command', ['record', 'report'])
def test_a_manifest_that_is_none_is_said_in_one_line(tmp_path: pathlib.Path, command: str, content: str) -> None:
  (tmp_path / 'run').mkdir()
  (tmp_path / 'run' / 'manifest.json').write_text(content)

  done = beam_taxi(tmp_path, command, 'run', *(['--metadata', 'sqlite:///m'] if command == 'record' else []))

  assert done.returncode == 2
  assert 'run/manifest.json: is no manifest' in done.stderr
  assert len(done.stderr.splitlines()) == 1


def test_a_listing_that_is_none_is_said_in_one_line(tmp_path: pathlib.Path, rows: str) -> None:
  listing = tmp_path / 'out' / 'runs' / 'cut' / 'input.json'
  place = ('beam_taxi.lifecycle.run', 'GraphRun', 'before', 1)

  code, said = run_with(
    tmp_path, place, lambda: listing.write_text('{'), '--input', rows, '--output', 'out', '--run_id', 'cut'
  )

  assert code == 2
  assert f'{listing}: is no input listing' in said.splitlines()[-1]


def test_a_bug_is_said_with_its_traceback(tmp_path: pathlib.Path, rows: str) -> None:
  place = ('beam_taxi.graph.output_steps', 'encode_block', 'before', 1)
  run = start_with(tmp_path, place, 'bug', '--input', rows, '--output', 'out')

  _, said = run.communicate()

  assert (run.returncode, 'Traceback' in said, 'ZeroDivisionError' in said) == (1, True, True)


@pytest.mark.parametrize('command', ['show', 'report', 'diff'])
def test_a_command_whose_store_is_overwritten_says_so_in_one_line(tmp_path: pathlib.Path, command: str) -> None:
  store = tmp_path / 'm'
  connect(f'sqlite:///{store}')
  place = ('beam_taxi.metadata.runs', 'find_run', 'before', 1)
  words = [command, *(['a', 'a'] if command == 'diff' else ['a']), '--metadata', 'sqlite:///m']

  code, said = run_with(tmp_path, place, lambda: store.write_bytes(b'no database' * 10_000), *words)

  assert code == 1
  assert len(said.splitlines()) == 1
  assert said.startswith('error: the metadata store fails: ')
