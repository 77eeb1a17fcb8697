"""Statistics as the report's scripts read them: a plain value for each feature, and what is between its distributions.

What a browser does not need is left out, and long texts are cut, so that a thousand features are a few megabytes.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from tensorflow_metadata.proto.v0.statistics_pb2 import (
  CommonStatistics,
  DatasetFeatureStatistics,
  FeatureNameStatistics,
  Histogram,
  NumericStatistics,
  StringStatistics,
)

from beam_taxi.analysis.distances import (
  Buckets,
  Cumulative,
  cumulative,
  cut,
  jensen_shannon,
  kolmogorov_smirnov,
  l_infinity,
  non_uniformity,
  parts,
  shares,
)

_Type = FeatureNameStatistics.Type

# How many of the most frequent strings are shown; distances are of all that the statistics list.
_TOP = 20
_LONGEST_VALUE = 160
_LONGEST_NAME = 400
_LENGTH_BUCKETS = 12
_COMMON_BUCKETS = 24


def feature_values(
  datasets: Sequence[DatasetFeatureStatistics], pairs: Sequence[tuple[int, int]]
) -> list[dict[str, Any]]:
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
      uneven: non-uniformity, the largest of any dataset; missing, zeros: the largest share of any dataset.
  """
  by_name = [{feature_name(feature): feature for feature in dataset.features} for dataset in datasets]
  names = dict.fromkeys(itertools.chain.from_iterable(by_name))
  return [_feature(name, datasets, [each.get(name) for each in by_name], pairs) for name in names]


def feature_name(feature: FeatureNameStatistics) -> str:
  """A feature's name; of one within others, the path with dots."""
  return '.'.join(feature.path.step) if feature.path.step else str(feature.name)


def common_of(feature: FeatureNameStatistics) -> CommonStatistics:
  """What statistics of every kind have."""
  which = feature.WhichOneof('stats')
  if which is None:
    return CommonStatistics()
  return getattr(feature, which).common_stats


def missing_share(dataset: DatasetFeatureStatistics, feature: FeatureNameStatistics) -> float:
  """The share of rows without a value, whether TFDV counts these as rows without the feature or with an empty list."""
  rows, common = int(dataset.num_examples), common_of(feature)
  if not rows:
    return 0.0
  if common.max_num_values <= 1:
    return min(max(1 - int(common.tot_num_values) / rows, 0.0), 1.0)
  return min(max(1 - int(common.num_non_missing) / rows, 0.0), 1.0)


def _feature(
  name: str,
  datasets: Sequence[DatasetFeatureStatistics],
  features: Sequence[FeatureNameStatistics | None],
  pairs: Sequence[tuple[int, int]],
) -> dict[str, Any]:
  there = [feature for feature in features if feature is not None]
  kinds = {_kind(feature) for feature in there}
  tops = _labels(there)
  data = [
    None if feature is None else _of_dataset(dataset, feature, tops)
    for dataset, feature in zip(datasets, features, strict=True)
  ]
  measured = [found for first, second in pairs if (found := _distance(features[first], features[second]))]
  return {
    'name': name[:_LONGEST_NAME],
    'type': ' | '.join(sorted({_Type.Name(feature.type) for feature in there})),
    'kind': kinds.pop() if len(kinds) == 1 else 'other',
    'data': data,
    'common': _common(features),
    'linf': _rounded(max(linf for linf, _ in measured)) if measured else None,
    'jsd': _rounded(max(jsd for _, jsd in measured)) if measured else None,
    'uneven': _rounded(max(non_uniformity(_counts(feature)) for feature in there)),
    'missing': max(each['missing'] for each in data if each),
    'zeros': max((each.get('zeros') or 0 for each in data if each), default=0),
  }


def _kind(feature: FeatureNameStatistics) -> str:
  return {'num_stats': 'number', 'string_stats': 'string'}.get(feature.WhichOneof('stats') or '', 'other')


def _of_dataset(
  dataset: DatasetFeatureStatistics, feature: FeatureNameStatistics, tops: Sequence[str]
) -> dict[str, Any]:
  """A feature in one dataset: `rows`, `values` (a number), `missing` and `present` (shares), `valency`, and its kind's.

  Numbers have zeros (a share), min, median, mean, max, std, nan (a number), and histograms `standard` and `quantiles`,
  each of edges or, where these do not join, of pairs, and counts. Strings have `distinct`, `top` (pairs of a string and
  how often it occurs), `rest` (how many values are none of these), `length` (the mean) and `lengths`, a histogram.
  """
  rows, common = int(dataset.num_examples), common_of(feature)
  values = int(common.tot_num_values)
  found: dict[str, Any] = {
    'rows': rows,
    'values': values,
    'missing': _rounded(missing_share(dataset, feature)),
    'present': _rounded(common.num_non_missing / rows) if rows else 0,
    'valency': [int(common.min_num_values), _rounded(common.avg_num_values), int(common.max_num_values)],
  }
  if _kind(feature) == 'number' and values:
    found |= _of_numbers(feature.num_stats, values)
  elif _kind(feature) == 'string' and values:
    found |= _of_strings(feature.string_stats, values, tops)
  return found


def _of_numbers(stats: NumericStatistics, values: int) -> dict[str, Any]:
  histograms = {
    key: _histogram(buckets)
    for key, kind in (('standard', Histogram.STANDARD), ('quantiles', Histogram.QUANTILES))
    if (buckets := buckets_of(stats, kind)) and buckets.counts
  }
  nan = sum(histogram.num_nan for histogram in stats.histograms[:1])
  return {
    'zeros': _rounded(stats.num_zeros / values),
    **{name: _rounded(getattr(stats, name)) for name in ('min', 'median', 'mean', 'max')},
    'std': _rounded(stats.std_dev),
    'nan': int(nan),
    **histograms,
  }


