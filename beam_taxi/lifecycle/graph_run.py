"""The graph, built and run: in this process, on a service, or left to one; where Beam allows it, on its own thread."""

import logging
import threading
from collections.abc import Callable

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, PortableOptions
from apache_beam.runners.portability.job_server import JobServer
from apache_beam.runners.runner import PipelineResult, PipelineState

from beam_taxi.analysis.tfdv import tfdv
from beam_taxi.artifacts.manifest import Value
from beam_taxi.cloud.dataflow.following import FollowedJob
from beam_taxi.cloud.dataflow.jobs import submitted_job
from beam_taxi.cloud.dataflow.service import DataflowService
from beam_taxi.cloud.job import Job
from beam_taxi.cloud.portable.flink_rest import FlinkRest
from beam_taxi.cloud.portable.following import PortableJob, counters_of
from beam_taxi.cloud.portable.job_service import endpoint_of, require_answer, require_service
from beam_taxi.errors import UserError
from beam_taxi.lifecycle.interruption import handled_as_before
from beam_taxi.lifecycle.opening import OpenedRun
from beam_taxi.process import freed_memory, heavy_imports
from beam_taxi.process.stopped import stop
from beam_taxi.runners.counters import begin_at_zero, counted_here
from beam_taxi.runners.options import (
  ends_with_command,
  flink_address,
  is_dataflow,
  is_portable,
  is_rehearsed,
  runs_here,
  starts_job_server,
  works_here,
)

_LOG = logging.getLogger(__name__)

# What is staged is a few hundred kilobytes.
_LONGEST_SUBMISSION_S = 120


# Beam's calls of a job service, and all that it streams of a job, would else end after 300 s (--job_server_timeout).
_BEAMS_TIMEOUT_S = 300
_NEVER_IN_A_RUN_S = 10**7


