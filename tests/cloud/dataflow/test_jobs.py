"""Whether a run's job goes on, by what Dataflow says."""

import pytest

from beam_taxi.cloud.dataflow.jobs import is_job_alive
from beam_taxi.cloud.rehearsal.dataflow_service import Dataflow, Job
from beam_taxi.errors import UserError

PROPERTIES = {'job_id': 'job-1', 'project': 'p', 'region': 'r'}

STATES = {
  'JOB_STATE_PENDING': True,
  'JOB_STATE_RUNNING': True,
  'JOB_STATE_CANCELLING': True,
  'JOB_STATE_DRAINING': True,
  'JOB_STATE_DONE': False,
  'JOB_STATE_FAILED': False,
  'JOB_STATE_CANCELLED': False,
  'JOB_STATE_DRAINED': False,
}


@pytest.mark.parametrize(('state', 'alive'), STATES.items(), ids=STATES)
def test_a_job_is_alive_until_it_is_at_its_end(dataflow: Dataflow, state: str, alive: bool) -> None:
  dataflow.jobs['p', 'r', 'job-1'] = Job({'id': 'job-1', 'currentState': state})

  assert is_job_alive(PROPERTIES, dataflow.beam_args) is alive


def test_a_job_that_dataflow_does_not_know_is_neither(dataflow: Dataflow) -> None:
  with pytest.raises(UserError, match='job other of project p in r: Dataflow answered with HTTP status 404'):
    is_job_alive({**PROPERTIES, 'job_id': 'other'}, dataflow.beam_args)
