"""What is said of words that a command cannot do anything with: one line, and exit code 2."""

import pathlib
import sys

import pytest

from beam_taxi.cli import _main as cli


@pytest.fixture(autouse=True)
def stderr_stays(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setattr(sys, 'stderr', sys.stderr)


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
  """The current folder: in `out` a store without runs."""
  (tmp_path / 'out').mkdir()
  (tmp_path / 'out' / 'metadata.sqlite').touch()
  monkeypatch.chdir(tmp_path)
  return tmp_path


def refusal(capfd: pytest.CaptureFixture[str], *words: str) -> str:
  """The one line that a command ends with."""
  capfd.readouterr()
  assert cli.main(words) == 2
  said = capfd.readouterr()
  assert said.out == ''
  assert said.err.startswith('error: ')
  assert said.err.count('\n') == 1
  return said.err.removeprefix('error: ').rstrip('\n')


@pytest.mark.usefixtures('folder')
@pytest.mark.parametrize('since', ['9999999d', f'{10**30}w'])
def test_a_time_before_all_dates_is_refused(since: str, capfd: pytest.CaptureFixture[str]) -> None:
  said = refusal(capfd, 'runs', '--output', 'out', '--since', since)

  assert said.startswith(f'--since {since}: is longer ago than there are dates; give a date, as in 2026-01-31, or a')
