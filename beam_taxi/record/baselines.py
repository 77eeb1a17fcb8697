"""Which earlier run's statistics a run is compared with."""

import dataclasses
import logging

from beam_taxi import storage
from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.errors import UserError
from beam_taxi.inputs.matching import absolute
from beam_taxi.metadata.recording import ACCEPTED_BY
from beam_taxi.metadata.runs import Run, find_run, list_runs
from beam_taxi.metadata.store import connect
from beam_taxi.metadata.uri import NO_STORE
from beam_taxi.parsing import NAME
from beam_taxi.settings.config import RunConfig

_LOG = logging.getLogger(__name__)

LATEST = 'latest'


def with_baseline(config: RunConfig) -> RunConfig:
  """The settings with the folder of statistics that their baseline names.

  Of `latest` there may be none, as before the first run; that is said, and the run goes on without.

  Args:
    config: settings that have the store.

  Raises:
    UserError: there are no such run and no such path.
  """
  if not config.baseline:
    return config
  if config.baseline == LATEST:
    return dataclasses.replace(config, baseline=_latest(config))
  path = absolute(config.baseline)
  if NAME.fullmatch(config.baseline) and not storage.exists(path):
    return dataclasses.replace(config, baseline=_of_run(config))
  run = RunFolder(path)
  return dataclasses.replace(config, baseline=run.statistics if storage.exists(run.manifest) else path)


def is_usable(run: Run) -> bool:
  """Whether a run can be compared with: it is complete, and its data is right, or accepted."""
  return run.state == 'COMPLETE' and (run.properties.get('verdict') != 'error' or ACCEPTED_BY in run.properties)


def baseline_name(path: str) -> str:
  """What to call statistics: by the run, where its folder has them."""
  folder, _, last = path.rstrip('/').rpartition('/')
  return f'run {folder.rpartition("/")[2]}' if last == 'statistics' else path


def _latest(config: RunConfig) -> str:
  if config.metadata == NO_STORE:
    raise UserError('--baseline latest: the last run is found in a metadata store: give one with --metadata')
  for run in list_runs(connect(config.metadata), state='COMPLETE'):
    if run.run_id != config.run_id and run.pipeline_name == config.pipeline_name and is_usable(run):
      return RunFolder(run.folder).statistics
  _LOG.warning('--baseline latest: there is no earlier run of %s to compare with', config.pipeline_name)
  return ''


def _of_run(config: RunConfig) -> str:
  folder = RunFolder.of(config.output, config.baseline)
  if storage.exists(folder.manifest):
    return folder.statistics
  if config.metadata == NO_STORE:
    raise UserError(f'--baseline {config.baseline}: there is no such run in {config.output}, and no such path')
  return RunFolder(find_run(connect(config.metadata), config.baseline).folder).statistics
