"""What `sniff` shows: how files are written, their columns, their first rows, and the command that reads them."""

import shlex
import types
from collections.abc import Mapping, Sequence

from rich import filesize
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from beam_taxi.errors import on_one_line
from beam_taxi.inputs.column_form import type_text
from beam_taxi.inputs.csv.advice import Advice
from beam_taxi.inputs.csv.description import dialect_flags, facts_of
from beam_taxi.inputs.csv.guess import Guess
from beam_taxi.inputs.csv.survey import Cell, Survey
from beam_taxi.inputs.layout import InputPlan
from beam_taxi.parsing import names_text
from beam_taxi.process.program import program

_LONGEST_CELL = 24


def print_survey(
  console: Console,
  patterns: Sequence[str],
  guess: Guess,
  plan: InputPlan,
  found: Survey,
  column_flags: Mapping[str, str] = types.MappingProxyType({}),
) -> None:
  """Prints what was found of an input.

  Args:
    console: where.
    patterns: what names the input.
    guess: how its files are written.
    plan: what was known of it before.
    found: what was found in it.
    column_flags: what was said of what becomes of the columns, by flag.
  """
  console.print(_facts(guess, plan, found))
  for note in guess.notes:
    console.print(f'\n[yellow]note:[/] {escape(note)}', highlight=False)
  if found.findings.fault:
    console.print(f'\n[bold red]fault:[/] {escape(found.findings.fault.message)}', highlight=False, soft_wrap=True)
    return
  console.print()
  console.print(_columns(plan, found))
  if found.findings.bad_rows:
    console.print(_bad_rows(found), highlight=False, soft_wrap=True)
  if found.advice:
    console.print()
  for advice, cell in found.advice:
    text = escape(on_one_line(f'{advice_text(advice, cell, one_file=plan.files == 1)}: {_remedy(advice)}'))
    console.print(f'[bold yellow]advice:[/] {text}', highlight=False, soft_wrap=True)
  if is_mostly_bad(found):
    console.print(
      '\nMost rows are bad, so the files are written in another way: look at the delimiter, the quotes, and at what '
      'stands above the header (--skip_lines, --comment_char).',
      highlight=False,
    )
    return
  console.print('\nTo read it this way:', highlight=False)
  _print_command(console, run_words(patterns, guess, found, column_flags))
  if found.advice:
    console.print('\nWith all of the advice:', highlight=False)
    _print_command(console, run_words(patterns, guess, found, column_flags, advised=True))


def is_mostly_bad(found: Survey) -> bool:
  """Whether so many rows are bad that the files must be written in another way."""
  return 2 * sum(found.findings.bad_rows.values()) > found.findings.rows


def run_words(
  patterns: Sequence[str], guess: Guess, found: Survey, column_flags: Mapping[str, str], *, advised: bool = False
) -> list[str]:
  """The command line of a run that reads an input as it was read, with all of the advice where that is wanted."""
  flags = _advised(column_flags, found) if advised else column_flags
  bad_rows = ['--bad_rows', 'quarantine'] if found.findings.bad_rows else []
  words = ['--input', *patterns, '--output', 'out', *dialect_flags(guess.dialect)]
  return [*words, *(f'--{name}={value}' for name, value in flags.items()), *bad_rows]


def _print_command(console: Console, words: Sequence[str]) -> None:
  """Never wrapped, so that it can be copied."""
  console.print(f'  {program()} {shlex.join(words)}', markup=False, highlight=False, soft_wrap=True)


def _advised(flags: Mapping[str, str], found: Survey) -> dict[str, str]:
  """The flags that said what becomes of columns, with all that is advised."""
  types_, left_out = [], []
  for advice, _ in found.advice:
    if advice.type is None:
      left_out.append(advice.column)
    else:
      types_.append(f'{advice.column}:{type_text(advice.type)}')
  more = {'column_types': names_text(types_), 'drop_columns': names_text(left_out)}
  if 'select_columns' in flags:
    more['drop_columns'] = ''
  return {**flags, **{name: ','.join(filter(None, (flags.get(name), text))) for name, text in more.items() if text}}


def _facts(guess: Guess, plan: InputPlan, found: Survey) -> Table:
  table = Table(box=None, show_header=False, pad_edge=False)
  table.add_column(style='bold cyan')
  table.add_column()
  facts = {
    'Files': f'{plan.files:,}, {filesize.decimal(plan.bytes)}',
    'Rows': f'{found.findings.rows:,}',
    **facts_of(guess, plan),
  }
  for name, value in facts.items():
    table.add_row(name, escape(value))
  return table


def _columns(plan: InputPlan, found: Survey) -> Table:
  """A row a feature: rows of many cells are easier to read from top to bottom."""
  table = Table(box=None, header_style='bold cyan', pad_edge=False)
  for heading in ('Column', 'Type', 'Forced by'):
    table.add_column(heading, overflow='fold')
  for number in range(1, len(found.first_rows) + 1):
    table.add_column(f'Row {number}', overflow='fold')
  one_file = plan.files == 1
  places = {place: number for number, (place, _) in enumerate(plan.layout.read_columns)}
  for feature, (name, kind) in zip(plan.layout.features, found.layout.fields, strict=True):
    column = plan.layout.columns[feature.column]
    forced_by = escape(_place(found.forced_by[feature.column], one_file))
    if plan.layout.types[feature.column] is not None:
      forced_by = escape(f'given: {feature.written}' if feature.written else 'given')
    table.add_row(
      escape(on_one_line(name if name == column else f'{name} ({column})')),
      kind.name,
      forced_by,
      *(_cell(row[places[feature.column]]) for row in found.first_rows),
    )
  return table


def _place(cell: Cell | None, one_file: bool) -> str:
  if cell is None:
    return '(no values)'
  file = '' if one_file else f'{cell.file} '
  return f'{file}line {cell.line:,}: {_shown(cell.text)}'


def _cell(text: str | None) -> str:
  return '[dim]empty[/]' if text is None else escape(_shown(text))


def _shown(text: str) -> str:
  """A cell on one line, cut where it is long."""
  line = on_one_line(text)
  return line if len(line) <= _LONGEST_CELL else line[: _LONGEST_CELL - 1] + '…'


def advice_text(advice: Advice, cell: Cell, *, one_file: bool) -> str:
  """A line of advice, with the row that shows it."""
  place = f' ({_place(cell, one_file)})' if cell.text else ''
  return on_one_line(f'{advice.column} {advice.what}{place}')


def _remedy(advice: Advice) -> str:
  """The flag that takes an advice."""
  if advice.type is None:
    return shlex.quote(f'--drop_columns={names_text([advice.column])}')
  return shlex.quote(f'--column_types={names_text([f"{advice.column}:{type_text(advice.type)}"])}')


def _bad_rows(found: Survey) -> str:
  findings = found.findings
  counts = ', '.join(f'{rows:,} {reason.replace("_", " ")}' for reason, rows in findings.bad_rows.items())
  first = f'; the first: {findings.first_bad_row.message}' if findings.first_bad_row else ''
  end = '; they end their files, as totals do, or as where a file was cut off' if found.bad_at_end else ''
  return f'\n[bold red]bad rows:[/] {escape(counts + first + end)}'
