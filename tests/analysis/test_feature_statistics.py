"""The reader of statistics: of TFDV as it is, of older ones, of slices and of lists."""

import math
import pathlib
import subprocess
import sys

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from statistics_of import dataset, numbers, read, strings
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList, FeatureNameStatistics

from beam_taxi.analysis.feature_statistics import (
  COUNT_ERROR,
  FeatureStatistics,
  by_slice,
  of_all_rows,
  read_statistics,
  statistics_of,
)
from beam_taxi.errors import UserError


def test_numbers_that_are_all_nan_have_no_bounds_and_no_mean() -> None:
  proto = FeatureNameStatistics(type=FeatureNameStatistics.FLOAT)
  proto.num_stats.common_stats.tot_num_values = 2
  proto.num_stats.histograms.add(num_nan=2)

  feature = FeatureStatistics(proto, 2)

  assert all(map(math.isnan, (feature.min, feature.mean, feature.median, feature.max, feature.std_dev)))


def test_numbers_have_what_tfdv_counts_of_them() -> None:
  found = of_all_rows(tfdv.generate_statistics_from_dataframe(pd.DataFrame({'x': [0.0, 1.0, 5.0, None]})))
  assert found
  feature = found.features['x']

  assert (feature.name, feature.type, feature.kind, feature.rows) == ('x', 'FLOAT', 'number', 4)
  assert (feature.values, feature.present, feature.valency, feature.missing) == (3, 3, (1, 1, 1), 0.25)
  assert (feature.zeros, feature.min, feature.median, feature.mean, feature.max) == (1, 0, 1, 2, 5)
  assert (feature.std_dev, feature.nan) == (pytest.approx(2.1602468), 0)
  assert feature.standard
  assert feature.quantiles
  assert [sum(each.counts) for each in (feature.standard, feature.quantiles)] == pytest.approx([3, 3])
  assert (feature.counts, feature.unique) == ({}, 0)


def test_strings_have_what_tfdv_counts_of_them() -> None:
  found = of_all_rows(tfdv.generate_statistics_from_dataframe(pd.DataFrame({'x': ['b', 'a', 'b', 'ccc']})))
  assert found
  feature = found.features['x']

  assert (feature.type, feature.kind, feature.unique, feature.mean_length) == ('STRING', 'string', 3, 1.5)
  assert dict(feature.counts) == {'b': 2, 'a': 1, 'ccc': 1}
  assert next(iter(feature.counts)) == 'b'
  assert (feature.standard, feature.quantiles) == (None, None)


# As TFX's own tests have it of 2018, and as Facets writes it.
NAMED = """
  datasets { name: "train" num_examples: 2 features { name: "x" type: STRING string_stats {
    common_stats { num_non_missing: 2 min_num_values: 1 max_num_values: 1 avg_num_values: 1 tot_num_values: 2 }
    unique: 2 top_values { value: "a" frequency: 1 } top_values { value: "b" frequency: 1 } } } }
"""


@pytest.mark.parametrize(
  ('text', 'name'),
  [
    (NAMED, 'x'),
    ('datasets { features { path { step: "x" } } }', 'x'),
    ('datasets { features { path { step: "a" step: "b" } } }', 'a.b'),
    ('datasets { features { } }', ''),
  ],
  ids=['name', 'path', 'path within others', 'neither'],
)
def test_a_feature_is_called_by_its_name_or_by_its_path(text: str, name: str) -> None:
  found = of_all_rows(text_format.Parse(text, DatasetFeatureStatisticsList()))

  assert found
  assert list(found.features) == [name]


def test_without_ranks_the_top_values_are_what_is_listed() -> None:
  found = of_all_rows(text_format.Parse(NAMED, DatasetFeatureStatisticsList()))

  assert found
  assert found.features['x'].counts == {'a': 1, 'b': 1}


@pytest.mark.parametrize(
  ('names', 'split', 'found'),
  [
    (['All Examples', 'city_Chicago'], 'train', ['All Examples', 'city_Chicago']),
    ([''], 'train', ['train']),
    ([''], '', ['all']),
    (['', ''], 'eval', ['eval 1', 'eval 2']),
    ([], 'eval', []),
  ],
  ids=['slices', 'split', 'neither', 'several without a name', 'none'],
)
def test_datasets_are_called_by_their_slice_or_by_their_split(names: list[str], split: str, found: list[str]) -> None:
  statistics = DatasetFeatureStatisticsList()
  for place, name in enumerate(names):
    statistics.datasets.add(name=name, num_examples=place)

  assert list(by_slice(statistics, split)) == found
  assert [each.rows for each in by_slice(statistics, split).values()] == list(range(len(names)))


