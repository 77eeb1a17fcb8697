"""Whole runs and what is asked of their record: stores that are lost, reuse, who records, passwords, many at once."""

import concurrent.futures
import json
import os
import pathlib
import subprocess

import pytest
from commands import Here, asked, beam_taxi, start_anew_with, start_with
from emulators.databases import DatabaseServer


@pytest.fixture
def folder(here: Here) -> pathlib.Path:
  return here.folder


def test_a_run_is_asked_about_by_what_it_was_and_read_and_made(after_one: Here) -> None:
  [listed] = after_one.asked('runs', '--output', 'out')
  shown = after_one.asked('show', 'one', '--output', 'out')
  assert (listed['state'], listed['rows'], listed['pipeline_name']) == ('COMPLETE', 100, 'beam_taxi')
  assert {key: value for key, value in shown.items() if key != 'artifacts'} == listed
  assert [artifact['key'] for artifact in shown['artifacts']] == ['input', 'examples', 'statistics', 'schema']
  found = listed['properties']
  assert found['records.train'] + found['records.eval'] == 100
  assert found['command_line'].endswith('--input rows.csv --output out --run_id one')
  assert (found['runner'], found['bytes'], found['bad_rows']) == (
    'FnApiRunner',
    os.path.getsize('rows.csv'),
    0,
  )
  assert found['version.apache-beam']
  assert after_one('runs', '--output', 'out').stdout.count('COMPLETE') == 1


def test_runs_are_chosen_by_state_time_and_number(after_one: Here) -> None:
  after_one('--input', 'nothing.csv', '--output', 'out', '--run_id', 'bad')

  def ids(*words: object) -> list[str]:
    return [found['run_id'] for found in after_one.asked('runs', '--output', 'out', *words)]

  assert ids() == ['bad', 'one']
  assert ids('--limit', 1) == ['bad']
  assert ids('--state', 'complete') == ['one']
  assert ids('--since', '1h') == ['bad', 'one']
  assert ids('--since', '2999-01-01') == []


@pytest.mark.parametrize('command', ['runs', 'show', 'lineage', 'reconcile'])
def test_a_store_that_is_not_there_is_not_made_by_asking(here: Here, tmp_path: pathlib.Path, command: str) -> None:
  what = ['x'] if command in ('show', 'lineage') else []

  done = here(command, *what, '--output', 'out')

  assert done.returncode == 2
  assert done.stderr.startswith('error: --metadata sqlite:///out/metadata.sqlite: there is no such file')
  assert not (tmp_path / 'out').exists()


def test_a_run_that_the_store_does_not_have_is_said_with_one_like_it(after_one: Here) -> None:
  done = after_one('show', 'onne', '--output', 'out')

  assert (done.returncode, done.stderr) == (2, 'error: onne: the store has no such run; did you mean one?\n')


def test_runs_that_begin_at_once_are_all_recorded_in_one_sqlite_store(here: Here, folder: pathlib.Path) -> None:
  names = ['one', 'two', 'three', 'four']
  words = ('--input', 'rows.csv', '--output', 'out', '--run_id')
  with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
    done = list(pool.map(lambda name: beam_taxi(folder, *words, name), names))
  assert [each.returncode for each in done] == [0] * len(names), [each.stderr for each in done]

  runs = here.asked('runs', '--output', 'out')
  assert {each['run_id']: each['state'] for each in runs} == dict.fromkeys(names, 'COMPLETE')
  inputs = [here.asked('show', name, '--output', 'out')['artifacts'][0] for name in names]
  assert inputs == inputs[:1] * len(names)


