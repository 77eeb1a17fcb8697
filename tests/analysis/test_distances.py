"""Distances between distributions: known values, and TFDV's own of the same histograms."""

import itertools
import math
import pathlib
import random

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from statistics_of import numbers, strings
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList, FeatureNameStatistics

from beam_taxi.analysis.distances import (
  Cumulative,
  cumulative,
  cut,
  distance,
  jensen_shannon,
  kolmogorov_smirnov,
  l_infinity,
  non_uniformity,
  parts,
)
from beam_taxi.analysis.feature_statistics import (
  STRING,
  Buckets,
  DatasetStatistics,
  FeatureStatistics,
  of_all_rows,
  read_statistics,
)


@pytest.mark.parametrize(
  ('first', 'second', 'far'),
  [
    ({'a': 1}, {'a': 5}, 0),
    ({'a': 1}, {'b': 1}, 1),
    ({'a': 3, 'b': 1}, {'a': 1, 'b': 1}, 0.25),
    ({'a': 1, 'b': 1}, {'a': 1, 'b': 1, 'c': 2}, 0.5),
    ({}, {}, 0),
  ],
)
def test_l_infinity_is_the_largest_difference_of_shares(first: dict, second: dict, far: float) -> None:
  assert l_infinity(first, second) == pytest.approx(far)


@pytest.mark.parametrize(
  ('first', 'second', 'far'),
  [
    ({'a': 1, 'b': 1}, {'a': 2, 'b': 2}, 0),
    ({'a': 1}, {'b': 1}, 1),
    # 1/2 (log2(1 / 0.75)) + 1/2 (0.5 log2(0.5 / 0.75) + 0.5 log2(0.5 / 0.25))
    ({'a': 1}, {'a': 1, 'b': 1}, 0.3112781244591328),
    ({}, {'a': 1}, 1),
  ],
)
def test_jensen_shannon_is_in_bits(first: dict, second: dict, far: float) -> None:
  assert jensen_shannon(first, second) == pytest.approx(far)


def random_buckets(chance: random.Random, spike: bool) -> Buckets:
  edges = sorted(chance.uniform(0, 10) for _ in range(11))
  low, high = edges[:-1], edges[1:]
  if spike:
    high[3] = low[4] = low[3]
  return Buckets(tuple(low), tuple(high), tuple(chance.random() * 10 for _ in range(10)))


def of_numbers(buckets: Buckets) -> statistics_pb2.DatasetFeatureStatisticsList:
  made = statistics_pb2.DatasetFeatureStatisticsList()
  dataset = made.datasets.add(num_examples=100)
  feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
  feature.path.step.append('x')
  common = feature.num_stats.common_stats
  common.num_non_missing = common.tot_num_values = 100
  common.min_num_values = common.max_num_values = 1
  histogram = feature.num_stats.histograms.add()
  for low, high, count in zip(buckets.low, buckets.high, buckets.counts, strict=True):
    histogram.buckets.add(low_value=low, high_value=high, sample_count=count)
  return made


def of_strings(counts: dict[str, int]) -> statistics_pb2.DatasetFeatureStatisticsList:
  made = statistics_pb2.DatasetFeatureStatisticsList()
  rows = sum(counts.values())
  dataset = made.datasets.add(num_examples=rows)
  feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
  feature.path.step.append('x')
  common = feature.string_stats.common_stats
  common.num_non_missing = common.tot_num_values = rows
  common.min_num_values = common.max_num_values = 1
  feature.string_stats.unique = len(counts)
  for value, count in counts.items():
    feature.string_stats.rank_histogram.buckets.add(label=value, sample_count=count)
  return made


def drift_by_tfdv(measure: str, kind: int, first: object, second: object) -> float:
  schema = schema_pb2.Schema()
  feature = schema.feature.add(name='x', type=kind)
  getattr(feature.drift_comparator, measure).threshold = 0
  found = tfdv.validate_statistics(second, schema, previous_statistics=first).drift_skew_info
  [measured] = found[0].drift_measurements
  return measured.value


def ends_of(*histograms: Buckets) -> list[float]:
  return sorted({edge for each in histograms for edge in (*each.low, *each.high)})


def divergence(first: Cumulative, second: Cumulative, ends: list[float]) -> float:
  return jensen_shannon(parts(first, ends), parts(second, ends))


@pytest.mark.parametrize('seed', range(6))
def test_numbers_are_as_far_as_tfdv_finds_them(seed: int) -> None:
  chance = random.Random(seed)
  first, second = random_buckets(chance, False), random_buckets(chance, spike=seed % 2 == 1)
  by_tfdv = drift_by_tfdv('jensen_shannon_divergence', schema_pb2.FLOAT, of_numbers(first), of_numbers(second))

  assert divergence(cumulative(first), cumulative(second), ends_of(first, second)) == pytest.approx(by_tfdv)


