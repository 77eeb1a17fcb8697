"""The order of a block's rows follows from the seed and the block's place, and from nothing else."""

import pyarrow as pa

from beam_taxi.examples.shuffling import shuffle

ROWS = pa.RecordBatch.from_arrays([pa.array(range(10)), pa.array([b'%d' % n for n in range(10)])], names=['a', 'b'])


def order(seed: int, shard: int = 0, block: int = 0) -> list[int]:
  return shuffle(ROWS, seed, shard, block).column(0).to_pylist()


def test_the_order_is_this_one_in_every_release() -> None:
  # What numpy's PCG64 has given since it came; another order would be other shards for the same flags.
  assert order(1, 2, 3) == [8, 1, 9, 3, 7, 5, 2, 0, 4, 6]


def test_rows_stay_whole_and_none_is_lost() -> None:
  shuffled = shuffle(ROWS, 5, 0, 0)

  assert [b'%d' % number for number in shuffled.column(0).to_pylist()] == shuffled.column(1).to_pylist()
  assert sorted(shuffled.column(0).to_pylist()) == list(range(10))


def test_seed_shard_and_block_all_change_the_order() -> None:
  orders = [order(*place) for place in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]

  assert len(set(map(tuple, orders))) == 4
  assert list(range(10)) not in orders


def test_a_block_without_rows_stays_one() -> None:
  assert shuffle(ROWS.slice(0, 0), 1, 0, 0).num_rows == 0