class TestCache:
  """--cache"""

  def test_a_run_takes_what_an_earlier_one_made_of_the_same(self, after_one: Here) -> None:
    printed = after_one.ran('two', '--cache', '--pipeline_name', 'other')

    assert 'Run two takes what one made' in printed
    one, two = (after_one.asked('show', name, '--output', 'out') for name in ('one', 'two'))
    assert two['state'] == 'CACHED'
    assert two['artifacts'] == one['artifacts']
    assert two['properties']['cached_from'] == 'one'
    assert two['rows'] == 100
    assert not (after_one.folder / 'out' / 'runs' / 'two').exists()

  @pytest.mark.parametrize('change', ['content', 'flag', 'lost_shard', 'cut_shard', 'lost_manifest', 'failed'])
  def test_a_run_makes_its_own_where_something_is_different(self, after_one: Here, change: str) -> None:
    words: list[object] = ['--splits', 'all:1'] if change == 'flag' else []
    folder = after_one.folder
    made = folder / 'out' / 'runs' / 'one'
    shard = next(made.rglob('data_tfrecord-*'))
    if change == 'content':
      (folder / 'rows.csv').write_text((folder / 'rows.csv').read_text().replace('x7', 'y7'))
    elif change == 'lost_shard':
      shard.unlink()
    elif change == 'cut_shard':
      shard.write_bytes(shard.read_bytes()[:-1])
    elif change == 'lost_manifest':
      (made / 'manifest.json').unlink()
    elif change == 'failed':
      (folder / 'out' / 'metadata.sqlite').unlink()
      (folder / 'other.csv').write_text('a,b\n1\n')
      after_one('--input', 'other.csv', '--output', 'out', '--run_id', 'failed')

    after_one.ran('two', '--cache', *words)

    assert after_one.asked('show', 'two', '--output', 'out')['state'] == 'COMPLETE'
    assert (folder / 'out' / 'runs' / 'two' / 'manifest.json').exists()

  def test_without_a_store_there_is_nothing_to_take(self, here: Here) -> None:
    done = here('--input', 'rows.csv', '--output', 'out', '--metadata', 'none', '--cache')

    assert done.returncode == 2
    assert '--cache finds earlier runs in a metadata store' in done.stderr


class TestWhoRecords:
  """--record"""

  def test_a_run_that_nobody_recorded_is_recorded_later_from_its_manifest_and_twice_is_once(
    self, here: Here, folder: pathlib.Path
  ) -> None:
    printed = here.ran('one', '--record', 'manifest')
    assert f' record {folder}/out/runs/one --metadata URI' in printed
    assert not (folder / 'out' / 'metadata.sqlite').exists()

    for _ in range(2):
      done = here('record', 'out/runs/one', '--metadata', 'sqlite:///later.sqlite')
      assert done.returncode == 0, done.stderr
      assert done.stdout.startswith('one is recorded: input is artifact 1, examples is artifact 2')

    shown = here.asked('show', 'one', '--metadata', 'sqlite:///later.sqlite')
    assert (shown['state'], shown['rows']) == ('COMPLETE', 100)
    assert shown['seconds'] > 0
    assert shown['properties']['command_line'].endswith('--record manifest')

  def test_a_folder_without_a_manifest_is_not_recorded(self, here: Here) -> None:
    done = here('record', 'out/runs/one', '--metadata', 'sqlite:///m.sqlite')

    assert done.returncode == 2
    assert 'has no manifest.json; a finished run has one' in done.stderr

  def test_the_graph_records_its_run_from_a_worker_process_into_a_server(
    self, here: Here, mysql_server: DatabaseServer
  ) -> None:
    mysql_server.create_database('graph')
    uri = mysql_server.uri('graph')
    workers = ('--direct_running_mode', 'multi_processing', '--direct_num_workers', 1)
    here.ran('one', '--record', 'graph', '--metadata', uri, *workers)

    shown = here.asked('show', 'one', '--metadata', uri)
    assert (shown['state'], shown['rows'], len(shown['artifacts'])) == ('COMPLETE', 100, 4)

  def test_a_graph_for_workers_elsewhere_refuses_what_they_cannot_reach(self, here: Here) -> None:
    words = ('--record', 'graph', '--runner', 'DataflowRunner', '--project', 'p', '--region', 'r')
    for store, what in (
      ('sqlite:///m.sqlite', 'cannot reach an SQLite file'),
      ('mysql://me@h/d?password_env=X', 'cannot reach an environment variable'),
      ('mysql://me@h/d?socket=/s', 'cannot reach a socket'),
      ('grpc://127.0.0.1:8080', 'cannot reach the address 127.0.0.1'),
      ('mysql://me@h/d?password=open', 'has a password in it'),
    ):
      done = here('--input', 'rows.csv', '--output', 'out', '--metadata', store, *words)
      assert (done.returncode, what in done.stderr) == (2, True), done.stderr


