"""The figures of a feature."""

import pytest
from statistics_of import numbers, read, strings

from beam_taxi.analysis.figures import FIGURES, figures_of

NUMBERS = read(5, numbers('x', [0, 0, 1, 3], 5)).features['x']
STRINGS = read(6, strings('x', {'a': 3, 'bcd': 2, '': 1}, 6)).features['x']


def test_numbers_have_those_of_all_and_of_numbers() -> None:
  found = figures_of(NUMBERS, FIGURES)

  assert (found['rows'], found['values'], found['present'], found['missing']) == (5, 4, 1, pytest.approx(0.2))
  assert (found['zeros'], found['nan'], found['min'], found['mean'], found['max']) == (0.5, 0, 0, 1, 3)
  assert not {'unique', 'common'} & found.keys()


def test_strings_have_those_of_all_and_of_strings() -> None:
  found = figures_of(STRINGS, FIGURES)

  assert (found['missing'], found['unique'], found['common'], found['common_share']) == (0, 3, 'a', 0.5)
  assert not {'mean', 'zeros'} & found.keys()


@pytest.mark.parametrize('key', FIGURES)
def test_without_values_there_is_nothing_to_make_a_figure_of_a_kind_of(key: str) -> None:
  """Nor an error."""
  figure = FIGURES[key]
  empty = [numbers('n', [0], 1), strings('s', {}, 1)]
  empty[0].num_stats.common_stats.tot_num_values = 0
  found = [figure.of(feature) for feature in read(1, *empty).features.values()]

  assert not figure.kind or found == [None, None]


def test_a_figure_that_does_not_apply_is_none() -> None:
  assert (FIGURES['unique'].of(NUMBERS), FIGURES['mean'].of(STRINGS)) == (None, None)
