"""Which statistics of a split's features moved between two runs, and how far."""

import dataclasses
import math
from collections.abc import Callable, Iterator

from beam_taxi.analysis.distances import distance
from beam_taxi.analysis.feature_statistics import NUMBER, OTHER, STRING, DatasetStatistics, FeatureStatistics
from beam_taxi.analysis.figures import FIGURES, QUANTITY, SHARE

_SHARE_OF_VALUE = 'share of value'
_DISTANCES = {STRING: 'L-infinity distance', NUMBER: 'Jensen-Shannon divergence'}


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

  @property
  def sentence(self) -> str:
    """What a statistic has to do to have moved, as the end of a sentence."""
    return (
      f'where a share differs by {self.share:.0%} of all, a mean by {self.mean:g} standard deviations, a standard '
      f'deviation or number of distinct strings by {self.spread:.0%}, a least or largest value by {self.range:.0%} of '
      f'the range, or a distance is {self.distance:g}.'
    )


@dataclasses.dataclass(frozen=True)
class Move:
  """A statistic of a feature that is another in the second run.

  Attributes:
    split: the split.
    feature: the feature's name.
    measure: the key of one of FIGURES, with spaces, as in 'missing' or 'std dev'; or 'share of value', 'L-infinity
      distance' of strings or 'Jensen-Shannon divergence' of numbers.
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

  @property
  def unit(self) -> str:
    """What its numbers are, as FIGURES has it."""
    if self.measure == _SHARE_OF_VALUE:
      return SHARE
    return QUANTITY if self.is_distance else FIGURES[self.measure.replace(' ', '_')].unit

  @property
  def is_distance(self) -> bool:
    """Whether it is between both runs, and so `second` says all."""
    return self.measure in _DISTANCES.values()

  @property
  def is_of_value(self) -> bool:
    """Whether it is of the string `value`."""
    return self.measure == _SHARE_OF_VALUE


# What a difference of a figure is measured in; 0 where there is nothing to measure it in.
_Scale = Callable[[FeatureStatistics, FeatureStatistics], float]


def _whole(_: FeatureStatistics, __: FeatureStatistics) -> float:
  return 1


def _deviation(first: FeatureStatistics, second: FeatureStatistics) -> float:
  return first.std_dev or second.std_dev


def _range(first: FeatureStatistics, second: FeatureStatistics) -> float:
  return max(first.max, second.max) - min(first.min, second.min)


# The figures that may move, by key: which of the Thresholds is theirs, and what it is of.
_MOVING: dict[str, tuple[str, _Scale]] = {
  'missing': ('share', _whole),
  'zeros': ('share', _whole),
  'mean': ('mean', _deviation),
  'std_dev': ('spread', lambda first, second: max(first.std_dev, second.std_dev)),
  'min': ('range', _range),
  'max': ('range', _range),
  'unique': ('spread', lambda first, second: max(first.unique, second.unique)),
}


def moves(split: str, first: DatasetStatistics, second: DatasetStatistics, thresholds: Thresholds) -> list[Move]:
  """What moved between two runs' statistics of a split, of the features that both have as numbers or as strings.

  Nothing where one of the runs has no rows in it.
  """
  if not (first.rows and second.rows):
    return []
  both = [(name, one, second.features[name]) for name, one in first.features.items() if name in second.features]
  return [
    Move(split, name, measure, before, now, times, value)
    for name, one, other in both
    if one.kind == other.kind != OTHER
    for measure, before, now, times, value in _measured(one, other, thresholds)
    if times >= 1
  ]


def _measured(
  first: FeatureStatistics, second: FeatureStatistics, thresholds: Thresholds
) -> Iterator[tuple[str, float, float, float, str]]:
  """All that may move of a feature: a measure, what both have, how many times its threshold that is, and the string."""
  for key, (limit, scale) in _MOVING.items():
    one, other = (FIGURES[key].of(feature) for feature in (first, second))
    if isinstance(one, int | float) and isinstance(other, int | float):
      times = _times(one, other, scale(first, second), getattr(thresholds, limit))
      yield key.replace('_', ' '), one, other, times, ''
  if not (first.values and second.values):
    return
  listed, listed_now = (
    {value: count / each.values for value, count in each.counts.items()} for each in (first, second)
  )
  # The most frequent comes first.
  for value in dict.fromkeys([*list(listed)[:1], *list(listed_now)[:1]]):
    one, other = listed.get(value, 0.0), listed_now.get(value, 0.0)
    yield _SHARE_OF_VALUE, one, other, _times(one, other, 1, thresholds.share), value
  if far := distance(first, second):
    found = far.l_infinity if first.kind == STRING else far.jensen_shannon
    yield _DISTANCES[first.kind], 0, found, _times(0, found, 1, thresholds.distance), ''


def _times(first: float, second: float, scale: float, threshold: float) -> float:
  """How many times the threshold two numbers differ, in units of a scale. NaN is like NaN."""
  if first == second or (math.isnan(first) and math.isnan(second)):
    return 0.0
  times = float(abs(second - first) / (scale * threshold)) if scale * threshold else math.inf
  return times if math.isfinite(times) else math.inf
