"""A portable runner's job, as its run records it and as `reconcile` asks for it."""

import socket
import urllib.parse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from beam_taxi.artifacts.manifest import Value
from beam_taxi.errors import UserError, hide_secrets

if TYPE_CHECKING:
  from apache_beam.options.pipeline_options import PipelineOptions
  from apache_beam.runners.runner import PipelineRunner

# The environment whose workers are threads of the command's process.
LOOPBACK = 'LOOPBACK'

_CLOCKS_DIFFER_S = 300
_THIS_MACHINE = ('localhost', '127.0.0.1', '::1')


def planned_job(runner: 'PipelineRunner', options: 'PipelineOptions') -> dict[str, Value]:
  """What a run records of its job before there is one.

  It is 'job_name', 'environment_type' and, where known, 'job_endpoint' and 'flink_master', without a password.
  """
  from apache_beam.options.pipeline_options import GoogleCloudOptions

  from beam_taxi.cloud.portable.job_service import endpoint_of
  from beam_taxi.runners.options import flink_address, worker_environment

  known: dict[str, Value] = {
    'job_name': options.view_as(GoogleCloudOptions).job_name or '',
    'environment_type': worker_environment(runner, options),
    'job_endpoint': endpoint_of(options),
    'flink_master': flink_address(options),
  }
  return {key: hide_secrets(str(value)) for key, value in known.items() if value}


def is_portable_job(properties: Mapping[str, Value]) -> bool:
  """Whether a run's properties say whom to ask about a portable runner's job, which is not this machine's own."""
  asks = properties.get('flink_master') or properties.get('job_endpoint')
  return bool(asks) and properties.get('environment_type') != LOOPBACK


def is_job_alive(properties: Mapping[str, Value]) -> bool | None:
  """Whether the job of a run goes on, by what Flink says and, where it lists none, by its job service.

  Args:
    properties: the run's, with what planned_job gave, 'job_id' and 'started'.

  Returns:
    None where there is nobody to ask: what the run had on its own machine cannot be asked from another.

  Raises:
    UserError: nobody says.
  """
  from beam_taxi.cloud.portable import job_service
  from beam_taxi.cloud.portable.flink_rest import ENDED, FlinkRest

  flink, endpoint = str(properties.get('flink_master', '')), str(properties.get('job_endpoint', ''))
  job_id = str(properties.get('job_id', ''))
  if properties.get('host') != socket.gethostname() and any(map(is_of_this_machine, filter(None, (flink, endpoint)))):
    return None
  if flink:
    since = 1000 * (float(properties.get('started', 0)) - _CLOCKS_DIFFER_S)
    found = [job for job in FlinkRest(flink).jobs_named(str(properties['job_name'])) if job['start-time'] >= since]
    if found:
      return any(job['state'] not in ENDED for job in found)
  if not endpoint or not job_id:
    # Flink lists each job that goes on.
    return False if flink else None
  try:
    state = job_service.state_of(endpoint, job_id)
  except UserError:
    if flink:
      return False
    raise
  if state == job_service.CANCELED and not flink:
    raise UserError(
      f'the job service at {endpoint} says that job {job_id} was canceled, and not whether its workers have stopped; '
      'once they have, settle it by --force'
    )
  return state not in (*job_service.ENDED, job_service.CANCELED)


def is_of_this_machine(address: str) -> bool:
  """Whether a URL, or HOST:PORT, names the machine that reads it."""
  return urllib.parse.urlsplit(address if '://' in address else f'//{address}').hostname in _THIS_MACHINE
