"""The plan: which bytes are read together and which shard they go to, from the files' names and sizes alone.

The plan does not depend on the runner or on how many workers there are, so neither do the shards of a run.
"""

import dataclasses
from collections.abc import Sequence

from beam_taxi.errors import UserError
from beam_taxi.inputs.input_files import InputFile
from beam_taxi.inputs.shard_sizes import Shard, Sizes

# A small input is still cut into this many ranges and shards, so that every core has some, as long as a range is not
# smaller than SMALLEST_RANGE, below which opening the file and calling Arrow cost more than the bytes. More would make
# blocks smaller, and TFDV's statistics cost much the same for a small block as for a large one.
FEWEST = 16
SMALLEST_RANGE = 256 * 1024
# A byte-order mark is in one range with the header behind it.
_SMALLEST_FIRST_RANGE = 4
SMALLEST_SHARD = 1024 * 1024

# How much larger a compressed file's text is taken to be than the file: taxi trips in gzip are, in bzip2 9.7 times.
_COMPRESSION_RATIO = 6


@dataclasses.dataclass(frozen=True)
class ByteRange:
  """Bytes [start, end) of a file, not yet aligned to records. A stream is one range, of its stored bytes."""

  file: InputFile
  start: int
  end: int
  shard: Shard


@dataclasses.dataclass(frozen=True)
class RecordRange:
  """Whole records: bytes [start, end) of a file's text, to its end where `end` is None, from line `line` on.

  `checksums` are the CRC-32Cs of the blocks that pass 1 read of them; None where they have not been read before.
  """

  file: InputFile
  start: int
  end: int | None
  line: int
  shard: Shard
  checksums: tuple[int, ...] | None = None


def plan_ranges(files: Sequence[InputFile], sizes: Sizes) -> list[ByteRange]:
  """Cuts files into ranges of at most a block and puts each range into a shard.

  Args:
    files: the input, in the order that the shards keep.
    sizes: how large ranges and shards are. Ranges are smaller where the whole input is small; there are at least as
      many shards as keep all cores of a machine busy.

  Returns:
    Ranges in the order of the files and of the bytes in them. Each shard has at least one.

  Raises:
    UserError: the input cannot be cut into so many shards.
  """
  num_shards = sizes.num_shards
  total = text_bytes(files)
  range_size = min(sizes.block_size, max(total // FEWEST, SMALLEST_RANGE))
  if num_shards:
    range_size = max(1, min(range_size, total // num_shards))
  cuts: list[tuple[InputFile, int, int]] = []
  for file in files:
    step = max(file.size, 1) if file.is_stream else range_size
    starts = [0, *range(max(step, _SMALLEST_FIRST_RANGE), file.size, step)]
    cuts += [(file, start, end) for start, end in zip(starts, [*starts[1:], file.size], strict=True)]
  wanted = num_shards or max(-(-total // sizes.shard_size), min(FEWEST, -(-total // SMALLEST_SHARD)))
  if num_shards and num_shards > len(cuts):
    raise UserError(
      f'--num_shards {num_shards}: the input can be cut into {len(cuts)}, for it is small or has files that are read '
      'from their beginning on, as compressed ones are; give fewer'
    )
  count = max(1, min(wanted, len(cuts)))
  return [
    ByteRange(file, start, end, Shard(number * count // len(cuts), count))
    for number, (file, start, end) in enumerate(cuts)
  ]


def text_bytes(files: Sequence[InputFile]) -> int:
  """About how many bytes of text there are in some files when they are decompressed."""
  return sum(file.size * (_COMPRESSION_RATIO if file.compression else 1) for file in files)
