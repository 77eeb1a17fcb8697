"""What a run makes of the taxi trips, held against what TFX's components once made of them.

The tfx wheel has outputs of CsvExampleGen, StatisticsGen and SchemaGen that TFX's own tests start from. They are not of
one run, and TFX shuffles records, so records are compared as multisets.

- csv_example_gen/ has 15,000 of the 15,002 trips of the taxi CSV, with a feature of no kind where a cell is empty.
  Today's CsvExampleGen writes an empty list of the column's kind, and so do we. Every one of these trips has an empty
  cell, so no record is byte for byte ours, nor is the hash that finds its split. But for these kinds, all are ours.
- csv_example_gen/unlabelled/ has 2,459 such trips without tips.
- external/csv/ has 15,000 trips in two files. In three columns of integers they have decimal points (900.0), which
  makes them FLOAT by TFX's rules; and one trip is another than in csv_example_gen/.
- statistics_gen/ is of all 15,002 trips, in the splits of today's Examples: what we compute must agree.
- schema_gen/ is of these statistics, with infer_feature_shape=False.
"""

import collections
import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterable, Iterator

import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from commands import beam_taxi
from compare_statistics import differences, features_of, ranks_off
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beam_taxi.analysis.schema import infer_schema
from beam_taxi.examples.splits import Split
from beam_taxi.examples.splitting import assign_splits

SPLITS = ('train', 'eval')

# Columns of integers that have decimal points in external/csv/, and none in the taxi CSV.
WITH_POINT = ('dropoff_census_tract', 'dropoff_community_area', 'trip_seconds')

Records = collections.Counter[bytes]


@dataclasses.dataclass(frozen=True)
class Outputs:
  """Examples, statistics and schema in a folder for each: a run's, or TFX's."""

  examples: pathlib.Path
  statistics: pathlib.Path
  schema: pathlib.Path

  @functools.cached_property
  def records(self) -> dict[str, list[bytes]]:
    return {split: read_records(self.examples / f'Split-{split}') for split in SPLITS}

  @property
  def all_records(self) -> list[bytes]:
    return [record for split in SPLITS for record in self.records[split]]

  def load_statistics(self, split: str) -> DatasetFeatureStatisticsList:
    return tfdv.load_stats_binary(str(self.statistics / f'Split-{split}' / 'FeatureStats.pb'))

  def load_schema(self) -> schema_pb2.Schema:
    return tfdv.load_schema_text(str(self.schema / 'schema.pbtxt'))


@pytest.fixture(scope='module')
def golden(tfx_testdata: pathlib.Path) -> Outputs:
  return Outputs(*(tfx_testdata / name for name in ('csv_example_gen', 'statistics_gen', 'schema_gen')))


