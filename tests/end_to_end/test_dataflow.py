"""Launches on Dataflow, whole: from CSV in buckets to artifacts in buckets and a record in MariaDB, on the double."""

import dataclasses
import hashlib
import json
import os
import pathlib
import platform
import pty
import secrets
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest
import requests
from commands import asked, beam_taxi, beam_taxi_anew, environment, start_with, started
from emulators.databases import DatabaseServer
from warm import Process

from beam_taxi.cli import reconcile
from beam_taxi.cloud.rehearsal import cloud as rehearsal
from beam_taxi.cloud.rehearsal.dataflow_service import Job, RefusalError

ROOT = pathlib.Path(__file__).parent.parent.parent
PLACE = ['--project', 'my-project', '--region', 'europe-west1', '--temp_location', 'gs://bucket/temp']
PLACE += ['--staging_location', 'gs://bucket/staging']
ROWS = 1000


@dataclasses.dataclass(frozen=True)
class Cloud(rehearsal.Cloud):
  """A cloud, and a wheel that ships the package, which Beam would build anew for each launch."""

  wheel: pathlib.Path


@pytest.fixture(scope='module')
def cloud(wheel: pathlib.Path) -> Iterator[Cloud]:
  with rehearsal.rehearsal_cloud(['bucket']) as cloud:
    lines = 'n,s\n' + ''.join(f'{n},"row\n{n}"\n' for n in range(ROWS))
    cloud.buckets.bucket('bucket').blob('in/rows.csv').upload_from_string(lines)
    cloud.buckets.bucket('bucket').blob('in/bad.csv').upload_from_string('n,s\n1,one\n2\n')
    yield Cloud(**vars(cloud), wheel=wheel)


@pytest.fixture
def store(mysql_server: DatabaseServer) -> str:
  name = f'dataflow_{secrets.token_hex(8)}'
  mysql_server.create_database(name)
  return mysql_server.uri(name)


@pytest.fixture(autouse=True)
def no_faults(cloud: Cloud) -> Iterator[None]:
  yield
  faults = cloud.executor.faults
  faults.queue, faults.failure, faults.lost_workers = None, '', 0
  cloud.dataflow.failures.clear()


def words(cloud: Cloud, store: str, run_id: str, *more: object, file: str = 'rows.csv') -> list[object]:
  return [*unshipped(cloud, store, run_id, *more, file=file), '--extra_package', cloud.wheel]


def unshipped(cloud: Cloud, store: str, run_id: str, *more: object, file: str = 'rows.csv') -> list[object]:
  """The same, where the launch finds what ships the package."""
  flags = ['--input', f'gs://bucket/in/{file}', '--output', 'gs://bucket/out', '--run_id', run_id, '--metadata', store]
  return [*flags, '--runner', 'DataflowRunner', *PLACE, *cloud.beam_args, *more]


def launch(cloud: Cloud, folder: pathlib.Path, *all_words: object) -> subprocess.CompletedProcess:
  return beam_taxi(folder, *all_words, **cloud.environment)


def job_of(cloud: Cloud, run_id: str, command: Process | None = None) -> Job:
  """The job of a run, once it is there, which it is before the command that submits it ends."""

  def submitted() -> Job | None:
    assert not command or command.poll() is None, command.communicate()
    return next((job for job in cloud.dataflow.jobs.values() if job.resource['name'].endswith(run_id)), None)

  return until(submitted)


def until(look: Callable[[], object]) -> object:
  """What is looked for, as soon as it is there, however long that takes: pytest ends a test that hangs."""
  while not (found := look()):
    threading.Event().wait(0.05)
  return found


def recorded(cloud: Cloud, folder: pathlib.Path, store: str, run_id: str) -> dict:
  [run] = [run for run in asked(folder, 'runs', '--metadata', store) if run['run_id'] == run_id]
  return run


