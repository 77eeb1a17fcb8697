"""What Dataflow's REST service is asked, what is made of its answers, and when it is asked again."""

import datetime
import pathlib
import types
from typing import Any

import pytest
import tenacity.nap
from apache_beam.internal.gcp import auth
from apache_beam.options.pipeline_options import PipelineOptions

from beam_taxi.cloud.dataflow.service import DataflowService
from beam_taxi.cloud.rehearsal.dataflow_service import Dataflow, Job
from beam_taxi.errors import UserError

JOB = '/v1b3/projects/p/locations/r/jobs/job-1'


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
  """The seconds that would have been waited, which are not."""
  seconds: list[float] = []
  monkeypatch.setattr(tenacity.nap, 'time', types.SimpleNamespace(sleep=seconds.append))
  return seconds


@pytest.fixture
def job(dataflow: Dataflow) -> Job:
  dataflow.jobs['p', 'r', 'job-1'] = Job({'id': 'job-1', 'currentState': 'JOB_STATE_RUNNING'})
  return dataflow.jobs['p', 'r', 'job-1']


def service_of(beam_args: list[str], project: str = 'p') -> DataflowService:
  return DataflowService(PipelineOptions([*beam_args, f'--project={project}', '--region=r']))


def test_a_job_is_what_the_service_says_of_it(dataflow: Dataflow, job: Job) -> None:
  assert service_of(dataflow.beam_args).job('job-1') == {'id': 'job-1', 'currentState': 'JOB_STATE_RUNNING'}


def test_a_project_may_be_one_of_a_domain(dataflow: Dataflow, job: Job) -> None:
  dataflow.jobs['example.com:p', 'r', 'job-1'] = job

  assert service_of(dataflow.beam_args, 'example.com:p').job('job-1')['id'] == 'job-1'


def test_jobs_are_found_by_their_whole_name_the_newest_first(dataflow: Dataflow) -> None:
  for number, name in enumerate(['nightly', 'nightly-2', 'nightly']):
    dataflow.jobs['p', 'r', f'job-{number}'] = Job({'id': f'job-{number}', 'name': name})

  found = service_of(dataflow.beam_args).jobs_named('nightly')

  assert [job['id'] for job in found] == ['job-2', 'job-0']
  assert dataflow.requests == ['GET /v1b3/projects/p/locations/r/jobs?name=nightly']


def test_a_canceled_job_is_told_to_end(dataflow: Dataflow, job: Job) -> None:
  service_of(dataflow.beam_args).cancel('job-1')

  assert job.resource['currentState'] == 'JOB_STATE_CANCELLING'
  assert dataflow.requests == [f'PUT {JOB}']


def test_a_job_that_has_ended_is_not_canceled(dataflow: Dataflow, job: Job) -> None:
  job.resource['currentState'] = 'JOB_STATE_DONE'

  with pytest.raises(UserError, match='HTTP status 400: the job has ended'):
    service_of(dataflow.beam_args).cancel('job-1')


def message(second: int, importance: str = 'BASIC') -> dict[str, Any]:
  return {
    'id': str(second),
    'time': f'2026-01-01T00:00:{second:02}.000Z',
    'messageImportance': f'JOB_MESSAGE_{importance}',
    'messageText': f'what happened at {second}',
  }


def texts(found: list[dict[str, Any]]) -> list[str]:
  return [each['messageText'] for each in found]


def test_messages_are_those_of_all_pages(dataflow: Dataflow, job: Job) -> None:
  job.messages += [message(second) for second in range(5)]

  assert service_of(dataflow.beam_args).messages('job-1') == job.messages
  assert len(dataflow.requests) == 3


def test_there_may_be_no_messages(dataflow: Dataflow, job: Job) -> None:
  assert service_of(dataflow.beam_args).messages('job-1') == []


def test_messages_are_asked_for_from_a_time_on(dataflow: Dataflow, job: Job) -> None:
  job.messages += [message(second) for second in range(7)]

  found = service_of(dataflow.beam_args).messages('job-1', since=job.messages[3]['time'])
  assert found == job.messages[3:]


def test_messages_of_less_importance_are_left_out(dataflow: Dataflow, job: Job) -> None:
  importances = ['DEBUG', 'DETAILED', 'BASIC', 'WARNING', 'ERROR']
  job.messages += [message(second, importance) for second, importance in enumerate(importances)]
  service = service_of(dataflow.beam_args)

  assert texts(service.messages('job-1')) == ['what happened at 2', 'what happened at 3', 'what happened at 4']
  assert texts(service.messages('job-1', minimum_importance='JOB_MESSAGE_ERROR')) == ['what happened at 4']


def metric(name: str, scalar: Any, *, origin: str = 'user', **context: str) -> dict[str, Any]:
  return {
    'name': {'origin': origin, 'name': name, 'context': context},
    'scalar': scalar,
    'updateTime': '2026-01-01T00:00:00.000Z',
  }


def test_metrics_are_this_projects_counters(dataflow: Dataflow, job: Job) -> None:
  ours = {'namespace': 'beam_taxi', 'step': 's1'}
  distribution = {'name': metric('ReadRows.sizes', 0, **ours)['name'], 'distribution': {'count': 1, 'sum': 2}}
  job.metrics += [
    metric('ReadRows.rows', 15002, **ours),
    metric('ReadRows.rows', 16000, **ours, tentative='true'),
    metric('ReadRows.rows', 1, namespace='of_another', step='s1'),
    metric('ElementCount', 7, origin='dataflow/v1b3', output_user_name='ReadRows-out0'),
    metric('ElementCount', 8, origin='dataflow/v1b3', output_user_name='ReadRows-out0', tentative='true'),
    {'name': {'origin': 'dataflow/v1b3', 'name': 'TotalVcpuTime'}, 'scalar': 3},
    distribution,
  ]

  assert service_of(dataflow.beam_args).metrics('job-1') == {'ReadRows.rows': 15002}


