#!/usr/bin/env python3
"""Measures whole commands, each in a process of its own, and prints one table, in Markdown.

  .venv/bin/python benchmarks/run.py [--runs 3] [--rows 1000000] [--only NAME ...]

Every round runs each command once, so that what slows the machine down for a while slows all of them down. Figures are
medians over the rounds: seconds by the clock, CPU seconds of the process and its children, and the peak memory of the
largest of these. Start-up is `import tensorflow_data_validation`, which every one of these programs pays.
"""

import argparse
import dataclasses
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = pathlib.Path(__file__).resolve().parent.parent
TAXI = ROOT / 'data' / 'taxi' / 'data.csv'

START_UP = 'start-up: import tensorflow_data_validation'

# Beam's in-process runner by name: its default first tries to download another one.
TFDV_ALONE = """
import sys
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
tfdv.generate_statistics_from_csv(
  data_location=sys.argv[1], output_path=sys.argv[2], pipeline_options=PipelineOptions(['--runner=FnApiRunner']))
"""


@dataclasses.dataclass(frozen=True)
class Figures:
  """One run of a command."""

  seconds: float
  cpu_seconds: float
  megabytes: float


def commands(rows: int, big: pathlib.Path, scratch: pathlib.Path) -> Iterator[tuple[str, list[str]]]:
  """What is measured: a name and a command line; '{run}' stands for a name that is new in each run."""
  python = sys.executable
  run = [python, str(ROOT / 'main.py'), '--output', str(scratch), '--run_id', '{run}', '--input']
  yield 'main.py --help', [python, str(ROOT / 'main.py'), '--help']
  yield START_UP, [python, '-c', 'import tensorflow_data_validation']
  yield 'main.py, 15,002 rows', [*run, str(TAXI)]
  yield f'main.py, {rows:,} rows', [*run, str(big)]
  yield f'main.py, {rows:,} rows, one worker', [*run, str(big), '--direct_num_workers', '1']
  yield (
    f'tfdv.generate_statistics_from_csv, {rows:,} rows (statistics only)',
    [python, '-c', TFDV_ALONE, str(big), str(scratch / '{run}.tfrecord')],
  )


def measure(command: list[str], run: str) -> Figures:
  """Runs a command to its end. Raises CalledProcessError, with what it said, where it fails."""
  words = [word.replace('{run}', run) for word in command]
  with tempfile.TemporaryFile() as said:
    began = time.monotonic()
    process = subprocess.Popen(words, stdout=said, stderr=said)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
      said.seek(0)
      raise subprocess.CalledProcessError(process.returncode, words, said.read())
  return Figures(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def median(runs: list[Figures]) -> Figures:
  return Figures(*(statistics.median(figures) for figures in zip(*map(dataclasses.astuple, runs), strict=True)))


def print_table(results: dict[str, list[Figures]]) -> None:
  start_up = median(results[START_UP])
  table = Table('Command', box=box.MARKDOWN)
  for heading in ('Runs', 'Seconds', 'Beyond start-up', 'CPU seconds', 'Beyond start-up', 'Peak MB'):
    table.add_column(heading, justify='right')
  for name, runs in results.items():
    found = median(runs)
    cells = [f'{found.seconds:.2f}', f'{found.seconds - start_up.seconds:.2f}']
    cells += [f'{found.cpu_seconds:.2f}', f'{found.cpu_seconds - start_up.cpu_seconds:.2f}', f'{found.megabytes:,.0f}']
    if name == 'main.py --help':
      cells[1] = cells[3] = ''
    table.add_row(name, str(len(runs)), *cells)
  Console(width=150).print(table)


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--runs', type=int, default=3, help='rounds; default: 3')
  parser.add_argument('--rows', type=int, default=1_000_000, help='rows of the large CSV; default: 1,000,000')
  parser.add_argument('--only', nargs='+', default=[''], metavar='TEXT', help='only commands with one of these in them')
  arguments = parser.parse_args()

  scripts = ROOT / 'scripts'
  big = ROOT / 'data' / 'synthetic' / f'{arguments.rows}.csv'
  subprocess.run([sys.executable, scripts / 'fetch_taxi_data.py'], check=True)
  if not big.exists():
    rows = str(arguments.rows)
    subprocess.run([sys.executable, scripts / 'make_taxi_csv.py', '--rows', rows, '--out', big], check=True)
  with tempfile.TemporaryDirectory(prefix='beam_taxi_benchmark_') as scratch:
    chosen = {
      name: command
      for name, command in commands(arguments.rows, big, pathlib.Path(scratch))
      if name == START_UP or any(text in name for text in arguments.only)
    }
    results: dict[str, list[Figures]] = {name: [] for name in chosen}
    for number in track(range(arguments.runs), 'rounds'):
      for place, (name, command) in enumerate(chosen.items()):
        results[name].append(measure(command, f'run-{number}-{place}'))
  print_table(results)


if __name__ == '__main__':
  main()
