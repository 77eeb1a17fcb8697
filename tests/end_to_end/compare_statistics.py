"""Where two DatasetFeatureStatisticsLists differ, beyond what two versions of TFDV may make of the same values.

All that is counted or looked up must be equal: examples, missing and present values, zeros, min, max, unique, the most
frequent values. What is left is compared as follows.

- Means and standard deviations add floats up in some order: equal to TOLERANCE.
- Histograms come from sketches of the quantiles, which may put a bucket's edge or count some ranks aside: equal in
  type, number of buckets, outermost edges and the sum of all buckets; those of equally wide buckets, in all edges.
- The median comes from the same sketches, and is not compared: `ranks_off` is for both.
- Features are found by their paths; their order says nothing.
"""

import bisect
import math
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf import json_format
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList, FeatureNameStatistics

TOLERANCE = 1e-5

_CLOSE = {
  **dict.fromkeys(('mean', 'std_dev', 'avg_length', 'avg_num_values'), TOLERANCE),
  # The buckets of 9,718 floats have 9,718.000000000002 together in TFDV 1.16, and 9,718.0098 in TFDV 1.21.
  'sum_of_buckets': TOLERANCE,
  'edges': 1e-7,
}


def features_of(statistics: DatasetFeatureStatisticsList) -> dict[str, FeatureNameStatistics]:
  """The features of the only dataset, by their paths."""
  [dataset] = statistics.datasets
  return {'.'.join(feature.path.step): feature for feature in dataset.features}


def differences(found: DatasetFeatureStatisticsList, expected: DatasetFeatureStatisticsList) -> list[str]:
  """One line for each number or name that differs; none where the two agree."""
  ours, theirs = dict(_numbers(found)), dict(_numbers(expected))
  return [
    f'{name}: {ours.get(name)!r}, not {theirs.get(name)!r}'
    for name in sorted(ours.keys() | theirs.keys())
    if not _agree(name, ours.get(name), theirs.get(name))
  ]


def ranks_off(feature: FeatureNameStatistics, values: Sequence[float]) -> float:
  """How far a numeric feature's median and histograms are from the truth, at worst, as a share of all values.

  Args:
    feature: its statistics.
    values: all its values, in order.
  """
  stats = feature.num_stats
  claims = [(stats.median, len(values) / 2)]
  for histogram in stats.histograms:
    below = 0.0
    for bucket in histogram.buckets[:-1]:
      below += bucket.sample_count
      claims.append((bucket.high_value, below))
  return max(_off(values, value, rank) for value, rank in claims) / len(values)


def _off(values: Sequence[float], value: float, rank: float) -> float:
  """How many ranks a value is from the one that it is said to have; all that equal it are in any order."""
  return max(bisect.bisect_left(values, value) - rank, rank - bisect.bisect_right(values, value), 0)


def _numbers(statistics: DatasetFeatureStatisticsList) -> Iterator[tuple[str, object]]:
  """All that is compared, each with its place: ('fare/num_stats/max', 97.6)."""
  [dataset] = statistics.datasets
  yield 'num_examples', dataset.num_examples
  yield 'weighted_num_examples', dataset.weighted_num_examples
  for name, feature in features_of(statistics).items():
    yield from _leaves(name, json_format.MessageToDict(feature, preserving_proto_field_name=True))


def _leaves(place: str, node: Any) -> Iterator[tuple[str, object]]:
  if isinstance(node, dict) and place.partition('[')[0].endswith(('/histograms', 'values_histogram')):
    node = _summary(node)
  if isinstance(node, dict):
    for key, value in node.items():
      yield from _leaves(f'{place}/{key}', value)
  elif isinstance(node, list):
    for index, value in enumerate(node):
      yield from _leaves(f'{place}[{index}]', value)
  elif not place.endswith('/median'):
    yield place, node


def _summary(histogram: dict[str, Any]) -> dict[str, Any]:
  """What is compared of a histogram."""
  buckets = histogram.pop('buckets', [])
  edges = [bucket.get('low_value', 0.0) for bucket in buckets[:1]]
  edges += [bucket.get('high_value', 0.0) for bucket in buckets]
  if histogram.get('type') == 'QUANTILES':
    edges = edges[:1] + edges[-1:]
  return {
    **histogram,
    'number_of_buckets': len(buckets),
    'sum_of_buckets': math.fsum(bucket.get('sample_count', 0.0) for bucket in buckets),
    'edges': edges,
  }


def _agree(name: str, ours: object, theirs: object) -> bool:
  tolerance = _CLOSE.get(name.rpartition('/')[2].partition('[')[0])
  if tolerance and isinstance(ours, float) and isinstance(theirs, float):
    return math.isclose(ours, theirs, rel_tol=tolerance)
  return ours == theirs
