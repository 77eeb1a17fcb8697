"""What is different between the two sources of a report, as its tables show it."""

from collections.abc import Iterator, Sequence
from typing import Any

from beam_taxi.analysis.comparison import Pair, different, input_pairs, pairs
from beam_taxi.analysis.moves import Move, Thresholds, moves
from beam_taxi.analysis.schema_changes import schema_changes
from beam_taxi.show.figure_formats import exact, figure, times
from beam_taxi.show.formats import count, cut, plural
from beam_taxi.show.report.sources import Source, partners

_LONGEST = 60


def moved(first: Source, second: Source) -> dict[str, Any]:
  """What moved between two sources, what moved most first.

  Returns:
    `verdict`, a sentence; `rows`, one of each statistic that moved; and `tables`, each a title and rows of a name and
    what both have: of what else is different.
  """
  thresholds = Thresholds()
  found: list[Move] = []
  for split, other in partners(first, second).items():
    name = split if split == other else f'{split} / {other}'
    found += moves(name, first.datasets[split], second.datasets[other], thresholds)
  found.sort(key=lambda move: -move.times)
  tables = [(title, rows) for title, rows in _tables(first, second) if rows]
  features = len({move.feature for move in found})
  if not found:
    verdict = 'No statistic moved beyond its threshold.'
  else:
    of_what = f'{len(found):,} statistic{plural(len(found))} of {features:,} feature{plural(features)}'
    verdict = f'{of_what} moved, what moved most first.'
  return {
    'verdict': f'{verdict} A statistic moves {thresholds.sentence}',
    'rows': [_row(move) for move in found],
    'tables': tables,
  }


def _row(move: Move) -> dict[str, str]:
  return {
    'feature': move.feature,
    'split': move.split,
    'measure': move.measure,
    'value': cut(move.value, _LONGEST),
    'first': '' if move.is_distance else figure(move.first, move.unit, exact),
    'second': figure(move.second, move.unit, exact),
    'times': times(move.times),
  }


def _tables(first: Source, second: Source) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
  one, other = first.manifest, second.manifest
  if one and other:
    yield 'Input', _rows(input_pairs(one.input, other.input))
    yield 'Bad rows', _rows(pairs(one.bad_rows, other.bad_rows))
    yield 'Columns', _rows(pairs(one.columns, other.columns))
  records, records_now = ({name: each.rows for name, each in source.datasets.items()} for source in (first, second))
  yield 'Records', _rows(pairs(records, records_now))
  if first.schema and second.schema:
    rows = []
    for change in schema_changes(first.schema, second.schema):
      words = [f'+ {len(change.added):,}'] if change.added else []
      words += [f'- {len(change.removed):,}'] if change.removed else []
      name = f'{change.feature or "all features"}: {change.what.replace("_", " ")}'
      rows.append((name, change.first or '-', f'{change.second or "-"} {" ".join(words)}'.strip()))
    yield 'Schema', rows
  if one and other:
    yield 'Packages', _rows(pairs(one.versions, other.versions))


def _rows(of_both: Sequence[Pair]) -> list[tuple[str, str, str]]:
  return [(pair.name.replace('_', ' '), _text(pair.first), _text(pair.second)) for pair in different(of_both)]


def _text(value: int | str | None) -> str:
  if value is None:
    return '-'
  return count(value) if isinstance(value, int) else value
