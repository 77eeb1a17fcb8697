"""Flink's REST API: what a cluster has, how a job is, and the end of one.

Beam's job server tells only what its own thread knows: a job that it calls CANCELLED may go on in the cluster. Answers
are as Flink documents them (Ops, REST API), the same from 1.17 to 2.2 where they are read here.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests

from beam_taxi.errors import UserError, on_one_line

# To connect, and between two pieces of an answer.
_TIMEOUT_S = (5, 10)

# States that a job leaves no more. (Source: Flink's JobStatus; SUSPENDED is one, but another job manager may take it.)
ENDED = ('FINISHED', 'CANCELED', 'FAILED')

# Between a cancelation and the job's end; tasks get 180 s to come to theirs (task.cancellation.timeout).
_LONGEST_CANCELATION_S = 60
_PAUSE_S = 0.5


class FlinkRest:
  """One cluster. Every method raises UserError where it refuses or does not answer."""

  def __init__(self, address: str):
    """Connects to nothing yet. `address` is as in 'http://host:8081'."""
    self.address = address

  def overview(self) -> dict[str, Any]:
    """'flink-version', 'taskmanagers', 'slots-total', 'slots-available', ..."""
    return dict(self._ask('GET', '/overview'))

  def settings(self) -> dict[str, str]:
    """The job manager's configuration, by key."""
    return {each['key']: each['value'] for each in self._ask('GET', '/jobmanager/config')}

  def task_managers(self) -> list[dict[str, Any]]:
    """'id', 'slotsNumber', 'memoryConfiguration' (in bytes) and more of each."""
    return list(self._ask('GET', '/taskmanagers')['taskmanagers'])

  def jobs_named(self, name: str) -> list[dict[str, Any]]:
    """'jid', 'state', 'start-time' in milliseconds and 'tasks' of the jobs of this name, the newest first.

    Those that have ended are listed for an hour (jobstore.expiration-time), those that go on always.
    """
    jobs = [job for job in self._ask('GET', '/jobs/overview')['jobs'] if job['name'] == name]
    return sorted(jobs, key=lambda job: -int(job['start-time']))

  def why_failed(self, jid: str) -> str:
    """The stack trace of what made a job fail; '' where Flink has none."""
    told = self._ask('GET', f'/jobs/{jid}/exceptions')
    entries = told.get('exceptionHistory', {}).get('entries') or [{}]
    return str(entries[0].get('stacktrace') or told.get('root-exception') or '')

  def cancel(self, jid: str, sleep: Callable[[float], None] = time.sleep) -> str:
    """Has a job end, and waits for that within bounds; the state that it is in then."""
    self._ask('PATCH', f'/jobs/{jid}', params={'mode': 'cancel'})
    deadline = time.monotonic() + _LONGEST_CANCELATION_S
    while (state := str(self._ask('GET', f'/jobs/{jid}')['state'])) not in ENDED and time.monotonic() < deadline:
      sleep(_PAUSE_S)
    return state

  def _ask(self, method: str, path: str, **words: Any) -> Any:
    try:
      answer = requests.request(method, self.address + path, timeout=_TIMEOUT_S, **words)
      if not answer.ok:
        raise UserError(f'--flink_master {self.address}: {method} {path} is answered with {_refusal(answer)}')
      return answer.json()
    except requests.JSONDecodeError as error:
      raise UserError(f'--flink_master {self.address}: is not Flink; give HOST:PORT of its REST API') from error
    except requests.RequestException as error:
      why = f'does not answer ({_cause(error)})'
      raise UserError(
        f'--flink_master {self.address}: {why}; start Flink, or give HOST:PORT of its REST API'
      ) from error


def task_counts(job: Mapping[str, Any]) -> tuple[int, int]:
  """How many of a job's tasks are finished, and how many there are, of what jobs_named gave."""
  tasks = job.get('tasks', {})
  return int(tasks.get('finished', 0)), int(tasks.get('total', 0))


def _refusal(answer: requests.Response) -> str:
  """An error as Flink tells it: {"errors": [WHAT, STACK TRACE]}."""
  try:
    errors: Sequence[str] = answer.json().get('errors', [])
  except (ValueError, AttributeError):
    errors = []
  return f'HTTP status {answer.status_code}: {on_one_line(str(next(iter(errors), answer.reason)))[:300]}'


def _cause(error: BaseException) -> str:
  """What went wrong at first; the errors around it say it again, with addresses of objects."""
  while within := error.__cause__ or error.__context__:
    error = within
  return on_one_line(str(error) or type(error).__name__)[:200]
