"""Whether the job of a run goes on, by what Flink and Beam's job service say."""

import threading
from collections.abc import Iterator

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from emulators.databases import free_port
from emulators.flink import Flink, FlinkJob
from emulators.job_service import job_service

from beam_taxi.cloud.portable import job_service as asked_service
from beam_taxi.cloud.portable.jobs import is_job_alive
from beam_taxi.errors import UserError

STARTED = 1000.0


@pytest.fixture(scope='module')
def service() -> Iterator[str]:
  with job_service() as running:
    yield running.address


@pytest.fixture(scope='module')
def ended_job(service: str) -> str:
  """A job that is DONE."""
  options = PipelineOptions(job_endpoint=service, environment_type='LOOPBACK')
  pipeline = beam.Pipeline('PortableRunner', options)
  _ = pipeline | beam.Create([1])
  result = pipeline.run()
  result.wait_until_finish()
  return str(result._job_id)


def on(flink: Flink, **properties: object) -> dict:
  return {'flink_master': flink.address, 'job_name': 'taxi', 'started': STARTED, **properties}


@pytest.mark.parametrize(
  ('state', 'alive'), [('RUNNING', True), ('RESTARTING', True), ('FINISHED', False), ('CANCELED', False)]
)
def test_a_job_on_flink_is_as_flink_says(flink: Flink, state: str, alive: bool) -> None:
  flink.jobs.append(FlinkJob('a', 'taxi', state, started=1_000_000))

  assert is_job_alive(on(flink)) is alive


def test_what_flink_does_not_list_does_not_go_on(flink: Flink) -> None:
  flink.jobs += [FlinkJob('a', 'other'), FlinkJob('long ago', 'taxi', started=1)]

  assert is_job_alive(on(flink)) is False
  # A job service that has been begun again knows nothing of it.
  assert is_job_alive(on(flink, job_endpoint=f'localhost:{free_port()}', job_id='job_1')) is False


def test_a_job_service_says_that_a_job_has_ended(service: str, ended_job: str) -> None:
  assert is_job_alive({'job_endpoint': service, 'job_id': ended_job}) is False


def test_a_job_that_its_service_does_not_know_is_neither(service: str) -> None:
  with pytest.raises(UserError, match=f'job gone: the job service at {service} does not say how it is'):
    is_job_alive({'job_endpoint': service, 'job_id': 'gone'})


def test_a_job_whose_service_is_gone_is_neither() -> None:
  with pytest.raises(UserError, match=r'does not say how it is \(UNAVAILABLE: .*'):
    is_job_alive({'job_endpoint': f'localhost:{free_port()}', 'job_id': 'job_1'})


def test_a_canceled_job_may_go_on(service: str) -> None:
  release = threading.Event()
  options = PipelineOptions(job_endpoint=service, environment_type='LOOPBACK')
  pipeline = beam.Pipeline('PortableRunner', options)
  _ = pipeline | beam.Create([1]) | beam.Map(_hold)
  _HELD.append(release)
  result = pipeline.run()
  result._job_service.Cancel(asked_service.beam_job_api_pb2.CancelJobRequest(job_id=result._job_id))
  try:
    with pytest.raises(UserError, match='was canceled, and not whether its workers have stopped; .* --force'):
      is_job_alive({'job_endpoint': service, 'job_id': result._job_id})
  finally:
    release.set()


_HELD: list[threading.Event] = []


def _hold(element: int) -> int:
  _HELD[0].wait(60)
  return element


def test_nobody_can_be_asked_about_a_job_that_nobody_named(service: str) -> None:
  assert is_job_alive({'job_endpoint': service}) is None
