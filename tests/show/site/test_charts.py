"""Sparklines and bars."""

import re

import pytest

from beam_taxi.show.site.charts import bars, sparkline


def points(line: str) -> list[tuple[str, float, float]]:
  return [(kind, float(x), float(y)) for kind, x, y in re.findall(r'([ML])([\d.]+) ([\d.]+)', line)]


def test_a_line_goes_from_the_least_to_the_largest() -> None:
  found = sparkline([1, 3, 2])

  assert found
  assert points(found.line) == [('M', 2, 22), ('L', 50, 2), ('L', 98, 12)]
  assert (found.least, found.largest, found.last, found.before) == (1, 3, 2, 3)


def test_where_there_is_no_number_there_is_a_gap() -> None:
  found = sparkline([1, None, 2])

  assert found
  assert [kind for kind, *_ in points(found.line)] == ['M', 'M']
  assert found.before == 1


@pytest.mark.parametrize('values', [[], [None, None]])
def test_without_numbers_there_is_no_line(values: list[float | None]) -> None:
  assert sparkline(values) is None


@pytest.mark.parametrize('values', [[5.0], [5.0, 5.0], [0.1 + 0.2, 0.3]], ids=['one', 'same', 'nearly the same'])
def test_numbers_that_are_the_same_are_a_level_line(values: list[float]) -> None:
  found = sparkline(values)

  assert found
  assert {y for _, _, y in points(found.line)} == {12}


def test_many_numbers_are_thinned_and_the_newest_stays() -> None:
  found = sparkline([float(number) for number in range(1001)])

  assert found
  assert len(points(found.line)) <= 100
  assert points(found.line)[-1][1:] == (98, 2)
  assert found.last == 1000


def test_bars_are_as_high_as_their_share_of_the_largest() -> None:
  assert [bar.height for bar in bars([0, 5, 10, None])] == [0, 0.5, 1, 0]


def test_bars_without_numbers_have_no_height() -> None:
  assert [bar.height for bar in bars([None, None])] == [0, 0]


@pytest.mark.parametrize('count', [3, 200])
def test_bars_stand_side_by_side_within_their_room(count: int) -> None:
  found = bars([1.0] * count)

  assert [bar.x for bar in found] == pytest.approx([number * found[0].width for number in range(count)])
  assert found[-1].x + found[-1].width <= 1.0001