@pytest.mark.parametrize(
  ('names', 'rows'),
  [(['city_Chicago', 'All Examples'], 1), (['one', 'other'], 0), ([], None)],
  ids=['slices', 'others', 'none'],
)
def test_of_slices_the_one_of_all_rows_is_the_split(names: list[str], rows: int | None) -> None:
  statistics = DatasetFeatureStatisticsList()
  for place, name in enumerate(names):
    statistics.datasets.add(name=name, num_examples=place)
  found = of_all_rows(statistics)

  assert (found.rows if found else None) == rows


def test_rows_without_a_value_are_missing_whichever_way_they_are_counted() -> None:
  as_empty_list, as_missing = strings('x', {'a': 3}, 4), strings('x', {'a': 3}, 4)
  as_missing.string_stats.common_stats.num_non_missing = 3
  as_missing.string_stats.common_stats.num_missing = 1

  assert [FeatureStatistics(each, 4).missing for each in (as_empty_list, as_missing)] == [0.25, 0.25]


@pytest.mark.parametrize(
  ('rows', 'missing'),
  [([[1, 2], [3, 4, 5], [6, 7]], 0), ([[1, 2], None, [3], [4, 5, 6]], 0.25)],
  ids=['none', 'one'],
)
def test_of_lists_those_rows_are_missing_that_have_none(rows: list[list[int] | None], missing: float) -> None:
  found = of_all_rows(tfdv.generate_statistics_from_dataframe(pd.DataFrame({'tags': rows})))

  assert found
  assert found.features['tags'].missing == missing
  assert found.features['tags'].valency[2] == 3


def test_without_rows_there_is_no_missing_share() -> None:
  assert FeatureStatistics(numbers('x', [1], 1), 0).missing is None


def test_infinite_buckets_are_left_out() -> None:
  feature = numbers('x', list(range(20)), 20)
  feature.num_stats.histograms[0].buckets[9].high_value = math.inf
  [found] = read(20, feature).features.values()

  assert found.standard
  assert (len(found.standard.low), found.standard.high[-1]) == (9, pytest.approx(17.1))


def test_a_feature_of_no_kind_that_is_known_has_counts_alone() -> None:
  made = FeatureNameStatistics(type=FeatureNameStatistics.STRUCT, name='x')
  made.struct_stats.common_stats.tot_num_values = 3
  bare = FeatureNameStatistics(name='y')
  x, y = statistics_of(dataset(3, made, bare)).features.values()

  assert (x.type, x.kind, x.values) == ('STRUCT', 'other', 3)
  assert (y.kind, y.values, y.missing) == ('other', 0, 1)


@pytest.mark.parametrize('data', [None, b'no proto'], ids=['gone', 'no proto'])
def test_what_is_no_statistics_is_said(tmp_path: pathlib.Path, data: bytes | None) -> None:
  path = tmp_path / 'FeatureStats.pb'
  if data is not None:
    path.write_bytes(data)

  with pytest.raises(UserError, match=f'{path}: (cannot be read .No such file|is not a binary)'):
    read_statistics(str(path))


def test_what_tfx_wrote_is_read(tfx_testdata: pathlib.Path) -> None:
  found = of_all_rows(read_statistics(str(tfx_testdata / 'statistics_gen' / 'Split-train' / 'FeatureStats.pb')))

  assert found
  assert (found.rows, len(found.features), found.features['fare'].kind) == (10036, 18, 'number')


@pytest.mark.parametrize(
  'module',
  [
    'beam_taxi.analysis.comparison',
    'beam_taxi.show.report.report_page',
    'beam_taxi.show.site.building',
    'beam_taxi.show.terminal.comparison_tables',
    'beam_taxi.show.terminal.run_summary',
  ],
)
def test_reading_and_comparing_statistics_needs_no_tfdv(module: str) -> None:
  program = f"import sys, {module}; print(*sys.modules, sep='\\n')"
  done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=True)

  assert not {'tensorflow_data_validation', 'tensorflow', 'apache_beam'} & set(done.stdout.split())


def test_strings_that_are_too_many_to_count_each_say_so() -> None:
  proto = FeatureNameStatistics(type=FeatureNameStatistics.STRING)
  assert FeatureStatistics(proto, 1).count_error is None

  proto.custom_stats.add(name=COUNT_ERROR, num=7)
  assert FeatureStatistics(proto, 1).count_error == 7
