"""Strings: counted exactly up to the limits, and within what is said beyond."""

import collections
import random
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from beam_taxi.analysis.string_counts import HASHES, Limits, StringCounts, count_values, hash_strings

SMALL = Limits(strings=1000, bytes=1 << 20)


def counts_of(strings: Sequence[bytes], limits: Limits = SMALL, blocks: int = 7) -> StringCounts:
  """Of strings that come in so many blocks."""
  found = StringCounts(limits)
  for block in range(blocks):
    found.add(count_values(pa.array(strings[block::blocks], pa.binary())))
  return found


def ids(number: int, seed: int = 1) -> list[bytes]:
  chance = random.Random(seed)
  return [b'%020x' % chance.getrandbits(80) for _ in range(number)]


def skewed(number: int) -> list[bytes]:
  """Strings of which few are frequent, and many are not."""
  chance = random.Random(5)
  return [b'v%d' % int(chance.paretovariate(0.7)) for _ in range(number)]


def test_up_to_the_limits_every_string_is_counted() -> None:
  strings = [b'%d' % (n % 1000) for n in range(5000)] + [b'', b'\xff', b'1']
  found = counts_of(strings, Limits(1002, 1 << 20))

  assert found.is_exact
  assert found.distinct(len(strings)) == 1002
  assert dict(found.most_frequent(2000)) == collections.Counter(strings)


def test_of_equal_counts_the_largest_string_comes_first() -> None:
  assert counts_of([b'a', b'c', b'b', b'b', b'd', b'd']).most_frequent(3) == [(b'd', 2), (b'b', 2), (b'c', 1)]


@pytest.mark.parametrize('limits', [Limits(999, 1 << 20), Limits(1 << 20, 999 * 26)], ids=['strings', 'bytes'])
def test_one_string_more_than_the_limits_is_not_counted_exactly(limits: Limits) -> None:
  strings = [b'%010d' % n for n in range(1000)]

  assert counts_of(strings[:999], limits).is_exact
  assert not counts_of(strings, limits).is_exact


def test_an_id_is_distinct_in_every_row_and_none_is_frequent() -> None:
  strings = ids(100_000)
  found = counts_of(strings)

  assert found.distinct(len(strings)) == pytest.approx(100_000, rel=4 * HASHES**-0.5)
  assert found.distinct(len(strings)) <= 100_000
  assert found.most_frequent(10) == []


def test_a_string_that_is_certain_to_be_the_most_frequent_is_listed_among_very_many() -> None:
  strings = ids(20_000) + [b'often'] * 15_000 + [b'more often'] * 20_000
  random.Random(3).shuffle(strings)
  found = counts_of(strings)

  assert [string for string, _ in found.most_frequent(10)] == [b'more often', b'often']


def test_no_more_strings_are_distinct_than_there_are_values() -> None:
  found = [counts_of(ids(50_000, seed)).distinct(50_000) for seed in range(8)]

  assert max(found) == 50_000  # Some estimates would be more.
  assert min(found) > 48_000


@pytest.mark.parametrize('parts', [1, 5])
def test_frequent_strings_are_counted_within_the_error(parts: int) -> None:
  strings = skewed(200_000)
  truth = collections.Counter(strings)
  found = StringCounts(SMALL)
  for part in range(parts):
    found.merge(counts_of(strings[part::parts]))

  top = found.most_frequent(50)
  assert not found.is_exact
  assert 0 < found.error < len(strings) / (SMALL.strings // 4)
  assert all(count <= truth[string] <= count + found.error for string, count in top)
  # What is listed is more frequent than all else.
  listed = {string for string, _ in top}
  assert 1 < len(listed) < 50
  assert min(truth[string] for string in listed) > max(count for string, count in truth.items() if string not in listed)
  assert found.distinct(len(strings)) == pytest.approx(len(truth), rel=4 * HASHES**-0.5)


def test_whether_all_are_counted_follows_from_the_strings_alone() -> None:
  halves = [counts_of(ids(600, 1)), counts_of(ids(600, 2))]
  same = [counts_of(ids(600, 1)), counts_of(ids(600, 1))]
  for first, second in (halves, same):
    first.merge(second)

  assert not halves[0].is_exact
  assert same[0].is_exact


def test_memory_is_bounded_whatever_the_strings_are() -> None:
  limits = Limits(strings=1000, bytes=100_000)
  found = StringCounts(limits)
  for number in range(300):
    found.add(count_values(pa.array([b'%08d' % number * 500, b'%d' % number], pa.binary())))
    assert found.counted.strings.nbytes <= limits.bytes

  assert not found.is_exact


def test_a_hash_depends_on_a_string_alone() -> None:
  strings = [b'', b'\0', b'a', b'a\0', b'\0a', b'abcdefgh', b'abcdefgh\0', b'x' * 1000, *ids(2000)]
  array = pa.array(strings, pa.large_binary())
  hashes = hash_strings(array)

  assert len(np.unique(hashes)) == len(strings)
  np.testing.assert_array_equal(hash_strings(array.slice(3)), hashes[3:])
  # It must not change: the hashes of a run may be merged with those of an earlier one.
  assert [hex(each) for each in hashes[:3]] == ['0x48218226ff3cd4bf', '0x8e58975f6d0dc556', '0x810975f36a4b9eb']


@pytest.mark.parametrize(('columns', 'expected'), [(1, 16 << 20), (16, 16 << 20), (160, 1677721), (1 << 20, 1 << 16)])
def test_many_columns_have_less_memory_each(columns: int, expected: int) -> None:
  assert Limits().of_each(columns).bytes == expected
