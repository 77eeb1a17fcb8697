"""What becomes of typed rows: their splits, and how these are written. Imports nothing heavy."""

import dataclasses
from typing import Literal

from beam_taxi.examples.splits import Split


@dataclasses.dataclass(frozen=True)
class OutputForm:
  """How rows become the shards of splits. RunConfig says what each setting means."""

  splits: tuple[Split, ...] = (Split('train', 2), Split('eval', 1))
  partition_feature: str = ''
  empty_cells: Literal['empty', 'missing'] = 'empty'
  output_format: Literal['tfrecord', 'parquet'] = 'tfrecord'
  compression_level: int = 1
  shuffle_seed: int | None = None
  block_size: int = 4 * 1024 * 1024
