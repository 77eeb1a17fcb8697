"""Whether the job of a run goes on, by what Flink and Beam's job service say."""

import socket
import threading
from collections.abc import Iterator

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.flink_runner import FlinkRunner
from emulators.databases import free_port
from emulators.flink import Flink, FlinkJob
from emulators.job_service import job_service

from beam_taxi.cloud.portable import job_service as asked_service
from beam_taxi.cloud.portable.jobs import is_job_alive, planned_job
from beam_taxi.errors import UserError

STARTED = 1000.0
HERE = socket.gethostname()


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
  return {'flink_master': flink.address, 'job_name': 'taxi', 'started': STARTED, 'host': HERE, **properties}


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
  assert is_job_alive({'job_endpoint': service, 'job_id': ended_job, 'host': HERE}) is False


def test_a_job_that_its_service_does_not_know_is_neither(service: str) -> None:
  with pytest.raises(UserError, match=f'job gone: the job service at {service} does not say how it is'):
    is_job_alive({'job_endpoint': service, 'job_id': 'gone', 'host': HERE})


def test_a_job_whose_service_is_gone_is_neither() -> None:
  with pytest.raises(UserError, match=r'does not say how it is \(UNAVAILABLE: .*'):
    is_job_alive({'job_endpoint': f'localhost:{free_port()}', 'job_id': 'job_1', 'host': HERE})


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
      is_job_alive({'job_endpoint': service, 'job_id': result._job_id, 'host': HERE})
  finally:
    release.set()


_HELD: list[threading.Event] = []


def _hold(element: int) -> int:
  _HELD[0].wait(60)
  return element


def test_nobody_can_be_asked_about_a_job_that_nobody_named(service: str) -> None:
  assert is_job_alive({'job_endpoint': service, 'host': HERE}) is None


def test_another_machine_s_localhost_is_not_asked(flink: Flink) -> None:
  assert is_job_alive(on(flink, host='elsewhere')) is None


def test_a_job_goes_on_though_a_newer_one_of_its_name_has_ended(flink: Flink) -> None:
  flink.jobs += [FlinkJob('a', 'taxi', started=1_000_000), FlinkJob('b', 'taxi', 'FINISHED', started=2_000_000)]

  assert is_job_alive(on(flink)) is True


def test_a_password_in_flink_s_address_is_not_recorded() -> None:
  options = PipelineOptions(flink_master='http://me:secret@flink:8081')

  assert 'secret' not in str(planned_job(FlinkRunner(), options))
