"""Output splits and their shares. Imports nothing heavy."""

import dataclasses

from beam_taxi.errors import UserError
from beam_taxi.parsing import NAME

# Splits are found with 64-bit arithmetic on 32-bit words.
MOST_BUCKETS = 2**32


@dataclasses.dataclass(frozen=True)
class Split:
  """One output split and its share: `buckets` of the sum of all splits' hash buckets, as in TFX's SplitConfig.

  Raises UserError where the name cannot be a folder's, or there is no bucket.
  """

  name: str
  buckets: int

  def __post_init__(self) -> None:
    if not NAME.fullmatch(self.name):
      raise UserError(f'split name {self.name!r}: use letters, digits, ".", "_" and "-"')
    if self.buckets < 1:
      raise UserError(f'split {self.name!r} has {self.buckets} buckets: give at least 1')


def parse_splits(text: str) -> tuple[Split, ...]:
  """'train:8,eval:1,test:1' -> the splits, in that order. Raises UserError on any other form."""
  splits = []
  for part in text.split(','):
    name, colon, buckets = part.strip().partition(':')
    if not colon or not buckets.strip().isdecimal():
      raise UserError(f'--splits {text!r}: give NAME:BUCKETS pairs, as in train:8,eval:1,test:1')
    splits.append(Split(name.strip(), int(buckets)))
  return tuple(splits)
