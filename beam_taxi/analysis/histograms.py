"""Histograms from quantiles, as TFDV makes them, without its loops over a thousand buckets in Python.

(Source of the rules: TFDV, utils/quantiles_util.py.)
"""

import itertools
from typing import NamedTuple

import numpy as np
from tensorflow_metadata.proto.v0.statistics_pb2 import Histogram

from beam_taxi.analysis.quantile_sketch import Floats


class Quantiles(NamedTuple):
  """The values that cut numbers into parts of about one size, and how many numbers are up to each."""

  values: Floats
  ends: Floats

  def every(self, number: int) -> 'Quantiles':
    """The first, and each that is so many further."""
    return Quantiles(self.values[::number], self.ends[::number])

  @property
  def weights(self) -> Floats:
    """How many numbers are in each part: of parts that end in one value each as many, and the least value's are added
    to those that are like the first.
    """
    low, high = self.values[:-1], self.values[1:]
    weights = np.diff(self.ends)
    if not len(weights):
      return weights
    starts = np.flatnonzero(np.concatenate(([True], high[1:] != high[:-1])))
    lengths = np.diff(starts, append=len(high))
    weights = np.repeat(np.add.reduceat(weights, starts) / lengths, lengths)
    same = (low == low[0]) & (high == high[0])
    weights[same] += self.ends[0] / same.sum()
    return weights


def quantiles_histogram(quantiles: Quantiles) -> Histogram:
  """One of buckets that are about equally full."""
  found = Histogram(type=Histogram.QUANTILES)
  values = quantiles.values.tolist()
  for low, high, count in zip(values[:-1], values[1:], quantiles.weights.tolist(), strict=True):
    found.buckets.add(low_value=low, high_value=high, sample_count=count)
  return found


def standard_histogram(quantiles: Quantiles, low: float, high: float, infinite: int, buckets: int) -> Histogram:
  """One of buckets that are equally wide: numbers are taken to lie evenly between two quantiles.

  Args:
    quantiles: of all numbers.
    low: the least of them that is finite; infinite where none is.
    high: the largest that is finite.
    infinite: how many are +inf.
    buckets: how many there are; one more for -inf and one for +inf, where there are such.
  """
  found = Histogram(type=Histogram.STANDARD)
  if not (np.isfinite(low) or np.isfinite(high)):
    found.buckets.add(low_value=low, high_value=high, sample_count=quantiles.ends[-1])
    return found
  negative, finite = _finite(quantiles, high, infinite)
  with np.errstate(over='ignore', invalid='ignore'):
    edges = np.linspace(low, high, buckets + 1) if low != high else np.array([low, high])
  if not np.isfinite(edges).all():
    return found  # The range is larger than a float is.
  if negative:
    found.buckets.add(low_value=-np.inf, high_value=-np.inf, sample_count=negative)
  with np.errstate(invalid='ignore', divide='ignore', over='ignore'):
    counts = _spread(finite, edges)
  for left, right, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts, strict=True):
    found.buckets.add(low_value=left, high_value=right, sample_count=count)
  if infinite:
    found.buckets.add(low_value=np.inf, high_value=np.inf, sample_count=infinite)
  return found


def _finite(quantiles: Quantiles, high: float, infinite: int) -> tuple[float, Quantiles]:
  """How many numbers are -inf, as the quantiles have it, and the quantiles without those that are infinite."""
  values, ends = quantiles
  first = int(np.searchsorted(values, -np.inf, side='right'))
  negative = float(ends[first - 1]) if first else 0.0
  values, ends = values[first:], ends[first:] - negative
  if infinite:
    last = int(np.searchsorted(values, np.inf, side='left'))
    # The part that ends in +inf may have finite numbers too: it ends in the largest of them.
    ends = np.append(ends[:last], ends[-1] - infinite)
    values = np.append(values[:last], high)
  return negative, Quantiles(values, ends)


def _spread(quantiles: Quantiles, edges: Floats) -> list[float]:
  """How many numbers lie between each two edges."""
  low, high, weights = quantiles.values[:-1], quantiles.values[1:], quantiles.weights
  counts = []
  starts, ends = np.searchsorted(high, edges[:-1], side='left'), np.searchsorted(low, edges[1:], side='right')
  for place, (left, right) in enumerate(itertools.pairwise(edges)):
    here = slice(starts[place], ends[place])
    first, last = low[here], high[here]
    inside = (first >= left) & (last <= right)
    share = np.where(inside, 1.0, (np.minimum(last, right) - np.maximum(first, left)) / (last - first))
    if place:
      # A single value on an edge is of the bucket before it.
      share[(first == last) & (first == left)] = 0
    # One after the other, as TFDV adds them.
    counts.append(float(np.add.accumulate(share * weights[here])[-1]) if len(share) else 0.0)
  return counts
