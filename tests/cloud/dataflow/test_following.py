"""Following a job to its end: what is told, and what is made of the end."""

import logging

import pytest

from beam_taxi.cloud.dataflow import following
from beam_taxi.cloud.dataflow.following import FollowedJob
from beam_taxi.cloud.dataflow.service import DataflowService
from beam_taxi.cloud.job import JobCanceledError, JobFailedError, JobLostError
from beam_taxi.cloud.rehearsal.dataflow_service import Dataflow, Job
from beam_taxi.errors import UserError


class Time:
  """A clock that goes on only by sleeping; before each sleep something may happen."""

  def __init__(self, *happens: object):
    self.now = 0.0
    self._happens = list(happens)

  def sleep(self, seconds: float) -> None:
    self.now += seconds
    if self._happens:
      self._happens.pop(0)()

  def clock(self) -> float:
    return self.now


@pytest.fixture
def job(dataflow: Dataflow) -> Job:
  dataflow.jobs['p', 'r', 'job-1'] = Job({'id': 'job-1', 'currentState': 'JOB_STATE_RUNNING'})
  return dataflow.jobs['p', 'r', 'job-1']


def followed(dataflow: Dataflow, time: Time) -> FollowedJob:
  from apache_beam.options.pipeline_options import PipelineOptions

  service = DataflowService(PipelineOptions([*dataflow.beam_args, '--project=p', '--region=r']))
  return FollowedJob(service, 'job-1', time.clock)


def test_a_job_is_followed_to_its_end_and_gives_what_it_counted(dataflow: Dataflow, job: Job) -> None:
  name = {'origin': 'user', 'name': 'ReadRows.rows', 'context': {'namespace': 'beam_taxi', 'step': 's1'}}

  def count() -> None:
    job.metrics = [{'name': name, 'scalar': 7}]

  time = Time(count, lambda: job.enter('JOB_STATE_DONE'))

  assert followed(dataflow, time).wait(time.sleep) == {'ReadRows.rows': 7}


def test_warnings_are_told_once_and_of_errors_the_last_line(
  dataflow: Dataflow, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
  job.say('starting workers')
  job.say('a worker is lost', 'JOB_MESSAGE_WARNING')
  job.say('Traceback (most recent call last):\n  File "x"\nValueError: bad', 'JOB_MESSAGE_ERROR')
  time = Time(lambda: None, lambda: job.enter('JOB_STATE_DONE'))

  with caplog.at_level(logging.WARNING, 'beam_taxi'):
    followed(dataflow, time).wait(time.sleep)

  told = [record.getMessage() for record in caplog.records]
  assert told == ['Dataflow: a worker is lost', 'Dataflow: ValueError: bad']


def test_of_a_failure_the_workers_own_traceback_is_given(dataflow: Dataflow, job: Job) -> None:
  job.say('Traceback (most recent call last):\nValueError: bad', 'JOB_MESSAGE_ERROR')
  job.say('Workflow failed. Causes: S01 failed.', 'JOB_MESSAGE_ERROR')
  job.enter('JOB_STATE_FAILED')

  with pytest.raises(JobFailedError, match='ValueError: bad'):
    followed(dataflow, Time()).wait(Time().sleep)


def test_the_cause_of_a_failure_is_waited_for(dataflow: Dataflow, job: Job) -> None:
  job.enter('JOB_STATE_FAILED')
  time = Time(lambda: None, lambda: job.say('no machines', 'JOB_MESSAGE_ERROR'))

  with pytest.raises(JobFailedError, match='^no machines$'):
    followed(dataflow, time).wait(time.sleep)
  assert time.now == 2


def test_a_failure_that_nobody_explains_is_one_all_the_same(dataflow: Dataflow, job: Job) -> None:
  job.enter('JOB_STATE_FAILED')

  with pytest.raises(JobFailedError, match='job-1 ended in state FAILED, and Dataflow does not say why'):
    followed(dataflow, Time()).wait(Time().sleep)


def test_a_canceled_job_is_told_apart(dataflow: Dataflow, job: Job) -> None:
  job.enter('JOB_STATE_CANCELLED')

  with pytest.raises(JobCanceledError):
    followed(dataflow, Time()).wait(Time().sleep)


def test_an_outage_of_the_service_is_waited_out(dataflow: Dataflow, job: Job, caplog: pytest.LogCaptureFixture) -> None:
  dataflow.failures += [(403, 'for a while')] * 3
  time = Time(*[lambda: None] * 3, lambda: job.enter('JOB_STATE_DONE'))

  followed(dataflow, time).wait(time.sleep)

  assert caplog.text.count('the job may go on, and is asked for again') == 1


def test_how_a_job_ended_is_known_without_its_messages_and_metrics(
  dataflow: Dataflow, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
  def refuse(*_: object) -> None:
    raise UserError('Dataflow answered with HTTP status 403: no')

  monkeypatch.setattr(DataflowService, 'messages', refuse)
  monkeypatch.setattr(DataflowService, 'metrics', refuse)
  job.enter('JOB_STATE_DONE')

  assert followed(dataflow, Time()).wait(Time().sleep) == {}
  job.enter('JOB_STATE_FAILED')
  with pytest.raises(JobFailedError, match='ended in state FAILED, and Dataflow does not say why'):
    followed(dataflow, Time()).wait(Time().sleep)


def test_a_service_that_stays_away_loses_the_job_and_does_not_fail_it(dataflow: Dataflow, job: Job) -> None:
  dataflow.failures += [(403, 'for good')] * 1000
  time = Time()

  with pytest.raises(JobLostError, match='for good'):
    followed(dataflow, time).wait(time.sleep)
  assert time.now > following._LONGEST_OUTAGE_S
