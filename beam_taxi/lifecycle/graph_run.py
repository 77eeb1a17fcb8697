"""The graph, built and run on a thread of its own: in this process, on a service, or left to one."""

import logging
import threading

import apache_beam as beam
from apache_beam.metrics import MetricsFilter
from apache_beam.runners.runner import PipelineResult, PipelineState

from beam_taxi.analysis.tfdv import tfdv
from beam_taxi.cloud.dataflow.following import FollowedJob
from beam_taxi.cloud.dataflow.jobs import submitted_job
from beam_taxi.cloud.dataflow.service import DataflowService
from beam_taxi.lifecycle.opening import OpenedRun
from beam_taxi.process import freed_memory, heavy_imports
from beam_taxi.process.stopped import stop
from beam_taxi.runners.counters import NAMESPACE, begin_at_zero, counted_here
from beam_taxi.runners.options import is_dataflow, is_rehearsed, runs_here

_LOG = logging.getLogger(__name__)

# What is staged is a few hundred kilobytes.
_LONGEST_SUBMISSION_S = 120


class GraphRun:
  """A run's graph, built and run on a thread of its own, so that this one can show progress and be interrupted."""

  def __init__(self, run: OpenedRun):
    self._run = run
    self._runner = run.resolved.runner
    self._options = run.resolved.options
    self._result: PipelineResult | None = None
    self.job: FollowedJob | None = None
    self._counters: dict[str, int] = {}
    self._error: BaseException | None = None
    self._ended = threading.Event()
    # Whether a runner elsewhere has come to the job's end; following it can end before.
    self._is_over = False
    self._stopping = threading.Event()
    # Whether a runner elsewhere has the job by now, or never will.
    self._submitted = threading.Event()

  def start(self) -> None:
    """Begins."""
    begin_at_zero()
    threading.Thread(target=self._build_and_run, daemon=True).start()

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
    """What the steps have counted so far under STEP.NAME: in this process or, by what Dataflow says, in its workers."""
    return self.job.counters.get(name, 0) if self.job else counted_here(name)

  def stage(self) -> str:
    """What happens before the steps count anything."""
    if runs_here(self._runner):
      return 'starting'
    return f'job is {self.job.state.lower() or "submitted"}' if self.job else 'staging'

  def cancel(self) -> bool:
    """Stops the run, and says whether it will stop, or has ended.

    The threads of a run in this process go on, and do not write its manifest; worker processes are not told. A job that
    is being submitted is waited for: left to itself it would go on, and cost money, unknown to anybody.
    """
    self._stopping.set()
    if runs_here(self._runner):
      stop(self._run.folder.uri, self._run.properties.get('started'))
      return True
    if not self._submitted.wait(_LONGEST_SUBMISSION_S):
      return False
    if self._result and not self._is_over:
      try:
        self.job.cancel() if self.job else self._result.cancel()
      except Exception as error:  # Services refuse in many ways.
        _LOG.warning('the job could not be canceled: %s', error)
        return False
    return True

  def _build_and_run(self) -> None:
    resolved = self._run.resolved
    try:
      with heavy_imports.uncollected():  # Takes seconds, so it happens while the progress line shows.
        from beam_taxi.graph.pipeline import build_graph

      if runs_here(self._runner):
        freed_memory.keep()
        if self._run.config.statistics == 'tfdv':
          tfdv()  # Imported now, it leaves idle cores time to scan ahead.
      pipeline = beam.Pipeline(runner=self._runner, options=self._options)
      build_graph(pipeline, self._run.config, self._run.properties, listed=not resolved.is_template)
      # Before there is a job: what keeps it from being followed keeps it from being submitted.
      has_job = is_dataflow(self._runner) and not resolved.is_template
      service = DataflowService(self._options) if has_job else None
      if self._stopping.is_set():
        return
      self._result = pipeline.run()
      if service:
        submitted = submitted_job(self._result, self._options)
        self.job = FollowedJob(service, str(submitted['job_id']))
        self._submitted.set()
        _LOG.info('%s', self.job.id if is_rehearsed() else submitted['job_link'])
        self._run.recorder.note(submitted)
      self._submitted.set()
      if not resolved.is_waited_for:
        return
      if self.job:
        self._counters = self.job.wait()
        self._is_over = True
        return
      state = self._result.wait_until_finish()
      self._is_over = True
      if state not in (PipelineState.DONE, None):
        raise RuntimeError(f'the runner ended in state {state}')
      self._counters = _counters(self._result)
    except BaseException as error:  # Raised again by counters(), on the thread that asks for them.
      self._error = error
    finally:
      self._submitted.set()
      self._ended.set()


def _counters(result: PipelineResult) -> dict[str, int]:
  found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))['counters']
  totals: dict[str, int] = {}
  for counter in found:
    totals[counter.key.metric.name] = totals.get(counter.key.metric.name, 0) + counter.result
  return totals
