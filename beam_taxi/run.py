"""A run's life: check, record its start, build and run the graph, then record what it made, or why it made nothing."""

import contextlib
import logging
import os
import shlex
import sys
import threading
import time
from collections.abc import Mapping, Sequence

import apache_beam as beam
from apache_beam.metrics import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult, PipelineRunner, PipelineState
from rich.console import Console
from rich.markup import escape

from beam_taxi import heavy_imports, storage
from beam_taxi.artifacts import RunFolder, Value, read_manifest
from beam_taxi.beam_options import (
  choose_setup_file,
  choose_workers,
  is_dataflow,
  is_waited_for,
  name_job,
  parse_beam_args,
  runs_here,
  spare_cores,
)
from beam_taxi.config import RunConfig
from beam_taxi.counters import NAMESPACE, counted_here
from beam_taxi.csv_input import scan_ahead
from beam_taxi.dataflow.following import FollowedJob, JobCanceledError
from beam_taxi.dataflow.jobs import planned_job, submitted_job
from beam_taxi.dataflow.service import DataflowService
from beam_taxi.errors import UserError, user_error_in
from beam_taxi.metadata.recording import RecordedRun
from beam_taxi.preflight.checks import PreflightError, log_doubts
from beam_taxi.preflight.local import check_output, plan_sources, total_bytes
from beam_taxi.preflight.suite import Preflight, preflight
from beam_taxi.provenance import provenance
from beam_taxi.recorder import Recorder, refused_id, with_record
from beam_taxi.report.html import vega
from beam_taxi.report.preflight import print_failures
from beam_taxi.report.progress import show_progress
from beam_taxi.report.terminal import RunSummary, print_summary

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
      choose_setup_file(runner, options)
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
    graph = _GraphRun(config, runner, options, properties, recorder)
    show_progress(errors, input_bytes, graph)
    counters = graph.counters()
    if not is_waited_for(runner, options, config.no_wait):
      return _leave(config, graph)
    manifest = read_manifest(folder)
    if manifest is None:
      raise RuntimeError('the runner says that the run is done, but there is no manifest')
  except KeyboardInterrupt as interrupt:
    if graph and graph.job and _shall_go_on(errors, graph.job.id):
      return _leave(config, graph)
    recorded = recorder.fail(f'interrupted by {str(interrupt) or "Ctrl-C"}', canceled=True)
    if graph:
      graph.cancel()
    return _say(errors, f'interrupted: {config.run_id} {recorded} and has no manifest', INTERRUPTED)
  except JobCanceledError as canceled:
    recorded = recorder.fail(str(canceled), canceled=True)
    return _say(errors, f'{config.run_id} {recorded}: {canceled}', FAILED)
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
  except Exception as error:  # The run is good all the same: say where it is, and that only its record is missing.
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


def _leave(config: RunConfig, graph: '_GraphRun') -> int:
  """Says that the run goes on, and who records how it ends."""
  job = f' as job {graph.job.id}' if graph.job else ''
  print(f'{config.run_id} goes on without this command{job}. {_WHO_RECORDS[config.record]}')
  return COMPLETE


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


def _say_unrecorded(console: Console, config: RunConfig, uri: str, error: Exception) -> int:
  _LOG.error('the run is complete but could not be recorded', exc_info=error)
  folder = RunFolder.of(config.output, config.run_id)
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


class _GraphRun:
  """The graph, built and run on a thread of its own, so that this one can show progress and be interrupted."""

  def __init__(
    self,
    config: RunConfig,
    runner: PipelineRunner,
    options: PipelineOptions,
    properties: Mapping[str, Value],
    recorder: Recorder,
  ):
    self._config = config
    self._properties = properties
    self._recorder = recorder
    self._runner = runner
    self._options = options
    self._result: PipelineResult | None = None
    self.job: FollowedJob | None = None
    self._counters: dict[str, int] = {}
    self._error: BaseException | None = None
    self._ended = threading.Event()
    threading.Thread(target=self._run, daemon=True).start()

  def wait(self, seconds: float) -> bool:
    """Waits so long at most; whether the run has ended."""
    return self._ended.wait(seconds)

  def counters(self) -> dict[str, int]:
    """The ended run's counters, by STEP.NAME; raises what it failed with."""
    if self._error:
      raise self._error
    return self._counters

  def counted(self, name: str) -> int:
    """What the steps have counted so far under STEP.NAME: in this process or, by what Dataflow says, in its workers."""
    return self.job.counters.get(name, 0) if self.job else counted_here(name)

  def stage(self) -> str:
    """What happens before the steps count anything."""
    if runs_here(self._runner):
      return 'starting'
    return f'job is {self.job.state.lower() or "submitted"}' if self.job else 'staging'

  def cancel(self) -> None:
    """Stops a job that runs elsewhere. One in this process ends with the process."""
    if self._result:
      try:
        self.job.cancel() if self.job else self._result.cancel()
      except Exception as error:  # Whatever the service says, the run has ended for this command.
        _LOG.warning('the job could not be canceled and may go on: %s', error)

  def _run(self) -> None:
    try:
      with heavy_imports.uncollected():  # Takes seconds, so it happens while the progress line shows.
        from beam_taxi.pipeline import build_graph

      pipeline = beam.Pipeline(runner=self._runner, options=self._options)
      build_graph(pipeline, self._config, self._properties)
      self._result = pipeline.run()
      if submitted := submitted_job(self._result, self._options):
        self.job = FollowedJob(DataflowService(self._options), str(submitted['job_id']))
        _LOG.info('%s: %s', self.job.id, submitted['job_link'])
        self._recorder.note(submitted)
      if not is_waited_for(self._runner, self._options, self._config.no_wait):
        return
      if self.job:
        self._counters = self.job.wait()
        return
      state = self._result.wait_until_finish()
      if state not in (PipelineState.DONE, None):
        raise RuntimeError(f'the runner ended in state {state}')
      self._counters = _counters(self._result)
    except BaseException as error:  # Raised again by counters(), on the thread that asks for them.
      self._error = error
    finally:
      self._ended.set()


def _counters(result: PipelineResult) -> dict[str, int]:
  found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))['counters']
  totals: dict[str, int] = {}
  for counter in found:
    totals[counter.key.metric.name] = totals.get(counter.key.metric.name, 0) + counter.result
  return totals


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