@pytest.mark.parametrize(
  ('first', 'second'),
  [
    (Buckets((1,), (1,), (5,)), Buckets((1,), (1,), (7,))),
    (Buckets((1,), (1,), (5,)), Buckets((2,), (2,), (7,))),
    (Buckets((1,), (1,), (5,)), Buckets((0, 1), (1, 2), (7, 7))),
    (Buckets((1,), (1,), (5,)), Buckets((0,), (2,), (7,))),
  ],
  ids=['same_constant', 'other_constant', 'constant_between_buckets', 'constant_in_bucket'],
)
def test_constants_are_as_far_as_tfdv_finds_them(first: Buckets, second: Buckets) -> None:
  by_tfdv = drift_by_tfdv('jensen_shannon_divergence', schema_pb2.FLOAT, of_numbers(first), of_numbers(second))

  assert divergence(cumulative(first), cumulative(second), ends_of(first, second)) == pytest.approx(by_tfdv)


@pytest.mark.parametrize('seed', range(4))
def test_strings_are_as_far_as_tfdv_finds_them(seed: int) -> None:
  chance = random.Random(seed)
  first, second = ({chance.choice('abcdefgh'): chance.randrange(1, 99) for _ in range(5)} for _ in range(2))
  by_tfdv = drift_by_tfdv('infinity_norm', schema_pb2.BYTES, of_strings(first), of_strings(second))

  assert l_infinity(first, second) == pytest.approx(by_tfdv)


def test_a_cumulative_distribution_is_fixed_at_the_ends_of_standard_buckets() -> None:
  found = cumulative(Buckets((0, 10), (10, 20), (9, 1)), Buckets((0, 2), (2, 20), (5, 5)))

  assert [found.at(value) for value in (-1, 0, 2, 10, 20, 30)] == pytest.approx([0, 0, 0.5, 0.9, 1, 1])
  assert found.at(1) == pytest.approx(0.25)


def test_a_value_that_repeats_is_a_step() -> None:
  found = cumulative(Buckets((0, 1, 1), (1, 1, 2), (1, 2, 1)))

  assert (found.below(1), found.at(1)) == pytest.approx((0.25, 0.75))
  assert cut(found, [0, 1, 2]) == pytest.approx([0.25, 0.75])


def test_an_outlier_does_not_make_distributions_far() -> None:
  chance = random.Random(1)
  many = [chance.expovariate(1) for _ in range(2000)]
  usual, stretched = (histograms(values) for values in (many, [*many[1:], 500.0]))
  far = kolmogorov_smirnov(cumulative(*usual), cumulative(*stretched), [*usual[0].high, *stretched[0].high])

  assert far < 0.15
  ends = ends_of(usual[0], stretched[0])
  assert divergence(cumulative(*usual), cumulative(*stretched), ends) < 0.1
  # As TFDV would find them.
  assert divergence(cumulative(usual[0]), cumulative(stretched[0]), ends) > 0.5


