"""How far numbers of two datasets are from each other: the largest difference of the shares up to any value."""

import bisect
import itertools

import numpy as np

from beam_taxi.analysis.feature_statistics import FeatureStatistics
from beam_taxi.analysis.quantile_sketch import Floats, Summary


def distance_of_summaries(first: Summary, second: Summary) -> float:
  """The distance of two sketches' numbers, which is exact but for the sketches' error; 0 where one has none."""
  if not len(first) or not len(second):
    return 0.0
  values = np.union1d(first.values, second.values)
  one, other = (_shares_up_to(each, values) for each in (first, second))
  return float(np.abs(one - other).max())


def _shares_up_to(summary: Summary, values: Floats) -> Floats:
  shares = np.concatenate(([0.0], np.cumsum(summary.counts) / summary.counts.sum()))
  return np.asarray(shares[np.searchsorted(summary.values, values, side='right')])


def quantile_of_summary(summary: Summary, share: float) -> float | None:
  """The number up to which a share of a sketch's numbers is; None where it has none."""
  if not len(summary):
    return None
  ends = np.cumsum(summary.counts)
  return float(summary.values[min(int(np.searchsorted(ends, share * ends[-1])), len(ends) - 1)])


def least_distance(first: FeatureStatistics, second: FeatureStatistics) -> float:
  """The least distance that the numbers can have, by their quantiles.

  These are all that there is in the statistics of other tools, where nobody knows how values lie between two of them.
  """
  one, other = _known(first), _known(second)
  if not one or not other:
    return 0.0
  values = sorted({value for value, _ in (*one, *other)})
  found = 0.0
  for value in values:
    (low, high), (other_low, other_high) = _bounds(one, value), _bounds(other, value)
    found = max(found, low - other_high, other_low - high)
  return found


def _known(feature: FeatureStatistics) -> list[tuple[float, float]]:
  """Some values in order, each with the share of what is up to it, at least."""
  histogram = feature.quantiles
  if not histogram or not sum(histogram.counts):
    return []
  total, ends = sum(histogram.counts), list(itertools.accumulate(histogram.counts))
  return [(value, end / total) for value, end in zip(histogram.high, ends, strict=True)]


def _bounds(known: list[tuple[float, float]], value: float) -> tuple[float, float]:
  """The least and the largest share that may be up to a value."""
  place = bisect.bisect_right(known, value, key=lambda point: point[0])
  low = known[place - 1][1] if place else 0.0
  return low, known[place][1] if place < len(known) else 1.0
