"""Following a portable runner's job to its end, and ending it: what is asked, and whom to believe.

Beam's job service says how its own thread is that waits for the job. If it says DONE, the job is. If it says CANCELLED,
or cannot be reached any more, the job may go on, and of a job on Flink only Flink itself knows.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
from apache_beam.metrics import MetricsFilter
from apache_beam.runners.runner import PipelineState

from beam_taxi.cloud.job import JobCanceledError, JobFailedError, JobLostError
from beam_taxi.cloud.portable.flink_rest import ENDED, FlinkRest, task_counts
from beam_taxi.cloud.portable.job_service import CANCELED
from beam_taxi.errors import MishapError, UserError
from beam_taxi.runners.counters import NAMESPACE, counted_here

_LOG = logging.getLogger(__name__)

# Between two looks at a job.
_PAUSE_S = 2.0
# So long Flink may be out of reach. The job goes on meanwhile.
_LONGEST_OUTAGE_S = 900


class PortableJob:
  """One job, which another thread may ask how it is. It is made before it is submitted, for that may be interrupted."""

  def __init__(
    self,
    name: str,
    flink: FlinkRest | None,
    *,
    works_here: bool = False,
    ends_here: bool = False,
    service: str = '',
    clock: Callable[[], float] = time.monotonic,
  ):
    """Asks Flink, where it is known, which jobs of this name there have been; raises UserError where it is silent.

    Args:
      name: the job's, by which Flink lists it.
      flink: the cluster that it is on, where its REST API is known.
      works_here: whether its workers are of this process.
      ends_here: whether it ends with what this process has stopped or will stop.
      service: where its job service is, as a message names it.
      clock: tells seconds.
    """
    self.name = name
    self.id = ''
    self.state = ''
    self._flink = flink
    self._works_here = works_here
    self._ends_here = ends_here
    self._service = service or 'its job server'
    self._clock = clock
    self._earlier = {job['jid'] for job in flink.jobs_named(name)} if flink else set()
    self._tasks = (0, 0)
    self._result: Any = None
    self._is_over = threading.Event()

  def submitted(self, result: Any) -> None:
    """Tells of the job that Pipeline.run has made of it."""
    self._result = result
    self.id = str(getattr(result, '_job_id', '') or self.name)

  def stage(self) -> str:
    """How it is; on Flink with how many of its tasks are done."""
    done, of = self._tasks
    tasks = f', {done} of {of} tasks done' if of else ''
    return f'job is {self.state.lower() or "submitted"}{tasks}'

  def counted(self, name: str) -> int:
    """What workers of this process have counted. Those elsewhere tell only at the end."""
    return counted_here(name) if self._works_here else 0

  def wait(self, sleep: Callable[[float], None] = time.sleep) -> dict[str, int]:
    """Waits for the job's end; see Job."""
    threading.Thread(target=self._look, daemon=True).start()
    try:
      return self._end(sleep)
    finally:
      self._is_over.set()

  def cancel(self) -> None:
    """Has it end without its result, and waits for that within bounds, where anybody knows.

    Raises:
      UserError: nobody says that it has ended.
    """
    if self._flink:
      # Its job server, where there still is one, says so to whoever waits; of Flink it may know nothing.
      self._cancel_at_service()
      job = self._on_flink(self._flink)
      if job and job['state'] not in ENDED:
        job['state'] = self._flink.cancel(job['jid'])
      if job and job['state'] not in ENDED:
        raise UserError(f'Flink says that job {job["jid"]} is {job["state"]}')
      if not job and self._result:
        raise UserError(f'Flink at {self._flink.address} does not list {self.name} yet')
      return
    self._cancel_at_service()
    if self._result and not self._ends_here:
      raise UserError(f'{self._service} was asked to, and does not say whether workers have stopped')

  def _on_flink(self, flink: FlinkRest) -> dict[str, Any] | None:
    """The job as Flink lists it; None where it does not, or not yet."""
    return next((job for job in flink.jobs_named(self.name) if job['jid'] not in self._earlier), None)

  def _cancel_at_service(self) -> None:
    """Asks the job service, which may not answer any more, to end the job."""
    if self._result:
      asking = threading.Thread(target=_quietly, args=(self._result.cancel,), daemon=True)
      asking.start()
      # The call itself has no bounds.
      asking.join(10)

  def _end(self, sleep: Callable[[float], None]) -> dict[str, int]:
    """What it counted; or raises what became of it."""
    try:
      state = self._result.wait_until_finish()
    except grpc.RpcError as error:
      why = f'{self._service} does not answer any more ({error.code().name})'
      return self._end_on_flink(MishapError(why) if self._ends_here else JobLostError(why), sleep)
    except Exception as error:  # Beam says CANCELLED so as well.
      if f'in state {CANCELED}' not in str(error):
        return self._end_on_flink(error, sleep)
      state = CANCELED
    if state == CANCELED:
      why = f'{self._service} says that job {self.id} was canceled, and not whether its workers have stopped'
      return self._end_on_flink(JobLostError(why), sleep)
    if state not in (PipelineState.DONE, None):
      raise JobFailedError(f'the runner ended in state {state}')
    return counters_of(self._result)

  def _end_on_flink(self, otherwise: Exception, sleep: Callable[[float], None]) -> dict[str, int]:
    """The same by what Flink says, whatever the job service says; raises `otherwise` where Flink does not know the job.

    What was counted is known to the job service alone.
    """
    if not self._flink:
      raise otherwise
    answered, job = self._clock(), None
    while True:
      try:
        job = self._on_flink(self._flink)
        answered = self._clock()
        if not job or job['state'] in ENDED:
          break
      except UserError as error:
        if self._clock() - answered > _LONGEST_OUTAGE_S:
          raise JobLostError(str(error)) from error
      sleep(_PAUSE_S)
    if not job:
      raise otherwise
    if job['state'] == 'CANCELED':
      raise JobCanceledError(f'the job {self.name} was canceled')
    if job['state'] == 'FAILED':
      told = '' if isinstance(otherwise, JobLostError) else str(otherwise)
      raise JobFailedError('\n'.join(filter(None, (self._flink.why_failed(job['jid']), told)))) from otherwise
    return {}

  def _look(self) -> None:
    """Looks at the job now and then, until it is over."""
    while not self._is_over.is_set():
      try:
        job = self._on_flink(self._flink) if self._flink else None
        if job:
          self.state, self._tasks = job['state'], task_counts(job)
        else:
          self.state = self._result.state
      except Exception as error:  # That is for whoever waits for the job.
        _LOG.debug('%s', error)
      self._is_over.wait(_PAUSE_S)


def counters_of(result: Any) -> dict[str, int]:
  """What an ended job counted, by STEP.NAME. It is asked only then: the result keeps its first answer."""
  totals: dict[str, int] = {}
  for counter in result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))['counters']:
    # The results of portable runners have None for 0.
    totals[counter.key.metric.name] = totals.get(counter.key.metric.name, 0) + (counter.result or 0)
  return totals


def _quietly(call: Callable[[], Any]) -> None:
  try:
    call()
  except Exception as error:  # It is asked as well as may be.
    _LOG.debug('%s', error)
