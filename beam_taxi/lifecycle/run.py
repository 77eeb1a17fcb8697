"""A run's life: check, record its start, build and run the graph, then record what it made, or why it made nothing."""

import contextlib
import logging
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence

from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.runners.runner import PipelineRunner
from rich.console import Console
from rich.markup import escape

from beam_taxi import storage
from beam_taxi.artifacts.manifest import Manifest, RunFolder, Value, read_manifest
from beam_taxi.cloud.dataflow.following import JobCanceledError, JobLostError
from beam_taxi.cloud.dataflow.jobs import name_job, planned_job
from beam_taxi.cloud.preflight.checks import PreflightError, log_doubts
from beam_taxi.cloud.preflight.local import check_output, plan_sources, total_bytes
from beam_taxi.cloud.preflight.suite import Preflight, preflight
from beam_taxi.errors import UserError, user_error_in
from beam_taxi.inputs.csv import scan_ahead
from beam_taxi.lifecycle.graph_run import GraphRun
from beam_taxi.metadata.recording import RecordedRun
from beam_taxi.metadata.uri import NO_STORE
from beam_taxi.process.provenance import provenance
from beam_taxi.record.recorder import Recorder, refused_id, with_record
from beam_taxi.runners.options import (
  choose_workers,
  is_dataflow,
  is_waited_for,
  parse_beam_args,
  runs_here,
  spare_cores,
)
from beam_taxi.runners.shipping import ship_package
from beam_taxi.settings.config import RunConfig
from beam_taxi.show.html import vega
from beam_taxi.show.terminal.check_findings import print_failures
from beam_taxi.show.terminal.progress import show_progress
from beam_taxi.show.terminal.run_summary import RunSummary, print_summary

_LOG = logging.getLogger(__name__)

COMPLETE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


def run(config: RunConfig, beam_args: Sequence[str], argv: Sequence[str] = ()) -> int:
  """Runs the whole pipeline and says on the terminal how it went.

  Args:
    config: what to run.
    beam_args: Beam's own arguments.
    argv: the whole command line, which is recorded without what may be secret.

  Returns:
    The exit code: 0 complete, 1 failed, 2 wrong input, output, flags or store, 130 interrupted.
  """
  errors = Console(stderr=True)
  try:
    runner, options = parse_beam_args(beam_args)
    storage.use_options(options)
    found = _preflight(config, runner, options)
    try:
      ship_package(runner, options)
      config = with_record(config, runner, options)
      refusal = found.refusal or _refusal(config)
      recorder = _open_recorder(config, refusal)
    except UserError as error:
      raise found.refusal or error from error
  except UserError as error:
    return _say_refusal(errors, error)
  began = time.monotonic()
  graph = None
  folder = RunFolder.of(config.output, config.run_id)
  made_folder = refusal is None
  properties = {**provenance(argv, type(runner).__name__), 'input': ' '.join(config.input), 'record': config.record}
  if config.schema:
    properties['curated_schema'] = config.schema
  if is_dataflow(runner):
    name_job(options, config.run_id)
    properties |= planned_job(options)
  try:
    refusal = recorder.start(properties) or refusal
    if refusal:
      raise refusal
    sources = found.sources or plan_sources(config)
    if config.preflight and runs_here(runner) and storage.is_local(config.output):
      check_output(config, folder.uri, sources)
    if config.cache and (reused := recorder.reuse(config, {**properties, 'seconds': time.monotonic() - began})):
      _remove_if_empty(folder)
      seconds = time.monotonic() - began
      summary = RunSummary(config.run_id, reused.manifest, reused.folder, {}, seconds, recorder.uri, reused.ids)
      print_summary(Console(), summary)
      return COMPLETE
    input_bytes = total_bytes(sources)
    choose_workers(options, beam_args, input_bytes)
    scan_ahead.begin(sources, config.block_size, spare_cores(runner, options))
    if runs_here(runner):
      vega.prepare()
    graph = GraphRun(config, runner, options, properties, recorder)
    show_progress(errors, input_bytes, graph)
    counters = graph.counters()
    if not is_waited_for(runner, options, config.no_wait):
      return _leave(config, options, graph)
    manifest = _manifest_of_job(folder) if graph.job else read_manifest(folder)
    if manifest is None:
      raise RuntimeError('the runner says that the run is done, but there is no manifest')
  except KeyboardInterrupt as interrupt:
    # Another signal is no question.
    if graph and graph.job and not str(interrupt) and _shall_go_on(errors, graph.job.id):
      return _leave(config, options, graph)
    with _undisturbed():
      return _end_interrupted(errors, config, recorder, graph, interrupt)
  except JobCanceledError as canceled:
    recorded = recorder.fail(str(canceled), canceled=True)
    return _say(errors, f'{config.run_id} {recorded}: {canceled}', FAILED)
  except JobLostError as lost:  # It may end well yet, and then is recorded by its graph or by reconcile.
    return _say(errors, f'{lost}; {_who_knows(config)}', FAILED)
  except Exception as error:  # Whatever it was, the run is recorded as FAILED and said to be so.
    if graph and config.record == 'graph' and _has_manifest(folder):
      return _say_unrecorded(errors, config, recorder.uri, error)
    wrong_use = user_error_in(error)
    recorded = recorder.fail(str(wrong_use or error))
    if made_folder:
      _remove_if_empty(folder)
    if wrong_use:
      return _say_refusal(errors, error if isinstance(error, PreflightError) else wrong_use)
    _LOG.error('the run failed', exc_info=error)
    return _say(errors, f'{config.run_id} failed and {recorded}: {_last_line(error)}', FAILED)
  seconds = time.monotonic() - began
  measured: dict[str, Value] = {f'counter.{name}': count for name, count in sorted(counters.items())}
  try:
    if config.record == 'graph':
      ids = recorder.completed()
    else:
      ids = recorder.complete(manifest, {'seconds': seconds, **measured})
  except (Exception, KeyboardInterrupt) as error:
    # The run is good all the same: say where it is, and that only its record is missing.
    return _say_unrecorded(errors, config, recorder.uri, error)
  print_summary(Console(), RunSummary(config.run_id, manifest, folder, counters, seconds, recorder.uri, ids))
  if config.record == 'manifest':
    print(f'To record it: {shlex.join(_record_command(folder, "URI"))}')
  return COMPLETE


