"""What is different between the two sources of a report, as its tables show it. Imports TFDV, which takes seconds."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, DatasetFeatureStatisticsList

from beam_taxi.analysis.moves import DISTANCES, Move, Thresholds, moves
from beam_taxi.analysis.schema_changes import schema_changes
from beam_taxi.show.report.sources import Source, partners

_SHARES = ('missing', 'zeros', 'share of value')
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
    one, two = _alone(first.datasets[split]), _alone(second.datasets[other])
    found += moves(split if split == other else f'{split} / {other}', one, two, thresholds)
  found.sort(key=lambda move: -move.times)
  tables = [(title, rows) for title, rows in _tables(first, second) if rows]
  count = len({move.feature for move in found})
  if not found:
    verdict = 'No statistic moved beyond its threshold.'
  else:
    verdict = f'{len(found):,} statistic{_s(len(found))} of {count:,} feature{_s(count)} moved, what moved most first.'
  return {'verdict': f'{verdict} {_thresholds(thresholds)}', 'rows': [_row(move) for move in found], 'tables': tables}


def _alone(dataset: DatasetFeatureStatistics) -> DatasetFeatureStatisticsList:
  return DatasetFeatureStatisticsList(datasets=[dataset])


def _row(move: Move) -> dict[str, str]:
  value = move.value if len(move.value) <= _LONGEST else f'{move.value[: _LONGEST - 1]}…'
  return {
    'feature': move.feature,
    'split': move.split,
    'measure': move.measure,
    'value': value,
    'first': '' if move.measure in DISTANCES else _figure(move.measure, move.first),
    'second': _figure(move.measure, move.second),
    'times': f'{move.times:,.1f}' if math.isfinite(move.times) else '∞',
  }


def _thresholds(thresholds: Thresholds) -> str:
  return (
    f'A statistic moves where a share differs by {thresholds.share:.0%} of all, a mean by {thresholds.mean:g} standard '
    f'deviations, a standard deviation or number of distinct strings by {thresholds.spread:.0%}, a least or largest '
    f'value by {thresholds.range:.0%} of the range, or a distance is {thresholds.distance:g}.'
  )


def _tables(first: Source, second: Source) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
  one, other = first.manifest, second.manifest
  if one and other:
    facts = [dataclasses.asdict(each.input) for each in (one, other)]
    for each in facts:
      each['patterns'] = ' '.join(each['patterns'])
    yield 'Input', _different(*facts)
    yield 'Bad rows', _different(one.bad_rows, other.bad_rows)
    yield 'Columns', _different(one.columns, other.columns)
  records = [{name: int(each.num_examples) for name, each in source.datasets.items()} for source in (first, second)]
  yield 'Records', _different(*records)
  if first.schema and second.schema:
    rows = []
    for change in schema_changes(first.schema, second.schema):
      words = [f'+ {len(change.added):,}'] if change.added else []
      words += [f'- {len(change.removed):,}'] if change.removed else []
      name = f'{change.feature or "all features"}: {change.what.replace("_", " ")}'
      rows.append((name, change.first or '-', f'{change.second or "-"} {" ".join(words)}'.strip()))
    yield 'Schema', rows
  if one and other:
    yield 'Packages', _different(one.versions, other.versions)


def _different(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[tuple[str, str, str]]:
  return [
    (name.replace('_', ' '), _text(first.get(name)), _text(second.get(name)))
    for name in dict.fromkeys([*first, *second])
    if first.get(name) != second.get(name)
  ]


def _text(value: Any) -> str:
  if value is None:
    return '-'
  return f'{value:,}' if isinstance(value, int) else str(value)


def _figure(measure: str, number: float) -> str:
  if measure in _SHARES:
    return f'{number:.1%}'
  if math.isfinite(number) and number == round(number) and abs(number) < 1e15:
    return f'{number:,.0f}'
  return f'{number:,.5g}' if abs(number) < 1e7 else f'{number:.5g}'


def _s(number: int) -> str:
  return '' if number == 1 else 's'
