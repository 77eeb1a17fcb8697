"""Opening a run: checks before anything is written, then its id, its folder and its record."""

import contextlib
import dataclasses
import os
import time
from collections.abc import Mapping, Sequence

from beam_taxi import storage
from beam_taxi.artifacts.listing import write_listing
from beam_taxi.artifacts.manifest import RunFolder, Value
from beam_taxi.cloud.dataflow.jobs import name_job, planned_job
from beam_taxi.cloud.portable import jobs as portable_jobs
from beam_taxi.cloud.preflight.checks import PreflightError, log_doubts
from beam_taxi.cloud.preflight.suite import preflight
from beam_taxi.errors import MishapError, UserError, hide_secrets
from beam_taxi.metadata.recording import RecordedRun
from beam_taxi.process.provenance import provenance
from beam_taxi.record.recorder import Recorder, refused_id
from beam_taxi.record.resolving import ResolvedRun
from beam_taxi.runners.options import is_dataflow, is_portable, runs_here
from beam_taxi.runners.shipping import ship_package
from beam_taxi.settings.config import RunConfig
from beam_taxi.steps import steps_of


@dataclasses.dataclass(frozen=True)
class OpenedRun:
  """A run whose record has begun.

  Attributes:
    resolved: what it is.
    config: its settings, with the store and with who records the end.
    recorder: keeps its record; under an id of its own where the run was refused.
    properties: what is recorded of it from the start.
    refusal: why it does not go on; None where its folder is its own.
    began: when, by time.monotonic.
    written: what this command has written in its folder by now.
  """

  resolved: ResolvedRun
  config: RunConfig
  recorder: Recorder
  properties: Mapping[str, Value]
  refusal: UserError | None
  began: float
  written: list[str] = dataclasses.field(default_factory=list)

  @property
  def folder(self) -> RunFolder:
    """Where all that it makes goes."""
    return self.resolved.folder

  @property
  def seconds(self) -> float:
    """How long it has gone on."""
    return time.monotonic() - self.began


def check(resolved: ResolvedRun) -> PreflightError | None:
  """Why a run elsewhere should not begin. A run in this process finds out as fast as the checks would."""
  if runs_here(resolved.runner) or not resolved.config.preflight:
    return None
  found = preflight(resolved)
  if not found.refusal:
    log_doubts(found.findings)
  return found.refusal


def open_run(resolved: ResolvedRun, refusal: UserError | None, argv: Sequence[str]) -> OpenedRun:
  """Takes the run's id and folder, and records that it begins.

  Args:
    resolved: the run.
    refusal: why it should not begin, where that is known. It is recorded as well, under an id of its own.
    argv: the whole command line, which is recorded without what may be secret.

  Raises:
    UserError: it cannot be recorded. Nothing is left behind.
  """
  began = time.monotonic()
  try:
    ship_package(resolved.runner, resolved.options)
    config = resolved.recorded_config()
    refusal = refusal or _take_folder(config, resolved.folder)
    try:
      return _opened(resolved, config, refusal, argv, began)
    except BaseException:
      if not refusal:
        _clear(resolved.folder)
      raise
  except UserError as error:
    if refusal:
      raise refusal from error
    raise


def _opened(
  resolved: ResolvedRun, config: RunConfig, refusal: UserError | None, argv: Sequence[str], began: float
) -> OpenedRun:
  """The run with its recorder. A refused one gets an id of its own: the id that it asked for may be another run's."""
  run_id = refused_id(config.run_id) if refusal else config.run_id
  recorded = RecordedRun(run_id, config.pipeline_name, resolved.folder, steps_of(judged=config.is_judged))
  recorder = Recorder(config.metadata, recorded)
  properties = {
    **provenance(argv, type(resolved.runner).__name__),
    'input': hide_secrets(' '.join(config.input)),
    'record': config.record,
  }
  if config.config:
    properties |= {'config_file': hide_secrets(config.config.path), 'config_flags': config.config.flags}
  if config.schema:
    properties['curated_schema'] = hide_secrets(config.schema)
  if is_dataflow(resolved.runner) or is_portable(resolved.runner):
    name_job(resolved.options, config.run_id)
    if is_dataflow(resolved.runner):
      properties |= planned_job(resolved.options)
    else:
      properties |= portable_jobs.planned_job(resolved.runner, resolved.options)
  return OpenedRun(resolved, config, recorder, properties, refusal, began)


def begin_record(run: OpenedRun) -> None:
  """Records that the run begins or, of one that is refused, that it was there. Raises UserError where it is refused."""
  refusal = run.recorder.start(run.properties) or run.refusal
  if refusal:
    raise refusal


def write_input_listing(run: OpenedRun) -> None:
  """Writes down what the run reads, which from here on nobody lists again. Raises UserError where that fails.

  An object store has no folder to hold an id by, so the second of two commands that began at once is refused only
  here.
  """
  listing = run.resolved.listing()
  try:
    if not storage.is_local(run.folder.uri) and storage.exists(run.folder.listing):
      raise _taken(run.folder)
    write_listing(run.folder, listing)
    run.written.append(run.folder.listing)
  except (UserError, MishapError):
    raise
  except Exception as error:  # File systems of clouds raise many kinds.
    why = ' '.join(str(error).split())
    raise UserError(f'--output {run.config.output}: cannot be written ({why}); choose a folder that can') from error


def give_back_folder(run: OpenedRun) -> None:
  """Frees the id of a run that wrote nothing but its listing, so that the mended command can use it."""
  if run.refusal is None:
    _clear(run.folder, run.written)


def _clear(folder: RunFolder, written: Sequence[str] = ()) -> None:
  """Deletes what was written in a folder, and a local folder itself, where nothing else is in it."""
  with contextlib.suppress(Exception):  # It is a courtesy, and file systems of clouds raise many kinds.
    is_local = storage.is_local(folder.uri)
    if is_local:
      found = [storage.join(folder.uri, name) for name in os.listdir(folder.uri)]
    else:
      found = [path for path, _ in storage.match(storage.join(folder.uri, '**'))] if written else []
    if found == list(written):
      for path in written:
        storage.delete(path)
      if is_local:
        os.rmdir(folder.uri)


def _take_folder(config: RunConfig, folder: RunFolder) -> UserError | None:
  """Makes the run's folder where it is local; says why not where it exists or cannot be made."""
  try:
    if storage.is_local(folder.uri):
      os.makedirs(folder.uri)
    elif storage.match(storage.join(folder.uri, '**')):
      return _taken(folder)
  except OSError as error:
    if os.path.isdir(folder.uri):
      return _taken(folder)
    return UserError(f'--output {config.output}: cannot be written ({storage.why(error)}); choose a folder that can')
  return None


def _taken(folder: RunFolder) -> UserError:
  return UserError(f'{folder.uri}: already exists; choose another --run_id or --output')