_WHO_RECORDS = {
  'graph': 'Its last step records it as complete.',
  'manifest': 'Nobody records it; "main.py record" does, once its manifest is there.',
  'driver': 'Nobody records its end; "main.py reconcile" does, once it has one.',
}


def _leave(config: RunConfig, options: PipelineOptions, graph: GraphRun) -> int:
  """Says that the run goes on, or will, and who records how it ends."""
  if template := options.view_as(GoogleCloudOptions).template_location:
    what = f'{template} is written, and {config.run_id} begins when it is launched'
  else:
    what = f'{config.run_id} goes on without this command' + (f' as job {graph.job.id}' if graph.job else '')
  who = 'manifest' if config.metadata == NO_STORE else config.record
  print(f'{what}. {_WHO_RECORDS[who]}')
  return COMPLETE


def _manifest_of_job(folder: RunFolder) -> Manifest | None:
  """The manifest of a job that has ended well. Raises JobLostError where it cannot be read: it may be there."""
  try:
    return read_manifest(folder)
  except Exception as error:  # File systems of clouds raise many kinds.
    raise JobLostError(f'the job is done, but its manifest cannot be read ({_last_line(error)})') from error


def _end_interrupted(
  errors: Console, config: RunConfig, recorder: Recorder, graph: GraphRun | None, interrupt: KeyboardInterrupt
) -> int:
  """Cancels the job, records that, and says so; says what is true where either cannot be done."""
  why = f'interrupted by {str(interrupt) or "Ctrl-C"}'
  if graph and not graph.cancel():
    return _say(errors, f'{why}: the job may go on, and {_who_knows(config)}', INTERRUPTED)
  if graph and _has_manifest(RunFolder.of(config.output, config.run_id)):
    return _say_unrecorded(errors, config, recorder.uri, interrupt)
  recorded = recorder.fail(why, canceled=True)
  return _say(errors, f'interrupted: {config.run_id} {recorded} and has no manifest', INTERRUPTED)


def _who_knows(config: RunConfig) -> str:
  """How it is found out what became of a run that this command has lost."""
  if config.metadata == NO_STORE:
    return f'{RunFolder.of(config.output, config.run_id).manifest} is there once it is complete'
  return f'"main.py reconcile" settles {config.run_id}'


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
  """Leaves further Ctrl-C and SIGTERM alone while a run is brought to its end."""
  numbers = [signal.SIGINT, signal.SIGTERM] if threading.current_thread() is threading.main_thread() else []
  before = [(number, signal.signal(number, signal.SIG_IGN)) for number in numbers]
  try:
    yield
  finally:
    for number, handler in before:
      signal.signal(number, handler)


