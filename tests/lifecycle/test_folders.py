"""What a run leaves in its folder, however it ends."""

import os
import pathlib

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from beam_taxi.artifacts.listing import ListedFile, read_listing
from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.errors import UserError
from beam_taxi.lifecycle import opening
from beam_taxi.lifecycle.run import run_command
from beam_taxi.record import recorder
from beam_taxi.record.resolving import resolve
from beam_taxi.settings.config import RunConfig


def config(rows: pathlib.Path, run_id: str = 'one', **settings: object) -> RunConfig:
  return RunConfig((str(rows),), str(rows.parent / 'out'), run_id, **settings)  # type: ignore[arg-type]


def folder_of(rows: pathlib.Path, run_id: str = 'one') -> pathlib.Path:
  return rows.parent / 'out' / 'runs' / run_id


def test_what_was_read_is_written_down(rows: pathlib.Path) -> None:
  assert run_command(config(rows), []) == 0

  [source] = read_listing(RunFolder(str(folder_of(rows)))).sources
  assert source.patterns == (str(rows),)
  assert source.files == (ListedFile(str(rows), 12, str(rows.stat().st_mtime_ns)),)


def test_a_run_without_input_leaves_no_folder(rows: pathlib.Path) -> None:
  assert run_command(config(rows.parent / 'none.csv'), []) == 2
  assert not folder_of(rows).exists()


def test_a_run_that_fails_before_it_writes_frees_its_id(rows: pathlib.Path) -> None:
  rows.write_text('a,b\n1\n')
  assert run_command(config(rows), []) == 2
  assert not folder_of(rows).exists()

  rows.write_text('a,b\n1,2\n')
  assert run_command(config(rows), []) == 0


def test_a_refused_run_leaves_the_folder_of_the_other_as_it_is(rows: pathlib.Path) -> None:
  folder_of(rows).mkdir(parents=True)
  (folder_of(rows) / 'input.json').write_text('of another run')

  assert run_command(config(rows), []) == 2
  assert (folder_of(rows) / 'input.json').read_text() == 'of another run'


@pytest.mark.parametrize('error', [UserError('no store'), RuntimeError('a defect'), KeyboardInterrupt()], ids=repr)
def test_a_run_that_cannot_be_opened_leaves_no_folder_and_raises_what_kept_it(
  rows: pathlib.Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
  def refuse(*_: object) -> None:
    raise error

  monkeypatch.setattr(opening, 'Recorder', refuse)

  with pytest.raises(type(error)) as raised:
    opening.open_run(resolve(config(rows), FnApiRunner(), PipelineOptions([])), None, [])

  assert (raised.value, raised.value.__cause__) == (error, None)
  assert not folder_of(rows).exists()


def test_why_a_run_is_refused_is_said_though_it_cannot_be_recorded(
  rows: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  def refuse(*_: object) -> None:
    raise UserError('no store')

  monkeypatch.setattr(opening, 'Recorder', refuse)
  folder_of(rows).mkdir(parents=True)

  with pytest.raises(UserError, match='already exists'):
    opening.open_run(resolve(config(rows), FnApiRunner(), PipelineOptions([])), None, [])
  assert folder_of(rows).exists()


def test_a_run_that_takes_an_earlier_one_leaves_no_folder(rows: pathlib.Path) -> None:
  assert run_command(config(rows), []) == 0
  assert run_command(config(rows, 'two', cache=True), []) == 0

  assert os.listdir(rows.parent / 'out' / 'runs') == ['one']


def test_an_earlier_run_that_cannot_be_read_is_not_taken(
  rows: pathlib.Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
  def refuse(_: RunFolder) -> None:
    raise PermissionError('Forbidden')

  assert run_command(config(rows), []) == 0
  monkeypatch.setattr(recorder, 'read_manifest', refuse)

  assert run_command(config(rows, 'two', cache=True), []) == 0
  assert (folder_of(rows, 'two') / 'manifest.json').exists()
  assert 'one is not taken: what it made cannot be read (Forbidden)' in caplog.text


def test_a_relative_input_is_recorded_from_the_root_on(rows: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.chdir(rows.parent)

  assert run_command(RunConfig(('rows.csv',), 'out', 'one'), []) == 0
  assert read_listing(RunFolder(str(folder_of(rows)))).sources[0].patterns == (str(rows),)
