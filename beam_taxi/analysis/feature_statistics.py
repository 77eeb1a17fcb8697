"""The one reader of statistics: a DatasetFeatureStatisticsList to plain values, by dataset and feature.

It needs the protos of tensorflow_metadata and nothing of TFDV. It reads what TFDV and TFX write today, and what earlier
ones and Facets wrote, whose features have a `name` where today's have a `path`. Nobody else looks into the protos.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0.statistics_pb2 import (
  CommonStatistics,
  DatasetFeatureStatistics,
  DatasetFeatureStatisticsList,
  FeatureNameStatistics,
  Histogram,
)

from beam_taxi import storage
from beam_taxi.errors import UserError

# What our statistics say of a feature whose strings are too many to count each: how many times more than it says one
# may occur, and how far the number of distinct ones is off, as a part of it, in two of three cases.
COUNT_ERROR, DISTINCT_ERROR = 'beam_taxi.count_error', 'beam_taxi.distinct_relative_error'

# What a feature's statistics are of.
NUMBER, STRING, OTHER = 'number', 'string', 'other'

# What TFDV calls the dataset of all rows where there are slices of them too. (Source: TFDV, constants.py.)
_ALL_ROWS = 'All Examples'


@dataclasses.dataclass(frozen=True)
class Buckets:
  """A histogram: each bucket's lowest and highest value and how many values are in it, in the values' order."""

  low: tuple[float, ...]
  high: tuple[float, ...]
  counts: tuple[float, ...]


class FeatureStatistics:
  """A feature in a dataset. What statistics do not have of its kind is 0, empty or None."""

  def __init__(self, proto: FeatureNameStatistics, rows: int):
    self._proto = proto
    self.rows = rows

  @property
  def name(self) -> str:
    """Its name; of one within others, the path with dots."""
    return '.'.join(self._proto.path.step) if self._proto.path.step else str(self._proto.name)

  @property
  def type(self) -> str:
    """TFDV's name of its type, as in 'INT', 'FLOAT' or 'STRING'."""
    known = FeatureNameStatistics.Type.DESCRIPTOR.values_by_number.get(self._proto.type)
    return str(known.name) if known else ''

  @property
  def kind(self) -> str:
    """NUMBER or STRING; OTHER where there are no more than counts."""
    return {'num_stats': NUMBER, 'string_stats': STRING}.get(self._proto.WhichOneof('stats') or '', OTHER)

  @functools.cached_property
  def _common(self) -> CommonStatistics:
    which = self._proto.WhichOneof('stats')
    return getattr(self._proto, which).common_stats if which else CommonStatistics()

  @property
  def values(self) -> int:
    """How many values all rows have together."""
    return int(self._common.tot_num_values)

  @property
  def present(self) -> int:
    """How many rows have the feature, if only as an empty list."""
    return int(self._common.num_non_missing)

  @property
  def valency(self) -> tuple[int, float, int]:
    """The least number of values that a row has which has the feature, the mean and the largest."""
    return int(self._common.min_num_values), float(self._common.avg_num_values), int(self._common.max_num_values)

  @property
  def missing(self) -> float | None:
    """The share of rows without a value; None without rows.

    To TFDV a row with an empty list has the feature. Where no row has several values, those without one are counted
    exactly, whichever way their cells were written; of lists, only the rows that do not have the feature can be.
    """
    if not self.rows:
      return None
    without = self.rows - self.values if self.valency[2] <= 1 else int(self._common.num_missing)
    return min(max(without / self.rows, 0.0), 1.0)

  @property
  def zeros(self) -> int:
    """How many numbers are 0."""
    return int(self._proto.num_stats.num_zeros)

  @property
  def min(self) -> float:
    return self._of_numbers('min')

  @property
  def max(self) -> float:
    return self._of_numbers('max')

  @property
  def mean(self) -> float:
    return self._of_numbers('mean')

  @property
  def median(self) -> float:
    return self._of_numbers('median')

  @property
  def std_dev(self) -> float:
    return self._of_numbers('std_dev')

  def _of_numbers(self, name: str) -> float:
    """What is said of all numbers: NaN where they all are, of which TFDV says 0."""
    return math.nan if 0 < self.values == self.nan else float(getattr(self._proto.num_stats, name))

  @property
  def nan(self) -> int:
    """How many numbers are NaN."""
    return int(sum(histogram.num_nan for histogram in self._proto.num_stats.histograms[:1]))

  @functools.cached_property
  def standard(self) -> Buckets | None:
    """The histogram of equally wide buckets, without those that are infinite; None where there is none."""
    return self._buckets(Histogram.STANDARD)

  @functools.cached_property
  def quantiles(self) -> Buckets | None:
    """The histogram of equally full buckets, without those that are infinite; None where there is none."""
    return self._buckets(Histogram.QUANTILES)

  def _buckets(self, kind: 'Histogram.HistogramType') -> Buckets | None:
    for histogram in self._proto.num_stats.histograms:
      if histogram.type == kind:
        finite = [
          each for each in histogram.buckets if math.isfinite(each.low_value) and math.isfinite(each.high_value)
        ]
        return Buckets(
          tuple(each.low_value for each in finite),
          tuple(each.high_value for each in finite),
          tuple(each.sample_count for each in finite),
        )
    return None

  @property
  def unique(self) -> int:
    """How many different strings there are."""
    return int(self._proto.string_stats.unique)

  @property
  def count_error(self) -> int | None:
    """How many times more than is said a string may occur, where `unique` is an estimate too; None where all is exact.

    Frequent strings that may be less frequent than others are not among the `counts`, so there may be none.
    """
    found = [int(each.num) for each in self._proto.custom_stats if each.name == COUNT_ERROR]
    return found[0] if found else None

  @property
  def mean_length(self) -> float:
    """Of the strings, in bytes."""
    return float(self._proto.string_stats.avg_length)

  @functools.cached_property
  def counts(self) -> Mapping[str, float]:
    """How often each of the most frequent strings occurs, the most frequent first. TFDV lists a thousand by default."""
    strings = self._proto.string_stats
    found = {bucket.label: bucket.sample_count for bucket in strings.rank_histogram.buckets}
    return found or {top.value: top.frequency for top in strings.top_values}


