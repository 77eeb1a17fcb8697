"""Settling runs whose record is not true: they are RUNNING by it and have ended, or ended well after all."""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping

import ml_metadata as mlmd

from beam_taxi.artifacts.leftovers import delete_leftovers
from beam_taxi.artifacts.manifest import Manifest, RunFolder, Value, read_manifest
from beam_taxi.errors import UserError
from beam_taxi.metadata.recording import record_completion, record_failure
from beam_taxi.metadata.runs import Run, list_runs, unfinished
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
  """Settles every run that is RUNNING by its record, and corrects what is recorded as CANCELED or FAILED and completed.

  A job may go on though it was canceled, or though whoever followed it lost it; its manifest is true all the same.
  Whether a run goes on is asked before its manifest is looked for: who is dead by then writes none any more. What such
  a run had begun to write is deleted.

  Args:
    store: an open store.
    alive: says whether a run goes on.
    force: takes a run for ended of which nobody knows.
  """
  ended = [run for state in ('CANCELED', 'FAILED') for run in list_runs(store, state=state)]
  settled = [_settle(store, run, alive, force) for run in unfinished(store)]
  return settled + [corrected for run in ended if (corrected := _correct(store, run, alive))]


def _correct(store: mlmd.MetadataStore, run: Run, alive: Alive) -> Settlement | None:
  """Records a run as complete that is CANCELED or FAILED by its record, where it has a manifest; None where not."""
  try:
    manifest = read_manifest(RunFolder(run.folder)) if run.folder else None
  except (UserError, OSError):
    return None
  # The folder of one that was refused may be another run's.
  if not manifest or manifest.run_id != run.run_id:
    return None
  with contextlib.suppress(UserError):
    if alive(run.properties) is False:
      _delete_leftovers(run)
  return _complete(store, run, manifest)


def _delete_leftovers(run: Run) -> None:
  """Deletes what lost workers left, unless the folder is another run's, as that of one that was refused may be."""
  if run.folder.rstrip('/').endswith(f'/{run.run_id}'):
    delete_leftovers(run.folder)


def _complete(store: mlmd.MetadataStore, run: Run, manifest: Manifest) -> Settlement:
  record_completion(store, run.recorded, manifest, {'seconds': manifest.finished - run.started.timestamp()})
  return Settlement(run, 'COMPLETE', 'it has a manifest')


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
  if going_on is False:
    _delete_leftovers(run)
  if manifest and manifest.run_id == run.run_id:
    return _complete(store, run, manifest)
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
  if runner and not is_local_runner(runner) and 'region' not in properties:
    return f'its job may go on, and {runner} cannot be asked: once it has ended, settle it by --force'
  return f'is of another machine, {properties.get("host", "unknown")}: ask there, or settle it by --force'
