"""What whole commands share."""

import pathlib
import shutil
import sys
from collections.abc import Iterator

import pytest
from commands import Here, beam_taxi, end_started


@pytest.fixture
def here(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
  """The command line in this process, in tmp_path, where rows.csv has 100 rows."""
  write_rows(tmp_path)
  return _here(tmp_path, monkeypatch, capfd)


@pytest.fixture(scope='module')
def folder_of_one(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """A folder where a run was made; where what it made is kept is `kept`."""
  folder = tmp_path_factory.mktemp('one')
  write_rows(folder)
  done = beam_taxi(folder, '--input', 'rows.csv', '--output', 'out', '--run_id', 'one')
  assert done.returncode == 0, done.stderr
  (folder / 'out').rename(folder / 'kept')
  return folder


@pytest.fixture
def after_one(
  folder_of_one: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Here]:
  """The same as `here` after ran('one'), in a folder where each test finds it so."""
  write_rows(folder_of_one)
  shutil.copytree(folder_of_one / 'kept', folder_of_one / 'out')
  yield _here(folder_of_one, monkeypatch, capfd)
  shutil.rmtree(folder_of_one / 'out')


def _here(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> Here:
  monkeypatch.chdir(folder)
  monkeypatch.setattr(sys, 'stderr', sys.stderr)
  return Here(folder, capture)


def write_rows(folder: pathlib.Path) -> None:
  (folder / 'rows.csv').write_text('a,b\n' + ''.join(f'{n},x{n}\n' for n in range(100)))


@pytest.fixture(autouse=True)
def nothing_goes_on() -> Iterator[None]:
  """Whatever a test starts ends with it, however the test ends."""
  yield
  end_started()