def shards(cloud: Cloud, run_id: str) -> dict[str, str]:
  """SHA-256 of each shard, by the end of its name."""
  blobs = cloud.buckets.list_blobs('bucket', prefix=f'out/runs/{run_id}/examples/')
  return {
    '/'.join(blob.name.split('/')[-2:]): hashlib.sha256(blob.download_as_bytes()).hexdigest()
    for blob in blobs
    if 'tfrecord' in blob.name
  }


def test_a_launch_makes_what_a_local_run_makes_and_is_recorded_from_its_graph(
  cloud: Cloud, store: str, tmp_path: pathlib.Path
) -> None:
  done = launch(cloud, tmp_path, *unshipped(cloud, store, 'whole', '--record', 'graph'))

  assert done.returncode == 0, done.stderr
  assert 0 < cloud.dataflow.largest < 1 << 20
  job = job_of(cloud, 'whole')
  link = f'https://console.cloud.google.com/dataflow/jobs/europe-west1/{job.resource["id"]}?project=my-project'
  assert job.resource['id'] in done.stderr
  assert f'{ROWS:,} rows' in done.stdout
  run = recorded(cloud, tmp_path, store, 'whole')
  assert (run['state'], run['rows']) == ('COMPLETE', ROWS)
  properties = run['properties']
  assert (properties['job_id'], properties['job_link']) == (job.resource['id'], link)
  assert (properties['job_name'], properties['runner']) == ('beam-taxi-whole', 'DataflowRunner')
  assert properties['record'] == 'graph'
  rows = cloud.buckets.bucket('bucket').blob('in/rows.csv').download_as_bytes()
  (tmp_path / 'rows.csv').write_bytes(rows)
  local = beam_taxi(tmp_path, '--input', 'rows.csv', '--output', 'here', '--run_id', 'local')
  assert local.returncode == 0, local.stderr
  assert shards(cloud, 'whole') == {
    f'{path.parent.name}/{path.name}': hashlib.sha256(path.read_bytes()).hexdigest()
    for path in (tmp_path / 'here' / 'runs' / 'local' / 'examples').rglob('*.gz')
  }


