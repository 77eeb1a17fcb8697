"""Figures of features, and how far they moved, as people read them, wherever they are shown."""

import math
from collections.abc import Callable

from beam_taxi.analysis.figures import COUNT, SHARE, Value
from beam_taxi.show.formats import count, not_finite, number, share


def exact(value: float) -> str:
  """Whole and large numbers with all digits before the point, others with six significant ones."""
  if not math.isfinite(value):
    return not_finite(value)
  return f'{value:,.0f}' if value == round(value) or abs(value) >= 10_000 else f'{value:.6g}'


def figure(value: Value, unit: str, of_quantity: Callable[[float], str] = number) -> str:
  """A figure of a feature by its unit; '' of None."""
  if value is None or isinstance(value, str):
    return value or ''
  if unit == SHARE:
    return share(value, 1)
  return count(value) if unit == COUNT and math.isfinite(value) else of_quantity(value)


def times(value: float) -> str:
  """How many times its threshold something moved, as in '14.2'."""
  return f'{value:,.1f}' if math.isfinite(value) else '∞'
