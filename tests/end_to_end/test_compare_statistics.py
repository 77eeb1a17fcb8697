"""What the comparison of statistics tells apart, and what it lets pass."""

from collections.abc import Callable

import pytest
from compare_statistics import differences, features_of, ranks_off
from google.protobuf import text_format
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList, FeatureNameStatistics

# Of 0, 1, 1, 2, 3, 3, 3, 3, and of three texts.
STATISTICS = """
datasets {
  num_examples: 8
  features {
    path { step: 'number' }
    type: INT
    num_stats {
      common_stats {
        num_non_missing: 8
        num_values_histogram { type: QUANTILES buckets { low_value: 1 high_value: 1 sample_count: 8 } }
      }
      mean: 2 std_dev: 1.118034 num_zeros: 1 median: 2.5 max: 3
      histograms {
        buckets { high_value: 1.5 sample_count: 3 } buckets { low_value: 1.5 high_value: 3 sample_count: 5 }
      }
      histograms {
        type: QUANTILES
        buckets { high_value: 2 sample_count: 4 } buckets { low_value: 2 high_value: 3 sample_count: 4 }
      }
    }
  }
  features {
    path { step: 'text' }
    type: STRING
    string_stats {
      common_stats { num_missing: 5 num_non_missing: 3 }
      unique: 2 top_values { value: 'a' frequency: 2 } top_values { value: 'b' frequency: 1 }
      rank_histogram { buckets { label: 'a' sample_count: 2 } }
    }
  }
}
"""
VALUES = [0, 1, 1, 2, 3, 3, 3, 3]

Change = Callable[[FeatureNameStatistics, FeatureNameStatistics], object]


def parsed() -> DatasetFeatureStatisticsList:
  return text_format.Parse(STATISTICS, DatasetFeatureStatisticsList())


def changed(change: Change) -> DatasetFeatureStatisticsList:
  statistics = parsed()
  number, text = statistics.datasets[0].features
  change(number, text)
  return statistics


def set_to(message: str, **values: float) -> Change:
  """Sets fields of a message within the feature 'number'."""

  def change(number: FeatureNameStatistics, _: FeatureNameStatistics) -> None:
    node = number.num_stats
    for step in filter(None, message.split('.')):
      node = node[int(step)] if step.isdecimal() else getattr(node, step)
    for name, value in values.items():
      setattr(node, name, value)

  return change


DIFFERENT: dict[str, Change] = {
  'number/num_stats/common_stats/num_non_missing': set_to('common_stats', num_non_missing=7),
  'number/num_stats/num_zeros': set_to('', num_zeros=0),
  'number/num_stats/min': set_to('', min=1e-300),
  'number/num_stats/max': set_to('', max=3.0000000000000004),
  'number/num_stats/mean': set_to('', mean=2.0001),
  'number/num_stats/std_dev': set_to('', std_dev=1.1181),
  'number/num_stats/histograms[0]/edges[1]': set_to('histograms.0.buckets.0', high_value=1.4),
  'number/num_stats/histograms[0]/sum_of_buckets': set_to('histograms.0.buckets.0', sample_count=4),
  'number/num_stats/histograms[1]/edges[1]': set_to('histograms.1.buckets.1', high_value=4),
  'number/num_stats/histograms[1]/num_nan': set_to('histograms.1', num_nan=1),
  'number/num_stats/common_stats/num_values_histogram/sum_of_buckets': set_to(
    'common_stats.num_values_histogram.buckets.0', sample_count=7
  ),
  'text/string_stats/unique': lambda _, text: setattr(text.string_stats, 'unique', 3),
  'text/string_stats/top_values[1]/value': lambda _, text: setattr(text.string_stats.top_values[1], 'value', 'c'),
  'text/string_stats/rank_histogram/buckets[0]/sample_count': lambda _, text: setattr(
    text.string_stats.rank_histogram.buckets[0], 'sample_count', 1
  ),
}

ALIKE: dict[str, Change] = {
  'mean': set_to('', mean=2.000001),
  'std_dev': set_to('', std_dev=1.118035),
  'median': set_to('', median=2),
  'inner_quantile': set_to('histograms.1.buckets.0', high_value=1.9),
}


@pytest.mark.parametrize(('place', 'change'), DIFFERENT.items(), ids=DIFFERENT)
def test_what_differs_is_said_with_its_place(place: str, change: Change) -> None:
  [line] = differences(changed(change), parsed())
  assert line.startswith(f'{place}: ')


@pytest.mark.parametrize('change', ALIKE.values(), ids=ALIKE)
def test_what_two_versions_of_tfdv_may_make_of_the_same_values_passes(change: Change) -> None:
  assert differences(changed(change), parsed()) == []


def test_features_in_another_order_pass() -> None:
  other = parsed()
  other.datasets[0].features.reverse()
  assert differences(other, parsed()) == []


def test_a_feature_that_one_side_lacks_is_said() -> None:
  other = parsed()
  del other.datasets[0].features[1]
  assert any(line.startswith('text/string_stats/unique: None, ') for line in differences(other, parsed()))


@pytest.mark.parametrize(
  ('change', 'ranks'),
  [
    (set_to(''), 0),
    (set_to('', median=3), 0),
    (set_to('', median=1), 1),
    (set_to('', median=9), 4),
    (set_to('histograms.0.buckets.0', sample_count=1), 2),
    (set_to('histograms.1.buckets.0', high_value=0.5), 3),
  ],
  ids=['true', 'equal_values_have_many_ranks', 'median', 'median_beyond', 'count', 'edge'],
)
def test_what_is_untrue_of_the_values_is_measured_in_ranks(change: Change, ranks: int) -> None:
  assert ranks_off(features_of(changed(change))['number'], VALUES) == ranks / len(VALUES)
