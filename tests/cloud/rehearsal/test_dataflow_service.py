"""The double of Dataflow's service answers Beam's client, whichever this Beam has, as Dataflow would."""

from collections.abc import Iterator
from typing import Any

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.dataflow.dataflow_metrics import DataflowMetrics
from apache_beam.runners.dataflow.internal.apiclient import DataflowApplicationClient

from beam_taxi.cloud.rehearsal.dataflow_service import Dataflow, Job, dataflow_service


@pytest.fixture
def dataflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dataflow]:
  monkeypatch.setenv('no_proxy', 'localhost')
  with dataflow_service() as service:
    service.jobs['p', 'r', 'job-1'] = Job({'id': 'job-1', 'currentState': 'JOB_STATE_RUNNING'})
    yield service


@pytest.fixture
def job(dataflow: Dataflow) -> Job:
  return dataflow.jobs['p', 'r', 'job-1']


@pytest.fixture
def client(dataflow: Dataflow) -> DataflowApplicationClient:
  names = ['--project=p', '--region=r', '--temp_location=gs://unused/temp']
  return DataflowApplicationClient(PipelineOptions([*dataflow.beam_args, *names]))


def test_a_job_is_got(client: DataflowApplicationClient) -> None:
  assert client.get_job('job-1').id == 'job-1'


def test_a_job_is_canceled(client: DataflowApplicationClient, job: Job) -> None:
  assert client.modify_job_state('job-1', 'JOB_STATE_CANCELLED')
  assert job.resource['currentState'] == 'JOB_STATE_CANCELLING'


def test_messages_are_listed_by_page_time_and_importance(client: DataflowApplicationClient, job: Job) -> None:
  for second, importance in enumerate(['BASIC', 'ERROR', 'DEBUG', 'WARNING', 'BASIC', 'ERROR']):
    time = f'2026-01-01T00:00:0{second}.000Z'
    job.messages.append({'time': time, 'messageImportance': f'JOB_MESSAGE_{importance}', 'messageText': str(second)})

  asked = {'start_time': job.messages[1]['time'], 'minimum_importance': 'JOB_MESSAGE_BASIC'}
  first, token = client.list_messages('job-1', **asked)
  second, end = client.list_messages('job-1', **asked, page_token=token)
  assert [[_text(message) for message in page] for page in (first, second)] == [['1', '3'], ['4', '5']]
  assert not end


def _text(message: Any) -> str:
  """Beam 2.72 has it under JSON's name, 2.77 under the protocol buffer's."""
  return message.messageText if hasattr(message, 'messageText') else message.message_text


def test_counters_are_got(client: DataflowApplicationClient, job: Job) -> None:
  context = {'namespace': 'beam_taxi', 'step': 's1'}
  for count, kind in ((5, {}), (6, {'tentative': 'true'})):
    job.metrics.append(
      {'name': {'origin': 'user', 'name': 'ReadRows.rows', 'context': {**context, **kind}}, 'scalar': count}
    )

  [counter] = DataflowMetrics(client).all_metrics('job-1')
  assert (counter.key.metric.namespace, counter.key.metric.name) == ('beam_taxi', 'ReadRows.rows')
  assert (counter.committed, counter.attempted) == (5, 6)