def test_a_counter_of_several_steps_is_their_sum(dataflow: Dataflow, job: Job) -> None:
  # JSON's numbers may be written either way.
  job.metrics += [
    metric('ReadRows.rows', 2, namespace='beam_taxi', step='s1'),
    metric('ReadRows.rows', 3.0, namespace='beam_taxi', step='s2'),
  ]

  assert service_of(dataflow.beam_args).metrics('job-1') == {'ReadRows.rows': 5}


def test_a_job_that_has_counted_nothing_has_no_metrics(dataflow: Dataflow, job: Job) -> None:
  assert service_of(dataflow.beam_args).metrics('job-1') == {}


PASSING = {'too_many': 429, 'internal': 500, 'unavailable': 503, 'connection_closed': 0}


@pytest.mark.parametrize('status', PASSING.values(), ids=PASSING)
def test_what_may_pass_is_asked_again(dataflow: Dataflow, job: Job, waits: list[float], status: int) -> None:
  dataflow.failures += [(status, 'Quota exceeded'), (status, 'Quota exceeded')]

  assert service_of(dataflow.beam_args).job('job-1')['id'] == 'job-1'
  assert len(waits) == 2


def test_asking_again_has_an_end(dataflow: Dataflow, job: Job, waits: list[float]) -> None:
  dataflow.failures += [(429, "Quota exceeded for quota metric 'Requests'")] * 100

  with pytest.raises(UserError) as caught:
    service_of(dataflow.beam_args).job('job-1')
  assert str(caught.value) == (
    "job job-1 of project p in r: Dataflow answered with HTTP status 429: Quota exceeded for quota metric 'Requests'"
  )
  assert len(dataflow.requests) == 8
  assert sum(waits) < 60


REFUSED = {
  'forbidden': (403, '(b1): Could not list jobs.\n\tCaused by: no permission', 'Could not list jobs. Caused by: no'),
  'unknown': (404, 'Information about job job-1 could not be found', 'Information about job job-1 could not be'),
}


@pytest.mark.parametrize(('status', 'said', 'shown'), REFUSED.values(), ids=REFUSED)
def test_a_refusal_is_told_at_once_in_one_line(
  dataflow: Dataflow, job: Job, waits: list[float], status: int, said: str, shown: str
) -> None:
  dataflow.failures.append((status, said))

  with pytest.raises(UserError) as caught:
    service_of(dataflow.beam_args).metrics('job-1')
  text = str(caught.value)
  assert text.startswith(f'job job-1 of project p in r: Dataflow answered with HTTP status {status}: ')
  assert shown in text
  assert text.isprintable()
  assert (waits, len(dataflow.requests)) == ([], 1)


def test_a_service_that_cannot_be_reached_is_named(dataflow: Dataflow, waits: list[float]) -> None:
  with pytest.raises(UserError, match='of project p in r: no answer of Dataflow at http://localhost:1: .*refused'):
    service_of(['--dataflow_endpoint=http://localhost:1', '--no_auth']).job('job-1')
  assert len(waits) == 7


@pytest.fixture
def with_credentials(dataflow: Dataflow, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
  """Beam's arguments for a service that wants a token, where the environment names a service account's key."""
  dataflow.needs_token = True
  dataflow.write_credentials(tmp_path / 'key.json')
  monkeypatch.setenv('GOOGLE_APPLICATION_CREDENTIALS', str(tmp_path / 'key.json'))
  # Beam looks for credentials once in a process.
  monkeypatch.setattr(auth._Credentials, '_credentials', None)
  monkeypatch.setattr(auth._Credentials, '_credentials_init', False)
  return [f'--dataflow_endpoint={dataflow.url}']


def test_credentials_are_those_that_beam_finds(job: Job, with_credentials: list[str]) -> None:
  assert service_of(with_credentials).job('job-1')['id'] == 'job-1'


def test_without_a_token_dataflow_refuses(dataflow: Dataflow, job: Job, with_credentials: list[str]) -> None:
  with pytest.raises(UserError, match='HTTP status 401: Request is missing required authentication credential'):
    service_of(dataflow.beam_args).job('job-1')


def test_credentials_that_google_does_not_take_are_told_at_once(
  dataflow: Dataflow, job: Job, with_credentials: list[str], waits: list[float]
) -> None:
  dataflow.gives_tokens = False

  with pytest.raises(UserError, match='the credentials for Google Cloud are refused .*account not found'):
    service_of(with_credentials)
  assert (waits, dataflow.requests) == ([], [])


def test_credentials_that_google_does_not_take_any_more_are_told_at_once(
  dataflow: Dataflow, job: Job, with_credentials: list[str], waits: list[float]
) -> None:
  service = service_of(with_credentials)
  dataflow.gives_tokens = False
  service._session.credentials.expiry = datetime.datetime(2020, 1, 1)

  with pytest.raises(
    UserError, match=r'job-1 of project p in r: the credentials give no access: .*invalid_grant: account not found$'
  ):
    service.job('job-1')
  assert (waits, dataflow.requests) == ([], [])


def test_without_credentials_it_is_said_how_to_get_some(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setenv('GOOGLE_APPLICATION_CREDENTIALS', '/nothing/here.json')

  with pytest.raises(UserError, match='no credentials for Google Cloud .*; gcloud auth application-default login'):
    service_of([])


def test_without_a_scheme_the_endpoint_is_one_of_https(waits: list[float]) -> None:
  with pytest.raises(UserError, match='no answer of Dataflow at https://localhost:1: '):
    service_of(['--dataflow_endpoint=localhost:1', '--no_auth']).job('job-1')