@pytest.fixture(scope='module')
def ours(taxi_csv: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Outputs:
  """A run over the taxi CSV."""
  return run(taxi_csv, tmp_path_factory.mktemp('taxi'))


@pytest.fixture(scope='module')
def ours_of_external(tfx_testdata: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Outputs:
  """A run over the two files of external/csv/."""
  return run(tfx_testdata / 'external' / 'csv' / '*.csv', tmp_path_factory.mktemp('external'))


def run(pattern: pathlib.Path, output: pathlib.Path) -> Outputs:
  flags = ['--input', pattern, '--output', output, '--run_id', 'run', '--metadata', 'none']
  done = beam_taxi(output, *flags)
  assert done.returncode == 0, done.stderr
  return Outputs(*(output / 'runs' / 'run' / name for name in ('examples', 'statistics', 'schema')))


def read_records(folder: pathlib.Path) -> list[bytes]:
  files = sorted(map(str, folder.glob('data_tfrecord-*-of-*.gz')))
  return [record.numpy() for record in tf.data.TFRecordDataset(files, compression_type='GZIP')]


def rewritten(records: Iterable[bytes], *changes: Callable[[tf.train.Example], None]) -> Records:
  """Examples with something changed in each, serialized deterministically."""

  def rewrite(record: bytes) -> bytes:
    example = tf.train.Example.FromString(record)
    for change in changes:
      change(example)
    return example.SerializeToString(deterministic=True)

  return collections.Counter(map(rewrite, records))


def without_kinds_of_nothing(example: tf.train.Example) -> None:
  """Where a cell is empty, the golden Examples have a feature of no kind."""
  for feature in example.features.feature.values():
    kind = feature.WhichOneof('kind')
    if kind and not getattr(feature, kind).value:
      feature.Clear()


def with_points(example: tf.train.Example) -> None:
  """900 -> 900.0, a float, in the columns that have decimal points in external/csv/."""
  for name in WITH_POINT:
    feature = example.features.feature[name]
    if feature.int64_list.value:
      feature.float_list.value.extend(map(float, list(feature.int64_list.value)))


def without_tips(example: tf.train.Example) -> None:
  del example.features.feature['tips']


def start_times(records: Records) -> list[int]:
  examples = map(tf.train.Example.FromString, records.elements())
  return [example.features.feature['trip_start_timestamp'].int64_list.value[0] for example in examples]


def pickup_is_known(record: bytes) -> bool:
  return bool(tf.train.Example.FromString(record).features.feature['pickup_community_area'].int64_list.value)


def numbers_of(records: Iterable[bytes]) -> dict[str, list[float]]:
  """The values of each numeric feature, in order."""
  values: dict[str, list[float]] = collections.defaultdict(list)
  for record in records:
    for name, feature in tf.train.Example.FromString(record).features.feature.items():
      values[name] += [*feature.int64_list.value, *feature.float_list.value]
  return {name: sorted(numbers) for name, numbers in values.items() if numbers}


def with_value_counts(schema: schema_pb2.Schema) -> Iterator[schema_pb2.Feature]:
  """A schema's features, with 'one value' said as a SchemaGen without shapes says it."""
  one_value = schema_pb2.FixedShape(dim=[schema_pb2.FixedShape.Dim(size=1)])
  for feature in schema.feature:
    if feature.shape == one_value:
      feature.value_count.min = feature.value_count.max = 1
    yield feature


def by_name(schema: schema_pb2.Schema) -> tuple[dict[str, schema_pb2.Feature], dict[str, list[str]]]:
  """The features with value counts, and the domains with their values in order."""
  domains = {domain.name: list(domain.value) for domain in schema.string_domain}
  return {feature.name: feature for feature in with_value_counts(schema)}, domains


def test_every_golden_example_is_the_one_we_make_of_a_trip_but_for_the_kind_of_empty_cells(
  ours: Outputs, golden: Outputs
) -> None:
  # Two trips more are in the taxi CSV than in the golden, the only ones whose pickup is unknown.
  of_known_pickups = [record for record in ours.all_records if pickup_is_known(record)]
  assert (len(ours.all_records), len(of_known_pickups)) == (15_002, 15_000)
  assert rewritten(of_known_pickups, without_kinds_of_nothing) == collections.Counter(golden.all_records)


def test_golden_examples_are_serialized_as_protobuf_serializes_them_today(golden: Outputs) -> None:
  # So the bytes that are there are those that TFX hashed to find their splits.
  assert rewritten(golden.all_records) == collections.Counter(golden.all_records)


def test_our_rule_puts_every_golden_example_in_the_split_where_tfx_put_it(golden: Outputs) -> None:
  rule = [Split('train', 2), Split('eval', 1)]
  found = {split: set(assign_splits(golden.records[split], rule).tolist()) for split in SPLITS}
  assert found == {'train': {0}, 'eval': {1}}
  assert [len(golden.records[split]) for split in SPLITS] == [9_909, 5_091]


def test_what_we_make_of_the_csv_beside_the_goldens_are_their_trips_but_one_with_floats_for_some_integers(
  ours_of_external: Outputs, golden: Outputs
) -> None:
  found = rewritten(ours_of_external.all_records, without_kinds_of_nothing)
  expected = rewritten(golden.all_records, with_points)
  assert (found.total(), expected.total()) == (15_000, 15_000)
  # They are different trips, not one trip read in two ways: other times, places, fares.
  assert start_times(found - expected) == [1_398_436_200]
  assert start_times(expected - found) == [1_380_593_700]


def test_every_unlabelled_golden_example_is_one_that_we_make_without_tips(
  ours_of_external: Outputs, tfx_testdata: pathlib.Path
) -> None:
  # All are trips of data2.csv, the one that csv_example_gen/Split-* do not have among them.
  unlabelled = rewritten(read_records(tfx_testdata / 'csv_example_gen' / 'unlabelled'), with_points)
  assert unlabelled.total() == 2_459
  assert unlabelled <= rewritten(ours_of_external.all_records, without_kinds_of_nothing, without_tips)


@pytest.mark.parametrize('split', SPLITS)
def test_our_statistics_are_the_golden_ones(ours: Outputs, golden: Outputs, split: str) -> None:
  # They are not of the golden Examples: of those there are 15,000, and TFDV counts a feature of no kind as missing;
  # these are of 15,002, and nothing is missing.
  assert differences(ours.load_statistics(split), golden.load_statistics(split)) == []


@pytest.mark.parametrize('split', SPLITS)
def test_medians_and_histograms_ours_and_the_golden_ones_are_true_of_our_examples(
  ours: Outputs, golden: Outputs, split: str
) -> None:
  # Their buckets differ: values that equal an edge are counted on either side of it, and the golden quantiles have the
  # same count in each bucket, whatever is in it. That much is allowed here, and beyond it TFDV's own default error.
  epsilon = tfdv.StatsOptions().epsilon
  values = numbers_of(ours.records[split])
  for statistics in (ours.load_statistics(split), golden.load_statistics(split)):
    features = features_of(statistics)
    off = {name: ranks_off(features[name], numbers) for name, numbers in values.items()}
    assert {name: share for name, share in off.items() if share > epsilon} == {}


def test_our_schema_is_the_golden_one_with_shapes_for_value_counts(ours: Outputs, golden: Outputs) -> None:
  # The order of features is that of the statistics, which is another in each.
  schema = ours.load_schema()
  assert {feature.name for feature in schema.feature if feature.HasField('shape')}
  assert by_name(schema) == by_name(golden.load_schema())


def test_the_golden_schema_is_what_we_infer_from_the_golden_statistics(golden: Outputs) -> None:
  inferred = infer_schema([golden.load_statistics(split) for split in SPLITS])
  assert by_name(inferred) == by_name(golden.load_schema())
