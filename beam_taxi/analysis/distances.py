"""How far two distributions are from each other, and one from an even one, by what statistics have of them.

L-infinity of strings and the Jensen-Shannon divergence of numbers are as TFDV measures drift and skew (its C++ is in
anomalies/metrics.cc), which tests hold these against. Beside them are the same of the other kind: the divergence of
strings, and for L-infinity of numbers the distance of Kolmogorov and Smirnov. TFDV looks at standard histograms alone,
and so finds two samples of the same far apart where one has an outlier; here both kinds of histograms count.
"""

import bisect
import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class Buckets:
  """A histogram: each bucket's lowest and highest value and how many values are in it, in the values' order."""

  low: tuple[float, ...]
  high: tuple[float, ...]
  counts: tuple[float, ...]


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
