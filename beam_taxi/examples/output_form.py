"""What becomes of typed rows: their splits, and how these are written. Imports nothing heavy."""

import dataclasses
from typing import Literal, get_args

from beam_taxi.errors import UserError
from beam_taxi.examples.feature_order import FeatureOrder
from beam_taxi.examples.splits import MOST_BUCKETS, Split
from beam_taxi.parsing import MIB

FASTEST, SMALLEST = 1, 9

_EmptyCells = Literal['empty', 'missing']
_OutputFormat = Literal['tfrecord', 'parquet']


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutputForm:
  """How rows become the shards of splits. RunConfig says what each setting means.

  Raises UserError where nothing can be written so.
  """

  splits: tuple[Split, ...] = (Split('train', 2), Split('eval', 1))
  partition_feature: str = ''
  empty_cells: _EmptyCells = 'empty'
  feature_order: FeatureOrder = 'upb'
  output_format: _OutputFormat = 'tfrecord'
  compression_level: int = 2
  shuffle_seed: int | None = None
  block_size: int = 4 * MIB

  def __post_init__(self) -> None:
    if not self.splits:
      raise UserError('no splits: give at least one, as in --splits train:2,eval:1')
    names = [split.name for split in self.splits]
    if len(set(names)) < len(names):
      raise UserError(f'--splits names a split twice: {", ".join(names)}')
    if sum(split.buckets for split in self.splits) >= MOST_BUCKETS:
      raise UserError(f'--splits has {MOST_BUCKETS:,} buckets or more in all: divide them by what they have in common')
    for flag, value, choices in (
      ('empty_cells', self.empty_cells, get_args(_EmptyCells)),
      ('feature_order', self.feature_order, get_args(FeatureOrder)),
      ('output_format', self.output_format, get_args(_OutputFormat)),
    ):
      if value not in choices:
        raise UserError(f'--{flag} {value}: give one of {", ".join(choices)}')
    if not FASTEST <= self.compression_level <= SMALLEST:
      raise UserError(f'--compression_level {self.compression_level}: give {FASTEST} to {SMALLEST}')
    if self.output_format == 'parquet' and self.compression_level != OutputForm.compression_level:
      raise UserError('--compression_level is of TFRecord shards; those of --output_format parquet are in Snappy')
    if self.shuffle_seed is not None and self.shuffle_seed < 0:
      raise UserError(f'--shuffle_seed {self.shuffle_seed}: give 0 or more')
    if self.block_size < 1:
      raise UserError(f'--block_size {self.block_size}: give a positive number of bytes')
