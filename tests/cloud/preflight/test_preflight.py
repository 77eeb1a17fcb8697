"""`preflight` as it is typed, and what a run elsewhere does with what it finds."""

import json
import os
import pathlib
import sqlite3
import sys
import types
from collections.abc import Callable

import pytest
import requests
from emulators.cloud_storage import bucket_at
from emulators.rest import RestService

from beam_taxi.cli import _main as cli
from beam_taxi.cloud.preflight.dataflow_checks import ACT_AS

WORKER = 'worker@p.iam.gserviceaccount.com'

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
  """Runs the command line in this process, in a folder with rows.csv: (exit code, stdout, stderr)."""
  (tmp_path / 'rows.csv').write_text('a,b\n1,2\n')
  monkeypatch.chdir(tmp_path)
  monkeypatch.setattr(sys, 'stderr', sys.stderr)

  def call(*words: str) -> tuple[int, str, str]:
    code = cli.main(words)
    said = capfd.readouterr()
    return code, said.out, said.err

  return call


@pytest.fixture
def job(google: RestService, buckets: str) -> list[str]:
  """Flags of a job on Dataflow with which all is well, and the services that say so."""
  requests.patch(f'{buckets}/storage/v1/b/bucket', json={'location': 'US-EAST1'}, timeout=10).raise_for_status()
  bucket_at(buckets).blob('rows.csv').upload_from_string('a,b\n1,2\n')
  google.answer('GET /v1b3/projects/p/locations/us-east1/jobs', {})
  google.answer('GET /compute/v1/projects/p/regions/us-east1', {'quotas': [{'metric': 'CPUS', 'limit': 8, 'usage': 0}]})
  url = f'/v1/projects/p/serviceAccounts/{WORKER}'
  google.answer(f'POST {url}:testIamPermissions', {'permissions': [ACT_AS]})
  google.answer(f'GET {url}', {'email': WORKER})
  return [
    *('--input', 'gs://bucket/rows.csv', '--output', 'gs://bucket/out', '--metadata', 'sqlite:///runs.sqlite'),
    *('--runner=DataflowRunner', '--project=p', '--region=us-east1', '--temp_location=gs://bucket/temp', '--no_auth'),
    *(f'--dataflow_endpoint={google.address.replace("127.0.0.1", "localhost")}', f'--service_account_email={WORKER}'),
  ]


@pytest.fixture(autouse=True)
def beams_file_system_is_anonymous(monkeypatch: pytest.MonkeyPatch) -> None:
  """Without credentials it is so anyway, but only after it has looked for some for half a minute."""
  from apache_beam.internal.gcp import auth

  monkeypatch.setattr(auth._Credentials, '_credentials_init', True)


def test_a_local_run_is_checked_and_nothing_is_left_behind(command: Command, tmp_path: pathlib.Path) -> None:
  code, out, _ = command('preflight', '--input', 'rows.csv', '--output', 'out')

  assert code == 0, out
  assert [line.split('  ')[0] for line in out.splitlines()[:4]] == ['ok'] * 4
  assert os.listdir(tmp_path) == ['rows.csv']


def test_what_has_failed_is_shown_with_what_mends_it(command: Command, tmp_path: pathlib.Path) -> None:
  code, out, _ = command('preflight', '--input', 'none.csv', '--output', 'rows.csv')

  assert code == 2
  lines = [' '.join(line.split()) for line in out.splitlines()]
  assert f'failed input {tmp_path}/none.csv: no file matches' in lines
  assert 'check the path, and quote a pattern that a shell should not expand' in lines
  assert 'not checked disk space needs the input' in lines
  assert ' failed, ' in lines[-1]


def test_a_job_with_which_all_is_well_is_ok(command: Command, job: list[str]) -> None:
  code, out, _ = command('preflight', *job, '--json')

  found = json.loads(out)
  assert (code, found['ok']) == (0, True), out
  assert {each['check']: each['mark'] for each in found['findings']} == {
    'input': 'ok',
    'metadata': 'ok',
    'run folder': 'ok',
    'flags': 'ok',
    'credentials': 'not checked',
    'output, temp_location': 'ok',
    'Dataflow': 'ok',
    'worker account': 'ok',
    'worker package': 'ok',
    'quotas': 'ok',
  }
  assert set(found['findings'][0]) == {'check', 'mark', 'what', 'remedy'}


