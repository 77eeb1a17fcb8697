"""A run's life, in its phases: resolve, check, open the record, run the graph, settle."""

from collections.abc import Sequence
from contextlib import nullcontext

from beam_taxi import storage
from beam_taxi.artifacts.manifest import Manifest, RunFolder, read_manifest
from beam_taxi.cloud.job import JobCanceledError, JobLostError
from beam_taxi.cloud.preflight.local import check_output
from beam_taxi.errors import UserError
from beam_taxi.inputs import scan_ahead
from beam_taxi.lifecycle.endings import (
  WRONG_USE,
  Cached,
  Canceled,
  Completed,
  Ending,
  Interrupted,
  Left,
  Lost,
  ending_of,
  last_line,
  say_refusal,
  settle,
  tell,
)
from beam_taxi.lifecycle.graph_run import GraphRun
from beam_taxi.lifecycle.interruption import shall_go_on
from beam_taxi.lifecycle.opening import OpenedRun, begin_record, check, open_run, write_input_listing
from beam_taxi.record.resolving import resolve, total_bytes
from beam_taxi.runners.options import choose_workers, parse_beam_args, runs_here, spare_cores, starts_job_server
from beam_taxi.settings.config import RunConfig
from beam_taxi.show.html import vega
from beam_taxi.show.terminal.consoles import console
from beam_taxi.show.terminal.progress import show_progress, shown_aside


def run(config: RunConfig, beam_args: Sequence[str] = ()) -> Manifest | None:
  """Runs the whole pipeline, with its checks and its record, and shows progress on stderr.

  Args:
    config: what to run.
    beam_args: Beam's own arguments, as on a command line.

  Returns:
    The manifest of what the run made or, with `config.cache`, of the earlier run whose output it took; None if a job
    goes on without this call.

  Raises:
    UserError: input, output, a setting or the store is wrong.
    KeyboardInterrupt: it was interrupted.
    Exception: whatever it failed with; a RuntimeError if that is not known, or only the record is missing.
  """
  opened, ending = _lived(config, beam_args, ())
  return ending.result(opened)


def run_command(config: RunConfig, beam_args: Sequence[str], argv: Sequence[str] = ()) -> int:
  """Runs the whole pipeline and says on the terminal how it went.

  Args:
    config: what to run.
    beam_args: Beam's own arguments.
    argv: the whole command line, which is recorded without what may be secret.

  Returns:
    The exit code: 0 complete, 1 failed, 2 wrong input, output, flags or store, 3 wrong data, 130 interrupted.
  """
  try:
    opened, ending = _lived(config, beam_args, argv)
  except UserError as error:
    say_refusal(error)
    return WRONG_USE
  tell(opened, ending)
  return ending.code


def _lived(config: RunConfig, beam_args: Sequence[str], argv: Sequence[str]) -> tuple[OpenedRun, Ending]:
  """A run, and how it ended, which is recorded. Raises UserError where it does not even begin."""
  runner, options = parse_beam_args(beam_args)
  storage.use_options(options)
  resolved = resolve(config, runner, options)
  opened = open_run(resolved, check(resolved), argv)
  return opened, settle(opened, _end_of(opened, beam_args))


def _end_of(run: OpenedRun, beam_args: Sequence[str]) -> Ending:
  """Runs the graph, unless an earlier run made the same; how that ended."""
  graph = None
  try:
    begin_record(run)
    if cached := _take_earlier(run):
      return cached
    input_bytes = prepare_graph(run, beam_args)
    graph = GraphRun(run)
    in_this_thread = starts_job_server(run.resolved.runner, run.resolved.options)
    with shown_aside(console(stderr=True), input_bytes, graph) if in_this_thread else nullcontext():
      graph.start()
    show_progress(console(stderr=True), input_bytes, graph)
    return end_of_graph(run, graph)
  except KeyboardInterrupt as interrupt:
    # Another signal is no question.
    job = graph.lasting_job if graph else None
    if job and not str(interrupt) and shall_go_on(console(stderr=True), job.id):
      return Left(job.id)
    return Interrupted(interrupt, graph)
  except JobCanceledError as canceled:
    return Canceled(str(canceled))
  except JobLostError as lost:
    return Lost(str(lost))
  except Exception as error:  # Whatever it was, it is recorded and said.
    return ending_of(error, run, graph)


def _take_earlier(run: OpenedRun) -> Cached | None:
  """What an earlier run made of the same input, where it shall be taken and is there; of a template's, nobody knows."""
  if run.resolved.is_template:
    return None
  sources = run.resolved.sources()
  if run.config.preflight and runs_here(run.resolved.runner) and storage.is_local(run.config.output):
    check_output(run.config, run.folder.uri, sources)
  reused = run.config.cache and run.recorder.reuse(
    run.config, run.resolved.listing(), {**run.properties, 'seconds': run.seconds}
  )
  return Cached(reused) if reused else None


def prepare_graph(run: OpenedRun, beam_args: Sequence[str]) -> int:
  """Writes down what the graph will read, and begins what can be done before there is one; the bytes that it reads.

  A template reads nothing before it is launched.
  """
  if run.resolved.is_template:
    return 0
  runner, options, sources = run.resolved.runner, run.resolved.options, run.resolved.sources()
  write_input_listing(run)
  input_bytes = total_bytes(sources)
  choose_workers(options, beam_args, input_bytes)
  scan_ahead.begin(sources, run.config.block_size, spare_cores(runner, options))
  if runs_here(runner):
    vega.prepare()
  return input_bytes


def end_of_graph(run: OpenedRun, graph: GraphRun) -> Ending:
  """What became of a graph that this command waited for, or left. Raises what it failed with."""
  counters = graph.counters()
  if not run.resolved.is_waited_for:
    return Left(graph.job.id if graph.job else '')
  manifest = _manifest_of(run.folder)
  if manifest is None:
    raise RuntimeError('the runner says that the run is done, but there is no manifest')
  return Completed(manifest, counters, run.seconds)


def _manifest_of(folder: RunFolder) -> Manifest | None:
  """The manifest of a graph that has ended well. Raises JobLostError where it cannot be read: it may be there."""
  try:
    return read_manifest(folder)
  except Exception as error:  # File systems of clouds raise many kinds.
    raise JobLostError(f'the graph is done, but its manifest cannot be read ({last_line(error)})') from error
