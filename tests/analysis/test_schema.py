"""A schema inferred from statistics as TFX infers it, and its file."""

import hashlib
import pathlib

import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList, FeatureNameStatistics

from beam_taxi.analysis.schema import infer_schema, write_inferred_schema


def statistics(**values: list[str]) -> DatasetFeatureStatisticsList:
  """Statistics of three rows in which each feature has these strings."""
  found = DatasetFeatureStatisticsList()
  dataset = found.datasets.add(num_examples=3)
  for name, strings in values.items():
    feature = dataset.features.add(type=FeatureNameStatistics.STRING)
    feature.path.step.append(name)
    common = feature.string_stats.common_stats
    common.num_non_missing = common.tot_num_values = 3
    common.min_num_values = common.max_num_values = 1
    common.avg_num_values = 1
    feature.string_stats.unique = len(strings)
    for string in strings:
      feature.string_stats.rank_histogram.buckets.add(label=string, sample_count=1)
  return found


def test_the_schema_of_one_split_is_tfdvs() -> None:
  train = statistics(company=['a', 'b'])

  assert infer_schema([train]) == tfdv.infer_schema(train, infer_feature_shape=True)


def test_another_split_widens_the_schema() -> None:
  schema = infer_schema([statistics(company=['a', 'b']), statistics(company=['b', 'c'])])

  assert sorted(tfdv.get_domain(schema, 'company').value) == ['a', 'b', 'c']


@pytest.mark.parametrize(
  'empty', [DatasetFeatureStatisticsList(), DatasetFeatureStatisticsList(datasets=[{'num_examples': 0}])]
)
@pytest.mark.parametrize('first', [True, False], ids=['first', 'last'])
def test_a_split_without_records_says_nothing(empty: DatasetFeatureStatisticsList, first: bool) -> None:
  train = statistics(company=['a'])

  assert infer_schema([empty, train] if first else [train, empty]) == infer_schema([train])


def test_no_records_at_all_make_an_empty_schema() -> None:
  assert infer_schema([DatasetFeatureStatisticsList()]) == schema_pb2.Schema()


def test_a_schema_is_read_as_it_was_written(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'schema' / 'schema.pbtxt'
  train = statistics(company=['a', 'é', '"'])

  written = write_inferred_schema(str(path), train)

  assert text_format.Parse(path.read_bytes(), schema_pb2.Schema()) == infer_schema([train])
  assert (written.path, written.split) == (str(path), '')
  assert written.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_tfdv_reads_a_written_schema(tmp_path: pathlib.Path) -> None:
  path = str(tmp_path / 'schema.pbtxt')

  write_inferred_schema(path, statistics(company=['a']))

  assert tfdv.load_schema_text(path) == infer_schema([statistics(company=['a'])])
