"""What is done to the record of a run, and what happens where its store cannot be had any more."""

import dataclasses
import logging
import secrets
from collections.abc import Mapping

import ml_metadata as mlmd

from beam_taxi.artifacts.listing import Listing
from beam_taxi.artifacts.manifest import Manifest, RunFolder, Value, read_manifest
from beam_taxi.errors import MishapError, UserError
from beam_taxi.metadata.attempts import mishaps_of_store
from beam_taxi.metadata.recording import (
  RecordedRun,
  record_failure,
  record_manifest,
  record_properties,
  record_reuse,
  record_start,
)
from beam_taxi.metadata.runs import Run, artifacts_of, runs_that_read
from beam_taxi.metadata.store import connect
from beam_taxi.metadata.uri import NO_STORE
from beam_taxi.record.reuse import cache_key, fingerprint_of_input, is_whole
from beam_taxi.settings.config import RunConfig

_LOG = logging.getLogger(__name__)


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
      except (UserError, MishapError, mlmd.errors.StatusError) as lost:
        _LOG.warning('%s could not be recorded into %s: %s', ', '.join(properties), self.uri, lost)

  def fail(self, error: str, *, canceled: bool = False) -> str:
    """Records the failure, and says as what the run is recorded then: a lost store must not hide what failed."""
    if not self._records:
      return 'is not recorded'
    try:
      state = record_failure(connect(self.uri), self._run, error, canceled=canceled)
    except (UserError, MishapError, mlmd.errors.StatusError) as lost:
      _LOG.warning('the failure could not be recorded into %s: %s', self.uri, lost)
      return f'could not be recorded as {"CANCELED" if canceled else "FAILED"}'
    return f'is recorded as {state}'

  def complete(self, manifest: Manifest, measured: Mapping[str, Value]) -> dict[str, int]:
    """Records the run as complete; the artifacts' ids, by key."""
    return record_manifest(self.uri, manifest, self._run.folder, measured) if self._records else {}

  @mishaps_of_store()
  def reuse(self, config: RunConfig, listing: Listing, properties: Mapping[str, Value]) -> Reused | None:
    """Looks for an earlier run that made the same, all of which is still there; records that this one takes it."""
    store = connect(self.uri)
    fingerprint = fingerprint_of_input(listing)
    for earlier in runs_that_read(store, fingerprint, cache_key(config, fingerprint)):
      if manifest := _still_there(store, earlier):
        ids = record_reuse(store, self._run, manifest, properties)
        return Reused(manifest, RunFolder(earlier.folder), ids)
    return None


def _still_there(store: mlmd.MetadataStore, run: Run) -> Manifest | None:
  """The run's manifest, where all that it made is there, by the store and by the files."""
  if not all(artifact.state == 'LIVE' for artifact in artifacts_of(store, run)):
    return None
  try:
    manifest = read_manifest(RunFolder(run.folder))
    return manifest if manifest and manifest.run_id == run.run_id and is_whole(manifest) else None
  except Exception as error:  # File systems of clouds raise many kinds.
    _LOG.warning('%s is not taken: what it made cannot be read (%s)', run.run_id, error)
    return None


def refused_id(run_id: str) -> str:
  """An id for a run that was refused the one that it asked for, which may be another run's."""
  return f'{run_id}.refused-{secrets.token_hex(2)}'
