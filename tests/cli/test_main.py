"""How the process ends: with which exit code, and what it says, where nobody reads on or somebody interrupts."""

import os
import pathlib
import subprocess
import sys

import pytest

from beam_taxi.cli._main import main
from beam_taxi.metadata import store

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize(
  'words',
  [
    pytest.param(['runs', '--json', '--output', '.'], id='print writes'),
    pytest.param(['sniff', 'a.csv'], id='rich writes'),
  ],
)
def test_a_command_whose_reader_is_gone_ends_quietly(words: list[str], tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.csv').write_text('a,b\n1,2\n')
  (tmp_path / 'metadata.sqlite').touch()
  reading, writing = os.pipe()
  os.close(reading)

  done = subprocess.run(
    [sys.executable, ROOT / 'main.py', *words],
    cwd=tmp_path,
    stdout=writing,
    stderr=subprocess.PIPE,
    text=True,
    check=False,
  )
  os.close(writing)

  assert (done.returncode, done.stderr) == (141, '')


@pytest.mark.parametrize('name', ['SIGINT', 'SIGTERM'])
def test_a_process_that_is_ending_is_not_interrupted(name: str) -> None:
  program = f"""
import atexit, signal, sys
from beam_taxi.cli._main import main
atexit.register(lambda: signal.raise_signal(signal.{name}))
sys.argv[1:] = ['--version']
main()
"""
  done = subprocess.run([sys.executable, '-c', program], cwd=ROOT, capture_output=True, text=True, check=False)

  assert (done.returncode, done.stderr) == (0, '')


@pytest.mark.parametrize('words', [['runs'], ['show', 'a'], ['report', 'a'], ['site', '--out', 'site'], ['reconcile']])
def test_a_command_that_is_interrupted_ends_quietly(
  words: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
  monkeypatch.setattr(sys, 'stderr', sys.stderr)
  monkeypatch.setattr(store, 'connect', interrupt)

  assert main([*words, '--output', 'out']) == 130
  assert capfd.readouterr() == ('', '')


def interrupt(*_: object, **__: object) -> None:
  """What Ctrl-C does."""
  raise KeyboardInterrupt
