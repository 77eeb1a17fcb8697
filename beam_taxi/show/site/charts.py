"""Trends as small drawings: where things are, not how they look."""

import dataclasses
import math
from collections.abc import Sequence

# A sparkline's own units; it is stretched to whatever room it gets.
SPARK_WIDTH, SPARK_HEIGHT = 100, 24
_MOST_POINTS = 100
_INSET = 2
# Nearer than this numbers are the same: how a mean is summed up depends on who adds what first.
_SAME = 1e-9

# Bars that have all the room that there is; fewer are no wider.
FULL = 12


@dataclasses.dataclass(frozen=True)
class Sparkline:
  """A line through numbers, with gaps where there are none, scaled from the least to the largest.

  Attributes:
    line: a path of SVG.
    end: the last number's place, another path.
    least, largest: the scale.
    last, before: the last number, and the one before it.
  """

  line: str
  end: str
  least: float
  largest: float
  last: float
  before: float | None


def sparkline(values: Sequence[float | None]) -> Sparkline | None:
  """A sparkline of numbers in the order of time; None where there are none."""
  known = [value for value in values if value is not None]
  if not known:
    return None
  least, largest = min(known), max(known)
  is_flat = math.isclose(least, largest, rel_tol=_SAME)
  shown = _thinned(values)
  step = (SPARK_WIDTH - 2 * _INSET) / max(1, len(shown) - 1)
  path, is_on, end = [], False, ''
  for place, value in enumerate(shown):
    if value is None:
      is_on = False
      continue
    share = 0.5 if is_flat else (value - least) / (largest - least)
    x = SPARK_WIDTH / 2 if len(shown) == 1 else _INSET + place * step
    y = SPARK_HEIGHT - _INSET - share * (SPARK_HEIGHT - 2 * _INSET)
    path.append(f'{"L" if is_on else "M"}{x:.4g} {y:.3g}')
    # A number between two gaps would be no line at all.
    path.append('' if is_on else 'h0')
    end = f'M{x:.4g} {y:.3g}h0'
    is_on = True
  before = known[-2] if len(known) > 1 else None
  return Sparkline(''.join(path), end, least, largest, known[-1], before)


def _thinned(values: Sequence[float | None]) -> Sequence[float | None]:
  """As many as can be told apart: of each group of neighbours the last that is a number."""
  size = -(-len(values) // _MOST_POINTS)
  if size <= 1:
    return values
  offset = len(values) % size
  groups = [values[:offset]] if offset else []
  groups += [values[begin : begin + size] for begin in range(offset, len(values), size)]
  return [next((value for value in reversed(group) if value is not None), None) for group in groups]


@dataclasses.dataclass(frozen=True)
class Bar:
  """A bar by its place among others and its height, as shares of 1."""

  x: float
  width: float
  height: float


def bars(values: Sequence[float | None]) -> list[Bar]:
  """A bar for each number, scaled from zero to the largest; a stub where there is none."""
  largest = max((value for value in values if value is not None), default=0)
  width = 1 / max(len(values), FULL)
  return [Bar(place * width, width, value / largest if value and largest else 0) for place, value in enumerate(values)]