def test_a_job_ends_before_anything_is_staged_with_all_that_has_failed(
  command: Command, job: list[str], google: RestService, buckets: str, tmp_path: pathlib.Path
) -> None:
  google.refuse('GET /v1b3/projects/p/locations/us-east1/jobs', 403, 'PERMISSION_DENIED', 'SERVICE_DISABLED')
  before = sorted(blob.name for blob in bucket_at(buckets).list_blobs())

  code, _, err = command(*job, '--temp_location=gs://missing/temp', '--input', 'gs://bucket/none.csv')

  assert code == 2
  assert [line for line in err.splitlines() if line.startswith('failed ')] == [
    'failed input: gs://bucket/none.csv: no file matches; check the path, and quote a pattern that a shell should not '
    'expand',
    'failed temp_location: there is no bucket gs://missing; gcloud storage buckets create gs://missing --project p '
    '--location us-east1',
    'failed Dataflow: the API of Dataflow is not enabled in p; gcloud services enable dataflow.googleapis.com '
    '--project p',
  ]
  assert err.count('error: ') == 1
  assert 'Traceback' not in err
  assert sorted(blob.name for blob in bucket_at(buckets).list_blobs()) == before
  assert not [request for request in google.asked if request.method == 'POST' and request.path.endswith('/jobs')]
  with sqlite3.connect(tmp_path / 'runs.sqlite') as store:
    errors = store.execute(
      'select last_known_state, string_value from Execution join ExecutionProperty on id = execution_id '
      "where ExecutionProperty.name = 'error'"
    ).fetchall()
  assert {state for state, _ in errors} == {4}
  assert 'temp_location: there is no bucket gs://missing' in errors[0][1]


def test_an_output_bucket_that_is_missing_is_said_once(command: Command, job: list[str]) -> None:
  code, out, _ = command('preflight', *job, '--output', 'gs://missing/out')

  assert code == 2
  [line] = [line.split() for line in out.splitlines() if line.startswith('failed')]
  assert line[:2] == ['failed', 'output']


def test_an_image_is_checked_in_the_place_of_the_package(command: Command, job: list[str], google: RestService) -> None:
  image = f'{google.address.removeprefix("http://")}/image'

  alone = json.loads(command('preflight', *job, '--json', '--sdk_container_image', image)[1])
  both = json.loads(command('preflight', *job, '--json', '--sdk_container_image', image, '--setup_file', 'setup.py')[1])

  checks = [[each['check'] for each in found['findings'] if 'worker ' in each['check']] for found in (alone, both)]
  assert checks == [['worker account', 'worker image'], ['worker account', 'worker image', 'worker package']]


def test_a_job_with_which_all_is_well_is_staged_and_begun(
  command: Command, job: list[str], google: RestService, buckets: str
) -> None:
  command(*job)  # Which the double does not take.

  assert [request.path for request in google.asked if request.method == 'POST'][-1].endswith('/us-east1/jobs')
  staged = [blob.name for blob in bucket_at(buckets).list_blobs(prefix='temp/')]
  assert [name for name in staged if name.endswith('/workflow.tar.gz')]


def test_a_store_that_is_lost_is_one_of_the_failures(command: Command, job: list[str]) -> None:
  code, _, err = command(*job, '--temp_location=gs://missing/temp', '--metadata', 'mysql://me@127.0.0.1:1/db')

  assert code == 2
  failed = [line.split(':')[0] for line in err.splitlines() if line.startswith('failed ')]
  assert failed == ['failed metadata', 'failed temp_location']


def test_a_run_that_skips_the_preflight_asks_for_none_of_it(
  command: Command, job: list[str], google: RestService
) -> None:
  code, _, err = command(*job, '--skip_preflight', '--input', 'gs://bucket/none.csv')

  assert code == 2
  assert 'error: gs://bucket/none.csv: no file matches' in err
  assert google.asked == []


def test_a_local_run_with_no_room_for_its_output_is_refused(
  command: Command, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setattr('shutil.disk_usage', lambda path: types.SimpleNamespace(free=0))

  code, _, err = command('--input', 'rows.csv', '--output', 'out')

  assert code == 2
  assert 'failed disk space: 0 bytes are free' in err
  assert os.listdir(tmp_path / 'out' / 'runs') == []
