"""That the blocks of a shard come in order and in one bundle, on which the steps behind ReadRows rely.

They come from one element of ReadRows or ShardBatches, through steps that every runner fuses. Should a runner ever do
otherwise, the run fails here, and nothing wrong is written.
"""

from beam_taxi.inputs.shard_sizes import Shard


class BlockOrder:
  """Which block is due next in a bundle."""

  def __init__(self) -> None:
    self._shard: Shard | None = None
    self._next = 0

  def begins_with(self, shard: Shard, number: int, last: bool) -> bool:
    """Whether this block, which is the next, is its shard's first. Raises RuntimeError where another is due."""
    begins = number == 0 and self._shard is None
    if begins:
      self._shard, self._next = shard, 0
    if shard != self._shard or number != self._next:
      raise RuntimeError(
        f'block {number} of {shard} came where block {self._next} of {self._shard} was due: this runner does not keep '
        'the steps from ReadRows to WriteShards in one stage, or a step between them drops blocks'
      )
    self._next += 1
    if last:
      self._shard = None
    return begins

  def end(self) -> None:
    """Ends the bundle. Raises RuntimeError within a shard."""
    if self._shard is not None:
      raise RuntimeError(f'the bundle ended within {self._shard}: this runner splits what one element gives')