def histograms(values: list[float]) -> tuple[Buckets, Buckets]:
  """Standard and quantiles."""
  ordered = sorted(values)
  edges = [ordered[0] + (ordered[-1] - ordered[0]) * place / 10 for place in range(11)]
  counts = [sum(low <= v < high or v == high == edges[-1] for v in ordered) for low, high in itertools.pairwise(edges)]
  ends = [ordered[min(len(ordered) * place // 10, len(ordered) - 1)] for place in range(11)]
  return (
    Buckets(tuple(edges[:-1]), tuple(edges[1:]), tuple(counts)),
    Buckets(tuple(ends[:-1]), tuple(ends[1:]), (len(values) / 10,) * 10),
  )


@pytest.mark.parametrize(
  ('counts', 'uneven'), [([], 0), ([5], 0), ([2, 2, 2, 2], 0), ([8, 0, 0, 0], 1), ([1, 1, 0, 0], 0.5)]
)
def test_non_uniformity_is_what_lacks_to_the_largest_entropy(counts: list[float], uneven: float) -> None:
  assert non_uniformity(counts) == pytest.approx(uneven)


def measured(feature: FeatureStatistics, other: FeatureStatistics) -> float | None:
  """That of the two distances that TFDV has of a kind."""
  found = distance(feature, other)
  if found is None:
    return None
  return found.l_infinity if feature.kind == STRING else found.jensen_shannon


def drifts_by_tfdv(first: DatasetFeatureStatisticsList, second: DatasetFeatureStatisticsList) -> dict[str, float]:
  """What TFDV measures of each feature that it measures at all."""
  schema = schema_pb2.Schema()
  for name, feature in all_rows(first).features.items():
    kind = schema_pb2.FeatureType.Value(feature.type.replace('STRING', 'BYTES'))
    comparator = schema.feature.add(name=name, type=kind).drift_comparator
    (comparator.infinity_norm if feature.kind == STRING else comparator.jensen_shannon_divergence).threshold = 0
  found = tfdv.validate_statistics(second, schema, previous_statistics=first).drift_skew_info
  return {drift.path.step[0]: measured.value for drift in found for measured in drift.drift_measurements}


def all_rows(statistics: DatasetFeatureStatisticsList) -> DatasetStatistics:
  found = of_all_rows(statistics)
  assert found
  return found


@pytest.fixture(scope='module')
def trips(tfx_testdata: pathlib.Path) -> list[DatasetFeatureStatisticsList]:
  """The statistics of the taxi trips' splits train and eval, as TFX's StatisticsGen wrote them."""
  folder = tfx_testdata / 'statistics_gen'
  return [read_statistics(str(folder / f'Split-{split}' / 'FeatureStats.pb')) for split in ('train', 'eval')]


def test_taxi_trips_are_as_far_as_tfdv_finds_them_where_histograms_have_the_same_ends(
  trips: list[DatasetFeatureStatisticsList],
) -> None:
  by_tfdv = drifts_by_tfdv(*trips)
  train, evaluation = (all_rows(each).features for each in trips)
  comparable = [name for name in by_tfdv if ends_agree(train[name], evaluation[name])]

  assert {'payment_type', 'company', 'trip_start_hour', 'pickup_longitude'} <= set(comparable)
  assert {name: measured(train[name], evaluation[name]) for name in comparable} == {
    name: pytest.approx(by_tfdv[name], rel=1e-6) for name in comparable
  }


def ends_agree(first: FeatureStatistics, second: FeatureStatistics) -> bool:
  one, other = first.standard, second.standard
  return first.kind == STRING or bool(one and other and (one.low, one.high) == (other.low, other.high))


def test_taxi_trips_with_an_outlier_are_near_where_tfdv_finds_them_far(
  trips: list[DatasetFeatureStatisticsList],
) -> None:
  by_tfdv = drifts_by_tfdv(*trips)
  train, evaluation = (all_rows(each).features for each in trips)
  far = {name: round(found, 2) for name, found in by_tfdv.items() if found > 0.1}

  assert far == {'fare': 0.32, 'tips': 0.11, 'trip_miles': 0.71, 'trip_seconds': 0.45}
  assert all((measured(train[name], evaluation[name]) or 0) < 0.04 for name in far)


@pytest.mark.parametrize('same', ['payment_type', 'trip_miles', 'fare'])
def test_where_tfdv_finds_no_distance_there_is_none(trips: list[DatasetFeatureStatisticsList], same: str) -> None:
  train = all_rows(trips[0]).features[same]

  assert drifts_by_tfdv(trips[0], trips[0])[same] == 0
  assert measured(train, train) == 0


def test_what_tfdv_does_not_measure_is_not_measured(trips: list[DatasetFeatureStatisticsList]) -> None:
  """Of pickup_census_tract there is no value in train."""
  train, evaluation = (all_rows(each).features for each in trips)

  assert set(train) - set(drifts_by_tfdv(*trips)) == {'pickup_census_tract'}
  assert [name for name in train if measured(train[name], evaluation[name]) is None] == ['pickup_census_tract']


@pytest.mark.parametrize('odd', [math.inf, -math.inf, math.nan])
def test_nan_and_infinite_values_have_no_part_in_a_distance(odd: float) -> None:
  statistics = tfdv.generate_statistics_from_dataframe(pd.DataFrame({'x': [[1.0, 2.0, 3.0, odd], [2.0, odd]]}))
  feature = all_rows(statistics).features['x']

  assert measured(feature, feature) == 0
  assert drifts_by_tfdv(statistics, statistics)['x'] > 0


@pytest.mark.parametrize(
  ('first', 'second'),
  [
    (numbers('x', [1, 2], 2), strings('x', {'a': 2}, 2)),
    (strings('x', {}, 2), strings('x', {'a': 2}, 2)),
    (FeatureNameStatistics(name='x'), FeatureNameStatistics(name='x')),
  ],
  ids=['other kinds', 'no values', 'no kind'],
)
def test_between_what_cannot_be_compared_there_is_no_distance(
  first: FeatureNameStatistics, second: FeatureNameStatistics
) -> None:
  assert distance(FeatureStatistics(first, 2), FeatureStatistics(second, 2)) is None
