"""Which statistics of a split's features moved between two runs, and how far."""

import dataclasses
import math
from collections.abc import Iterator

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0.schema_pb2 import FeatureType, Schema
from tensorflow_metadata.proto.v0.statistics_pb2 import (
  DatasetFeatureStatistics,
  DatasetFeatureStatisticsList,
  FeatureNameStatistics,
  NumericStatistics,
  StringStatistics,
)

_STRINGS = (FeatureNameStatistics.STRING,)
_NUMBERS = (FeatureNameStatistics.INT, FeatureNameStatistics.FLOAT)

# The measures that TFDV makes of drift, of strings and of numbers.
_OF_STRINGS, _OF_NUMBERS = DISTANCES = ('L-infinity distance', 'Jensen-Shannon divergence')


@dataclasses.dataclass(frozen=True)
class Thresholds:
  """From where on a difference is a move.

  They are for runs of many rows: a share of two random samples of N rows each differs by about 1 / sqrt(N).

  Attributes:
    share: of the missing, of zeros and of a string, as a difference of shares of 1: 0.01 is a percentage point.
    mean: in standard deviations of the first run's values.
    spread: of the standard deviation and of the number of distinct strings, as a part of the larger one.
    range: of the least and of the largest value, as a part of the range of both runs' values together.
    distance: between the distributions, from 0 to 1.
  """

  share: float = 0.01
  mean: float = 0.1
  spread: float = 0.1
  range: float = 0.1
  distance: float = 0.05


@dataclasses.dataclass(frozen=True)
class Move:
  """A statistic of a feature that is another in the second run.

  Attributes:
    split: the split.
    feature: the feature's name.
    measure: 'missing', 'zeros', 'mean', 'std dev', 'min', 'max', 'unique', 'share of value', 'L-infinity distance' or
      'Jensen-Shannon divergence'. The last two are TFDV's own measures of drift.
    first: in the first run. Shares are of 1: of the rows for 'missing', else of the values. A distance is from 0.
    second: in the second run.
    times: how many times its threshold it moved; infinite where there is no scale, as for another constant.
    value: the string whose share it is: the most frequent one of either run; else ''.
  """

  split: str
  feature: str
  measure: str
  first: float
  second: float
  times: float
  value: str = ''


def moves(
  split: str, first: DatasetFeatureStatisticsList, second: DatasetFeatureStatisticsList, thresholds: Thresholds
) -> list[Move]:
  """What moved between two runs' statistics of a split, of the features that both have as numbers or as strings.

  Nothing where one of the runs has no rows in it.
  """
  if not (_rows(first) and _rows(second)):
    return []
  [one], [other] = first.datasets, second.datasets
  twins = {_name(feature): feature for feature in other.features}
  found: list[Move] = []
  measurable: dict[str, FeatureNameStatistics] = {}
  for feature in one.features:
    name, twin = _name(feature), twins.get(_name(feature))
    if twin is None or not any(feature.type in kinds and twin.type in kinds for kinds in (_NUMBERS, _STRINGS)):
      continue
    limit = thresholds.share
    missing, missing_now = _missing(one, feature), _missing(other, twin)
    found.append(Move(split, name, 'missing', missing, missing_now, _times(missing, missing_now, 1, limit)))
    if not (_values(feature) and _values(twin)):
      continue
    # TFDV finds infinite values to be far from themselves.
    if all(math.isfinite(end) for each in (feature, twin) for end in (each.num_stats.min, each.num_stats.max)):
      measurable[name] = feature
    if feature.type in _NUMBERS:
      found += _moves_of_numbers(split, name, feature.num_stats, twin.num_stats, thresholds)
    else:
      found += _moves_of_strings(split, name, feature.string_stats, twin.string_stats, thresholds)
  found += _distances(split, first, second, measurable, thresholds)
  return [move for move in found if move.times >= 1]


