"""How a run can end: for each way what becomes of its record, which words the user reads, and the exit code."""

import contextlib
import dataclasses
import logging
import shlex
from collections.abc import Mapping

from apache_beam.options.pipeline_options import GoogleCloudOptions
from rich.markup import escape

from beam_taxi.artifacts.leftovers import delete_leftovers
from beam_taxi.artifacts.manifest import Manifest, RunFolder, Value, read_manifest
from beam_taxi.cloud.preflight.checks import PreflightError
from beam_taxi.errors import UserError, mishap_in, user_error_in
from beam_taxi.lifecycle.graph_run import GraphRun
from beam_taxi.lifecycle.interruption import undisturbed
from beam_taxi.lifecycle.opening import OpenedRun, give_back_folder
from beam_taxi.metadata.uri import NO_STORE
from beam_taxi.process.program import program
from beam_taxi.record.recorder import Reused
from beam_taxi.runners.options import runs_here
from beam_taxi.show.terminal.check_findings import print_failures
from beam_taxi.show.terminal.consoles import console
from beam_taxi.show.terminal.run_summary import RunSummary, print_summary

_LOG = logging.getLogger(__name__)

COMPLETE, FAILED, WRONG_USE, HELD, INTERRUPTED = 0, 1, 2, 3, 130

_WHO_RECORDS = {
  'graph': 'Its last step records it as complete.',
  'manifest': 'Nobody records it; "{program} record" does, once its manifest is there.',
  'driver': 'Nobody records its end; "{program} reconcile" does, once it has one.',
}


@dataclasses.dataclass(frozen=True)
class Ending:
  """How a run ended."""

  @property
  def code(self) -> int:
    """The exit code."""
    return FAILED

  def record(self, run: OpenedRun) -> 'Ending':
    """Records it; the ending as it then is."""
    return self

  def say(self, run: OpenedRun) -> None:
    """Tells the user."""
    raise NotImplementedError

  def result(self, run: OpenedRun) -> Manifest | None:
    """What a caller in Python gets of it; or raises."""
    raise NotImplementedError


def settle(run: OpenedRun, ending: Ending) -> Ending:
  """Records how a run ended, which nothing interrupts; the ending as it then is."""
  with undisturbed():
    return ending.record(run)


def tell(run: OpenedRun, ending: Ending) -> None:
  """Tells the user how a run ended, if anybody reads on; its exit code is for those who do not."""
  with contextlib.suppress(BrokenPipeError, SystemExit):  # Rich raises the second.
    ending.say(run)


@dataclasses.dataclass(frozen=True)
class Completed(Ending):
  """It made what its manifest says. `counters` are those of its steps, `ids` of its recorded artifacts, by key."""

  manifest: Manifest
  counters: Mapping[str, int]
  seconds: float
  ids: Mapping[str, int] = dataclasses.field(default_factory=dict)

  @property
  def code(self) -> int:
    return HELD if self.manifest.held else COMPLETE

  def record(self, run: OpenedRun) -> Ending:
    if not runs_here(run.resolved.runner):  # Workers that were lost may have left some.
      delete_leftovers(run.folder.uri)
    measured: dict[str, Value] = {f'counter.{name}': count for name, count in sorted(self.counters.items())}
    try:
      # What its graph has recorded stays as it is.
      ids = run.recorder.complete(self.manifest, {'seconds': self.seconds, **measured})
    except Exception as error:
      return Unrecorded(error)
    return dataclasses.replace(self, ids=ids)

  def say(self, run: OpenedRun) -> None:
    summary = RunSummary(
      run.config.run_id, self.manifest, run.folder, self.counters, self.seconds, run.recorder.uri, self.ids
    )
    print_summary(console(), summary)
    if run.config.record == 'manifest':
      print(f'To record it: {_record_command(run.folder, "URI")}')

  def result(self, run: OpenedRun) -> Manifest | None:
    return self.manifest


