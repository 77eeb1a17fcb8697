"""Runs that are interrupted in a process that goes on, as in a notebook."""

import pathlib
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from beam_taxi.inputs.csv import csv_input
from beam_taxi.lifecycle import run as lifecycle
from beam_taxi.lifecycle.graph_run import GraphRun
from beam_taxi.lifecycle.run import run_command
from beam_taxi.metadata.runs import find_run
from beam_taxi.metadata.store import connect
from beam_taxi.record import recorder
from beam_taxi.settings.config import RunConfig

_PATIENCE_S = 120


def config(folder: pathlib.Path, row: str = '1,2', metadata: str = '') -> RunConfig:
  (folder / 'rows.csv').write_text(f'a,b\n{row}\n')
  return RunConfig((str(folder / 'rows.csv'),), str(folder / 'out'), 'one', metadata=metadata)


def state_of(folder: pathlib.Path) -> str:
  return find_run(connect(f'sqlite:///{folder}/out/metadata.sqlite'), 'one').state


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[[RunConfig], tuple[int, GraphRun]]:
  """Interrupts a run in the middle of pass 1, which goes on once the run has ended; its exit code and its graph."""
  real = csv_input.scan_range
  scanning, ended = threading.Event(), threading.Event()
  graphs: list[GraphRun] = []

  def scan(*args: Any) -> Any:
    scanning.set()
    assert ended.wait(_PATIENCE_S)
    return real(*args)

  def show_progress(_: object, __: int, graph: GraphRun) -> None:
    graphs.append(graph)
    assert scanning.wait(_PATIENCE_S)
    raise KeyboardInterrupt

  def interrupt(config: RunConfig) -> tuple[int, GraphRun]:
    with monkeypatch.context() as patched:
      patched.setattr(csv_input, 'scan_range', scan)
      patched.setattr(lifecycle, 'show_progress', show_progress)
      code = run_command(config, [])
      ended.set()
      assert graphs[0].wait(_PATIENCE_S)
    return code, graphs[0]

  return interrupt


ENDS = {'complete': ('1,2', 'record_manifest', 0, 'COMPLETE'), 'refused': ('1', 'record_failure', 2, 'FAILED')}


@pytest.mark.parametrize(('row', 'recording', 'code', 'state'), ENDS.values(), ids=ENDS)
def test_a_run_that_is_being_recorded_is_not_interrupted(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, row: str, recording: str, code: int, state: str
) -> None:
  real = getattr(recorder, recording)

  def record(*args: Any, **settings: Any) -> Any:
    signal.raise_signal(signal.SIGINT)
    return real(*args, **settings)

  monkeypatch.setattr(recorder, recording, record)
  # A shell's background jobs ignore it, and a test run may be one.
  before = signal.signal(signal.SIGINT, signal.default_int_handler)
  try:
    assert run_command(config(tmp_path, row), []) == code
  finally:
    signal.signal(signal.SIGINT, before)

  assert state_of(tmp_path) == state


@pytest.mark.parametrize('metadata', ['', 'none'], ids=['recorded', 'not_recorded'])
def test_a_run_that_is_interrupted_when_it_is_complete_is_complete(
  tmp_path: pathlib.Path,
  monkeypatch: pytest.MonkeyPatch,
  capsys: pytest.CaptureFixture[str],
  metadata: str,
) -> None:
  def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt

  monkeypatch.setattr(lifecycle, 'end_of_graph', interrupt)

  assert run_command(config(tmp_path, metadata=metadata), []) == 0
  shown = capsys.readouterr()
  assert '1 row' in shown.out
  assert 'interrupted' not in shown.err
  assert metadata or state_of(tmp_path) == 'COMPLETE'


def test_a_canceled_run_writes_no_manifest_though_its_threads_go_on(
  tmp_path: pathlib.Path, interrupted: Callable[[RunConfig], tuple[int, GraphRun]]
) -> None:
  code, graph = interrupted(config(tmp_path))

  assert (code, state_of(tmp_path)) == (130, 'CANCELED')
  with pytest.raises(Exception, match='the run was interrupted'):
    graph.counters()
  assert not list(tmp_path.rglob('manifest.json'))
