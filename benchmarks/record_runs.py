#!/usr/bin/env python3
"""Measures what recording runs into an SQLite store costs, and asking a store that has many; prints a Markdown table.

  .venv/bin/python benchmarks/record_runs.py [--runs 5] [--recorded 10000]

A store is filled with runs through the functions by which main.py records its own, in memory where the machine has a
file system there, and then copied to the disk. Every round does each thing once, in a process of its own; figures are
medians. "record a run" and "look up" are without imports, all else are whole commands.
"""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence

from inputs import taxi
from measuring import ROOT, Command, Figures, measure, median
from recorded_runs import fill, recorded_run
from rich.progress import track
from tables import print_table

from beam_taxi.metadata.store import connect
from beam_taxi.process import native_stderr

_IN_MEMORY = pathlib.Path('/dev/shm')

_WITHOUT, _WITH = 'main.py, 15,002 rows, --metadata none', 'main.py, 15,002 rows'


def filled_store(path: pathlib.Path, runs: int) -> float:
  """Makes an SQLite store with so many runs; the seconds that recording them took."""
  # Each of a run's transactions waits for the disk, which 10,000 runs need not.
  is_memory = os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free > 10**5 * runs
  with tempfile.TemporaryDirectory(dir=_IN_MEMORY if is_memory else path.parent) as folder:
    draft = pathlib.Path(folder) / 'metadata.sqlite'
    with native_stderr.withheld():
      store = connect(f'sqlite:///{draft}')
    began = time.monotonic()
    fill(store, track(range(runs), f'record {runs:,} runs'))
    seconds = time.monotonic() - began
    del store
    shutil.copyfile(draft, path)
  return seconds


def commands(one: pathlib.Path, many: pathlib.Path, runs: int) -> dict[Command, int]:
  """What is measured, and how many runs are recorded before it."""
  helper, main = ROOT / 'benchmarks' / 'recorded_runs.py', ROOT / 'main.py'
  run = (sys.executable, main, '--input', taxi(), '--output', '{run}')
  found = {
    Command(_WITHOUT, (*run, '--metadata', 'none')): 0,
    Command(_WITH, run): 0,
    Command('record a run', (sys.executable, helper, 'record', 'sqlite:///{run}/metadata.sqlite'), tells=True): 0,
  }
  for path, before in ((one, 1), (many, runs)):
    uri = f'sqlite:///{path}'
    found[Command('record a run', (sys.executable, helper, 'record', uri), tells=True)] = before
    for what, name in (('lookup-hit', 'look up for --cache, found'), ('lookup-miss', 'look up for --cache, not found')):
      found[Command(name, (sys.executable, helper, what, uri), tells=True)] = before
    # The first one, which read what half of the others read: its input is the store's first artifact.
    run_id = recorded_run(0).run_id
    for words in (
      ('runs', '--limit', '20'),
      ('runs', '--state', 'RUNNING'),
      ('runs', '--state', 'FAILED'),
      ('runs', '--state', 'CANCELED'),
      ('reconcile',),
      ('show', run_id),
      ('lineage', run_id),
      ('lineage', 'artifact:1'),
    ):
      name = ' '.join(words).replace(run_id, 'RUN').replace('artifact:1', 'INPUT')
      found[Command(name, (sys.executable, main, *words, '--metadata', uri))] = before
  return found


def rows(results: Mapping[Command, Sequence[Figures]], before: Mapping[Command, int]) -> list[list[str]]:
  found = []
  for command, runs in results.items():
    found.append([command.name, f'{before[command]:,}', *_figures(runs)])
    if command.name == _WITH:
      [without] = (others for other, others in results.items() if other.name == _WITHOUT)
      pairs = zip(runs, without, strict=True)
      more = [
        Figures(ours.seconds - others.seconds, ours.cpu_seconds - others.cpu_seconds, 0) for ours, others in pairs
      ]
      found.append(['what the store adds to it', f'{before[command]:,}', *_figures(more)])
  return found


def _figures(runs: Sequence[Figures]) -> list[str]:
  middle = median(runs)
  slowest = max(figures.seconds for figures in runs)
  return [str(len(runs)), f'{middle.seconds:.3f}', f'{slowest:.3f}', f'{middle.cpu_seconds:.3f}']


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--runs', type=int, default=5, help='rounds; default: 5')
  parser.add_argument('--recorded', type=int, default=10_000, help='runs in the large store; default: 10,000')
  arguments = parser.parse_args()
  with tempfile.TemporaryDirectory(prefix='beam_taxi_benchmark_') as folder:
    one, many = pathlib.Path(folder) / 'one.sqlite', pathlib.Path(folder) / 'many.sqlite'
    filled_store(one, 1)
    seconds = filled_store(many, arguments.recorded)
    print(f'{arguments.recorded:,} runs were recorded in {seconds:.0f} s, into {many.stat().st_size / 1e6:,.0f} MB.')
    before = commands(one, many, arguments.recorded)
    results: dict[Command, list[Figures]] = {command: [] for command in before}
    for _ in track(range(arguments.runs), 'rounds'):
      for command, figures in results.items():
        figures.append(measure(command))
  headings = ['Runs recorded before', 'Times', 'Seconds', 'Slowest', 'CPU seconds']
  print_table('SQLite', headings, rows(results, before))


if __name__ == '__main__':
  main()
