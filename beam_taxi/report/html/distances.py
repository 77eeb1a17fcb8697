"""How far two distributions are from each other, and one from an even one, by what statistics have of them.

The first two as TFDV measures drift and skew (its C++ is in anomalies/metrics.cc), which tests hold these against.
TFDV takes L-infinity of strings and the Jensen-Shannon divergence of numbers; here both are of both.
"""

import dataclasses
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


def aligned(first: Buckets, second: Buckets) -> tuple[dict[str, float], dict[str, float]]:
  """Two histograms cut at all boundaries of both, within each old bucket evenly: counts by new bucket."""
  boundaries = sorted({edge for each in (first, second) for edge in (*each.low, *each.high)})
  return _cut(first, boundaries), _cut(second, boundaries)


def _cut(buckets: Buckets, boundaries: Sequence[float]) -> dict[str, float]:
  found: dict[str, float] = {}
  place = {edge: number for number, edge in enumerate(boundaries)}
  for low, high, count in zip(buckets.low, buckets.high, buckets.counts, strict=True):
    if low == high:
      name = f'={low!r}'
      found[name] = found.get(name, 0) + count
      continue
    for number in range(place[low], place[high]):
      share = (boundaries[number + 1] - boundaries[number]) / (high - low)
      name = str(number)
      found[name] = found.get(name, 0) + count * share
  return found


def non_uniformity(counts: Sequence[float]) -> float:
  """How uneven a distribution is: 0 where all of its buckets or values are as frequent, 1 where one has everything."""
  total = sum(counts)
  if not total or len(counts) < 2:
    return 0.0
  entropy = -sum(count / total * math.log2(count / total) for count in counts if count > 0)
  return min(max(1 - entropy / math.log2(len(counts)), 0.0), 1.0)
