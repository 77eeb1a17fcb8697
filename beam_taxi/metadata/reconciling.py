"""Settling runs that are RUNNING by their record and are not, because nobody was left to record their end."""

import dataclasses
from collections.abc import Callable, Mapping

import ml_metadata as mlmd

from beam_taxi.artifacts.manifest import RunFolder, Value, read_manifest
from beam_taxi.errors import UserError
from beam_taxi.metadata.recording import record_completion, record_failure
from beam_taxi.metadata.runs import Run, unfinished
from beam_taxi.process.provenance import is_local_runner


@dataclasses.dataclass(frozen=True)
class Settlement:
  """What became of a run: its state now, and why."""

  run: Run
  state: str
  why: str


# Whether a run goes on, by its properties: None where this cannot be known from here.
Alive = Callable[[Mapping[str, Value]], bool | None]


def reconcile(store: mlmd.MetadataStore, alive: Alive, *, force: bool = False) -> list[Settlement]:
  """Settles every run that is RUNNING by its record.

  Whether it goes on is asked before its manifest is looked for: who is dead by then writes none any more.

  Args:
    store: an open store.
    alive: says whether a run goes on.
    force: takes a run for ended of which nobody knows.
  """
  return [_settle(store, run, alive, force) for run in unfinished(store)]


def _settle(store: mlmd.MetadataStore, run: Run, alive: Alive, force: bool) -> Settlement:
  try:
    going_on = alive(run.properties)
  except UserError as error:
    if not force:
      return Settlement(run, run.state, str(error))
    going_on = None
  if going_on:
    return Settlement(run, run.state, 'goes on')
  try:
    manifest = read_manifest(RunFolder(run.folder))
  except (UserError, OSError) as error:
    return Settlement(run, run.state, f'its manifest cannot be read ({error})')
  if manifest:
    started = run.started.timestamp()
    record_completion(store, run.recorded, manifest, {'seconds': manifest.finished - started})
    return Settlement(run, 'COMPLETE', 'it has a manifest')
  if going_on is None and not force:
    return Settlement(run, run.state, _unknown(run.properties))
  why = (
    'its process is gone, and there is no manifest' if going_on is False else 'nobody knows of it; settled by --force'
  )
  if 'job_id' in run.properties and going_on is False:
    why = f'its job {run.properties["job_id"]} has ended, and there is no manifest'
  record_failure(store, run.recorded, why)
  return Settlement(run, 'FAILED', why)


def _unknown(properties: Mapping[str, Value]) -> str:
  """Why nobody here knows whether a run goes on."""
  runner = str(properties.get('runner', ''))
  if runner and not is_local_runner(runner) and not properties.get('job_name'):
    return f'its job may go on, and {runner} cannot be asked: once it has ended, settle it by --force'
  return f'is of another machine, {properties.get("host", "unknown")}: ask there, or settle it by --force'
