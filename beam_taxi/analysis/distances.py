"""How far two distributions are from each other, and one from an even one, by what statistics have of them.

This is the one definition, of the report and of the comparison. It needs no TFDV, and measures as TFDV measures drift
(in its anomalies/metrics.cc): L-infinity of strings is the same, and so is the Jensen-Shannon divergence of numbers
whose standard histograms have the same ends. Where one has an outlier the ends are others, and TFDV takes what is in a
bucket to be spread evenly over it, though most of it may be in one place. The train and eval splits of the Chicago
trips are samples of the same, whose divergence is 0.002 at most by the rows themselves; TFDV has 0.71 for trip_miles,
0.45 for trip_seconds and 0.32 for fare. Here quantiles tell where in a bucket values are, which leaves less than 0.04
of each. TFDV also finds NaN and infinite values far from themselves; here they have no part in a distance. Tests hold
this against tfdv.validate_statistics.

Beside these two are the same of the other kind: the divergence of strings, and for L-infinity of numbers the distance
of Kolmogorov and Smirnov.
"""

import bisect
import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

from beam_taxi.analysis.feature_statistics import NUMBER, Buckets, FeatureStatistics


@dataclasses.dataclass(frozen=True)
class Distance:
  """How far a feature's values in two datasets are from each other, each from 0 to 1.

  Attributes:
    l_infinity: the largest difference of a string's shares; of numbers, of the shares up to a value.
    jensen_shannon: the Jensen-Shannon divergence.
  """

  l_infinity: float
  jensen_shannon: float


def distance(first: FeatureStatistics, second: FeatureStatistics) -> Distance | None:
  """How far a feature's values are from each other; None where one has none, or they are not of one kind."""
  if first.kind != second.kind:
    return None
  if first.kind == NUMBER:
    return _distance_of_numbers(first, second)
  # Without counts, as other kinds are, there is nothing to measure.
  if not (sum(first.counts.values()) and sum(second.counts.values())):
    return None
  return Distance(l_infinity(first.counts, second.counts), jensen_shannon(first.counts, second.counts))


def _distance_of_numbers(first: FeatureStatistics, second: FeatureStatistics) -> Distance | None:
  one, other = distribution(first), distribution(second)
  if not (one and other):
    return None
  histograms = [histogram for histogram in (first.standard, second.standard) if histogram]
  ends = sorted({end for histogram in histograms for end in (*histogram.low, *histogram.high)})
  return Distance(kolmogorov_smirnov(one, other, ends), jensen_shannon(parts(one, ends), parts(other, ends)))


def distribution(feature: FeatureStatistics) -> 'Cumulative | None':
  """That of numbers, by both kinds of histograms; None where they have no finite values."""
  found = cumulative(feature.standard, feature.quantiles) if feature.standard else None
  return found if found and found.values else None


def l_infinity(first: Mapping[str, float], second: Mapping[str, float]) -> float:
  """The largest difference of a value's shares, from 0 to 1."""
  one, other = shares(first), shares(second)
  return max((abs(one.get(value, 0) - other.get(value, 0)) for value in {*one, *other}), default=0.0)


def jensen_shannon(first: Mapping[str, float], second: Mapping[str, float]) -> float:
  """The Jensen-Shannon divergence in bits: 0 for the same shares, 1 where no value is in both."""
  one, other = shares(first), shares(second)
  if not (one and other):
    return 0.0 if one == other else 1.0
  both = {value: (one.get(value, 0) + other.get(value, 0)) / 2 for value in {*one, *other}}
  found = sum(_divergence(each, both) for each in (one, other)) / 2
  return min(max(found, 0.0), 1.0)


def _divergence(shares_of: Mapping[str, float], reference: Mapping[str, float]) -> float:
  """Kullback and Leibler's, in bits."""
  return sum(share * math.log2(share / reference[value]) for value, share in shares_of.items() if share)


def shares(counts: Mapping[str, float]) -> dict[str, float]:
  """Counts as parts of their sum; none where the sum is 0."""
  total = sum(counts.values())
  return {value: count / total for value, count in counts.items()} if total else {}


@dataclasses.dataclass(frozen=True)
class Cumulative:
  """A cumulative distribution, straight between its points: `values`, in order, and the shares up to them."""

  values: tuple[float, ...]
  shares: tuple[float, ...]

  def at(self, value: float) -> float:
    """The share of what is up to a value."""
    return self._between(bisect.bisect_right(self.values, value), value)

  def below(self, value: float) -> float:
    """The share of what is less."""
    return self._between(bisect.bisect_left(self.values, value), value)

  def _between(self, place: int, value: float) -> float:
    if place == 0:
      return 0.0
    if place == len(self.values):
      return self.shares[-1]
    left, right = self.values[place - 1], self.values[place]
    low, high = self.shares[place - 1], self.shares[place]
    return low + (high - low) * (value - left) / (right - left) if right > left else low


def cumulative(coarse: Buckets, fine: Buckets | None = None) -> Cumulative:
  """A distribution from one histogram, and between the ends of its buckets from another of the same values.

  Standard histograms are good at their ends, where quantiles of values that repeat are not; where one bucket has most
  of the values, quantiles tell where in it they are.
  """
  values, found = _ends(coarse)
  if not fine or not values:
    return Cumulative(tuple(values), tuple(found))
  points = list(zip(values, found, strict=True))
  for value, share in zip(*_ends(fine), strict=True):
    place = bisect.bisect_right(values, value)
    if 0 < place < len(values) and values[place - 1] < value:
      points.append((value, min(max(share, found[place - 1]), found[place])))
  points.sort()
  return Cumulative(tuple(value for value, _ in points), tuple(share for _, share in points))


def _ends(histogram: Buckets) -> tuple[list[float], list[float]]:
  """The ends of all buckets, and the share of what is up to each."""
  values: list[float] = []
  found: list[float] = []
  total, before = sum(histogram.counts), 0.0
  if total:
    for low, high, count in zip(histogram.low, histogram.high, histogram.counts, strict=True):
      values += [low, high]
      found += [min(before / total, 1.0), min((before + count) / total, 1.0)]
      before += count
  return values, found


def kolmogorov_smirnov(first: Cumulative, second: Cumulative, values: Sequence[float]) -> float:
  """The largest difference of the shares up to any of some values, from 0 to 1."""
  ends = [abs(first.at(value) - second.at(value)) for value in values]
  return max([*ends, *(abs(first.below(value) - second.below(value)) for value in values)], default=0.0)


def cut(distribution: Cumulative, edges: Sequence[float]) -> list[float]:
  """The share in each bucket between edges; the last has its upper end too."""
  up_to = [*(distribution.below(edge) for edge in edges[:-1]), distribution.at(edges[-1])]
  return [high - low for low, high in itertools.pairwise(up_to)]


def parts(distribution: Cumulative, ends: Sequence[float]) -> dict[str, float]:
  """The share at each of some values and between each two of them."""
  found = {f'={value!r}': distribution.at(value) - distribution.below(value) for value in ends}
  for low, high in itertools.pairwise(ends):
    found[f'>{low!r}'] = distribution.below(high) - distribution.at(low)
  return {name: max(share, 0.0) for name, share in found.items()}


def non_uniformity(counts: Sequence[float]) -> float:
  """How uneven a distribution is: 0 where all of its buckets or values are as frequent, 1 where one has everything."""
  total = sum(counts)
  if not total or len(counts) < 2:
    return 0.0
  entropy = -sum(count / total * math.log2(count / total) for count in counts if count > 0)
  return min(max(1 - entropy / math.log2(len(counts)), 0.0), 1.0)