@dataclasses.dataclass(frozen=True)
class Cached(Ending):
  """It took what an earlier run made; that is recorded already."""

  reused: Reused

  @property
  def code(self) -> int:
    return HELD if self.reused.manifest.held else COMPLETE

  def record(self, run: OpenedRun) -> Ending:
    give_back_folder(run)
    return self

  def say(self, run: OpenedRun) -> None:
    reused = self.reused
    summary = RunSummary(
      run.config.run_id, reused.manifest, reused.folder, {}, run.seconds, run.recorder.uri, reused.ids
    )
    print_summary(console(), summary)

  def result(self, run: OpenedRun) -> Manifest | None:
    return self.reused.manifest


@dataclasses.dataclass(frozen=True)
class Left(Ending):
  """It goes on, or will, without this command. `job` is its id on a service, where it has one."""

  job: str
  code = COMPLETE

  def say(self, run: OpenedRun) -> None:
    if run.resolved.is_template:
      template = run.resolved.options.view_as(GoogleCloudOptions).template_location
      what = f'{template} is written, and {run.config.run_id} begins when it is launched'
    else:
      what = f'{run.config.run_id} goes on without this command' + (f' as job {self.job}' if self.job else '')
    who = 'manifest' if run.config.metadata == NO_STORE else run.config.record
    print(f'{what}. {_WHO_RECORDS[who].format(program=program())}')

  def result(self, run: OpenedRun) -> Manifest | None:
    return None


@dataclasses.dataclass(frozen=True)
class Refused(Ending):
  """The input, the output, a flag or the store is wrong."""

  error: UserError
  code = WRONG_USE

  def record(self, run: OpenedRun) -> Ending:
    run.recorder.fail(str(self.error))
    give_back_folder(run)
    return self

  def say(self, run: OpenedRun) -> None:
    say_refusal(self.error)

  def result(self, run: OpenedRun) -> Manifest | None:
    raise self.error


@dataclasses.dataclass(frozen=True)
class Failed(Ending):
  """Something went wrong. `recorded` says whether that is recorded."""

  error: Exception
  recorded: str = ''

  def record(self, run: OpenedRun) -> Ending:
    recorded = run.recorder.fail(str(mishap_in(self.error) or self.error))
    give_back_folder(run)
    return dataclasses.replace(self, recorded=recorded)

  def say(self, run: OpenedRun) -> None:
    mishap = mishap_in(self.error)
    if not mishap:
      _LOG.error('the run failed', exc_info=self.error)
    _say(f'{run.config.run_id} failed and {self.recorded}: {mishap or last_line(self.error)}')

  def result(self, run: OpenedRun) -> Manifest | None:
    raise self.error


@dataclasses.dataclass(frozen=True)
class Canceled(Ending):
  """Somebody canceled its job."""

  why: str
  recorded: str = ''

  def record(self, run: OpenedRun) -> Ending:
    return dataclasses.replace(self, recorded=run.recorder.fail(self.why, canceled=True))

  def say(self, run: OpenedRun) -> None:
    _say(f'{run.config.run_id} {self.recorded}: {self.why}')

  def result(self, run: OpenedRun) -> Manifest | None:
    raise RuntimeError(f'{run.config.run_id} {self.recorded}: {self.why}')


@dataclasses.dataclass(frozen=True)
class Lost(Ending):
  """Nobody here knows how it ended, or will. It may end well yet, and is recorded by its graph or by `reconcile`."""

  why: str

  def say(self, run: OpenedRun) -> None:
    _say(f'{self.why}; {_who_knows(run)}')

  def result(self, run: OpenedRun) -> Manifest | None:
    raise RuntimeError(f'{self.why}; {_who_knows(run)}')


