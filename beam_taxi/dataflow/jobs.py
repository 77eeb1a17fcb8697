"""A Dataflow job, as its run records it and as `reconcile` asks for it."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi.artifacts import Value
from beam_taxi.errors import UserError

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
  from apache_beam.runners.dataflow.internal.apiclient import DataflowApplicationClient

  names = [f'--{name}={properties[name]}' for name in ('project', 'region')]
  options = PipelineOptions([*beam_args, *names, '--temp_location=gs://unused/temp'])
  try:
    # Asked once: Beam itself would ask for minutes, even about a job that there is not.
    job = DataflowApplicationClient.get_job.__wrapped__(DataflowApplicationClient(options), properties['job_id'])
  except Exception as error:  # The client raises many kinds.
    raise UserError(
      f'job {properties["job_id"]} of project {properties["project"]}: Dataflow does not say how it is '
      f'({_cause(error)})'
    ) from error
  state = str(job.currentState).removeprefix('JOB_STATE_')
  return state not in _ENDED


def _cause(error: Exception) -> str:
  """What Dataflow answered, without the headers of the answer."""
  status = getattr(error, 'status_code', None)
  return f'HTTP status {status}' if status else textwrap.shorten(str(error), 200)
