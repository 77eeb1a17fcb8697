"""Statistics as TFDV makes them, of as many features as a test wants, without the seconds that TFDV takes."""

import random
from collections.abc import Mapping, Sequence

from tensorflow_metadata.proto.v0.statistics_pb2 import (
  CommonStatistics,
  DatasetFeatureStatistics,
  DatasetFeatureStatisticsList,
  FeatureNameStatistics,
  Histogram,
)

from beam_taxi.analysis.feature_statistics import DatasetStatistics, statistics_of

STRINGS, NUMBERS = FeatureNameStatistics.STRING, FeatureNameStatistics.FLOAT


def strings(name: str, counts: Mapping[str, int], rows: int) -> FeatureNameStatistics:
  """A feature of strings."""
  feature = FeatureNameStatistics(type=STRINGS)
  feature.path.step.append(name)
  stats = feature.string_stats
  values = sum(counts.values())
  stats.common_stats.CopyFrom(_common(values, rows))
  stats.unique = len(counts)
  stats.avg_length = sum(len(value.encode()) * count for value, count in counts.items()) / max(values, 1)
  ordered = sorted(counts.items(), key=lambda item: -item[1])
  for rank, (value, count) in enumerate(ordered[:1000]):
    if rank < 20:
      stats.top_values.add(value=value, frequency=count)
    stats.rank_histogram.buckets.add(low_rank=rank, high_rank=rank, label=value, sample_count=count)
  return feature


def numbers(name: str, values: Sequence[float], rows: int) -> FeatureNameStatistics:
  """A feature of numbers."""
  feature = FeatureNameStatistics(type=NUMBERS)
  feature.path.step.append(name)
  stats = feature.num_stats
  stats.common_stats.CopyFrom(_common(len(values), rows))
  ordered = sorted(values)
  low, high = ordered[0], ordered[-1]
  stats.min, stats.max, stats.median = low, high, ordered[len(ordered) // 2]
  stats.mean = sum(ordered) / len(ordered)
  stats.std_dev = (sum((value - stats.mean) ** 2 for value in ordered) / len(ordered)) ** 0.5
  stats.num_zeros = ordered.count(0)
  standard = stats.histograms.add(type=Histogram.STANDARD)
  edges = [low + (high - low) * place / 10 for place in range(10)] + [high]
  for place in range(10):
    inside = [v for v in ordered if edges[place] <= v < edges[place + 1] or (place == 9 and v == high)]
    standard.buckets.add(low_value=edges[place], high_value=edges[place + 1], sample_count=len(inside))
  quantiles = stats.histograms.add(type=Histogram.QUANTILES)
  ends = [ordered[min(len(ordered) * place // 10, len(ordered) - 1)] for place in range(11)]
  for place in range(10):
    quantiles.buckets.add(low_value=ends[place], high_value=ends[place + 1], sample_count=len(ordered) / 10)
  return feature


def _common(values: int, rows: int) -> CommonStatistics:
  return CommonStatistics(
    num_non_missing=rows,
    min_num_values=int(values == rows),
    max_num_values=1,
    avg_num_values=values / rows if rows else 0,
    tot_num_values=values,
  )


def dataset(rows: int, *features: FeatureNameStatistics) -> DatasetFeatureStatistics:
  return DatasetFeatureStatistics(num_examples=rows, features=features)


def read(rows: int, *features: FeatureNameStatistics) -> DatasetStatistics:
  """A dataset as it is read."""
  return statistics_of(dataset(rows, *features))


def many_features(count: int, seed: int, rows: int = 400) -> DatasetFeatureStatisticsList:
  """Half numbers, half strings, of these some with a thousand long values."""
  chance = random.Random(seed)
  features = []
  for place in range(count):
    if place % 2:
      values = [chance.gauss(place, 1 + place % 7) for _ in range(rows - place % 50)]
      features.append(numbers(f'number_{place:04d}', values, rows))
    else:
      distinct = 1000 if place % 10 == 0 else 3 + place % 40
      counts = {f'value {chance.getrandbits(60):x} of {place}': chance.randrange(1, 500) for _ in range(distinct)}
      features.append(strings(f'string_{place:04d}', counts, sum(counts.values())))
  return DatasetFeatureStatisticsList(datasets=[dataset(rows, *features)])
