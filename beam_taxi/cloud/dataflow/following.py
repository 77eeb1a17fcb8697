"""Following a job to its end: its state, what it has counted, what it says, and why it failed."""

import logging
import time
from collections.abc import Callable

from beam_taxi.cloud.dataflow.jobs import ENDED, state_of
from beam_taxi.cloud.dataflow.service import DataflowService
from beam_taxi.cloud.job import JobCanceledError, JobFailedError, JobLostError
from beam_taxi.errors import UserError

_LOG = logging.getLogger(__name__)

# Between two looks at a job: often at first, then seldom enough for the service's quota of reads.
_SHORTEST_S, _LONGEST_S = 0.5, 10.0
_GROWTH = 1.1
# The cause of a failure may be told some time after the state. (Beam's own client waits 50 s for it.)
_PATIENCE_S = 30
# So long the service may be out of reach. The job goes on meanwhile.
_LONGEST_OUTAGE_S = 900


class FollowedJob:
  """One job, which another thread may ask how it is."""

  def __init__(self, service: DataflowService, job_id: str, clock: Callable[[], float] = time.monotonic):
    self.id = job_id
    self.state = ''
    self.counters: dict[str, int] = {}
    self._service = service
    self._clock = clock
    self._last_time = ''
    self._said: set[str] = set()

  def stage(self) -> str:
    """How it is, as in 'job is running'."""
    return f'job is {self.state.lower() or "submitted"}'

  def counted(self, name: str) -> int:
    """What its workers have counted so far under STEP.NAME."""
    return self.counters.get(name, 0)

  def wait(self, sleep: Callable[[float], None] = time.sleep) -> dict[str, int]:
    """Waits for the job's end; what it counted, by STEP.NAME.

    Raises:
      JobFailedError, JobCanceledError: it ended in another way.
      JobLostError: Dataflow does not answer any more.
    """
    pause, answered = _SHORTEST_S, self._clock()
    while True:
      try:
        self._look()
        answered = self._clock()
        if self.state in ENDED:
          break
      except UserError as error:
        if self._clock() - answered > _LONGEST_OUTAGE_S:
          raise JobLostError(str(error)) from error
        self._warn(f'{error}; the job may go on, and is asked for again')
      sleep(pause)
      pause = min(pause * _GROWTH, _LONGEST_S)
    if self.state == 'CANCELLED':
      raise JobCanceledError(f'the job {self.id} was canceled')
    if self.state != 'DONE':
      raise JobFailedError(self._why(sleep))
    return self.counters

  def cancel(self) -> None:
    """Has it end without its result."""
    self._service.cancel(self.id)

  def _look(self) -> None:
    self.state = state_of(self._service.job(self.id))
    try:
      self._tell()
      self.counters = self._service.metrics(self.id)
    except UserError as error:  # How the job is, is known without.
      self._warn(str(error))

  def _warn(self, text: str) -> None:
    """Says once what is said each time."""
    if text not in self._said:
      self._said.add(text)
      _LOG.warning('%s', text)

  def _tell(self) -> None:
    """Logs warnings and errors that are new. The service gives again what was said at the very time asked for."""
    for message in self._service.messages(self.id, self._last_time, 'JOB_MESSAGE_WARNING'):
      if message['id'] not in self._said:
        self._said.add(message['id'])
        text = message['messageText'].strip()
        is_error = message['messageImportance'] == 'JOB_MESSAGE_ERROR'
        # An error's traceback is told once, in the end.
        _LOG.warning('Dataflow: %s', text.splitlines()[-1] if is_error else text)
      self._last_time = max(self._last_time, message['time'])

  def _why(self, sleep: Callable[[float], None]) -> str:
    """What was said of the failure: the workers' own traceback, where there is one."""
    for _ in range(_PATIENCE_S):
      try:
        errors = [text['messageText'] for text in self._service.messages(self.id, '', 'JOB_MESSAGE_ERROR')]
      except UserError as error:
        self._warn(str(error))
        break
      if errors:
        tracebacks = [text for text in errors if 'Traceback' in text]
        return str((tracebacks or errors)[-1])
      sleep(1)
    return f'the job {self.id} ended in state {self.state}, and Dataflow does not say why'