def _moves_of_numbers(
  split: str, name: str, first: NumericStatistics, second: NumericStatistics, thresholds: Thresholds
) -> Iterator[Move]:
  zeros, zeros_now = (stats.num_zeros / stats.common_stats.tot_num_values for stats in (first, second))
  both = max(first.max, second.max) - min(first.min, second.min)
  for measure, one, other, scale, limit in (
    ('zeros', zeros, zeros_now, 1, thresholds.share),
    ('mean', first.mean, second.mean, first.std_dev or second.std_dev, thresholds.mean),
    ('std dev', first.std_dev, second.std_dev, max(first.std_dev, second.std_dev), thresholds.spread),
    ('min', first.min, second.min, both, thresholds.range),
    ('max', first.max, second.max, both, thresholds.range),
  ):
    yield Move(split, name, measure, one, other, _times(one, other, scale, limit))


def _moves_of_strings(
  split: str, name: str, first: StringStatistics, second: StringStatistics, thresholds: Thresholds
) -> Iterator[Move]:
  unique = _times(first.unique, second.unique, max(first.unique, second.unique), thresholds.spread)
  yield Move(split, name, 'unique', first.unique, second.unique, unique)
  shares, shares_now = _shares(first), _shares(second)
  # The most frequent comes first.
  for value in dict.fromkeys([*list(shares)[:1], *list(shares_now)[:1]]):
    one, other = shares.get(value, 0.0), shares_now.get(value, 0.0)
    yield Move(split, name, 'share of value', one, other, _times(one, other, 1, thresholds.share), value)


def _distances(
  split: str,
  first: DatasetFeatureStatisticsList,
  second: DatasetFeatureStatisticsList,
  features: dict[str, FeatureNameStatistics],
  thresholds: Thresholds,
) -> Iterator[Move]:
  """The distances between two runs' distributions that TFDV looks at for drift.

  L-infinity between the shares of strings, the Jensen-Shannon divergence between histograms of numbers.
  """
  schema = Schema()
  for name, feature in features.items():
    asked = schema.feature.add(name=name, type=_SCHEMA_TYPES[feature.type])
    comparator = asked.drift_comparator
    measure = comparator.infinity_norm if feature.type in _STRINGS else comparator.jensen_shannon_divergence
    measure.threshold = thresholds.distance
  for drift in tfdv.validate_statistics(second, schema, previous_statistics=first).drift_skew_info:
    name = drift.path.step[0]
    for measured in drift.drift_measurements:
      times = _times(0, measured.value, 1, thresholds.distance)
      distance = _OF_STRINGS if features[name].type in _STRINGS else _OF_NUMBERS
      yield Move(split, name, distance, 0, measured.value, times)


_SCHEMA_TYPES = {
  FeatureNameStatistics.INT: FeatureType.INT,
  FeatureNameStatistics.FLOAT: FeatureType.FLOAT,
  FeatureNameStatistics.STRING: FeatureType.BYTES,
}


def _times(first: float, second: float, scale: float, threshold: float) -> float:
  """How many times the threshold two numbers differ, in units of a scale. NaN is like NaN."""
  if first == second or (math.isnan(first) and math.isnan(second)):
    return 0.0
  times = float(abs(second - first) / (scale * threshold)) if scale * threshold else math.inf
  return times if math.isfinite(times) else math.inf


def _rows(statistics: DatasetFeatureStatisticsList) -> int:
  return sum(dataset.num_examples for dataset in statistics.datasets)


def _name(feature: FeatureNameStatistics) -> str:
  return str(feature.path.step[0])


def _values(feature: FeatureNameStatistics) -> int:
  stats = feature.num_stats if feature.type in _NUMBERS else feature.string_stats
  return int(stats.common_stats.tot_num_values)


def _missing(dataset: DatasetFeatureStatistics, feature: FeatureNameStatistics) -> float:
  """The share of rows without a value, whichever way TFDV counts empty cells."""
  return 1 - _values(feature) / int(dataset.num_examples)


def _shares(stats: StringStatistics) -> dict[str, float]:
  """The shares of the most frequent strings, the most frequent first. TFDV lists a thousand by default."""
  ranks = {bucket.label: bucket.sample_count for bucket in stats.rank_histogram.buckets}
  counts = ranks or {top.value: top.frequency for top in stats.top_values}
  return {value: count / stats.common_stats.tot_num_values for value, count in counts.items()}