class TestLostStore:
  """A server that goes while a run goes on."""

  @pytest.mark.parametrize('record', ['driver', 'graph'])
  def test_nothing_but_the_record_is_lost_and_record_makes_up_for_it(
    self, folder: pathlib.Path, mysql_server: DatabaseServer, record: str
  ) -> None:
    name = f'lost_{record}'
    mysql_server.create_database(name)
    uri = mysql_server.uri(name)
    place = ('beam_taxi.inputs.csv.csv_input', 'scan_range', 'before', 1)
    words = ('--input', 'rows.csv', '--output', 'out', '--run_id', 'one', '--metadata', uri, '--record', record)
    process = start_with(folder, place, 'wait', *words)
    assert process.stdout
    assert process.stdout.readline() == 'waiting\n'
    mysql_server.stop()
    try:
      _, stderr = process.communicate('go on\n')
    finally:
      mysql_server.start()

    assert process.returncode == 1, stderr
    assert 'one is complete in' in stderr
    assert f"beam-taxi record {folder}/out/runs/one --metadata '{uri}'" in stderr
    assert (folder / 'out' / 'runs' / 'one' / 'manifest.json').exists()
    assert asked(folder, 'show', 'one', '--metadata', uri)['state'] == 'RUNNING'
    assert beam_taxi(folder, 'record', 'out/runs/one', '--metadata', uri).returncode == 0
    assert asked(folder, 'show', 'one', '--metadata', uri)['state'] == 'COMPLETE'

  def test_a_server_that_is_not_there_is_said_before_anything_is_read_or_written(
    self, here: Here, folder: pathlib.Path
  ) -> None:
    done = here('--input', 'rows.csv', '--output', 'out', '--metadata', 'mysql://me@127.0.0.1:1/db')

    assert done.returncode == 2
    assert 'the store cannot be reached at 127.0.0.1:1 (Connection refused)' in done.stderr
    assert done.stderr.count('\n') == 1
    assert not list((folder / 'out').rglob('*.*'))


def test_a_password_is_nowhere_but_where_it_was_put(folder: pathlib.Path, mysql_server: DatabaseServer) -> None:
  mysql_server.create_database('secret')
  uri = mysql_server.uri('secret').partition('?')[0] + '?password_env=STORE_PASSWORD'
  password = mysql_server.password
  place = ('beam_taxi.inputs.csv.csv_input', 'scan_range', 'before', 1)
  words = ('--input', 'rows.csv', '--output', 'out', '--run_id', 'one', '--metadata', uri, '--record', 'graph')
  process = start_anew_with(folder, place, 'wait', *words, STORE_PASSWORD=password)
  assert process.stdout
  assert process.stdout.readline() == 'waiting\n'
  command_line = pathlib.Path(f'/proc/{process.pid}/cmdline').read_bytes()
  stdout, stderr = process.communicate('go on\n')
  assert process.returncode == 0, stderr
  wrong = beam_taxi(folder, 'runs', '--metadata', uri, STORE_PASSWORD=f'{password}wrong')
  assert wrong.returncode == 2
  dump = subprocess.run(
    ['mariadb-dump', '--no-defaults', f'--socket={mysql_server.socket}', f'--user={mysql_server.user}', 'secret'],
    env={**os.environ, 'MYSQL_PWD': password},
    capture_output=True,
    check=True,
  ).stdout
  assert b'one.SchemaGen' in dump

  written = [path.read_bytes() for path in folder.rglob('*') if path.is_file()]
  for text in (command_line, stdout.encode(), stderr.encode(), wrong.stderr.encode(), dump, *written):
    assert password.encode() not in text


def test_lineage_begins_at_the_csv_and_is_written_as_json(after_one: Here) -> None:
  done = after_one('lineage', 'one', '--output', 'out', '--format', 'json')

  assert done.returncode == 0, done.stderr
  types = {node['type'] for node in json.loads(done.stdout)['nodes']}
  assert {'beam_taxi.CsvInput', 'Examples', 'ExampleStatistics', 'Schema', 'beam_taxi.ExampleGen'} <= types


def test_the_difference_of_two_runs_is_shown(after_one: Here) -> None:
  (after_one.folder / 'rows.csv').write_text('a,c\n' + ''.join(f'{n},{n}\n' for n in range(50)))
  after_one.ran('two')

  found = after_one.asked('diff', 'one', 'two', '--output', 'out')
  printed = after_one('diff', 'one', 'two', '--output', 'out')
  assert found
  assert printed.returncode == 0, printed.stderr
  assert '100' in printed.stdout
  assert '50' in printed.stdout


def test_what_is_secret_in_a_command_line_is_kept_nowhere(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.csv').write_text('n,s\n1,one\n2,two\n')
  secret = ['--environment_config', '{"env": {"KEY": "s3cret"}}']

  done = beam_taxi(tmp_path, '--input', 'a.csv', '--output', 'out', *secret)

  assert done.returncode == 0, done.stderr
  assert 's3cret' not in done.stdout + done.stderr
  files = [path for path in (tmp_path / 'out').rglob('*') if path.is_file()]
  assert [str(path) for path in files if b's3cret' in path.read_bytes()] == []
  assert any(b'--environment_config ***' in path.read_bytes() for path in files if path.name == 'manifest.json')