@dataclasses.dataclass(frozen=True)
class DatasetStatistics:
  """The statistics of a split or of a slice: its rows, and its features by name in the statistics' order."""

  rows: int
  features: Mapping[str, FeatureStatistics]


def statistics_of(dataset: DatasetFeatureStatistics) -> DatasetStatistics:
  """A dataset's statistics."""
  rows = int(dataset.num_examples)
  features = [FeatureStatistics(feature, rows) for feature in dataset.features]
  return DatasetStatistics(rows, {feature.name: feature for feature in features})


def by_slice(statistics: DatasetFeatureStatisticsList, split: str = '') -> dict[str, DatasetStatistics]:
  """All datasets of a list, by their own names; those without one by the split's, or as 'all', numbered if need be."""
  names = [dataset.name or split or 'all' for dataset in statistics.datasets]
  unique = [name if names.count(name) == 1 else f'{name} {place}' for place, name in enumerate(names, start=1)]
  return {name: statistics_of(dataset) for name, dataset in zip(unique, statistics.datasets, strict=True)}


def dataset_of_all_rows(statistics: DatasetFeatureStatisticsList) -> DatasetFeatureStatistics | None:
  """The dataset of all rows: the one that is named so, or the first; None where there is none."""
  named = [dataset for dataset in statistics.datasets if dataset.name == _ALL_ROWS]
  return next(iter([*named, *statistics.datasets]), None)


def of_all_rows(statistics: DatasetFeatureStatisticsList) -> DatasetStatistics | None:
  """The statistics of all rows; None where there are none."""
  dataset = dataset_of_all_rows(statistics)
  return statistics_of(dataset) if dataset is not None else None


def parse_statistics(data: bytes, path: str) -> DatasetFeatureStatisticsList:
  """A binary FeatureStats.pb that was read from a path. Raises UserError where it is none."""
  try:
    return DatasetFeatureStatisticsList.FromString(data)
  except DecodeError as error:
    raise UserError(f'{path}: is not a binary DatasetFeatureStatisticsList, as TFDV writes') from error


def read_statistics(path: str) -> DatasetFeatureStatisticsList:
  """A binary FeatureStats.pb. Raises UserError where it cannot be read, or is none."""
  try:
    data = storage.read_bytes(path)
  except OSError as error:
    raise UserError(f'{path}: cannot be read ({" ".join(str(error.strerror or error).split())})') from error
  return parse_statistics(data, path)
