"""Accumulators: of parts, each taken through bytes, the sum is what one pass over all rows gives."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from beam_taxi.analysis.accumulator_bytes import VERSION_KEY, from_bytes, to_bytes
from beam_taxi.analysis.accumulators import Accumulator
from beam_taxi.analysis.statistics_proto import to_statistics
from beam_taxi.errors import UserError

CHANCE = np.random.default_rng(11)


def batch(rows: int, seed: int = 0) -> pa.RecordBatch:
  """Rows with columns of all types, of which some cells are empty and some numbers not finite."""
  chance = np.random.default_rng(seed)
  floats = chance.lognormal(size=rows).astype(np.float32)
  odd = floats.copy()
  odd[:3] = [np.nan, np.inf, -np.inf][:rows]
  empty = chance.random(rows) < 0.1
  return pa.RecordBatch.from_pydict(
    {
      'float': pa.array(floats, mask=empty),
      'odd': pa.array(odd),
      'nan': pa.array(np.full(rows, np.nan, np.float32)),
      'int': pa.array(chance.integers(-5, 50, rows), mask=empty),
      'large': pa.array(chance.integers(-(1 << 62), 1 << 62, rows)),
      'text': pa.array([b'text %d' % n for n in chance.integers(0, 30, rows)], mask=empty),
      'bytes': pa.array([bytes([n, 200]) for n in chance.integers(0, 256, rows)], pa.binary()),
      'id': pa.array([b'%016x' % n for n in chance.integers(0, 1 << 62, rows)], pa.binary()),
      'no_int': pa.nulls(rows, pa.int64()),
      'no_text': pa.nulls(rows, pa.binary()),
      'nothing': pa.nulls(rows),
    }
  )


def accumulated(batches: Sequence[pa.RecordBatch], empty_is_missing: bool = False) -> Accumulator:
  found = Accumulator()
  for each in batches:
    found.add(each, empty_is_missing)
  return found


def merged(parts: Sequence[Accumulator]) -> Accumulator:
  """The sum of accumulators, each taken through bytes."""
  found = Accumulator()
  for part in parts:
    found.merge(from_bytes(to_bytes(part)))
  return found


@pytest.mark.parametrize('empty_is_missing', [False, True])
def test_parts_through_bytes_are_one_pass(empty_is_missing: bool) -> None:
  batches = [batch(rows, seed) for seed, rows in enumerate((300, 4, 0, 500, 200))]
  parts = [accumulated(batches[:2], empty_is_missing), accumulated(batches[2:], empty_is_missing)]

  ours = to_statistics(merged(parts)).datasets[0]
  one = to_statistics(accumulated(batches, empty_is_missing)).datasets[0]

  assert ours.num_examples == 1004
  for found, expected in zip(ours.features, one.features, strict=True):
    # Floats are added up in another order.
    for name in ('mean', 'std_dev'):
      numbers = [getattr(each.num_stats, name) for each in (found, expected)]
      assert numbers[0] == pytest.approx(numbers[1], rel=1e-12, nan_ok=True)
      for each in (found, expected):
        if each.WhichOneof('stats') == 'num_stats':
          setattr(each.num_stats, name, 0)
    assert found == expected


def test_of_many_numbers_counts_are_exact_and_quantiles_within_their_error() -> None:
  batches = [batch(20_000, seed) for seed in range(8)]
  parts = [accumulated(batches[place : place + 2]) for place in range(0, 8, 2)]
  for part in parts:
    part.compact()

  [found] = [each for each in to_statistics(merged(parts)).datasets[0].features if each.path.step[0] == 'large']

  truth = np.sort(np.concatenate([each['large'].to_numpy() for each in batches]))
  stats = found.num_stats
  assert (stats.min, stats.max) == (float(truth[0]), float(truth[-1]))
  assert stats.mean == pytest.approx(float(truth.astype(float).mean()), rel=1e-9)
  assert abs(np.searchsorted(truth, stats.median) / len(truth) - 0.5) < 0.01
  assert sum(bucket.sample_count for bucket in stats.histograms[0].buckets) == pytest.approx(len(truth))


def test_bytes_are_the_same_after_a_round_trip() -> None:
  data = to_bytes(accumulated([batch(1000), batch(5000, 1)]))

  assert to_bytes(from_bytes(data)) == data


def test_features_are_in_the_columns_order() -> None:
  found = merged([accumulated([batch(10)]), accumulated([batch(10, 1)])])

  assert list(found.features) == batch(1).schema.names


def test_a_column_without_a_type_may_have_one_in_other_rows() -> None:
  nothing, numbers = (pa.RecordBatch.from_pydict({'a': column}) for column in (pa.nulls(2), pa.array([1, None])))
  for order in ((nothing, numbers), (numbers, nothing)):
    feature = accumulated(order).features['a']
    assert (feature.type, feature.values, feature.present) == ('INT', 1, 2)


def test_two_types_of_a_column_are_refused() -> None:
  first, second = (accumulated([pa.RecordBatch.from_pydict({'a': values})]) for values in ([1], [b'x']))

  with pytest.raises(TypeError, match="feature 'a' is INT in some rows and STRING in others"):
    first.merge(second)


def test_mean_and_deviation_are_those_of_all_rows_whatever_the_parts() -> None:
  numbers = CHANCE.normal(1e6, 1e-2, 10_000)
  places = sorted(random.Random(3).sample(range(len(numbers)), 20))
  batches = [pa.RecordBatch.from_pydict({'x': each}) for each in np.split(numbers, places)]
  stats = to_statistics(merged([accumulated([each]) for each in batches])).datasets[0].features[0].num_stats

  assert stats.mean == pytest.approx(float(numbers.mean()), rel=1e-14)
  assert stats.std_dev == pytest.approx(float(numbers.std()), rel=1e-6)


def test_no_row_is_a_dataset_without_features() -> None:
  found = to_statistics(merged([accumulated([batch(0)])]))

  assert (found.datasets[0].num_examples, list(found.datasets[0].features)) == (0, [])


def test_another_version_is_refused_by_its_number() -> None:
  with pa.ipc.open_stream(to_bytes(accumulated([batch(3)]))) as reader:
    [content] = reader
  later = content.replace_schema_metadata({**reader.schema.metadata, VERSION_KEY.encode(): b'7'})
  sink = pa.BufferOutputStream()
  with pa.ipc.new_stream(sink, later.schema) as writer:
    writer.write_batch(later)

  with pytest.raises(UserError, match='these partial statistics are of version 7, and only version 1 can be read'):
    from_bytes(bytes(sink.getvalue()))


@pytest.mark.parametrize('cut', [0, 10, 1000, -100])
def test_what_is_no_accumulator_is_refused(cut: int) -> None:
  with pytest.raises(UserError, match='no partial statistics, or they are damaged'):
    from_bytes(to_bytes(accumulated([batch(100)]))[:cut])


def test_a_mean_of_infinite_numbers_is_nan_as_in_tfdv() -> None:
  moments = accumulated([batch(10), batch(10, 1)]).features['odd'].numbers.moments

  assert math.isnan(moments.mean)