def _shall_go_on(console: Console, job: str) -> bool:
  """Asks who interrupted what becomes of the job. Where nobody can be asked it ends with the command."""
  if not (sys.stdin.isatty() and console.is_terminal):
    return False
  question = f'\nThe job {job} goes on. Cancel it, or detach and let it go on? [c/D] '
  console.print(question, markup=False, highlight=False, soft_wrap=True, end='')
  try:
    answer = sys.stdin.readline()
  except KeyboardInterrupt:  # Whoever is in a hurry does not mean to throw hours of work away.
    answer = ''
  return not answer.strip().lower().startswith('c')


def _say_unrecorded(console: Console, config: RunConfig, uri: str, error: BaseException) -> int:
  if isinstance(error, Exception):
    _LOG.error('the run is complete but could not be recorded', exc_info=error)
  folder = RunFolder.of(config.output, config.run_id)
  if uri == NO_STORE:  # Then only an interruption keeps a run that is complete from its end.
    return _say(console, f'{config.run_id} is complete in {config.output} all the same: {_last_line(error)}', FAILED)
  return _say(
    console,
    f'{config.run_id} is complete in {config.output}, but recording it into {uri} failed ({_last_line(error)}); when '
    f'the store is back: {shlex.join(_record_command(folder, uri))}',
    FAILED,
  )


def _record_command(folder: RunFolder, uri: str) -> list[str]:
  return ['python', '-m', 'beam_taxi', 'record', folder.uri, '--metadata', uri]


def _has_manifest(folder: RunFolder) -> bool:
  try:
    return read_manifest(folder) is not None
  except (OSError, UserError):
    return False


def _preflight(config: RunConfig, runner: PipelineRunner, options: PipelineOptions) -> Preflight:
  """What the checks before a run elsewhere find. A run in this process finds out as fast as they would."""
  if runs_here(runner) or not config.preflight:
    return Preflight(())
  found = preflight(config, runner, options)
  if not found.refusal:
    log_doubts(found.findings)
  return found


def _open_recorder(config: RunConfig, refusal: UserError | None) -> Recorder:
  """The recorder of this run. A refused one gets an id of its own: the id that it asked for may be another run's."""
  run_id = refused_id(config.run_id) if refusal else config.run_id
  recorded = RecordedRun(run_id, config.pipeline_name, RunFolder.of(config.output, config.run_id))
  try:
    return Recorder(config.metadata, recorded)
  except UserError as error:
    if not refusal:
      _remove_if_empty(recorded.folder)
    raise refusal or error from error


def _remove_if_empty(folder: RunFolder) -> None:
  """Frees the id of a run that wrote nothing, so that the mended command can use it."""
  if storage.is_local(folder.uri):
    with contextlib.suppress(OSError):
      os.rmdir(folder.uri)


def _refusal(config: RunConfig) -> UserError | None:
  """Makes the run's folder where it is local; says why not where it exists or cannot be made."""
  folder = RunFolder.of(config.output, config.run_id).uri
  taken = UserError(f'{folder}: exists already; choose another --run_id or --output')
  try:
    if storage.is_local(folder):
      os.makedirs(folder)
    elif storage.match(storage.join(folder, '**')):
      return taken
  except FileExistsError:
    return taken if os.path.isdir(folder) else UserError(f'--output {config.output}: is a file; name a folder')
  except OSError as error:
    return UserError(f'--output {config.output}: cannot be written ({error}); choose a folder that can')
  return None


def _say(console: Console, message: str, code: int) -> int:
  console.print(f'[bold red]error:[/] {escape(message)}', highlight=False, soft_wrap=True)
  return code


def _say_refusal(console: Console, error: UserError) -> int:
  if not isinstance(error, PreflightError):
    return _say(console, str(error), WRONG_USE)
  print_failures(console, error.findings)
  message = 'nothing was begun or staged; "main.py preflight" makes these checks alone, --skip_preflight none of them'
  return _say(console, message, WRONG_USE)


def _last_line(error: BaseException) -> str:
  """The end of an error's text, which behind a runner is a whole traceback."""
  lines = str(error).strip().splitlines()
  return lines[-1] if lines else type(error).__name__
