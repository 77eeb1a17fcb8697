#!/usr/bin/env python3
"""Measures whole programs, encoders and the reading of CSV, each in a process of its own; prints Markdown tables.

  .venv/bin/python benchmarks/run.py [--runs 3] [--rows 1000000] [--only TEXT ...] [--long] [--with-tfx [PYTHON]]

Every round runs each command once, so that what slows the machine down for a while slows all of them down. Figures are
medians over the rounds: seconds by the clock, CPU seconds of the process and its children, and the peak memory of the
largest of these. "Beyond start-up" is what a program takes more than a process that imports what it imports, and ends
as it ends. Encoders and readers are measured without imports and preparations.
"""

import argparse
from collections.abc import Mapping, Sequence

from commands import MAIN, encoders, programs, readings, tfx_environment
from measuring import Command, Figures, measure, median
from rich.progress import track
from tables import print_table

Results = Mapping[Command, Figures]


def print_programs(results: Results, runs: Mapping[Command, int]) -> None:
  by_name = {(command.name, command.cores): found for command, found in results.items()}
  ours = {command.same_work: command for command in results if command.name.startswith(MAIN) and command.same_work}

  def beyond(command: Command) -> Figures | None:
    start_up = by_name.get((command.start_up, command.cores))
    found = results[command]
    if not start_up:
      return None
    return Figures(found.seconds - start_up.seconds, found.cpu_seconds - start_up.cpu_seconds, found.megabytes)

  rows = []
  for command, found in results.items():
    whole_ratio = beyond_ratio = ''
    more = beyond(command)
    if peer := ours.get(command.same_work):
      whole_ratio = f'{found.seconds / results[peer].seconds:.1f}'
      if more and (reference := beyond(peer)):
        beyond_ratio = f'{more.seconds / reference.seconds:.1f}'
    rows.append(
      [
        command.name,
        str(command.cores),
        str(runs[command]),
        f'{found.seconds:.2f}',
        whole_ratio,
        f'{more.seconds:.2f}' if more else '',
        beyond_ratio,
        f'{found.cpu_seconds:.2f}',
        f'{more.cpu_seconds:.2f}' if more else '',
        f'{found.megabytes:,.0f}',
      ]
    )
  headings = ['Cores', 'Runs', 'Seconds', '× main.py', 'Beyond start-up', '× main.py']  # noqa: RUF001
  print_table('Program', [*headings, 'CPU seconds', 'Beyond start-up', 'Peak MB'], rows)


def print_encoders(results: Results, runs: Mapping[Command, int]) -> None:
  rows = []
  for command, found in results.items():
    speed = f'{found.encoded_megabytes / found.seconds:,.0f}'
    figures = [f'{found.seconds:.2f}', f'{found.cpu_seconds:.2f}', speed, f'{found.megabytes:,.0f}']
    rows.append([command.name, str(runs[command]), *figures])
  print_table('Encoding, one core', ['Runs', 'Seconds', 'CPU seconds', 'MB of Examples a second', 'Peak MB'], rows)


def print_readings(results: Results, runs: Mapping[Command, int]) -> None:
  rows = []
  for command, found in results.items():
    figures = [f'{found.seconds:.2f}', f'{found.cpu_seconds:.2f}', f'{found.megabytes:,.0f}']
    rows.append([command.name, str(runs[command]), *figures])
  print_table('Reading CSV', ['Runs', 'Seconds', 'CPU seconds', 'Peak MB'], rows)


def choose(commands: Sequence[Command], texts: Sequence[str]) -> list[Command]:
  """The commands that have one of the texts in their names, and those that start up as they do."""
  named = [command for command in commands if any(text in command.name for text in texts)]
  start_ups = {(command.start_up, command.cores) for command in named}
  return [command for command in commands if command in named or (command.name, command.cores) in start_ups]


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--runs', type=int, default=3, help='rounds; default: 3')
  parser.add_argument('--rows', type=int, default=1_000_000, help='rows of the large CSV; default: 1,000,000')
  parser.add_argument('--only', nargs='+', default=[''], metavar='TEXT', help='only commands with one of these in them')
  parser.add_argument(
    '--long', action='store_true', help='once, generate_statistics_from_csv over ten times the rows too'
  )
  parser.add_argument(
    '--with-tfx',
    nargs='?',
    const='3.10',
    metavar='PYTHON',
    help='once, TFX 1.16 too, in an environment that is made in data/ with this Python 3.10; default: the first found',
  )
  arguments = parser.parse_args()
  tfx_python = tfx_environment(arguments.with_tfx) if arguments.with_tfx else None
  tables = {
    print_programs: programs(arguments.rows, long=arguments.long, tfx_python=tfx_python),
    print_encoders: encoders(arguments.rows),
    print_readings: readings(arguments.rows),
  }
  chosen = {show: choose(list(commands), arguments.only) for show, commands in tables.items()}
  runs: dict[Command, list[Figures]] = {}
  for number in track(range(arguments.runs), 'rounds'):
    for commands in chosen.values():
      for command in commands:
        if not (number and command.once):
          runs.setdefault(command, []).append(measure(command))
  counts = {command: len(found) for command, found in runs.items()}
  for show, commands in chosen.items():
    if commands:
      show({command: median(runs[command]) for command in commands}, counts)


if __name__ == '__main__':
  main()
