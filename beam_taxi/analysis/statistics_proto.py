"""An accumulator to the statistics that TFDV makes of the same rows with the defaults of its StatsOptions.

(Source of what is in them: TFDV, statistics/generators/basic_stats_generator.py and utils/top_k_uniques_stats_util.py.)
"""

import functools
import math

import numpy as np
from tensorflow_metadata.proto.v0.statistics_pb2 import (
  CommonStatistics,
  DatasetFeatureStatistics,
  DatasetFeatureStatisticsList,
  FeatureNameStatistics,
  Histogram,
  NumericStatistics,
  StringStatistics,
)

from beam_taxi.analysis.accumulators import STRING, Accumulator, Feature, Numbers, Strings, is_utf8
from beam_taxi.analysis.feature_statistics import COUNT_ERROR, DISTINCT_ERROR
from beam_taxi.analysis.histograms import Quantiles, quantiles_histogram, standard_histogram
from beam_taxi.analysis.quantile_sketch import Summary, quantiles
from beam_taxi.analysis.string_counts import RELATIVE_ERROR

# TFDV's StatsOptions: num_histogram_buckets, num_top_values, num_rank_histogram_buckets.
BUCKETS, TOP_VALUES, RANKS = 10, 20, 1000

# So many quantiles make a histogram of equally wide buckets. (Source: basic_stats_generator.py.)
_QUANTILES = 100 * BUCKETS

# What TFDV shows of a string that is no UTF-8. (Source: its constants.py.)
_NOT_UTF8 = '__BYTES_VALUE__'


def to_statistics(accumulator: Accumulator) -> DatasetFeatureStatisticsList:
  """The statistics of all rows that it has seen, as one dataset without a name."""
  dataset = DatasetFeatureStatistics(num_examples=accumulator.rows)
  for name, feature in accumulator.features.items():
    found = dataset.features.add()
    found.path.step.append(name)
    _describe(feature, accumulator.rows, found)
  return DatasetFeatureStatisticsList(datasets=[dataset])


def _describe(feature: Feature, rows: int, found: FeatureNameStatistics) -> None:
  found.type = FeatureNameStatistics.Type.Value(feature.type or STRING)
  common = _common(feature, rows)
  if feature.numbers:
    _describe_numbers(feature.numbers, found.num_stats)
    found.num_stats.common_stats.CopyFrom(common)
    return
  found.string_stats.common_stats.CopyFrom(common)
  if feature.strings and feature.values:
    _describe_strings(feature.strings, feature.values, found.string_stats)
    if not feature.strings.counts.is_exact:
      found.custom_stats.add(name=COUNT_ERROR, num=feature.strings.counts.error)
      found.custom_stats.add(name=DISTINCT_ERROR, num=RELATIVE_ERROR)


def _common(feature: Feature, rows: int) -> CommonStatistics:
  common = CommonStatistics(num_non_missing=feature.present, num_missing=rows - feature.present)
  if feature.present:
    common.min_num_values = int(feature.values == feature.present)
    common.max_num_values = int(feature.values > 0)
    common.tot_num_values = feature.values
    common.avg_num_values = feature.values / feature.present
    common.num_values_histogram.CopyFrom(_lengths(feature.present - feature.values, feature.values))
  return common


@functools.lru_cache
def _lengths(empty: int, single: int) -> Histogram:
  """The histogram of the lists' lengths: many features of a file have as many."""
  lengths, counts = (np.array(each) for each in zip(*((0.0, empty), (1.0, single)), strict=True))
  summary = Summary(lengths[counts > 0], counts[counts > 0])
  return quantiles_histogram(Quantiles(*quantiles(summary, BUCKETS)))


def _describe_numbers(numbers: Numbers, found: NumericStatistics) -> None:
  if numbers.moments.count:
    variance = numbers.moments.variance
    found.mean = numbers.moments.mean
    found.std_dev = math.sqrt(variance) if variance > 0 else 0
    found.num_zeros, found.min, found.max = numbers.zeros, numbers.min, numbers.max
    cuts = Quantiles(*quantiles(numbers.sketch.summary(), _QUANTILES))
    found.median = cuts.values[_QUANTILES // 2]
    low, high = numbers.finite_min, numbers.finite_max
    found.histograms.append(standard_histogram(cuts, low, high, numbers.infinite, BUCKETS))
    found.histograms.append(quantiles_histogram(cuts.every(_QUANTILES // BUCKETS)))
  elif numbers.nan:
    found.histograms.add(type=Histogram.STANDARD)
    found.histograms.add(type=Histogram.QUANTILES)
  for histogram in found.histograms:
    histogram.num_nan = numbers.nan


def _describe_strings(strings: Strings, values: int, found: StringStatistics) -> None:
  found.avg_length = strings.bytes / values
  found.invalid_utf8_count = strings.not_utf8
  found.unique = strings.counts.distinct(values)
  found.rank_histogram.SetInParent()
  for string, count in strings.counts.most_frequent(TOP_VALUES):
    found.top_values.add(value=_label(string), frequency=count)
  for rank, (string, count) in enumerate(strings.counts.most_frequent(RANKS)):
    found.rank_histogram.buckets.add(low_rank=rank, high_rank=rank, label=_label(string), sample_count=count)


def _label(string: bytes) -> str:
  return string.decode() if is_utf8(string) else _NOT_UTF8
