"""A Dataflow job, as its run records it and as `reconcile` asks for it."""

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi.artifacts.manifest import Value

# States that a job leaves no more. (Source: Dataflow's REST reference, projects.jobs, JobState.)
ENDED = ('DONE', 'FAILED', 'CANCELLED', 'UPDATED', 'DRAINED')

# Source: the same, projects.jobs, Job.name; the console shows no more of longer names.
_LONGEST_NAME = 63

# By so much a machine's clock may be ahead of the service's.
_CLOCKS_DIFFER_S = 300


def job_name(run_id: str) -> str:
  """The name of a run's job, where the user gives none."""
  name = re.sub('[^a-z0-9]+', '-', f'beam-taxi-{run_id}'.lower())
  return name[:_LONGEST_NAME].strip('-')


def name_job(options: Any, run_id: str) -> None:
  """Names a run's job after it, where the user gave no name, so that each can be found by the other.

  Args:
    options: PipelineOptions of a run on Dataflow or of a portable runner.
    run_id: the run's.
  """
  from apache_beam.options.pipeline_options import GoogleCloudOptions

  cloud = options.view_as(GoogleCloudOptions)
  cloud.job_name = cloud.job_name or job_name(run_id)


def planned_job(options: Any) -> dict[str, Value]:
  """What a run records of its job before there is one, so that it can be found: 'job_name', 'project' and 'region'.

  Args:
    options: PipelineOptions of a run on Dataflow.
  """
  from apache_beam.options.pipeline_options import GoogleCloudOptions

  cloud = options.view_as(GoogleCloudOptions)
  return {'job_name': cloud.job_name or '', 'project': cloud.project or '', 'region': cloud.region or ''}


def submitted_job(result: Any, options: Any) -> dict[str, Value]:
  """What a run records of its job once it is submitted: 'job_id' and 'job_link'; nothing where it is no such job.

  Args:
    result: what Pipeline.run returned.
    options: the PipelineOptions that it ran with.
  """
  from apache_beam.options.pipeline_options import GoogleCloudOptions
  from apache_beam.runners.dataflow.dataflow_runner import DataflowPipelineResult

  if not isinstance(result, DataflowPipelineResult) or not result.has_job:
    return {}
  cloud = options.view_as(GoogleCloudOptions)
  job = result.job_id()
  link = f'https://console.cloud.google.com/dataflow/jobs/{cloud.region}/{job}?project={cloud.project}'
  return {'job_id': job, 'job_link': link}


def state_of(job: Mapping[str, Any]) -> str:
  """A job's state, as in 'RUNNING'."""
  # A field that has its default is left out of the JSON.
  return str(job.get('currentState', 'JOB_STATE_UNKNOWN')).removeprefix('JOB_STATE_')


def is_job_alive(properties: Mapping[str, Value], beam_args: Sequence[str]) -> bool | None:
  """Whether the job of a run is not at its end; None where there is no job of it.

  Without the job's id, which nobody was left to record, jobs of its name that began after the run stand for it: of
  those that go on there is one at most.

  Args:
    properties: the run's, with what planned_job and submitted_job gave, and 'started'.
    beam_args: Beam's arguments, such as those for credentials.

  Raises:
    UserError: Dataflow does not say.
  """
  from apache_beam.options.pipeline_options import PipelineOptions

  from beam_taxi.cloud.dataflow.service import DataflowService

  names = [f'--{name}={properties[name]}' for name in ('project', 'region')]
  service = DataflowService(PipelineOptions([*beam_args, *names]))
  if properties.get('job_id'):
    return state_of(service.job(str(properties['job_id']))) not in ENDED
  began = [job for job in service.jobs_named(str(properties['job_name'])) if _created(job) >= _started(properties)]
  return any(state_of(job) not in ENDED for job in began) if began else None


def _created(job: Mapping[str, Any]) -> float:
  text = str(job.get('createTime', '')).replace('Z', '+00:00')
  # Python 3.10 reads three or six digits of a second, and the service writes any number.
  text = re.sub(r'\.\d+', '', text)
  return datetime.datetime.fromisoformat(text).timestamp() if text else math.inf


def _started(properties: Mapping[str, Value]) -> float:
  return math.floor(float(properties.get('started', 0))) - _CLOCKS_DIFFER_S
