"""Figures as they are shown."""

import math

import pytest

from beam_taxi.analysis.figures import COUNT, QUANTITY, SHARE, TEXT, Value
from beam_taxi.show.figure_formats import exact, figure, times


@pytest.mark.parametrize(
  ('value', 'unit', 'text'),
  [
    (0.125, SHARE, '12.5%'),
    (15002, COUNT, '15,002'),
    (12.345678, QUANTITY, '12.35'),
    (math.nan, QUANTITY, 'NaN'),
    ('Blue', TEXT, 'Blue'),
    (None, SHARE, ''),
    (None, TEXT, ''),
  ],
)
def test_a_figure_is_shown_by_its_unit(value: Value, unit: str, text: str) -> None:
  assert figure(value, unit) == text


@pytest.mark.parametrize(
  ('value', 'text'),
  [(2, '2'), (2.0, '2'), (12.345678, '12.3457'), (1234567.8, '1,234,568'), (math.inf, '∞'), (math.nan, 'NaN')],
)
def test_exact_numbers(value: float, text: str) -> None:
  assert exact(value) == text


@pytest.mark.parametrize(('value', 'text'), [(14.16, '14.2'), (1234.0, '1,234.0'), (math.inf, '∞')])
def test_times_a_threshold(value: float, text: str) -> None:
  assert times(value) == text
