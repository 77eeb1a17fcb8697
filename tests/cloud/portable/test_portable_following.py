"""A portable runner's job to its end: what is asked of whom, and who is believed."""

import threading
from collections.abc import Callable

import grpc
import pytest
from apache_beam.runners.runner import PipelineState
from emulators.flink import Flink, FlinkJob

from beam_taxi.cloud.job import JobCanceledError, JobFailedError, JobLostError
from beam_taxi.cloud.portable import flink_rest, following
from beam_taxi.cloud.portable.flink_rest import FlinkRest
from beam_taxi.cloud.portable.following import PortableJob
from beam_taxi.errors import MishapError, UserError


class GoneError(grpc.RpcError):
  """What gRPC raises where a server is gone."""

  def code(self) -> grpc.StatusCode:
    return grpc.StatusCode.UNAVAILABLE


# What Beam's result raises of a job that its service calls canceled.
CANCELED = RuntimeError('Pipeline job_1 failed in state CANCELLED: unknown error')


class Result:
  """What Pipeline.run has made of a job: it ends in a state, or by an error, and notes that it was canceled."""

  _job_id = 'job_1'

  def __init__(self, end: str | Exception = PipelineState.DONE):
    self._end = end
    self.state = PipelineState.RUNNING
    self.canceled = threading.Event()

  def wait_until_finish(self) -> str:
    if isinstance(self._end, Exception):
      raise self._end
    return self._end

  def cancel(self) -> None:
    self.canceled.set()

  def metrics(self) -> 'Result':
    return self

  def query(self, _: object) -> dict[str, list]:
    return {'counters': []}


def job_on(flink: Flink | None, result: Result, *on_flink: FlinkJob, **how: bool) -> PortableJob:
  """A submitted job, which Flink lists as it is given."""
  job = PortableJob('taxi', FlinkRest(flink.address) if flink else None, **how)
  job.submitted(result)
  if flink:
    flink.jobs += on_flink
  return job


def sleep_and(happens: Callable[[], None]) -> Callable[[float], None]:
  return lambda _: happens()


def test_what_the_job_service_calls_done_is_done(flink: Flink) -> None:
  assert job_on(flink, Result()).wait() == {}
  assert job_on(None, Result()).wait() == {}


@pytest.mark.parametrize('end', [CANCELED, PipelineState.CANCELLED, GoneError()], ids=repr)
def test_without_flink_nobody_knows_how_a_job_ends_that_was_canceled_or_is_out_of_reach(end: str | Exception) -> None:
  with pytest.raises(JobLostError, match='does not answer any more|says that job job_1 was canceled, and not whether'):
    job_on(None, Result(end)).wait()


def test_a_job_of_this_process_fails_with_its_job_server() -> None:
  with pytest.raises(MishapError, match='its job server does not answer any more'):
    job_on(None, Result(GoneError()), ends_here=True).wait()


@pytest.mark.parametrize('end', [CANCELED, GoneError()], ids=repr)
def test_what_flink_says_of_such_a_job_is_believed(flink: Flink, end: Exception) -> None:
  on_flink = FlinkJob('a', 'taxi')

  def finish() -> None:
    on_flink.state = 'FINISHED'

  assert job_on(flink, Result(end), on_flink).wait(sleep_and(finish)) == {}


def test_a_job_that_was_canceled_on_flink_is_canceled(flink: Flink) -> None:
  with pytest.raises(JobCanceledError, match='the job taxi was canceled'):
    job_on(flink, Result(CANCELED), FlinkJob('a', 'taxi', 'CANCELED')).wait()


def test_of_a_failure_flinks_own_stack_trace_is_given(flink: Flink) -> None:
  on_flink = FlinkJob('a', 'taxi', 'FAILED', stacktrace='RuntimeException: UserError: a.csv: bad')

  with pytest.raises(JobFailedError, match='UserError: a.csv: bad'):
    job_on(flink, Result(RuntimeError('it failed')), on_flink).wait()


def test_what_flink_never_had_failed_as_the_job_service_says(flink: Flink) -> None:
  with pytest.raises(RuntimeError, match='^no Flink there$'):
    job_on(flink, Result(RuntimeError('no Flink there'))).wait()


def test_a_flink_that_stays_away_loses_the_job_and_does_not_fail_it(flink: Flink) -> None:
  times = iter(range(0, 10**6, following._LONGEST_OUTAGE_S // 2))
  job = PortableJob('taxi', FlinkRest(flink.address), clock=lambda: next(times))
  job.submitted(Result(GoneError()))
  flink.silent = True

  with pytest.raises(JobLostError, match='HTTP status 503: Service temporarily unavailable'):
    job.wait(lambda _: None)


def test_a_job_is_not_taken_for_an_earlier_one_of_its_name(flink: Flink) -> None:
  flink.jobs.append(FlinkJob('earlier', 'taxi', 'CANCELED', started=1))

  job = job_on(flink, Result(CANCELED), FlinkJob('a', 'taxi', 'FINISHED', started=2), FlinkJob('b', 'other'))

  assert job.wait() == {}


def test_a_job_is_canceled_where_it_runs(flink: Flink) -> None:
  on_flink, result = FlinkJob('a', 'taxi'), Result()

  job_on(flink, result, on_flink).cancel()

  assert (on_flink.state, result.canceled.is_set()) == ('CANCELED', True)


def test_a_job_that_does_not_come_to_its_end_is_not_said_to_be_canceled(
  flink: Flink, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setattr(flink_rest, '_LONGEST_CANCELATION_S', 0)

  with pytest.raises(UserError, match='Flink says that job a is CANCELLING'):
    job_on(flink, Result(), FlinkJob('a', 'taxi', cancelable=False)).cancel()


def test_a_job_that_flink_does_not_list_may_yet_come(flink: Flink) -> None:
  with pytest.raises(UserError, match='does not list taxi yet'):
    job_on(flink, Result()).cancel()


def test_what_was_never_submitted_needs_no_canceling(flink: Flink) -> None:
  PortableJob('taxi', FlinkRest(flink.address)).cancel()
  PortableJob('taxi', None).cancel()


def test_a_job_service_that_was_asked_does_not_say_that_workers_have_stopped() -> None:
  result = Result()

  with pytest.raises(UserError, match='its job server was asked to, and does not say whether workers have stopped'):
    job_on(None, result).cancel()
  assert result.canceled.is_set()


def test_what_ends_with_this_process_does_so() -> None:
  job_on(None, Result(), ends_here=True).cancel()


def job_until_known(what: str, flink: FlinkRest | None) -> PortableJob:
  """A submitted job that ends once something is known of it, which an attribute holds."""
  looked = threading.Event()

  class Waiting(Result):
    def wait_until_finish(self) -> str:
      assert looked.wait(60)
      return PipelineState.DONE

  class Watched(PortableJob):
    def __setattr__(self, name: str, value: object) -> None:
      super().__setattr__(name, value)
      if name == what and value not in ('', (0, 0)):
        looked.set()

  job = Watched('taxi', flink)
  job.submitted(Waiting())
  return job


def test_how_a_job_is_is_what_flink_says_with_its_tasks(flink: Flink) -> None:
  job = job_until_known('_tasks', FlinkRest(flink.address))
  assert job.stage() == 'job is submitted'
  flink.jobs.append(FlinkJob('a', 'taxi', finished_tasks=3))
  job.wait()

  assert job.stage() == 'job is running, 3 of 24 tasks done'


def test_without_flink_it_is_what_the_job_service_says() -> None:
  job = job_until_known('state', None)
  job.wait()

  assert job.stage() == 'job is running'
