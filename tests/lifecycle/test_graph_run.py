"""The graph on its thread: what can be stopped of it, and what it is when somebody asks."""

import pathlib
import signal
import threading
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.job_server import EmbeddedJobServer, StopOnExitJobServer
from apache_beam.runners.portability.local_job_service import LocalJobServicer
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.runner import PipelineResult, PipelineRunner, PipelineState
from emulators.job_service import job_service

from beam_taxi.errors import UserError
from beam_taxi.lifecycle.graph_run import GraphRun
from beam_taxi.lifecycle.opening import open_run, write_input_listing
from beam_taxi.record.resolving import resolve
from beam_taxi.settings.config import RunConfig

_PATIENCE_S = 120


class Job(PipelineResult):
  """A job elsewhere that comes to an end and, like those of several runners, cannot be canceled."""

  def __init__(self) -> None:
    super().__init__(PipelineState.DONE)

  def wait_until_finish(self, duration: Any = None) -> str:
    return self.state

  def metrics(self) -> Any:
    return self

  def query(self, filter: Any = None) -> dict[str, list]:
    return {'counters': []}


class Elsewhere(PipelineRunner):
  """A runner on whose workers the job is, of which this process sees nothing."""

  def run_pipeline(self, pipeline: beam.Pipeline, options: PipelineOptions) -> Job:
    return Job()


def test_a_job_that_has_ended_needs_no_stopping(tmp_path: pathlib.Path) -> None:
  graph = graph_of(tmp_path, Elsewhere())
  assert graph.wait(_PATIENCE_S)

  assert graph.cancel()


def test_a_job_that_is_left_and_cannot_be_stopped_is_not_said_to_be(tmp_path: pathlib.Path) -> None:
  graph = graph_of(tmp_path, Elsewhere(), no_wait=True)
  assert graph.wait(_PATIENCE_S)

  assert not graph.cancel()


def test_a_second_run_in_one_process_counts_from_zero(tmp_path: pathlib.Path) -> None:
  for run_id in ('one', 'two'):
    graph = graph_of(tmp_path, FnApiRunner(), run_id)
    assert graph.wait(_PATIENCE_S)
    assert graph.counted('ReadRows.rows') == graph.counters()['ReadRows.rows'] == 1


class StartsJobServer(PortableRunner):
  """A runner that starts a job server and handles Ctrl-C, as FlinkRunner does; the server is of this process."""

  def default_job_server(self, options: PipelineOptions) -> StopOnExitJobServer:
    return StopOnExitJobServer(EmbeddedJobServer())


LOOPBACK = ('--environment_type=LOOPBACK',)


def test_a_runner_that_starts_a_job_server_leaves_ctrl_c_as_it_was(tmp_path: pathlib.Path) -> None:
  before = signal.getsignal(signal.SIGINT)

  graph = graph_of(tmp_path, StartsJobServer(), beam_args=LOOPBACK)

  assert signal.getsignal(signal.SIGINT) is before
  assert graph.wait(_PATIENCE_S)
  assert graph.counters()['ReadRows.rows'] == 1


def test_a_job_service_tells_how_a_job_is_for_as_long_as_it_takes(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  real = LocalJobServicer.GetStateStream
  left: list[float] = []

  def stream(self: LocalJobServicer, request: Any, context: Any) -> Any:
    left.append(context.time_remaining())
    return real(self, request, context)

  monkeypatch.setattr(LocalJobServicer, 'GetStateStream', stream)
  with job_service() as service:
    graph = graph_of(tmp_path, PortableRunner(), beam_args=(*LOOPBACK, f'--job_endpoint={service.address}'))
    assert graph.wait(_PATIENCE_S)
    assert graph.counters()['ReadRows.rows'] == 1

  # Beam would have it end after 300 s, and the job with it.
  assert min(left) > 10**6


def test_elsewhere_than_in_the_main_thread_it_is_refused(tmp_path: pathlib.Path) -> None:
  graphs: list[GraphRun] = []
  thread = threading.Thread(target=lambda: graphs.append(graph_of(tmp_path, StartsJobServer(), beam_args=LOOPBACK)))
  thread.start()
  thread.join()

  with pytest.raises(UserError, match='StartsJobServer: Beam starts job servers in the main thread alone; start one'):
    graphs[0].counters()


def graph_of(
  folder: pathlib.Path, runner: PipelineRunner, run_id: str = 'one', *, no_wait: bool = False, beam_args: Any = ()
) -> GraphRun:
  (folder / 'rows.csv').write_text('a,b\n1,2\n')
  config = RunConfig((str(folder / 'rows.csv'),), str(folder / 'out'), run_id, metadata='none', no_wait=no_wait)
  run = open_run(resolve(config, runner, PipelineOptions([*beam_args])), None, [])
  write_input_listing(run)
  graph = GraphRun(run)
  graph.start()
  return graph
