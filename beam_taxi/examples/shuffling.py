"""Shuffling a block's rows in an order that a seed decides, and nothing else."""

import numpy as np
import pyarrow as pa


def shuffle(rows: pa.RecordBatch, seed: int, shard: int, block: int) -> pa.RecordBatch:
  """The rows in another order, which is the same for the same arguments.

  Ranks are taken from the generator's own bits, which numpy promises to keep from release to release, unlike what
  Generator.permutation makes of them.

  Args:
    rows: a block's rows.
    seed: what the user chose, 0 or more.
    shard, block: the places of the shard among all and of the block in it, so that no two blocks are shuffled alike.
  """
  ranks = np.random.PCG64([seed, shard, block]).random_raw(rows.num_rows)
  return rows.take(pa.array(np.argsort(ranks, kind='stable')))
