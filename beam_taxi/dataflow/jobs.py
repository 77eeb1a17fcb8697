"""A Dataflow job, as its run records it and as `reconcile` asks for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi.artifacts import Value

# States that a job leaves no more. (Source: Dataflow's REST reference, projects.jobs, JobState.)
_ENDED = ('DONE', 'FAILED', 'CANCELLED', 'UPDATED', 'DRAINED')


def job_properties(result: Any, options: Any) -> dict[str, Value]:
  """What a run records of its job: 'job_id', 'job_link', 'project' and 'region'; nothing where it is no such job.

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
  return {'job_id': job, 'job_link': link, 'project': cloud.project or '', 'region': cloud.region or ''}


def is_job_alive(properties: Mapping[str, Value], beam_args: Sequence[str]) -> bool:
  """Whether the job of a run is not at its end.

  Args:
    properties: the run's, with what job_properties gave.
    beam_args: Beam's arguments, such as those for credentials.

  Raises:
    UserError: Dataflow does not say.
  """
  from apache_beam.options.pipeline_options import PipelineOptions

  from beam_taxi.dataflow.service import DataflowService

  names = [f'--{name}={properties[name]}' for name in ('project', 'region')]
  job = DataflowService(PipelineOptions([*beam_args, *names])).job(str(properties['job_id']))
  # A field that has its default is left out of the JSON.
  state = job.get('currentState', 'JOB_STATE_UNKNOWN').removeprefix('JOB_STATE_')
  return state not in _ENDED
