"""`sniff`: what a run would read, looked at without a run."""

import argparse
import os
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from beam_taxi import storage
from beam_taxi.inputs.columns import parse_column_types
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.files import match_files
from beam_taxi.inputs.csv.guess import guess_dialect
from beam_taxi.inputs.csv.layout import plan_input
from beam_taxi.inputs.csv.survey import survey
from beam_taxi.settings.flags import dialect_values
from beam_taxi.show.terminal.survey_tables import print_survey

_FIRST_ROWS = 3


def sniff(flags: argparse.Namespace, beam_args: Sequence[str]) -> int:
  """Shows how files are written and what is in them.

  Args:
    flags: what flags.build_sniff_parser made of the command line.
    beam_args: what is left of it, for Beam's file systems.

  Returns:
    The exit code: 0, or 2 where a run could not read the files.

  Raises:
    UserError: no file matches, or one cannot be read.
  """
  if beam_args:
    from beam_taxi.runners.options import (
      parse_beam_args,  # Takes seconds, which files of this machine need not wait for.
    )

    storage.use_options(parse_beam_args(beam_args)[1])
  values = vars(flags)
  given = dialect_values(values)
  [first, *_] = match_files(values['input'], Dialect(**given))
  guess = guess_dialect(first.path, first.size, given)
  files = match_files(values['input'], guess.dialect)
  plan = plan_input(files, guess.dialect, parse_column_types(values.get('column_types', '')), values.get('schema', ''))
  columns = (TextColumn('finding records and types'), BarColumn(), TimeElapsedColumn())
  errors = Console(stderr=True)
  with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
    task = progress.add_task('', total=plan.bytes)
    found = survey(
      files,
      plan,
      workers=len(os.sched_getaffinity(0)),
      rows=_FIRST_ROWS,
      scanned=lambda size: progress.advance(task, size),
    )
  types = [f'--{name}={values[name]}' for name in ('column_types', 'schema') if name in values]
  print_survey(Console(), values['input'], guess, plan, found, types)
  return 2 if found.findings.fault else 0
