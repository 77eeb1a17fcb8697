"""The plan: ranges that cover every byte once, and shards in the same order."""

import itertools

import pytest
from fuzzing import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from beam_taxi.artifacts.listing import ListedFile
from beam_taxi.errors import UserError
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.files import input_file
from beam_taxi.inputs.input_files import InputFile
from beam_taxi.inputs.ranges import ByteRange, plan_ranges
from beam_taxi.inputs.shard_sizes import Sizes

MIB = 1024 * 1024


def files_of(*sizes: int, ending: str = '.csv') -> list[InputFile]:
  return [input_file(ListedFile(f'{index}{ending}', size), index, Dialect()) for index, size in enumerate(sizes)]


_INPUTS = st.lists(
  st.builds(
    lambda size, ending: (size, ending), st.integers(0, 40 * MIB), st.sampled_from(['.csv', '.csv', '.csv.gz'])
  ),
  min_size=1,
  max_size=4,
).map(
  lambda files: [
    input_file(ListedFile(f'{index}{ending}', size), index, Dialect()) for index, (size, ending) in enumerate(files)
  ]
)


@fuzzed(100)
@given(_INPUTS, st.integers(MIB // 8, 8 * MIB), st.integers(MIB // 8, 64 * MIB))
def test_ranges_cover_each_byte_of_each_file_once(files: list[InputFile], block_size: int, shard_size: int) -> None:
  parts = plan_ranges(files, Sizes(block_size, shard_size))

  for file in files:
    mine = [part for part in parts if part.file == file]
    assert (mine[0].start, mine[-1].end) == (0, file.size)
    assert all(one.end == other.start for one, other in itertools.pairwise(mine))
    assert len(mine) == 1 or all(part.start < part.end for part in mine)
  assert [part.file.index for part in parts] == sorted(part.file.index for part in parts)


@fuzzed(100)
@given(_INPUTS, st.integers(MIB // 8, 8 * MIB), st.integers(MIB // 8, 64 * MIB))
def test_shards_follow_the_ranges_order_and_none_is_left_out(
  files: list[InputFile], block_size: int, shard_size: int
) -> None:
  shards = [part.shard for part in plan_ranges(files, Sizes(block_size, shard_size))]

  [count] = {shard.count for shard in shards}
  assert [index for index, _ in itertools.groupby(shard.index for shard in shards)] == list(range(count))


def sizes(parts: list[ByteRange]) -> set[int]:
  return {part.end - part.start for part in parts}


def test_no_range_is_larger_than_a_block() -> None:
  assert sizes(list(plan_ranges(files_of(1024 * MIB), Sizes(4 * MIB, 256 * MIB)))) == {4 * MIB}


def test_a_small_input_is_cut_into_enough_ranges_for_many_workers() -> None:
  assert len(list(plan_ranges(files_of(32 * MIB), Sizes(4 * MIB, 256 * MIB)))) == 16


def test_a_tiny_file_is_one_range() -> None:
  [part] = plan_ranges(files_of(100), Sizes(4 * MIB, 256 * MIB))

  assert (part.start, part.end, part.shard.count) == (0, 100, 1)


def test_an_empty_file_is_one_empty_range() -> None:
  [part] = plan_ranges(files_of(0), Sizes(4 * MIB, 256 * MIB))

  assert (part.start, part.end) == (0, 0)


@pytest.mark.parametrize('ending', ['.gz', '.bz2', '.zst'])
def test_a_compressed_file_is_one_range(ending: str) -> None:
  [part] = plan_ranges(files_of(100 * MIB, ending=ending), Sizes(MIB, 256 * MIB))

  assert (part.start, part.end) == (0, 100 * MIB)


def test_a_shard_holds_about_as_much_csv_as_asked_for() -> None:
  parts = list(plan_ranges(files_of(1000 * MIB), Sizes(4 * MIB, 50 * MIB)))

  assert {part.shard.count for part in parts} == {20}


def test_the_same_files_make_the_same_plan() -> None:
  plans = [list(plan_ranges(files_of(5 * MIB, 7 * MIB), Sizes(MIB, 2 * MIB))) for _ in range(2)]

  assert plans[0] == plans[1]


@fuzzed(100)
@given(st.lists(st.integers(1, 40 * MIB), min_size=1, max_size=4), st.integers(1, 300))
def test_as_many_shards_as_are_asked_for_are_made(sizes: list[int], num_shards: int) -> None:
  files = files_of(*sizes)
  if sum(sizes) < 8 * num_shards:
    return
  parts = plan_ranges(files, Sizes(4 * MIB, 256 * MIB, num_shards))

  assert {part.shard.count for part in parts} == {num_shards}
  assert {part.shard.index for part in parts} == set(range(num_shards))


@pytest.mark.parametrize(
  ('files', 'most'),
  [(files_of(100 * MIB, 5, ending='.csv.gz'), 2), (files_of(8), 5), (files_of(0), 1)],
  ids=['compressed', 'small', 'empty'],
)
def test_more_shards_than_the_input_can_be_cut_into_are_refused(files: list[InputFile], most: int) -> None:
  with pytest.raises(UserError, match=f'--num_shards 30: the input can be cut into {most},'):
    plan_ranges(files, Sizes(MIB, 256 * MIB, 30))
