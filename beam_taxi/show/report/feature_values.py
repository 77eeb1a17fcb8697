"""Statistics as the report's scripts read them: a plain value for each feature, and what is between its distributions.

What a browser does not need is left out, and long texts are cut, so that a thousand features are a few megabytes.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi.analysis.distances import Distance, cut, distance, distribution, shares
from beam_taxi.analysis.feature_statistics import (
  NUMBER,
  OTHER,
  STRING,
  Buckets,
  DatasetStatistics,
  FeatureStatistics,
)
from beam_taxi.analysis.figures import FIGURES, figures_of
from beam_taxi.show import formats

# The figures in the table of each kind of features, and those that an opened feature has, by key.
COLUMNS = {
  NUMBER: ('missing', 'zeros', 'min', 'median', 'mean', 'max', 'std_dev'),
  STRING: ('missing', 'unique', 'common', 'common_share', 'mean_length'),
  OTHER: ('missing', 'values'),
}
FACTS = (
  *('rows', 'values', 'present', 'missing', 'zeros', 'nan', 'min', 'median', 'mean', 'max', 'std_dev'),
  *('unique', 'count_error', 'mean_length'),
)
# Those by whose largest in any dataset features can be sorted, and those that stand out where they are large.
SORTS = ('uneven', 'missing', 'zeros')
MARKED = ('missing', 'zeros')

_OF_DATASET = tuple(dict.fromkeys([*itertools.chain.from_iterable(COLUMNS.values()), *FACTS]))

# How many of the most frequent strings are shown; distances are of all that the statistics list.
_TOP = 20
_LONGEST_VALUE = 160
_LONGEST_NAME = 400
_LENGTH_BUCKETS = 12
_COMMON_BUCKETS = 24


def shown_figures() -> dict[str, Any]:
  """What the scripts show: `figures`, each by its key, and in which of their lists it is."""
  shown = [FIGURES[key] for key in _OF_DATASET]
  figures = {figure.key: {'name': figure.name, 'title': figure.title, 'unit': figure.unit} for figure in shown}
  return {'figures': figures, 'columns': COLUMNS, 'facts': FACTS, 'sorts': SORTS, 'marked': MARKED}


def feature_values(datasets: Sequence[DatasetStatistics], pairs: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
  """All features of some datasets, in the order in which they first appear.

  Args:
    datasets: the statistics that are laid over each other.
    pairs: the places of those whose distances are of interest.

  Returns:
    A dict of JSON for each feature:
      name, type: its name, and as in 'INT'; 'INT | STRING' where datasets do not agree.
      kind: 'number', 'string', or 'other' where the statistics have no more than counts.
      data: for each dataset what `_of_dataset` gives, or None where it does not have the feature.
      linf, jsd: the largest distances of the pairs; None where there is nothing to measure.
      common: of numbers whose histograms have not the same buckets in all datasets, a histogram that has: `edges`, and
        the `shares` of each dataset, or None.
      largest: the figures by which features are sorted, by key: the largest of any dataset.
  """
  names = dict.fromkeys(itertools.chain.from_iterable(dataset.features for dataset in datasets))
  return [_feature(name, [dataset.features.get(name) for dataset in datasets], pairs) for name in names]


def _feature(
  name: str, features: Sequence[FeatureStatistics | None], pairs: Sequence[tuple[int, int]]
) -> dict[str, Any]:
  there = [feature for feature in features if feature is not None]
  kinds = {feature.kind for feature in there}
  tops = _labels(there)
  far = [found for first, second in pairs if (found := _distance(features[first], features[second]))]
  return {
    'name': name[:_LONGEST_NAME],
    'type': ' | '.join(sorted({feature.type for feature in there})),
    'kind': kinds.pop() if len(kinds) == 1 else OTHER,
    'data': [None if feature is None else _of_dataset(feature, tops) for feature in features],
    'common': _common(features),
    'linf': _rounded(max(each.l_infinity for each in far)) if far else None,
    'jsd': _rounded(max(each.jensen_shannon for each in far)) if far else None,
    'largest': {key: _largest(key, there) for key in SORTS},
  }


def _distance(first: FeatureStatistics | None, second: FeatureStatistics | None) -> Distance | None:
  return distance(first, second) if first and second else None


def _largest(key: str, features: Sequence[FeatureStatistics]) -> float | int | str:
  values = [FIGURES[key].of(feature) for feature in features]
  return _rounded(max((value for value in values if isinstance(value, int | float)), default=0))


def _of_dataset(feature: FeatureStatistics, tops: Sequence[str]) -> dict[str, Any]:
  """A feature in one dataset: its figures by key, `valency`, and what is drawn of its kind.

  Numbers have the histograms `standard` and `quantiles`, each of edges or, where these do not join, of pairs, and
  counts. Strings have `top` (pairs of a string and how often it occurs), `rest` (how many values are none of these),
  and `lengths`, a histogram.
  """
  figures = {key: _shown(value) for key, value in figures_of(feature, _OF_DATASET).items() if value is not None}
  found: dict[str, Any] = {**figures, 'valency': [_rounded(number) for number in feature.valency]}
  if feature.kind == NUMBER and feature.values:
    histograms = {'standard': feature.standard, 'quantiles': feature.quantiles}
    found |= {key: _histogram(buckets) for key, buckets in histograms.items() if buckets and buckets.counts}
  elif feature.kind == STRING and feature.values:
    found |= _of_strings(feature, tops)
  return found


def _of_strings(feature: FeatureStatistics, tops: Sequence[str]) -> dict[str, Any]:
  counts = feature.counts
  top = [[formats.cut(label, _LONGEST_VALUE), _rounded(counts[label])] for label in tops if label in counts]
  listed = sum(counts[label] for label in tops if label in counts)
  return {
    'top': top,
    'rest': _rounded(max(feature.values - listed, 0)),
    **({'lengths': _lengths(counts)} if counts else {}),
    'allLengths': len(counts) == feature.unique,
  }


def _labels(features: Sequence[FeatureStatistics]) -> list[str]:
  """The most frequent strings of all datasets together, each counted as a share of its dataset."""
  total: dict[str, float] = {}
  for feature in features:
    for label, share in shares(feature.counts).items():
      total[label] = total.get(label, 0) + share
  return sorted(total, key=lambda label: -total[label])[:_TOP]


def _lengths(counts: Mapping[str, float]) -> dict[str, Any]:
  """A histogram of the lengths, in characters, of the strings that are listed; each as often as it occurs."""
  by_length: dict[int, float] = {}
  for label, count in counts.items():
    by_length[len(label)] = by_length.get(len(label), 0) + count
  low, high = min(by_length), max(by_length)
  step = max(1, math.ceil((high - low + 1) / _LENGTH_BUCKETS))
  edges = list(range(low, high + 1 + step, step))
  found = [0.0] * (len(edges) - 1)
  for length, count in by_length.items():
    found[(length - low) // step] += count
  while found and not found[-1]:
    found.pop()
    edges.pop()
  return {'edges': edges, 'counts': [_rounded(count) for count in found]}


def _histogram(buckets: Buckets) -> dict[str, Any]:
  joined = all(high == low for high, low in zip(buckets.high, buckets.low[1:], strict=False))
  counts = [_rounded(count) for count in buckets.counts]
  if joined:
    return {'edges': [_rounded(edge) for edge in (buckets.low[0], *buckets.high)], 'counts': counts}
  pairs = [[_rounded(low), _rounded(high)] for low, high in zip(buckets.low, buckets.high, strict=True)]
  return {'pairs': pairs, 'counts': counts}


def _common(features: Sequence[FeatureStatistics | None]) -> dict[str, Any] | None:
  numbers = [feature if feature is not None and feature.kind == NUMBER else None for feature in features]
  standard = [feature and feature.standard for feature in numbers]
  if len({(each.low, each.high) for each in standard if each and each.counts}) < 2:
    return None
  found = [None if feature is None else distribution(feature) for feature in numbers]
  low = min(each.values[0] for each in found if each)
  high = max(each.values[-1] for each in found if each)
  if not math.isfinite((high - low) / _COMMON_BUCKETS) or low + (high - low) / _COMMON_BUCKETS <= low:
    return None
  edges = [low + (high - low) * place / _COMMON_BUCKETS for place in range(_COMMON_BUCKETS)] + [high]
  return {
    'edges': [_rounded(edge) for edge in edges],
    'shares': [[_rounded(share) for share in cut(each, edges)] if each else None for each in found],
  }


def _shown(value: float | str) -> float | str:
  return formats.cut(value, _LONGEST_VALUE) if isinstance(value, str) else _rounded(value)


def _rounded(number: float) -> float | int | str:
  """Six significant digits, which is all that is shown; whole numbers as they are; 'NaN' and infinities as text."""
  if not math.isfinite(number):
    return formats.not_finite(number)
  if number == int(number) and abs(number) < 2**53:
    return int(number)
  return float(f'{number:.6g}')
