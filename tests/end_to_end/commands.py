"""The command line as users type it, and programs that run it with something in its way.

Its processes are forks of a warm one. What begins one anew says so.
"""

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import warm

from beam_taxi.cli import _main

ROOT = pathlib.Path(__file__).parent.parent.parent


def environment(**variables: str) -> dict[str, str]:
  """This process's, in which beam_taxi is found from any folder."""
  return {**os.environ, 'PYTHONPATH': str(ROOT), **variables}


def beam_taxi(folder: pathlib.Path, *words: object, **variables: str) -> subprocess.CompletedProcess:
  """Runs the command line in a folder, to its end."""
  process = warm.Process(['-m', 'beam_taxi', *map(str, words)], folder, environment(**variables))
  out, err = process.communicate()
  return subprocess.CompletedProcess(words, process.returncode, out, err)


def beam_taxi_anew(folder: pathlib.Path, *words: object, **variables: str) -> subprocess.CompletedProcess:
  """The same, by a Python that has imported nothing yet."""
  command = [sys.executable, '-m', 'beam_taxi', *map(str, words)]
  return subprocess.run(command, cwd=folder, env=environment(**variables), capture_output=True, text=True, check=False)


def asked(folder: pathlib.Path, *words: object, **variables: str) -> Any:
  """What a sub-command prints as JSON."""
  done = beam_taxi(folder, *words, '--json', **variables)
  assert done.returncode == 0, done.stderr
  return json.loads(done.stdout)


class Here:
  """The command line in this process, in a folder: as quick as a process that has imported everything."""

  def __init__(self, folder: pathlib.Path, capture: pytest.CaptureFixture[str]):
    self.folder = folder
    self._capture = capture

  def __call__(self, *words: object) -> subprocess.CompletedProcess:
    """Runs a command to its end."""
    self._capture.readouterr()
    try:
      code = _main.main([*map(str, words)])
    except SystemExit as end:
      code = end.code
    out, err = self._capture.readouterr()
    return subprocess.CompletedProcess(words, code, out, err)

  def asked(self, *words: object) -> Any:
    """What a sub-command prints as JSON."""
    done = self(*words, '--json')
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)

  def ran(self, run_id: str, *words: object) -> str:
    """What a run of rows.csv into out prints, which goes well."""
    done = self('--input', 'rows.csv', '--output', 'out', '--run_id', run_id, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


# Runs the command line with something in its way: a function that is called at one place in it, before or after.
_PROGRAM = """
import importlib, os, signal, sys, threading
from beam_taxi.cli import _main as cli

def kill():
  os.kill(os.getpid(), signal.SIGKILL)

def bug():
  1 // 0

def wait():
  print('waiting', flush=True)
  sys.stdin.readline()

module, name, when, nth, what = sys.argv[1:6]
del sys.argv[1:6]
*path, attribute = name.split('.')
where = importlib.import_module(module)
for part in path:
  where = getattr(where, part)
real = getattr(where, attribute)
left = [int(nth)]
lock = threading.Lock()

def in_the_way(*args, **kwargs):
  with lock:
    left[0] -= 1
    now = left[0] == 0
  if now and when == 'before':
    globals()[what]()
  result = real(*args, **kwargs)
  if now and when == 'after':
    globals()[what]()
  return result

setattr(where, attribute, in_the_way)
sys.exit(cli.main())
"""


_STARTED: list[subprocess.Popen | warm.Process] = []


def started(words: Sequence[str], folder: pathlib.Path, env: Mapping[str, str], **streams: int) -> warm.Process:
  """A Python with these arguments, which ends with the test at the latest."""
  process = warm.Process(words, folder, env, **streams)
  _STARTED.append(process)
  return process


def end_started() -> None:
  """Ends what a test has started and left."""
  for process in _STARTED:
    process.kill()
    process.wait()
    for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
      pipe.close()
  _STARTED.clear()


def start_with(
  folder: pathlib.Path, place: tuple[str, str, str, int], what: str, *words: object, **variables: str
) -> warm.Process:
  """Starts the command line with something in its way.

  Args:
    folder: where it runs.
    place: a module, a function in it, 'before' or 'after', and at which call of it.
    what: 'kill', which is SIGKILL; 'wait', which prints 'waiting' and goes on after a line of input; or 'bug'.
    words: its words.
    variables: of its environment.
  """
  return started(_with(place, what, words), folder, environment(**variables))


def start_anew_with(
  folder: pathlib.Path, place: tuple[str, str, str, int], what: str, *words: object, **variables: str
) -> subprocess.Popen:
  """The same, by a Python that has imported nothing yet."""
  command = [sys.executable, *_with(place, what, words)]
  pipes = dict.fromkeys(('stdin', 'stdout', 'stderr'), subprocess.PIPE)
  process = subprocess.Popen(command, cwd=folder, env=environment(**variables), text=True, **pipes)
  _STARTED.append(process)
  return process


def _with(place: tuple[str, str, str, int], what: str, words: Sequence[object]) -> list[str]:
  return ['-c', _PROGRAM, *map(str, place), what, *map(str, words)]


def properties(runs: list[Mapping[str, Any]], run_id: str) -> Mapping[str, Any]:
  """A run's properties, of what `runs --json` printed."""
  [run] = [run for run in runs if run['run_id'] == run_id]
  return run['properties']
