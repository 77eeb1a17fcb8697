"""What the report's scripts are given of statistics."""

import json

import pytest
from statistics_of import many_features, numbers, read, strings
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from beam_taxi.analysis.feature_statistics import COUNT_ERROR, statistics_of
from beam_taxi.show.report.feature_values import feature_values


def test_numbers_have_their_figures_and_both_histograms() -> None:
  [found] = feature_values([read(5, numbers('x', [0, 1, 2, 3], 5))], [])
  [data] = found['data']

  assert (found['name'], found['type'], found['kind']) == ('x', 'FLOAT', 'number')
  assert {key: data[key] for key in ('rows', 'values', 'missing', 'zeros', 'min', 'median', 'mean', 'max')} == {
    'rows': 5, 'values': 4, 'missing': 0.2, 'zeros': 0.25, 'min': 0, 'median': 2, 'mean': 1.5, 'max': 3,
  }  # fmt: skip
  assert data['std_dev'] == pytest.approx(1.11803)
  assert len(data['standard']['edges']) == 11
  assert sum(data['standard']['counts']) == 4
  assert found['linf'] is None


def test_strings_have_the_most_common_and_lengths() -> None:
  [found] = feature_values([read(6, strings('x', {'a': 3, 'bcd': 2, '': 1}, 6))], [])
  [data] = found['data']

  assert data['top'] == [['a', 3], ['bcd', 2], ['', 1]]
  assert (data['unique'], data['rest'], data['allLengths']) == (3, 0, True)
  assert dict(zip(data['lengths']['edges'], data['lengths']['counts'], strict=False)) == {0: 1, 1: 3, 2: 0, 3: 2}


def test_all_datasets_list_the_strings_that_are_most_common_in_any() -> None:
  one = read(100, strings('x', {f'a{place}': 5 for place in range(20)}, 100))
  other = read(10, strings('x', {'b': 9, 'a0': 1}, 10))
  [found] = feature_values([one, other], [(0, 1)])

  assert ['b', 9] in found['data'][1]['top']
  assert len(found['data'][0]['top']) == 19
  assert found['data'][0]['rest'] == 5
  assert found['linf'] == 0.9


def test_splits_with_other_ranges_get_common_buckets() -> None:
  sets = [read(4, numbers('x', values, 4)) for values in ([0, 1, 2, 10], [0, 1, 2, 4])]
  [found] = feature_values(sets, [(0, 1)])

  assert found['common']['edges'][0] == 0
  assert found['common']['edges'][-1] == 10
  assert [sum(shares) for shares in found['common']['shares']] == pytest.approx([1, 1], abs=1e-4)


def test_splits_with_the_same_buckets_keep_them() -> None:
  sets = [read(4, numbers('x', values, 4)) for values in ([0, 1, 2, 4], [0, 3, 2, 4])]

  assert feature_values(sets, [(0, 1)])[0]['common'] is None


def test_features_that_one_has_alone_or_that_have_another_type_are_there() -> None:
  one = read(2, numbers('a', [1, 2], 2), numbers('b', [1, 2], 2))
  other = read(2, strings('b', {'x': 2}, 2), strings('c', {'x': 2}, 2))
  a, b, c = feature_values([one, other], [(0, 1)])

  assert (a['data'][1], c['data'][0]) == (None, None)
  assert (b['type'], b['kind'], b['linf']) == ('FLOAT | STRING', 'other', None)


@pytest.mark.parametrize('end', [float('inf'), float('-inf'), float('nan')])
def test_what_json_has_no_number_for_becomes_text(end: float) -> None:
  feature = numbers('x', [1, 2], 2)
  feature.num_stats.max = feature.num_stats.mean = end
  feature.num_stats.histograms[0].buckets[9].high_value = end
  found = feature_values([read(2, feature)], [])

  assert json.dumps(found, allow_nan=False)
  assert isinstance(found[0]['data'][0]['max'], str)


def test_a_feature_without_values_or_a_split_without_rows_is_no_error() -> None:
  empty = FeatureNameStatistics(type=FeatureNameStatistics.STRING)
  empty.path.step.append('x')
  empty.string_stats.common_stats.num_non_missing = 2
  [found] = feature_values([read(2, empty), read(0)], [(0, 1)])

  assert (found['data'][0]['missing'], found['data'][1], found['linf']) == (1, None, None)


def test_long_names_and_values_are_cut() -> None:
  [found] = feature_values([read(1, strings('n' * 5000, {'v' * 5000: 1}, 1))], [])

  assert len(found['name']) == 400
  assert found['data'][0]['top'][0][0] == 'v' * 159 + '…'


def test_a_thousand_features_are_a_few_megabytes() -> None:
  sets = [statistics_of(many_features(1000, seed).datasets[0]) for seed in (1, 2)]

  assert len(json.dumps(feature_values(sets, [(0, 1)]))) < 4_000_000


def test_strings_none_of_which_is_known_to_be_frequent_have_no_lengths() -> None:
  feature = strings('id', {}, 9)
  feature.string_stats.common_stats.tot_num_values = 9
  feature.string_stats.unique = 9
  feature.custom_stats.add(name=COUNT_ERROR, num=2)
  [found] = feature_values([read(9, feature)], [])
  [data] = found['data']

  assert (data['unique'], data['count_error'], data['top'], data['rest']) == (9, 2, [], 9)
  assert 'lengths' not in data
