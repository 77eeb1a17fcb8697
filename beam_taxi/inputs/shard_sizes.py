"""Which shard a part of an input goes to. Imports nothing heavy."""

import dataclasses

from beam_taxi.errors import UserError
from beam_taxi.parsing import MIB


@dataclasses.dataclass(frozen=True)
class Shard:
  """Shard `index` of `count`: the names of its files follow from it."""

  index: int
  count: int


@dataclasses.dataclass(frozen=True)
class Sizes:
  """How an input is cut. Raises UserError where it cannot be cut so.

  Attributes:
    block_size: bytes that are parsed at a time, and of the largest range.
    shard_size: uncompressed bytes of input in a shard, about.
    num_shards: how many shards there are, whatever their size; None for as many as follow from `shard_size`.
  """

  block_size: int = 4 * MIB
  shard_size: int = 512 * MIB
  num_shards: int | None = None

  def __post_init__(self) -> None:
    for flag, size in (('block_size', self.block_size), ('shard_size', self.shard_size)):
      if size < 1:
        raise UserError(f'--{flag} {size}: give a positive number of bytes')
    if self.num_shards is not None and self.num_shards < 1:
      raise UserError(f'--num_shards {self.num_shards}: give at least 1')
