"""Input that comes in splits. Imports nothing heavy."""

import dataclasses
from collections.abc import Sequence

from beam_taxi.errors import UserError


@dataclasses.dataclass(frozen=True)
class InputSplit:
  """Input that is a split of its own, as in TFX's Input.Split: all its records go to the output split of that name.

  Raises UserError where the patterns are one text.
  """

  name: str
  patterns: tuple[str, ...]

  def __post_init__(self) -> None:
    if isinstance(self.patterns, str):
      raise UserError(f'InputSplit: patterns are a tuple; give ({self.patterns!r},)')


def parse_input_splits(texts: Sequence[str]) -> tuple[InputSplit, ...]:
  """['train=a/*.csv', 'eval=b.csv', 'eval=c.csv'] -> the splits, in that order. Raises UserError on any other form."""
  patterns: dict[str, list[str]] = {}
  for text in texts:
    name, equals, pattern = text.partition('=')
    if not equals or not pattern:
      raise UserError(f'--input_split {text!r}: give NAME=PATTERN, as in train=trips/2013*.csv')
    patterns.setdefault(name, []).append(pattern)
  return tuple(InputSplit(name, tuple(found)) for name, found in patterns.items())
