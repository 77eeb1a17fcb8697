#!/usr/bin/env python3
"""Measures whole commands and the reading of CSV alone, each in a process of its own, and prints tables, in Markdown.

  .venv/bin/python benchmarks/run.py [--runs 3] [--rows 1000000] [--only NAME ...]

Every round runs each command once, so that what slows the machine down for a while slows all of them down. Figures are
medians over the rounds: seconds by the clock, CPU seconds of the process and its children, and the peak memory of the
largest of these. Start-up is `import tensorflow_data_validation`, which every one of the whole programs pays. Of the
reading of CSV, which read_csv.py does, imports are not counted.
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
SYNTHETIC = ROOT / 'data' / 'synthetic'

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
  yield f'main.py, {10 * rows:,} rows', [*run, str(large(10 * rows))]
  yield f'main.py, {rows:,} rows, one worker', [*run, str(big), '--direct_num_workers', '1']
  yield (
    f'tfdv.generate_statistics_from_csv, {rows:,} rows (statistics only)',
    [python, '-c', TFDV_ALONE, str(big), str(scratch / '{run}.tfrecord')],
  )


def readings(rows: int, big: pathlib.Path) -> Iterator[tuple[str, list[str]]]:
  """The ways to read a CSV file that are measured: a name and a command line that prints seconds and CPU seconds."""
  ways = {'arrow': 'pyarrow.csv.read_csv', 'pass_1': 'pass 1', 'pass_2': 'pass 2', 'graph': 'both passes in Beam'}
  larger, quoted, unquoted = large(10 * rows), with_cells_quoted(big, quoted=True), with_cells_quoted(big, quoted=False)
  for file, name, counts in (
    (big, f'{rows:,} rows', (1, 2)),
    (larger, f'{10 * rows:,} rows', (1, 2)),
    (unquoted, f'{rows:,} rows, every third cell with a blank', (1,)),
    (quoted, f'{rows:,} rows, every third cell with a quoted newline', (1,)),
  ):
    for way, title in ways.items():
      for workers in counts:
        command = [sys.executable, str(ROOT / 'benchmarks' / 'read_csv.py'), way, str(file), str(workers)]
        yield f'{title}, {name}, {workers} thread{"s" if workers > 1 else ""}', command


def measure(command: list[str], run: str) -> tuple[Figures, str]:
  """Runs a command to its end, and what it said. Raises CalledProcessError, with that, where it fails."""
  words = [word.replace('{run}', run) for word in command]
  with tempfile.TemporaryFile('w+') as said:
    began = time.monotonic()
    process = subprocess.Popen(
      words, stdout=said, stderr=subprocess.STDOUT, env={**os.environ, 'PYTHONPATH': str(ROOT)}
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    said.seek(0)
    output = said.read()
  if process.returncode:
    raise subprocess.CalledProcessError(process.returncode, words, output)
  return Figures(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000), output


def measure_reading(command: list[str]) -> Figures:
  """measure, with the seconds that the command says itself."""
  whole, output = measure(command, '')
  seconds, cpu_seconds = map(float, output.splitlines()[-1].split())
  return Figures(seconds, cpu_seconds, whole.megabytes)


def median(runs: list[Figures]) -> Figures:
  return Figures(*(statistics.median(figures) for figures in zip(*map(dataclasses.astuple, runs), strict=True)))


def print_commands(results: dict[str, list[Figures]]) -> None:
  start_up = median(results[START_UP])
  rows = []
  for name, runs in results.items():
    found = median(runs)
    cells = [f'{found.seconds:.2f}', f'{found.seconds - start_up.seconds:.2f}']
    cells += [f'{found.cpu_seconds:.2f}', f'{found.cpu_seconds - start_up.cpu_seconds:.2f}', f'{found.megabytes:,.0f}']
    if name == 'main.py --help':
      cells[1] = cells[3] = ''
    rows.append([name, str(len(runs)), *cells])
  print_table('Command', ['Seconds', 'Beyond start-up', 'CPU seconds', 'Beyond start-up', 'Peak MB'], rows)


def print_readings(results: dict[str, list[Figures]]) -> None:
  rows = []
  for name, runs in results.items():
    found = median(runs)
    rows.append([name, str(len(runs)), f'{found.seconds:.2f}', f'{found.cpu_seconds:.2f}', f'{found.megabytes:,.0f}'])
  print_table('Reading CSV', ['Seconds', 'CPU seconds', 'Peak MB'], rows)


def print_table(title: str, headings: list[str], rows: list[list[str]]) -> None:
  table = Table(title, box=box.MARKDOWN)
  for heading in ('Runs', *headings):
    table.add_column(heading, justify='right')
  for row in rows:
    table.add_row(*row)
  Console(width=150).print(table)


def large(rows: int) -> pathlib.Path:
  """A synthetic taxi CSV of so many rows, made if it is not there."""
  path = SYNTHETIC / f'{rows}.csv'
  if not path.exists():
    script = ROOT / 'scripts' / 'make_taxi_csv.py'
    subprocess.run([sys.executable, script, '--rows', str(rows), '--out', path], check=True)
  return path


def with_cells_quoted(source: pathlib.Path, *, quoted: bool) -> pathlib.Path:
  """A CSV file with every third cell doubled: a newline between the two and quotes around them, or just a blank."""
  path = source.with_suffix('.quoted.csv' if quoted else '.unquoted.csv')
  if path.exists():
    return path
  partial = path.with_suffix('.partial')
  with source.open('rb') as lines, partial.open('wb') as out:
    out.write(next(lines))
    for line in lines:
      cells = line.rstrip(b'\n').split(b',')
      for place in range(2, len(cells), 3):
        cells[place] = b'"%b\n%b"' % ((cells[place],) * 2) if quoted else b'%b %b' % ((cells[place],) * 2)
      out.write(b','.join(cells) + b'\n')
  partial.replace(path)
  return path


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--runs', type=int, default=3, help='rounds; default: 3')
  parser.add_argument('--rows', type=int, default=1_000_000, help='rows of the large CSV; default: 1,000,000')
  parser.add_argument('--only', nargs='+', default=[''], metavar='TEXT', help='only commands with one of these in them')
  arguments = parser.parse_args()

  subprocess.run([sys.executable, ROOT / 'scripts' / 'fetch_taxi_data.py'], check=True)
  big = large(arguments.rows)

  def chosen(name: str) -> bool:
    return any(text in name for text in arguments.only)

  with tempfile.TemporaryDirectory(prefix='beam_taxi_benchmark_') as scratch:
    whole = {
      name: command
      for name, command in commands(arguments.rows, big, pathlib.Path(scratch))
      if name == START_UP or chosen(name)
    }
    reading = {name: command for name, command in readings(arguments.rows, big) if chosen(name)}
    results: dict[str, list[Figures]] = {name: [] for name in (*whole, *reading)}
    for number in track(range(arguments.runs), 'rounds'):
      for place, (name, command) in enumerate(whole.items()):
        results[name].append(measure(command, f'run-{number}-{place}')[0])
      for name, command in reading.items():
        results[name].append(measure_reading(command))
  print_commands({name: results[name] for name in whole})
  if reading:
    print_readings({name: results[name] for name in reading})


if __name__ == '__main__':
  main()
