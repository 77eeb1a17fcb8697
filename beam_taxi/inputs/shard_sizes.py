"""Which shard a part of an input goes to."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Shard:
  """Shard `index` of `count`: the names of its files follow from it."""

  index: int
  count: int


@dataclasses.dataclass(frozen=True)
class Sizes:
  """How an input is cut.

  Attributes:
    block_size: bytes that are parsed at a time, and of the largest range.
    shard_size: uncompressed bytes of input in a shard, about.
    num_shards: how many shards there are, whatever their size; None for as many as follow from `shard_size`.
  """

  block_size: int
  shard_size: int
  num_shards: int | None = None
