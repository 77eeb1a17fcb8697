"""A run as Python code makes it: it gives a manifest, or raises."""

import pathlib
from typing import Any

import pytest

from beam_taxi.artifacts import manifest
from beam_taxi.errors import UserError
from beam_taxi.lifecycle import run as lifecycle
from beam_taxi.lifecycle.run import run, run_command
from beam_taxi.metadata.runs import find_run
from beam_taxi.metadata.store import connect
from beam_taxi.settings.config import RunConfig


def config(rows: pathlib.Path, run_id: str = 'one', **settings: Any) -> RunConfig:
  return RunConfig((str(rows),), str(rows.parent / 'out'), run_id, **settings)


def state_of(rows: pathlib.Path, run_id: str = 'one') -> str:
  return find_run(connect(f'sqlite:///{rows.parent}/out/metadata.sqlite'), run_id).state


def test_a_run_gives_its_manifest_and_prints_nothing(rows: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
  made = run(config(rows))

  assert made
  assert (made.run_id, made.input.rows, state_of(rows)) == ('one', 2, 'COMPLETE')
  assert capsys.readouterr().out == ''


def test_a_run_that_takes_an_earlier_one_gives_the_manifest_of_that(rows: pathlib.Path) -> None:
  run(config(rows))

  taken = run(config(rows, 'two', cache=True))

  assert taken
  assert (taken.run_id, state_of(rows, 'two')) == ('one', 'CACHED')


def test_wrong_input_is_raised_and_recorded(rows: pathlib.Path) -> None:
  rows.write_text('a,b\n1\n')

  with pytest.raises(UserError, match='rows.csv: line 2'):
    run(config(rows))

  assert state_of(rows) == 'FAILED'


def test_what_fails_otherwise_is_raised_as_it_is(rows: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
  def fail(*_: object) -> None:
    raise ZeroDivisionError('nobody expects this')

  monkeypatch.setattr(lifecycle, 'prepare_graph', fail)

  with pytest.raises(ZeroDivisionError, match='nobody expects this'):
    run(config(rows))

  assert state_of(rows) == 'FAILED'


def test_a_run_whose_manifest_cannot_be_read_at_once_is_not_recorded_as_failed(
  rows: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
  def unreadable(*_: object) -> None:
    raise UserError('manifest.json: cannot be read (timed out)')

  monkeypatch.setattr(lifecycle, 'read_manifest', unreadable)

  assert run_command(config(rows), []) == 1

  assert state_of(rows) == 'RUNNING'
  assert manifest.read_manifest(manifest.RunFolder.of(str(rows.parent / 'out'), 'one'))
  assert 'the graph is done, but its manifest cannot be read' in capsys.readouterr().err


def test_an_error_behind_the_manifest_leaves_the_run_complete(
  rows: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  real = lifecycle.end_of_graph

  def fail(*arguments: Any) -> None:
    real(*arguments)
    raise ConnectionError('no metrics')

  monkeypatch.setattr(lifecycle, 'end_of_graph', fail)

  assert run_command(config(rows), []) == 0
  assert state_of(rows) == 'COMPLETE'
