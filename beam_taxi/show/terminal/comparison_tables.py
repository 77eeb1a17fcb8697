"""Two runs side by side, as `diff` shows them: tables on a terminal, or JSON."""

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from beam_taxi.analysis.comparison import Comparison, Pair
from beam_taxi.analysis.moves import Move, Thresholds
from beam_taxi.analysis.schema_changes import SchemaChange
from beam_taxi.errors import on_one_line
from beam_taxi.show.figure_formats import exact, figure, times
from beam_taxi.show.formats import count, cut

_LONGEST = 40
_MOST_STRINGS = 5
_MOST_MOVES = 30


def comparison_to_json(comparison: Comparison) -> str:
  """A comparison as JSON: Comparison's attributes, `same_input` and `same_results`; infinity and NaN are null."""
  values = dataclasses.asdict(comparison)
  same = {'same_input': comparison.same_input, 'same_results': comparison.same_results}
  return json.dumps(_finite({**values, **same}), indent=1, allow_nan=False)


def _finite(value: Any) -> Any:
  if isinstance(value, dict):
    return {name: _finite(each) for name, each in value.items()}
  if isinstance(value, list | tuple):
    return [_finite(each) for each in value]
  return None if isinstance(value, float) and not math.isfinite(value) else value


def print_comparison(console: Console, comparison: Comparison) -> None:
  """Prints what two runs have in common in a line, then tables of what is different."""
  console.print(_verdict(comparison), highlight=False, soft_wrap=True)
  console.print(_examples(comparison), highlight=False, soft_wrap=True)
  runs = (comparison.first, comparison.second)
  same = comparison.same_input and comparison.same_results
  tables = [
    *([] if same else [_input(comparison), _counts('Split', runs, comparison.records)]),
    *([] if same else [_counts('Bad rows', runs, comparison.bad_rows)]),
    _texts('Column', runs, comparison.columns),
    _schema(runs, comparison.schema),
    _moves(runs, comparison.moves[:_MOST_MOVES]),
    _texts('Package', runs, comparison.versions),
  ]
  for table in tables:
    if table.row_count:
      console.print()
      console.print(table)
  if comparison.moves:
    console.print()
    console.print(_note(comparison.moves, comparison.thresholds), style='dim', highlight=False)


def _verdict(comparison: Comparison) -> str:
  names = f'{_shown(comparison.first)} and {_shown(comparison.second)}'
  same = 'records, columns and schema, and no statistic moved'
  if comparison.same_input and comparison.same_results:
    return f'[bold green]The runs are the same[/]: {names} have the same input, {same}.'
  if comparison.same_results:
    return f'[bold yellow]Other input, the same results[/]: {names} have the same {same}.'
  results = {
    'records': any(not pair.same for pair in comparison.records),
    'bad rows': any(not pair.same for pair in comparison.bad_rows),
    'columns': comparison.columns,
    'schema': comparison.schema,
    'statistics': comparison.moves,
  }
  different = ', '.join(name for name, changed in results.items() if changed)
  given = 'The same input' if comparison.same_input else 'Other input'
  return f'[bold yellow]{given}, other results[/]: {names} have different {different}.'


def _examples(comparison: Comparison) -> str:
  if comparison.examples_compared == 'records':
    return 'Their shards ' + ('have the same records.' if comparison.same_examples else 'do not have the same records.')
  return 'Their Examples are ' + ('the same bytes.' if comparison.same_examples else 'not the same bytes.')


def _input(comparison: Comparison) -> Table:
  table = _table(('Input', comparison.first, comparison.second, 'Change'), figures=('Change',))
  for pair in comparison.input:
    if pair.name == 'fingerprint':
      # It changes with a path as well as with content: a copy has another.
      is_known = pair.same or not all(each.same for each in comparison.input if each.name in ('files', 'bytes', 'rows'))
      table.add_row('content' if is_known else 'content or a path', '', '', 'same' if pair.same else 'different')
    elif isinstance(pair.first, int) and isinstance(pair.second, int):
      table.add_row(pair.name, count(pair.first), count(pair.second), _change(pair.first, pair.second))
    else:
      table.add_row(pair.name, _shown(str(pair.first)), _shown(str(pair.second)), '' if pair.same else 'different')
  return table


def _counts(title: str, runs: tuple[str, str], pairs: Sequence[Pair]) -> Table:
  table = _table((title, *runs, 'Change'), figures=(*runs, 'Change'))
  for pair in pairs:
    one, other = (each if isinstance(each, int) else None for each in (pair.first, pair.second))
    change = _change(one or 0, other or 0)
    name = pair.name.replace('_', ' ') if title == 'Bad rows' else pair.name
    table.add_row(_shown(name), *('-' if each is None else count(each) for each in (one, other)), change)
  return table


def _texts(title: str, runs: tuple[str, str], pairs: Sequence[Pair]) -> Table:
  table = _table((title, *runs))
  for pair in pairs:
    table.add_row(
      _shown(pair.name), *('-' if each is None else _shown(str(each)) for each in (pair.first, pair.second))
    )
  return table


def _schema(runs: tuple[str, str], changes: Sequence[SchemaChange]) -> Table:
  table = _table(('Schema', 'What', *runs))
  for change in changes:
    second = _shown(change.second) or '-'
    for sign, strings in (('+', change.added), ('-', change.removed)):
      if strings:
        some = ', '.join(f'"{_cut(text)}"' for text in strings[:_MOST_STRINGS])
        more = f' and {len(strings) - _MOST_STRINGS:,} more' if len(strings) > _MOST_STRINGS else ''
        second += f'; {sign} {some}{more}'
    table.add_row(
      _shown(change.feature) or 'all features', change.what.replace('_', ' '), _shown(change.first) or '-', second
    )
  return table


def _moves(runs: tuple[str, str], moves: Sequence[Move]) -> Table:
  table = _table(('Feature', 'Split', 'Statistic', *runs, 'Threshold x'), figures=(*runs, 'Threshold x'))
  for move in moves:
    measure = f'share of {_cut(move.value)}' if move.is_of_value else move.measure
    numbers = ('' if move.is_distance else figure(move.first, move.unit, exact), figure(move.second, move.unit, exact))
    table.add_row(_shown(move.feature), _shown(move.split), measure, *numbers, times(move.times))
  return table


def _note(moves: Sequence[Move], thresholds: Thresholds) -> str:
  more = f'{len(moves) - _MOST_MOVES:,} smaller moves are not shown. ' if len(moves) > _MOST_MOVES else ''
  return f'{more}A statistic moved {thresholds.sentence}'


def _table(headings: Sequence[str], figures: Sequence[str] = ()) -> Table:
  """A table; the columns of `figures` are set to the right."""
  table = Table(box=None, header_style='bold cyan', pad_edge=False)
  for heading in headings:
    table.add_column(_shown(heading), justify='right' if heading in figures else 'left', overflow='fold')
  return table


def _change(first: int, second: int) -> str:
  """As in '+1,200 (+3.4%)'; '' where there is none."""
  if first == second:
    return ''
  return f'{second - first:+,}' + (f' ({(second - first) / first:+.1%})' if first else '')


def _cut(text: str) -> str:
  return escape(cut(on_one_line(text), _LONGEST))


def _shown(text: str) -> str:
  return escape(on_one_line(text))
