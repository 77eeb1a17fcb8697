"""`sniff`: what a run would read, looked at without a run."""

import dataclasses
import os
import shlex
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi import storage
from beam_taxi.cli._beam_args import use_beam_args
from beam_taxi.errors import UserError
from beam_taxi.inputs.column_form import ColumnForm
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.process.program import program
from beam_taxi.setting_fields import settings_of, take_settings
from beam_taxi.settings.config import RunConfig, all_settings, input_settings
from beam_taxi.settings.config_file import config_text
from beam_taxi.settings.flags import add_flags, new_parser, parse_known

OPERANDS = 'FILE...'
SUMMARY = 'shows how files are written and which types their columns have'
DESCRIPTION = """\
Reads CSV files as a run would and shows what it finds: delimiter, quotes and encoding, columns with their types and the
rows that forced them, how many rows there are and which of them are bad, the first rows, and advice. Flags that are not
given are guessed from the beginning of the first file. The command that reads the files this way comes last. Nothing is
written, unless --write_config asks for it. Flags for Apache Beam's file systems can be given too."""
EPILOG = ''

# The settings that say what becomes of the columns.
_OF_COLUMNS = tuple(field.name for field in dataclasses.fields(ColumnForm))
_FIRST_ROWS = 3


def add_arguments(parser: ArgumentParser) -> None:
  parser.add_argument('input', nargs='+', metavar='FILE', help='CSV files, folders or glob patterns, as for --input')
  columns = [dataclasses.replace(each, group='columns') for each in settings_of(RunConfig) if each.name in _OF_COLUMNS]
  [config] = [dataclasses.replace(each, group='settings') for each in settings_of(RunConfig) if each.name == 'config']
  add_flags(parser, [*input_settings(Dialect), *columns, config])
  parser.add_argument('--write_config', metavar='FILE', help='write the command that comes last as a file for --config')


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  """Shows it; the exit code is 2 where a run could not read the files."""
  use_beam_args(beam_args)
  config_path = flags.get('write_config', '')
  if os.path.lexists(config_path):
    raise UserError(f'--write_config {config_path}: is there already; give another name, or remove it')
  from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

  from beam_taxi.inputs.csv.csv_input import CsvInput
  from beam_taxi.inputs.csv.files import input_files
  from beam_taxi.inputs.csv.guess import guess_dialect
  from beam_taxi.inputs.csv.survey import survey
  from beam_taxi.inputs.matching import absolute, list_files
  from beam_taxi.show.terminal.consoles import console
  from beam_taxi.show.terminal.survey_tables import advice_text, is_mostly_bad, print_survey, run_words

  given = take_settings(Dialect, dict(flags))
  listed = list_files(flags['input'])
  try:
    guess = guess_dialect(listed[0].path, listed[0].size, given)
  except OSError as error:
    raise UserError(f'{listed[0].path}: cannot be read ({storage.why(error)})') from error
  typed = {name: flags[name] for name in _OF_COLUMNS if name in flags}
  form = ColumnForm(**take_settings(RunConfig, dict(typed)))
  plan = CsvInput(guess.dialect).plan(listed, dataclasses.replace(form, schema=absolute(form.schema)))
  columns = (TextColumn('finding records and types'), BarColumn(), TimeElapsedColumn())
  errors = console(stderr=True)
  with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
    task = progress.add_task('', total=plan.bytes)
    found = survey(
      input_files(listed, guess.dialect),
      plan,
      workers=len(os.sched_getaffinity(0)),
      rows=_FIRST_ROWS,
      scanned=lambda size: progress.advance(task, size),
    )
  print_survey(console(), flags['input'], guess, plan, found, typed)
  if found.findings.fault:
    return 2
  if config_path and not is_mostly_bad(found):
    advice = [advice_text(*each, one_file=plan.files == 1) for each in found.advice]
    _write_config(config_path, run_words(flags['input'], guess, found, typed, advised=True), advice)
  return 0


def _write_config(path: str, words: Sequence[str], advice: Sequence[str]) -> None:
  """Writes a run's command line as a file of settings, with the advice that it takes as comments."""
  parser = new_parser(program())
  add_flags(parser, all_settings())
  values, _ = parse_known(parser, words)
  use = f'{program()} --config {shlex.quote(path)}'
  try:
    storage.write_bytes(path, config_text(values, all_settings(), [f'Settings for {use}', *advice]).encode())
  except OSError as error:
    raise UserError(f'--write_config {path}: cannot be written ({storage.why(error)})') from error
  print(f'\n{path} has all of it. To run with it:\n  {use}')
