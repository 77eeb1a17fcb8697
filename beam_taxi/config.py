"""Everything that decides what a run does: one frozen value, checked once, with every default in it."""

import dataclasses
import datetime
import re
import secrets
from typing import Literal

from beam_taxi.errors import UserError

MIB = 1024 * 1024

# Splits are found with 64-bit arithmetic on 32-bit words.
MOST_BUCKETS = 2**32

_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]*')


@dataclasses.dataclass(frozen=True)
class Split:
  """One output split and its share: `buckets` of the sum of all splits' hash buckets, as in TFX's SplitConfig."""

  name: str
  buckets: int


@dataclasses.dataclass(frozen=True)
class RunConfig:
  """A run's settings.

  Attributes:
    input: file patterns, local or of any file system that Beam reads.
    output: the folder under which `runs/RUN_ID` is made.
    run_id: names the run's folder and its `pipeline_run` context.
    pipeline_name: names the `pipeline` context, under which runs are found again.
    splits: the output splits, in the order in which TFX would name them.
    empty_cells: 'empty' writes an empty cell as a feature with an empty list, as TFX's CsvExampleGen does;
      'missing' leaves the feature out, and the statistics count it missing.
    null_values: spellings that mean an empty cell, besides the empty string.
    metadata: `sqlite:///PATH`, `none`, or '' for `metadata.sqlite` in a local output.
    block_size: bytes of CSV that are parsed at a time. A worker's memory grows with it, the input's size does not.
    shard_size: bytes of CSV that go into one shard, over all splits.
  """

  input: tuple[str, ...]
  output: str
  run_id: str
  pipeline_name: str = 'beam_taxi'
  splits: tuple[Split, ...] = (Split('train', 2), Split('eval', 1))
  empty_cells: Literal['empty', 'missing'] = 'empty'
  null_values: tuple[str, ...] = ()
  metadata: str = ''
  block_size: int = 4 * MIB
  shard_size: int = 256 * MIB

  def __post_init__(self) -> None:
    if not self.input:
      raise UserError('no input: give at least one file or pattern with --input')
    if not self.output:
      raise UserError('no output: give a folder with --output')
    for flag, name in (('run_id', self.run_id), ('pipeline_name', self.pipeline_name)):
      if not _NAME.fullmatch(name):
        raise UserError(f'--{flag} {name!r}: use letters, digits, ".", "_" and "-", and begin with a letter or digit')
    if not self.splits:
      raise UserError('no splits: give at least one, as in --splits train:2,eval:1')
    names = [split.name for split in self.splits]
    if len(set(names)) < len(names):
      raise UserError(f'--splits names a split twice: {", ".join(names)}')
    for split in self.splits:
      if not _NAME.fullmatch(split.name):
        raise UserError(f'split name {split.name!r}: use letters, digits, ".", "_" and "-"')
      if split.buckets < 1:
        raise UserError(f'split {split.name!r} has {split.buckets} buckets: give at least 1')
    if sum(split.buckets for split in self.splits) >= MOST_BUCKETS:
      raise UserError(f'--splits has {MOST_BUCKETS:,} buckets or more in all: divide them by what they have in common')
    for flag, size in (('block_size', self.block_size), ('shard_size', self.shard_size)):
      if size < 1:
        raise UserError(f'--{flag} {size}: give a positive number of bytes')


def parse_splits(text: str) -> tuple[Split, ...]:
  """'train:8,eval:1,test:1' -> the splits, in that order. Raises UserError on any other form."""
  splits = []
  for part in text.split(','):
    name, colon, buckets = part.strip().partition(':')
    if not colon or not buckets.strip().isdecimal():
      raise UserError(f'--splits {text!r}: give NAME:BUCKETS pairs, as in train:8,eval:1,test:1')
    splits.append(Split(name.strip(), int(buckets)))
  return tuple(splits)


_SIZE = re.compile(r'(\d+)\s*([KMG]?)(?:I?B)?', re.IGNORECASE)
_UNITS = {'': 1, 'K': 1024, 'M': MIB, 'G': 1024 * MIB}


def parse_size(text: str) -> int:
  """'64MB', '64MiB', '64M' or '67108864' -> bytes (K, M and G are powers of 1024). Raises UserError."""
  match = _SIZE.fullmatch(text.strip())
  if not match:
    raise UserError(f'{text!r} is not a size: give bytes, or a number with K, M or G, as in 64M')
  return int(match[1]) * _UNITS[match[2].upper()]


def new_run_id(now: datetime.datetime | None = None) -> str:
  """A run id that sorts by time and that two runs begun in the same second do not share."""
  now = now or datetime.datetime.now(datetime.timezone.utc)
  return f'{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}'
