"""Splits by TFX's rule, computed here with Python's integers."""

import bisect
import hashlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_taxi.config import Split
from beam_taxi.examples.splitting import assign_splits

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


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=5), st.lists(st.integers(1, 2**29), min_size=1, max_size=7))
def test_any_record_goes_where_tfx_would_put_it(examples: list[bytes], buckets: list[int]) -> None:
  expected = [by_tfx(example, buckets) for example in examples]

  assert assign_splits(examples, splits_of(buckets)).tolist() == expected


@pytest.mark.parametrize('buckets', [[1], [2, 1]], ids=['one_split', 'two_splits'])
def test_no_records_have_no_splits(buckets: list[int]) -> None:
  assert assign_splits([], splits_of(buckets)).tolist() == []