def test_a_package_without_a_checkout_ships_itself(
  cloud: Cloud, installed: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  environment = {**cloud.environment, 'PYTHONPATH': str(installed)}

  done = beam_taxi_anew(tmp_path, *unshipped(cloud, 'none', 'installed'), **environment)

  assert done.returncode == 0, done.stderr
  assert 'binary-compatible' not in done.stderr
  staged = {os.path.basename(blob.name) for blob in cloud.buckets.list_blobs('bucket', prefix='staging/')}
  assert f'beam_taxi-0.1.0-cp310-abi3-linux_{platform.machine()}.whl' in staged


def test_a_launch_from_a_flex_template_is_recorded_though_nobody_waits(
  cloud: Cloud, store: str, tmp_path: pathlib.Path
) -> None:

  image = 'europe-west1-docker.pkg.dev/p/r/i:1'
  spec = {'image': image, 'sdkInfo': {'language': 'PYTHON'}}
  metadata = json.loads((ROOT / 'docker' / 'metadata.json').read_text())
  cloud.buckets.bucket('bucket').blob('template.json').upload_from_string(json.dumps({**spec, 'metadata': metadata}))
  parameters = {'input': 'gs://bucket/in/rows.csv', 'output': 'gs://bucket/out', 'run_id': 'flex', 'metadata': store}
  parameters['sdk_container_image'] = image
  body = {
    'launchParameter': {
      'jobName': 'nightly-flex',
      'containerSpecGcsPath': 'gs://bucket/template.json',
      'parameters': parameters,
      'environment': {'tempLocation': 'gs://bucket/temp', 'stagingLocation': 'gs://bucket/staging'},
    }
  }

  url = f'{cloud.dataflow.url}/v1b3/projects/my-project/locations/europe-west1/flexTemplates:launch'
  answer = requests.post(url, json=body, headers={'Authorization': f'Bearer {cloud.dataflow.token}'}, timeout=60)

  assert answer.status_code == 200, answer.text
  job = job_of(cloud, 'flex')
  until(lambda: job.state in ('JOB_STATE_DONE', 'JOB_STATE_FAILED'))
  assert job.state == 'JOB_STATE_DONE', job.messages
  run = recorded(cloud, tmp_path, store, 'flex')
  assert (run['state'], run['rows']) == ('COMPLETE', ROWS)
  assert run['properties']['job_name'] == 'nightly-flex'


def test_a_wrong_row_is_told_as_in_a_local_run(cloud: Cloud, store: str, tmp_path: pathlib.Path) -> None:
  done = launch(cloud, tmp_path, *words(cloud, store, 'bad', file='bad.csv'))

  assert done.returncode == 2, done.stderr
  assert 'error: gs://bucket/in/bad.csv: line 3 (byte 10)' in done.stderr
  run = recorded(cloud, tmp_path, store, 'bad')
  assert (run['state'], 'line 3' in run['properties']['error']) == ('FAILED', True)


def test_a_job_that_fails_says_what_its_workers_said(cloud: Cloud, store: str, tmp_path: pathlib.Path) -> None:
  cloud.executor.faults.failure = 'Startup of the worker pool in zone europe-west1-b failed: no machines'

  done = launch(cloud, tmp_path, *words(cloud, store, 'fails'))

  assert done.returncode == 1
  assert 'no machines' in done.stderr.splitlines()[-1]
  run = recorded(cloud, tmp_path, store, 'fails')
  assert (run['state'], 'no machines' in run['properties']['error']) == ('FAILED', True)


def test_a_service_that_is_slow_and_refuses_for_a_while_changes_nothing(
  cloud: Cloud, store: str, tmp_path: pathlib.Path
) -> None:
  cloud.executor.faults.queue = threading.Event()
  command = start_with(tmp_path, NOTHING, 'wait', *words(cloud, store, 'slow'), **cloud.environment)
  job = job_of(cloud, 'slow', command)
  cloud.dataflow.failures += [(429, 'Quota exceeded'), (503, 'unavailable'), (0, '')]
  until(lambda: not cloud.dataflow.failures)
  assert job.state == 'JOB_STATE_PENDING'
  assert command.stderr
  assert any('job is pending' in line for line in command.stderr)
  cloud.executor.faults.queue.set()
  _, said = command.communicate()

  assert command.returncode == 0, said
  assert recorded(cloud, tmp_path, store, 'slow')['state'] == 'COMPLETE'


def test_a_lost_worker_doubles_nothing(cloud: Cloud, store: str, tmp_path: pathlib.Path) -> None:
  cloud.executor.faults.lost_workers = 1

  done = launch(cloud, tmp_path, *words(cloud, store, 'lost'))

  assert done.returncode == 0, done.stderr
  assert 'lost contact' in done.stderr
  assert recorded(cloud, tmp_path, store, 'lost')['rows'] == ROWS


def test_ctrl_c_where_nobody_can_be_asked_cancels_the_job(cloud: Cloud, store: str, tmp_path: pathlib.Path) -> None:
  cloud.executor.faults.queue = threading.Event()
  command = start_with(tmp_path, NOTHING, 'wait', *words(cloud, store, 'canceled'), **cloud.environment)
  job = job_of(cloud, 'canceled', command)
  until(lambda: recorded(cloud, tmp_path, store, 'canceled')['properties'].get('job_id'))
  command.send_signal(signal.SIGTERM)
  _, said = command.communicate()

  assert (command.returncode, 'canceled is recorded as CANCELED' in said) == (130, True)
  until(lambda: job.state == 'JOB_STATE_CANCELLED')
  assert recorded(cloud, tmp_path, store, 'canceled')['state'] == 'CANCELED'


def test_a_job_that_cannot_be_canceled_is_not_said_to_be(cloud: Cloud, store: str, tmp_path: pathlib.Path) -> None:
  cloud.executor.faults.queue = threading.Event()
  command = start_with(tmp_path, NOTHING, 'wait', *words(cloud, store, 'kept'), **cloud.environment)
  job = job_of(cloud, 'kept', command)
  until(lambda: recorded(cloud, tmp_path, store, 'kept')['properties'].get('job_id'))

  def refuse() -> None:
    raise RefusalError(403, 'Permission dataflow.jobs.cancel denied')

  ends, job.on_cancel = job.on_cancel, refuse
  command.send_signal(signal.SIGTERM)
  # Who is impatient changes nothing.
  command.send_signal(signal.SIGTERM)
  _, said = command.communicate()

  assert (command.returncode, 'the job may go on, and "beam-taxi reconcile" settles kept' in said) == (130, True), said
  assert recorded(cloud, tmp_path, store, 'kept')['state'] == 'RUNNING'
  assert ends
  ends()


def test_a_run_that_stages_on_another_machine_is_not_settled(
  cloud: Cloud, store: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  submitting = ('apache_beam.runners.dataflow.internal.apiclient', 'DataflowApplicationClient.create_job', 'before', 1)
  command = start_with(tmp_path, submitting, 'wait', *words(cloud, store, 'far'), **cloud.environment)
  assert command.stdout
  assert 'waiting' in command.stdout.readline()
  with monkeypatch.context() as elsewhere:
    for name, value in cloud.environment.items():
      elsewhere.setenv(name, value)
    elsewhere.setattr(socket, 'gethostname', lambda: 'another')
    reconcile.run({'metadata': store}, cloud.beam_args)
  assert recorded(cloud, tmp_path, store, 'far')['state'] == 'RUNNING'
  _, said = command.communicate('\n')
  assert command.returncode == 0, said


def test_a_job_that_is_being_submitted_is_canceled_too(cloud: Cloud, store: str, tmp_path: pathlib.Path) -> None:
  cloud.executor.faults.queue = threading.Event()
  place = ('apache_beam.runners.dataflow.dataflow_runner', 'DataflowPipelineResult', 'before', 1)
  command = start_with(tmp_path, place, 'wait', *words(cloud, store, 'staged'), **cloud.environment)
  assert command.stdout
  assert command.stdin
  assert 'waiting' in command.stdout.readline()
  job = job_of(cloud, 'staged', command)
  command.send_signal(signal.SIGTERM)
  _, said = command.communicate('\n')

  assert command.returncode == 130, said
  until(lambda: job.state == 'JOB_STATE_CANCELLED')
  assert recorded(cloud, tmp_path, store, 'staged')['state'] == 'CANCELED'


def test_a_job_that_another_cancels_is_recorded_as_canceled(cloud: Cloud, store: str, tmp_path: pathlib.Path) -> None:
  cloud.executor.faults.queue = threading.Event()
  command = start_with(tmp_path, NOTHING, 'wait', *words(cloud, store, 'console'), **cloud.environment)
  job = job_of(cloud, 'console', command)
  job.enter('JOB_STATE_CANCELLING')
  assert job.on_cancel
  job.on_cancel()
  _, said = command.communicate()

  assert (command.returncode, 'was canceled' in said) == (1, True)
  assert recorded(cloud, tmp_path, store, 'console')['state'] == 'CANCELED'


def test_a_job_left_to_itself_is_recorded_by_its_graph(cloud: Cloud, store: str, tmp_path: pathlib.Path) -> None:
  cloud.executor.faults.queue = threading.Event()

  done = launch(cloud, tmp_path, *words(cloud, store, 'left', '--no_wait'))

  assert done.returncode == 0, done.stderr
  job = job_of(cloud, 'left')
  assert f'left goes on without this command as job {job.resource["id"]}.' in done.stdout
  run = recorded(cloud, tmp_path, store, 'left')
  assert (run['state'], run['properties']['job_id']) == ('RUNNING', job.resource['id'])
  cloud.executor.faults.queue.set()
  until(lambda: job.state == 'JOB_STATE_DONE')
  assert recorded(cloud, tmp_path, store, 'left')['state'] == 'COMPLETE'


@pytest.mark.parametrize('ends_well', [True, False], ids=['manifest', 'none'])
def test_reconcile_finds_the_job_of_a_driver_that_was_killed_before_it_noted_its_id(
  cloud: Cloud, store: str, tmp_path: pathlib.Path, ends_well: bool
) -> None:
  cloud.executor.faults.queue = queue = threading.Event()
  run_id = f'killed-{ends_well}'.lower()
  noting = ('beam_taxi.record.recorder', 'Recorder.note', 'before', 1)
  command = start_with(tmp_path, noting, 'kill', *words(cloud, store, run_id), **cloud.environment)
  command.communicate()
  job = job_of(cloud, run_id)

  def settle() -> list:
    return asked(tmp_path, 'reconcile', '--metadata', store, *cloud.beam_args, **cloud.environment)

  [goes_on] = settle()
  assert (goes_on['state'], goes_on['why']) == ('RUNNING', 'goes on')
  cloud.executor.faults.failure = '' if ends_well else 'no machines'
  queue.set()
  until(lambda: job.state in ('JOB_STATE_DONE', 'JOB_STATE_FAILED'))
  [settled] = settle()
  assert settled['state'] == ('COMPLETE' if ends_well else 'FAILED')
  assert recorded(cloud, tmp_path, store, run_id)['state'] == settled['state']


# A place that a run never comes to.
NOTHING = ('beam_taxi.cli.sniff', 'run', 'before', 1)


@pytest.mark.parametrize('answer', ['d', 'c'], ids=['detach', 'cancel'])
def test_ctrl_c_on_a_terminal_asks_what_becomes_of_the_job(
  cloud: Cloud, store: str, tmp_path: pathlib.Path, answer: str
) -> None:
  cloud.executor.faults.queue = queue = threading.Event()
  run_id = f'asked-{answer}'
  ours, theirs = pty.openpty()
  command = started(
    ['-m', 'beam_taxi', *map(str, words(cloud, store, run_id))],
    tmp_path,
    environment(**{**cloud.environment, 'TERM': 'xterm', 'COLUMNS': '200'}),
    stdin=theirs,
    stderr=theirs,
  )
  os.close(theirs)
  terminal = Terminal(ours)
  job = job_of(cloud, run_id, command)
  terminal.shows(b'job is pending')
  command.send_signal(signal.SIGINT)
  seen = terminal.shows(b'[c/D]')
  assert f'The job {job.resource["id"]} goes on. Cancel it, or detach and let it go on?'.encode() in seen
  os.write(ours, f'{answer}\n'.encode())
  said, _ = command.communicate()

  state = recorded(cloud, tmp_path, store, run_id)['state']
  if answer == 'd':
    assert (command.returncode, state, job.state) == (0, 'RUNNING', 'JOB_STATE_PENDING')
    assert f'{run_id} goes on without this command as job {job.resource["id"]}.' in said
    queue.set()
    until(lambda: job.state == 'JOB_STATE_DONE')
    [settled] = asked(tmp_path, 'reconcile', '--metadata', store, *cloud.beam_args, **cloud.environment)
    assert settled['state'] == 'COMPLETE'
  else:
    assert (command.returncode, state) == (130, 'CANCELED')
    until(lambda: job.state == 'JOB_STATE_CANCELLED')
  os.close(ours)


class Terminal:
  """What comes from a terminal. It is read at all times: while it is not, its buffer fills up, and who writes waits."""

  def __init__(self, terminal: int):
    self._terminal = terminal
    self._seen = b''
    self._ended = False
    self._more = threading.Condition()
    threading.Thread(target=self._read, daemon=True).start()

  def shows(self, text: bytes) -> bytes:
    """All that has come, once this text is in it."""
    with self._more:
      self._more.wait_for(lambda: text in self._seen or self._ended)
      assert text in self._seen
      return self._seen

  def _read(self) -> None:
    piece = b'x'
    while piece:
      try:
        piece = os.read(self._terminal, 4096)
      except OSError:  # Nobody writes to it any more.
        piece = b''
      with self._more:
        self._seen += piece
        self._ended = not piece
        self._more.notify_all()
