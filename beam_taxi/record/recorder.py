"""Who records a run and where, what it does to its record, and what it does where the store cannot be had any more."""

import dataclasses
import logging
import secrets
from collections.abc import Mapping

import ml_metadata as mlmd
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.runners.runner import PipelineRunner

from beam_taxi.artifacts.manifest import Manifest, RunFolder, Value, read_manifest
from beam_taxi.errors import UserError
from beam_taxi.metadata.recording import (
  RecordedRun,
  record_failure,
  record_manifest,
  record_properties,
  record_reuse,
  record_start,
)
from beam_taxi.metadata.runs import Run, artifacts_of, find_run, runs_that_read
from beam_taxi.metadata.store import connect
from beam_taxi.metadata.uri import NO_STORE, only_of_this_machine, parse_uri, store_uri
from beam_taxi.record.reuse import cache_key, fingerprint_of_input, is_whole
from beam_taxi.runners.options import is_rehearsed, is_waited_for, runs_here
from beam_taxi.settings.config import RunConfig

_LOG = logging.getLogger(__name__)


def with_record(config: RunConfig, runner: PipelineRunner, options: PipelineOptions) -> RunConfig:
  """The settings with the store that is recorded into, and with who records the end.

  Raises:
    UserError: who should record it cannot.
  """
  uri = NO_STORE if config.record == 'manifest' else store_uri(config.metadata, config.output)
  is_template = bool(options.view_as(GoogleCloudOptions).template_location) and not runs_here(runner)
  waited = is_waited_for(runner, options, config.no_wait)
  # A command that does not wait lives on where its store is, and can settle the run later; a launcher does not.
  own = uri != NO_STORE and not is_template and only_of_this_machine(parse_uri(uri), is_rehearsed())
  record = config.record or ('driver' if waited or uri == NO_STORE or own else 'graph')
  if is_template and record == 'driver' and uri != NO_STORE:
    raise UserError(
      '--record driver: whoever writes a template is gone when its job ends; give --record graph, or manifest and '
      'record it later'
    )
  if config.cache and uri == NO_STORE:
    raise UserError(
      '--cache finds earlier runs in a metadata store: give one with --metadata, and not --record manifest'
    )
  if record == 'graph':
    if uri == NO_STORE:
      raise UserError('--record graph records into a metadata store: give one with --metadata')
    what = '' if runs_here(runner) else only_of_this_machine(parse_uri(uri), is_rehearsed())
    if what:
      raise UserError(
        f'--metadata {uri}: workers of another machine cannot reach {what} of this one, and with --record graph one of '
        'them records; give a server that they reach and ?password_secret=projects/PROJECT/secrets/NAME, or --record '
        'driver'
      )
  return dataclasses.replace(config, metadata=uri, record=record)


@dataclasses.dataclass(frozen=True)
class Reused:
  """What an earlier run made and where it is, and the ids of its artifacts, by key."""

  manifest: Manifest
  folder: RunFolder
  ids: Mapping[str, int]


class Recorder:
  """Records one run into a store, or nowhere. Each time it connects anew: a run may outlast a connection."""

  def __init__(self, uri: str, run: RecordedRun):
    """Raises UserError where the store cannot be opened."""
    self.uri = uri
    self._run = run
    if self._records:
      connect(uri)

  @property
  def _records(self) -> bool:
    return self.uri != NO_STORE

  def start(self, properties: Mapping[str, Value]) -> UserError | None:
    """Records the start; where the store refuses the run's id, under another id, and returns why."""
    if not self._records:
      return None
    store = connect(self.uri)
    try:
      record_start(store, self._run, properties)
    except UserError as taken:
      self._run = dataclasses.replace(self._run, run_id=refused_id(self._run.run_id))
      record_start(store, self._run, properties)
      return taken
    return None

  def note(self, properties: Mapping[str, Value]) -> None:
    """Records what has become known since; a store that is lost is said, and does not end the run."""
    if self._records and properties:
      try:
        record_properties(connect(self.uri), self._run, properties)
      except (UserError, mlmd.errors.StatusError) as lost:
        _LOG.warning('%s could not be recorded into %s: %s', ', '.join(properties), self.uri, lost)

  def fail(self, error: str, *, canceled: bool = False) -> str:
    """Records the failure, and says whether it is recorded: a lost store must not hide what failed."""
    if not self._records:
      return 'is not recorded'
    state = 'CANCELED' if canceled else 'FAILED'
    try:
      record_failure(connect(self.uri), self._run, error, canceled=canceled)
    except (UserError, mlmd.errors.StatusError) as lost:
      _LOG.warning('the failure could not be recorded into %s: %s', self.uri, lost)
      return f'could not be recorded as {state}'
    return f'is recorded as {state}'

  def complete(self, manifest: Manifest, measured: Mapping[str, Value]) -> dict[str, int]:
    """Records the run as complete; the artifacts' ids, by key."""
    return record_manifest(self.uri, manifest, self._run.folder, measured) if self._records else {}

  def completed(self) -> dict[str, int]:
    """The artifacts' ids of a run that another recorded as complete."""
    store = connect(self.uri)
    return {artifact.key: artifact.id for artifact in artifacts_of(store, find_run(store, self._run.run_id))}

  def reuse(self, config: RunConfig, properties: Mapping[str, Value]) -> Reused | None:
    """Looks for an earlier run that made the same, all of which is still there; records that this one takes it."""
    store = connect(self.uri)
    fingerprint = fingerprint_of_input(config)
    for earlier in runs_that_read(store, fingerprint, cache_key(config, fingerprint)):
      if manifest := _still_there(store, earlier):
        ids = record_reuse(store, self._run, manifest, properties)
        return Reused(manifest, RunFolder(earlier.folder), ids)
    return None


def _still_there(store: mlmd.MetadataStore, run: Run) -> Manifest | None:
  """The run's manifest, where all that it made is there, by the store and by the files."""
  try:
    manifest = read_manifest(RunFolder(run.folder))
  except UserError:
    return None
  live = all(artifact.state == 'LIVE' for artifact in artifacts_of(store, run))
  return manifest if manifest and manifest.run_id == run.run_id and live and is_whole(manifest) else None


def refused_id(run_id: str) -> str:
  """An id for a run that was refused the one that it asked for, which may be another run's."""
  return f'{run_id}.refused-{secrets.token_hex(2)}'