@dataclasses.dataclass(frozen=True)
class Interrupted(Ending):
  """Ctrl-C or SIGTERM ended it. `graph` is what it had begun."""

  interrupt: KeyboardInterrupt
  graph: GraphRun | None
  recorded: str = ''
  code = INTERRUPTED

  @property
  def why(self) -> str:
    """What interrupted it."""
    return f'interrupted by {str(self.interrupt) or "Ctrl-C"}'

  def record(self, run: OpenedRun) -> Ending:
    if self.graph and not self.graph.cancel():
      return NotCanceled(self.interrupt, self.why)
    if self.graph and (manifest := manifest_in(run.folder)):  # It came too late.
      return Completed(manifest, self.graph.counters_if_ended(), run.seconds).record(run)
    if not self.graph:  # Whatever runs it may write until it has stopped, a thread of this process too.
      give_back_folder(run)
    return dataclasses.replace(self, recorded=run.recorder.fail(self.why, canceled=True))

  def say(self, run: OpenedRun) -> None:
    _say(f'interrupted: {run.config.run_id} {self.recorded} and has no manifest')

  def result(self, run: OpenedRun) -> Manifest | None:
    raise self.interrupt


@dataclasses.dataclass(frozen=True)
class NotCanceled(Ending):
  """It was interrupted, but its job could not be stopped."""

  interrupt: KeyboardInterrupt
  why: str
  code = INTERRUPTED

  def say(self, run: OpenedRun) -> None:
    _say(f'{self.why}: the job may go on, and {_who_knows(run)}')

  def result(self, run: OpenedRun) -> Manifest | None:
    raise self.interrupt


@dataclasses.dataclass(frozen=True)
class Unrecorded(Ending):
  """It is complete, and only its record is missing."""

  error: Exception

  def say(self, run: OpenedRun) -> None:
    said = user_error_in(self.error) or mishap_in(self.error)
    if not said:
      _LOG.error('the run is complete but could not be recorded', exc_info=self.error)
    uri = run.recorder.uri
    _say(
      f'{run.config.run_id} is complete in {run.config.output}, but recording it into {uri} failed '
      f'({said or last_line(self.error)}); when the store is back: {_record_command(run.folder, uri)}'
    )

  def result(self, run: OpenedRun) -> Manifest | None:
    raise RuntimeError(f'{run.config.run_id} is complete, but could not be recorded') from self.error


def ending_of(error: Exception, run: OpenedRun, graph: GraphRun | None) -> Ending:
  """How a run ended that raised an error. With a manifest it is complete, whatever went wrong after that."""
  if graph and (manifest := manifest_in(run.folder)):
    if run.config.record == 'graph':
      return Unrecorded(error)
    _LOG.warning('%s is complete; what failed after that: %s', run.config.run_id, last_line(error))
    return Completed(manifest, {}, run.seconds)
  wrong_use = error if isinstance(error, PreflightError) else user_error_in(error)
  return Refused(wrong_use) if wrong_use else Failed(error)


def say_refusal(error: UserError) -> None:
  """Says why a run does not begin, or what in its input, flags or store ended it."""
  if isinstance(error, PreflightError):
    print_failures(console(stderr=True), error.findings)
    _say(f'nothing was started; "{program()} preflight" runs only these checks, --skip_preflight leaves them out')
  else:
    _say(str(error))


def manifest_in(folder: RunFolder) -> Manifest | None:
  """The manifest of a run that is complete, by what can be read of it."""
  try:
    return read_manifest(folder)
  except Exception:  # File systems of clouds raise many kinds.
    return None


def last_line(error: BaseException) -> str:
  """The end of an error's text, which behind a runner is a whole traceback."""
  lines = str(error).strip().splitlines()
  return lines[-1] if lines else type(error).__name__


def _who_knows(run: OpenedRun) -> str:
  """How it is found out what became of a run that this command has lost."""
  if run.config.metadata == NO_STORE:
    return f'{run.folder.manifest} is there once it is complete'
  return f'"{program()} reconcile" settles {run.config.run_id}'


def _record_command(folder: RunFolder, uri: str) -> str:
  return f'{program()} {shlex.join(["record", folder.uri, "--metadata", uri])}'


def _say(message: str) -> None:
  console(stderr=True).print(f'[bold red]error:[/] {escape(message)}', highlight=False, soft_wrap=True)