class GraphRun:
  """A run's graph, built and run on a thread of its own, so that this one can show progress and be interrupted."""

  def __init__(self, run: OpenedRun):
    self._run = run
    self._runner = run.resolved.runner
    self._options = run.resolved.options
    self._result: PipelineResult | None = None
    # The job, once it has been submitted.
    self.job: Job | None = None
    # A portable runner's, before that too.
    self._planned: PortableJob | None = None
    # What the runner has started for the run.
    self._job_server: JobServer | None = None
    self._counters: dict[str, int] = {}
    self._error: BaseException | None = None
    self._ended = threading.Event()
    # Whether a runner elsewhere has come to the job's end; following it can end before.
    self._is_over = False
    self._stopping = threading.Event()
    # Whether a runner elsewhere has the job by now, or never will.
    self._submitted = threading.Event()
    self._starts_job_server = starts_job_server(self._runner, self._options)
    self._works_here = works_here(self._runner, self._options)
    self._ends_here = ends_with_command(self._runner, self._options)

  def start(self) -> None:
    """Begins. Where the runner starts a job server, this returns once it has the job, or has failed.

    Beam starts job servers in the main thread alone, because they handle Ctrl-C: theirs stops the server before
    anybody could be asked what becomes of the job, and is not left in the place of ours.

    Raises:
      KeyboardInterrupt: it was interrupted while the job was being submitted.
    """
    begin_at_zero()
    if not self._starts_job_server:
      threading.Thread(target=self._attempt, args=(self._submit_and_follow,), daemon=True).start()
      return
    try:
      with handled_as_before():
        self._submit()
    except Exception as error:
      self._error = error
      self._ended.set()
      return
    finally:
      self._submitted.set()
    threading.Thread(target=self._attempt, args=(self._follow,), daemon=True).start()

  def wait(self, seconds: float) -> bool:
    """Waits so long at most; whether the run has ended."""
    return self._ended.wait(seconds)

  def counters(self) -> dict[str, int]:
    """The ended run's counters, by STEP.NAME; raises what it failed with."""
    if self._error:
      raise self._error
    return self._counters

  def counters_if_ended(self) -> dict[str, int]:
    """The same of a run that has ended well; else none."""
    return self._counters

  def counted(self, name: str) -> int:
    """What the steps have counted so far under STEP.NAME: in this process or, by what its service says, in workers."""
    return self.job.counted(name) if self.job else counted_here(name)

  def stage(self) -> str:
    """What happens before the steps count anything."""
    if runs_here(self._runner):
      return 'starting'
    if self.job:
      return self.job.stage()
    if self._starts_job_server:
      return 'starting a job server'
    endpoint = endpoint_of(self._options)
    return f'submitting to {endpoint}' if endpoint else 'staging'

  @property
  def lasting_job(self) -> Job | None:
    """The job, where it goes on without this command, and without a job server that ends with it."""
    return None if self._ends_here or self._starts_job_server else self.job

  def cancel(self) -> bool:
    """Stops the run, and says whether it will stop, or has ended.

    The threads of a run in this process go on, and do not write its manifest; worker processes are not told. A job that
    is being submitted is waited for: left to itself it would go on, and cost money, unknown to anybody.
    """
    self._stopping.set()
    if self._works_here:
      stop(self._run.folder.uri, self._run.properties.get('started'))
    if runs_here(self._runner):
      return True
    if not self._submitted.wait(_LONGEST_SUBMISSION_S):
      return False
    job = self.job or self._planned or self._result
    try:
      if job and not self._is_over:
        job.cancel()
    except Exception as error:  # Services refuse in many ways.
      _LOG.warning('the job could not be canceled: %s', error)
      return False
    finally:
      self._stop_job_server()
    return True

  def _stop_job_server(self) -> None:
    """Stops what the runner has started. What goes wrong with that is no part of the run's end."""
    try:
      if self._job_server:
        self._job_server.stop()
    except Exception as error:
      _LOG.debug('the job server could not be stopped: %s', error)

  def _attempt(self, what: Callable[[], None]) -> None:
    """Does something on a thread of its own, whose error counters() raises on the thread that asks for them."""
    try:
      what()
    except BaseException as error:
      self._error = error
    finally:
      self._submitted.set()
      self._ended.set()

  def _submit_and_follow(self) -> None:
    self._submit()
    self._submitted.set()
    self._follow()

  def _submit(self) -> None:
    """Builds the graph and hands it to its runner; one in this process has run it then."""
    resolved = self._run.resolved
    with heavy_imports.uncollected():  # Takes seconds, so it happens while the progress line shows.
      from beam_taxi.graph.pipeline import build_graph

    if runs_here(self._runner):
      freed_memory.keep()
      if self._run.config.statistics == 'tfdv':
        tfdv()  # Imported now, it leaves idle cores time to scan ahead.
    # Before there is a job: what keeps it from being followed keeps it from being submitted.
    has_job = is_dataflow(self._runner) and not resolved.is_template
    service = DataflowService(self._options) if has_job else None
    self._planned = self._plan_portable() if is_portable(self._runner) else None
    # A pipeline has the options as they are now: it copies them.
    pipeline = beam.Pipeline(runner=self._runner, options=self._options)
    build_graph(pipeline, self._run.config, self._run.properties, listed=not resolved.is_template)
    if self._stopping.is_set():
      return
    self._result = pipeline.run()
    submitted: dict[str, Value] = {}
    if service:
      submitted = submitted_job(self._result, self._options)
      self.job = FollowedJob(service, str(submitted['job_id']))
      _LOG.info('%s', self.job.id if is_rehearsed() else submitted['job_link'])
    elif self._planned:
      self._planned.submitted(self._result)
      self.job = self._planned
      submitted = {'job_id': self.job.id}
    self._submitted.set()
    self._run.recorder.note(submitted)

  def _plan_portable(self) -> PortableJob:
    """The job that will be submitted. Raises UserError where there is nobody to submit it to."""
    require_service(self._runner, self._options)
    if self._starts_job_server and threading.current_thread() is not threading.main_thread():
      raise UserError(
        f'--runner {type(self._runner).__name__}: Beam starts job servers in the main thread alone; start one '
        'yourself, and give its --job_endpoint'
      )
    if self._starts_job_server:
      self._runner.default_job_server = self._remembered(self._runner.default_job_server)
    endpoint, flink = endpoint_of(self._options), flink_address(self._options)
    portable = self._options.view_as(PortableOptions)
    if portable.job_server_timeout == _BEAMS_TIMEOUT_S:
      if endpoint:
        require_answer(endpoint)
      portable.job_server_timeout = _NEVER_IN_A_RUN_S
    return PortableJob(
      self._options.view_as(GoogleCloudOptions).job_name,
      FlinkRest(flink) if flink else None,
      works_here=self._works_here,
      ends_here=self._ends_here,
      service=f'the job service at {endpoint}' if endpoint else '',
    )

  def _remembered(self, choose: Callable[[PipelineOptions], JobServer]) -> Callable[[PipelineOptions], JobServer]:
    """A runner's choice of a job server, which is kept here to be stopped."""

    def chosen(options: PipelineOptions) -> JobServer:
      self._job_server = choose(options)
      return self._job_server

    return chosen

  def _follow(self) -> None:
    """Waits for the end of what was submitted, where it shall be waited for."""
    if not self._result or not self._run.resolved.is_waited_for:
      return
    if self.job:
      self._counters = self.job.wait()
      self._is_over = True
      return
    state = self._result.wait_until_finish()
    self._is_over = True
    if state not in (PipelineState.DONE, None):
      raise RuntimeError(f'the runner ended in state {state}')
    self._counters = counters_of(self._result)
