"""Numbers and names as they are shown."""

import pytest

from beam_taxi.show.formats import duration, file_name, number


@pytest.mark.parametrize(
  ('seconds', 'text'),
  [(0.04, '0.0 s'), (59.9, '59.9 s'), (60, '1 min 0 s'), (3599, '59 min 59 s'), (7500, '2 h 5 min')],
)
def test_durations(seconds: float, text: str) -> None:
  assert duration(seconds) == text


@pytest.mark.parametrize('name', ['20260131-120000-ab12', 'taxi_daily', 'a.b'])
def test_a_plain_name_is_its_files(name: str) -> None:
  assert file_name(name) == name


def test_other_names_have_files_of_their_own() -> None:
  names = ['A', 'a', 'a b', 'a-b', 'a/b', 'a~b', '.a', 'a.', 'nul', 'NUL', 'x' * 200, 'x' * 201, '', '..', 'ä', 'Ä']

  found = [file_name(name) for name in names]

  assert len({name.lower() for name in found}) == len(names)
  assert all(len(name) < 120 and name.isascii() and '/' not in name for name in found)


@pytest.mark.parametrize(
  ('value', 'text'),
  [
    (0, '0'),
    (-12.0, '-12'),
    (9999.0, '9,999'),
    (12.345678, '12.35'),
    (123456.7, '123,457'),
    (1.5e12, '1.50000e12'),
    (float('nan'), 'NaN'),
    (float('inf'), '∞'),
  ],
)
def test_numbers(value: float, text: str) -> None:
  assert number(value) == text