def _of_strings(stats: StringStatistics, values: int, tops: Sequence[str]) -> dict[str, Any]:
  counts = ranks(stats)
  top = [[_cut(label), _rounded(counts[label])] for label in tops if label in counts]
  listed = sum(counts[label] for label in tops if label in counts)
  return {
    'distinct': int(stats.unique),
    'top': top,
    'rest': _rounded(max(values - listed, 0)),
    'length': _rounded(stats.avg_length),
    'lengths': _lengths(counts),
    'allLengths': len(counts) == stats.unique,
  }


def ranks(stats: StringStatistics) -> dict[str, float]:
  """How often each of the most frequent strings occurs, the most frequent first. TFDV lists a thousand by default."""
  found = {bucket.label: bucket.sample_count for bucket in stats.rank_histogram.buckets}
  return found or {top.value: top.frequency for top in stats.top_values}


def _labels(features: Sequence[FeatureNameStatistics]) -> list[str]:
  """The most frequent strings of all datasets together, each counted as a share of its dataset."""
  total: dict[str, float] = {}
  for feature in features:
    if _kind(feature) == 'string':
      for label, share in shares(ranks(feature.string_stats)).items():
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


def buckets_of(stats: NumericStatistics, kind: 'Histogram.HistogramType') -> Buckets | None:
  """A feature's histogram of a kind; buckets that are infinite are left out. None where there is none."""
  for histogram in stats.histograms:
    if histogram.type == kind:
      finite = [each for each in histogram.buckets if math.isfinite(each.low_value) and math.isfinite(each.high_value)]
      return Buckets(
        tuple(each.low_value for each in finite),
        tuple(each.high_value for each in finite),
        tuple(each.sample_count for each in finite),
      )
  return None


def _histogram(buckets: Buckets) -> dict[str, Any]:
  joined = all(high == low for high, low in zip(buckets.high, buckets.low[1:], strict=False))
  counts = [_rounded(count) for count in buckets.counts]
  if joined:
    return {'edges': [_rounded(edge) for edge in (buckets.low[0], *buckets.high)], 'counts': counts}
  pairs = [[_rounded(low), _rounded(high)] for low, high in zip(buckets.low, buckets.high, strict=True)]
  return {'pairs': pairs, 'counts': counts}


def _distribution(feature: FeatureNameStatistics) -> Cumulative | None:
  """A number's, by all that its statistics tell; None where they have no finite values."""
  standard = buckets_of(feature.num_stats, Histogram.STANDARD)
  found = cumulative(standard, buckets_of(feature.num_stats, Histogram.QUANTILES)) if standard else None
  return found if found and found.values else None


def _common(features: Sequence[FeatureNameStatistics | None]) -> dict[str, Any] | None:
  numbers = [each if each is not None and _kind(each) == 'number' else None for each in features]
  standard = [each and buckets_of(each.num_stats, Histogram.STANDARD) for each in numbers]
  if len({(each.low, each.high) for each in standard if each and each.counts}) < 2:
    return None
  found = [None if each is None else _distribution(each) for each in numbers]
  low = min(each.values[0] for each in found if each)
  high = max(each.values[-1] for each in found if each)
  if not math.isfinite((high - low) / _COMMON_BUCKETS) or low + (high - low) / _COMMON_BUCKETS <= low:
    return None
  edges = [low + (high - low) * place / _COMMON_BUCKETS for place in range(_COMMON_BUCKETS)] + [high]
  return {
    'edges': [_rounded(edge) for edge in edges],
    'shares': [[_rounded(share) for share in cut(each, edges)] if each else None for each in found],
  }


def _distance(first: FeatureNameStatistics | None, second: FeatureNameStatistics | None) -> tuple[float, float] | None:
  """(L-infinity, Jensen-Shannon); None where one has nothing, or they are not of one kind."""
  if first is None or second is None or _kind(first) != _kind(second) or _kind(first) == 'other':
    return None
  if _kind(first) == 'number':
    return _distance_of_numbers(first, second)
  one, other = ranks(first.string_stats), ranks(second.string_stats)
  if not (sum(one.values()) and sum(other.values())):
    return None
  return l_infinity(one, other), jensen_shannon(one, other)


def _distance_of_numbers(first: FeatureNameStatistics, second: FeatureNameStatistics) -> tuple[float, float] | None:
  histograms = [buckets_of(each.num_stats, Histogram.STANDARD) for each in (first, second)]
  distributions = [_distribution(each) for each in (first, second)]
  if not (histograms[0] and histograms[1] and distributions[0] and distributions[1]):
    return None
  ends = sorted({edge for each in histograms if each for edge in (*each.low, *each.high)})
  far = kolmogorov_smirnov(distributions[0], distributions[1], ends)
  return far, jensen_shannon(*(parts(each, ends) for each in distributions if each))


def _counts(feature: FeatureNameStatistics) -> list[float]:
  if _kind(feature) == 'string':
    return list(ranks(feature.string_stats).values())
  buckets = buckets_of(feature.num_stats, Histogram.STANDARD) if _kind(feature) == 'number' else None
  return list(buckets.counts) if buckets else []


def _cut(text: str) -> str:
  return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + '…'


def _rounded(number: float) -> float | int | str:
  """Six significant digits, which is all that is shown; whole numbers as they are; 'NaN' and infinities as text."""
  if not math.isfinite(number):
    return 'NaN' if math.isnan(number) else ('∞' if number > 0 else '-∞')
  if number == int(number) and abs(number) < 2**53:
    return int(number)
  return float(f'{number:.6g}')
