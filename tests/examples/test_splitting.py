"""Splits by TFX's rule, computed here with Python's integers."""

import bisect
import hashlib
import itertools

import pyarrow as pa
import pytest
import tensorflow as tf
from fuzzing import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from beam_taxi.errors import UserError
from beam_taxi.examples.encoding import EmptyCells
from beam_taxi.examples.splits import Split
from beam_taxi.examples.splitting import assign_splits, assign_splits_by_feature

EXAMPLES = [b'record %d' % number for number in range(2000)]


def by_tfx(example: bytes, buckets: list[int]) -> int:
  """TFX's _PartitionFn."""
  limits = list(itertools.accumulate(buckets))
  return bisect.bisect(limits, int(hashlib.sha256(example).hexdigest(), 16) % limits[-1])


def splits_of(buckets: list[int]) -> list[Split]:
  return [Split(f'split{index}', count) for index, count in enumerate(buckets)]


@pytest.mark.parametrize(
  'buckets',
  [[2, 1], [1, 1], [8, 1, 1], [1, 999], [7, 11, 13], [2**31, 2**31 - 1], [1]],
  ids=lambda buckets: ':'.join(map(str, buckets)),
)
def test_a_record_goes_where_tfx_would_put_it(buckets: list[int]) -> None:
  expected = [by_tfx(example, buckets) for example in EXAMPLES]

  assert assign_splits(EXAMPLES, splits_of(buckets)).tolist() == expected


@fuzzed(100)
@given(st.lists(st.binary(max_size=40), max_size=5), st.lists(st.integers(1, 2**29), min_size=1, max_size=7))
def test_any_record_goes_where_tfx_would_put_it(examples: list[bytes], buckets: list[int]) -> None:
  expected = [by_tfx(example, buckets) for example in examples]

  assert assign_splits(examples, splits_of(buckets)).tolist() == expected


@pytest.mark.parametrize('buckets', [[1], [2, 1]], ids=['one_split', 'two_splits'])
def test_no_records_have_no_splits(buckets: list[int]) -> None:
  assert assign_splits([], splits_of(buckets)).tolist() == []


COLUMNS = {
  'strings': ([b'a', b'', None, b'a', b'x' * 200], pa.binary(), 'bytes_list'),
  'ints': ([1, -1, None, 1, 2**62], pa.int64(), 'int64_list'),
}


@pytest.mark.parametrize(('values', 'kind', 'field'), COLUMNS.values(), ids=COLUMNS)
def test_a_features_bytes_alone_decide_where_tfx_would_put_a_row(values: list, kind: pa.DataType, field: str) -> None:
  buckets = [3, 4, 5]
  rows = pa.RecordBatch.from_arrays([pa.array(values, kind), pa.array(range(5))], names=['by', 'other'])
  expected = []
  for value in values:
    feature = tf.train.Feature()
    # An empty cell is a feature of the column's kind without a value, which has a kind for TFX, and so a hash.
    getattr(feature, field).SetInParent()
    getattr(feature, field).value.extend([] if value is None else [value])
    expected.append(by_tfx(feature.SerializeToString(deterministic=True), buckets))

  assert assign_splits_by_feature(rows, 'by', splits_of(buckets), 'empty').tolist() == expected


def test_no_rows_have_no_splits_by_a_feature() -> None:
  rows = pa.RecordBatch.from_arrays([pa.nulls(0)], names=['by'])

  assert assign_splits_by_feature(rows, 'by', splits_of([1, 1]), 'empty').tolist() == []


REFUSED = {
  'no_such_column': ('bye', pa.array([1]), 'empty', 'no such column; there are by'),
  'floats': ('by', pa.array([1.0], pa.float32()), 'empty', 'is FLOAT'),
  'no_value': ('by', pa.nulls(1), 'empty', 'no row has a value'),
  'a_missing_feature': ('by', pa.array([1, None]), 'missing', 'some rows have no value there'),
}


@pytest.mark.parametrize(('name', 'column', 'empty_cells', 'message'), REFUSED.values(), ids=REFUSED)
def test_a_feature_that_cannot_decide_is_refused(
  name: str, column: pa.Array, empty_cells: EmptyCells, message: str
) -> None:
  rows = pa.RecordBatch.from_arrays([column], names=['by'])

  with pytest.raises(UserError, match=f'--partition_feature {name}: {message}'):
    assign_splits_by_feature(rows, name, splits_of([1, 1]), empty_cells)
