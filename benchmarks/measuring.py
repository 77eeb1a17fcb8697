"""Running a command in a process of its own, on some of the cores, and what that took."""

import dataclasses
import os
import pathlib
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True)
class Figures:
  """What one run of a command took.

  Attributes:
    seconds: by the clock.
    cpu_seconds: of its process and of the children that it waited for.
    megabytes: the peak resident memory of the largest of these, in 10^6 bytes.
    encoded_megabytes: the size of the Examples that were made, where it says so.
  """

  seconds: float
  cpu_seconds: float
  megabytes: float
  encoded_megabytes: float = 0


@dataclasses.dataclass(frozen=True)
class Command:
  """A command that is measured.

  Attributes:
    name: what it does, and on what.
    words: the command line; '{run}' stands for a folder that is new in each run.
    cores: how many cores it may use.
    start_up: the name of the command that does nothing but start up as this one does, on as many cores; '' for none.
    same_work: commands with this in common are compared with main.py's among them; '' for none.
    tells: whether it prints its seconds and CPU seconds itself, without imports and preparations.
    once: whether it is measured in the first round alone.
  """

  name: str
  words: tuple[str | pathlib.Path, ...]
  cores: int = 2
  start_up: str = ''
  same_work: str = ''
  tells: bool = False
  once: bool = False


def measure(command: Command) -> Figures:
  """Runs a command to its end. Raises CalledProcessError, with what it said, where it fails."""
  cores = sorted(os.sched_getaffinity(0))[: command.cores]
  with tempfile.TemporaryDirectory(prefix='beam_taxi_benchmark_') as folder, tempfile.TemporaryFile('w+') as said:
    words = [str(word).replace('{run}', folder) for word in command.words]
    began = time.monotonic()
    process = subprocess.Popen(
      words,
      stdout=said,
      stderr=subprocess.STDOUT,
      env={**os.environ, 'PYTHONPATH': str(ROOT)},
      preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    said.seek(0)
    output = said.read()
  if process.returncode:
    raise subprocess.CalledProcessError(process.returncode, words, output)
  whole = Figures(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)
  if not command.tells:
    return whole
  told = [float(number) for number in output.splitlines()[-1].split()]
  return Figures(told[0], told[1], whole.megabytes, *told[2:])


def median(runs: Sequence[Figures]) -> Figures:
  """The median of each figure by itself."""
  return Figures(*(statistics.median(figures) for figures in zip(*map(dataclasses.astuple, runs), strict=True)))
