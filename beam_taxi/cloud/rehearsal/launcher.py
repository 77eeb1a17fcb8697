"""The launcher of flex templates: runs the pipeline's command, and gives the job that it makes."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

from google.cloud import storage

from beam_taxi.cloud.rehearsal.cloud_storage import blob_of, exists
from beam_taxi.cloud.rehearsal.dataflow_service import RefusalError
from beam_taxi.runners.shipping import package_flag

# Fields of a launch's environment, and the options of Beam that the launcher makes of them.
# (Source: Dataflow's REST reference, FlexTemplateRuntimeEnvironment.)
_OPTIONS = {
  'tempLocation': 'temp_location',
  'stagingLocation': 'staging_location',
  'numWorkers': 'num_workers',
  'maxWorkers': 'max_num_workers',
  'machineType': 'machine_type',
  'serviceAccountEmail': 'service_account_email',
  'network': 'network',
  'subnetwork': 'subnetwork',
  'sdkContainerImage': 'sdk_container_image',
}


class Launcher:
  """Launches templates. It cannot run their image, and takes this Python and its packages instead."""

  def __init__(self, buckets: storage.Client, environment: Mapping[str, str]):
    self._buckets = buckets
    self._environment = dict(environment)

  def launch(self, place: Mapping[str, Any], parameter: Mapping[str, Any]) -> dict[str, Any]:
    """Runs the command until it has written its job, and gives that.

    Args:
      place: the 'project' and 'region' of the launch.
      parameter: a LaunchFlexTemplateParameter.

    Raises:
      RefusalError: the template or a parameter is wrong, or the command fails.
    """
    spec = self._read(str(parameter.get('containerSpecGcsPath', '')))
    given = {name: str(value) for name, value in parameter.get('parameters', {}).items()}
    _check(given, spec.get('metadata', {}).get('parameters', []))
    runtime = {**spec.get('defaultEnvironment', {}), **parameter.get('environment', {})}
    if 'tempLocation' not in runtime:
      raise RefusalError(400, 'The launch has no tempLocation.')
    # A template's graph goes where the service looks for it.
    graph = f'{runtime["tempLocation"]}/launch/{parameter["jobName"]}/job_object'
    options = {
      'runner': 'DataflowRunner',
      'project': place['project'],
      'region': place['region'],
      'job_name': parameter['jobName'],
      'template_location': graph,
      **{option: runtime[field] for field, option in _OPTIONS.items() if field in runtime},
      **given,
      # What the image would bring has to be shipped.
      **dict([package_flag()]),
    }
    command = [sys.executable, '-m', 'beam_taxi', *(f'--{name}={value}' for name, value in options.items())]
    with tempfile.TemporaryDirectory(prefix='launcher_') as folder:
      done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self._environment, cwd=folder
      )
    if done.returncode:
      raise RefusalError(400, f'The launcher ended with status {done.returncode}: {done.stderr.strip()}')
    return self._read(graph)

  def _read(self, uri: str) -> dict[str, Any]:
    if not exists(self._buckets, uri):
      raise RefusalError(404, f'{uri!r}: there is no such object.')
    return dict(json.loads(blob_of(self._buckets, uri).download_as_bytes()))


def _check(given: Mapping[str, str], parameters: list[Mapping[str, Any]]) -> None:
  """Refuses what the template's metadata does: unknown parameters, missing ones, and wrong values."""
  known = {parameter['name']: parameter for parameter in parameters}
  if unknown := sorted(given.keys() - known.keys()):
    raise RefusalError(400, f'The template parameters are invalid. Details: {unknown[0]}: Unrecognized parameter')
  for name, parameter in known.items():
    if name not in given:
      if not parameter.get('isOptional'):
        raise RefusalError(400, f'The template parameters are invalid. Details: {name}: Missing required parameter')
      continue
    for pattern in parameter.get('regexes', []):
      if not re.fullmatch(pattern, given[name]):
        raise RefusalError(400, f'The template parameters are invalid. Details: {name}: Unmatched regex {pattern}')
