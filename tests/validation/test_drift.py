"""Drift is found where there is some that matters, and not where chance or a few outliers are at work."""

import random
import re

import numpy as np
import pytest
from datasets import data_of

from beam_taxi.validation.drift import ALPHA, LARGE, chance_of_numbers, chance_of_share, drift_findings
from beam_taxi.validation.findings import Finding


def found(now: dict, before: dict, *, ours: bool = True, columns: bool = True) -> list[Finding]:
  return list(drift_findings('train', data_of(now, ours=ours), data_of(before, ours=ours), 'run a', columns=columns))


def drawn(seed: int, rows: int, shift: float = 0.0) -> np.ndarray:
  return np.random.default_rng(seed).normal(shift, 1, rows)


def test_a_shift_of_a_quarter_deviation_is_found_from_2000_rows_on() -> None:
  for seed in range(40):
    [finding] = found({'x': drawn(seed, 2000, 0.25)}, {'x': drawn(seed + 1000, 2000)})
    assert (finding.kind, finding.severity, finding.feature) == ('drift', 'warning', 'x')


FORMS = {
  'normal': lambda rng, rows: rng.normal(0, 1, rows),
  'skewed': lambda rng, rows: rng.lognormal(0, 2, rows),
  'whole': lambda rng, rows: rng.poisson(3, rows),
  'mostly_zero': lambda rng, rows: np.where(rng.random(rows) < 0.7, 0.0, rng.exponential(9, rows)),
  'few_strings': lambda rng, rows: rng.choice(['a', 'b', 'c'], rows, p=[0.6, 0.3, 0.1]),
  'many_strings': lambda rng, rows: [f'company {n}' for n in rng.zipf(1.5, rows)],
  'unique_strings': lambda rng, rows: [f'{n:032x}' for n in rng.integers(0, 2**62, rows)],
  'missing': lambda rng, rows: [None if n < 0.3 else float(n) for n in rng.random(rows)],
}


@pytest.mark.parametrize('form', FORMS.values(), ids=FORMS)
@pytest.mark.parametrize('ours', [True, False], ids=['ours', 'of_others'])
def test_samples_of_one_distribution_do_not_drift(form, ours: bool) -> None:
  rng = np.random.default_rng(5)
  for rows in ((10, 1000), (50, 60), (300, 5000), (2000, 2000)):
    for _ in range(8):
      one, other = (form(rng, size) for size in rows)
      assert found({'x': one}, {'x': other}, ours=ours) == []


def test_false_alarms_are_fewer_than_one_in_a_thousand_features() -> None:
  rng = np.random.default_rng(11)
  features = 3000
  names = [f'x{number}' for number in range(features)]
  draw = (lambda: rng.normal(0, 1, 400), lambda: rng.choice(list('abcdefgh'), 400))
  one, other = ({name: draw[place % 2]() for place, name in enumerate(names)} for _ in range(2))

  assert len(found(one, other)) < features / 1000
  assert ALPHA < 1 / 1000


def test_an_outlier_is_no_drift() -> None:
  values = drawn(1, 20_000)

  assert found({'x': np.append(drawn(2, 20_000), 1e9)}, {'x': values}) == []


def test_few_rows_against_many_are_no_drift() -> None:
  assert found({'x': drawn(1, 10)}, {'x': drawn(2, 1000)}) == []
  assert found({'x': list('aabbbccccd')}, {'x': random.Random(3).choices('abcd', k=1000)}) == []


def test_a_tripled_number_is_an_error_with_both_medians() -> None:
  fares = np.random.default_rng(2).lognormal(2, 0.5, 3000)

  [finding] = found({'fare': fares * 3}, {'fare': fares})

  assert (finding.severity, finding.baseline) == ('error', 'run a')
  assert finding.size is not None
  assert finding.chance is not None
  assert finding.size > LARGE > finding.chance
  medians = re.fullmatch(r'fare: median ([\d.]+), distance 0\.\d\d; expected: median ([\d.]+)', finding.line)
  assert medians
  assert [float(each) for each in medians.groups()] == pytest.approx([np.median(fares) * 3, np.median(fares)], rel=1e-2)


def test_statistics_of_others_have_the_least_distance_that_their_quantiles_allow() -> None:
  before, now = drawn(1, 5000), drawn(2, 5000, 1.5)

  [ours] = found({'x': now}, {'x': before})
  [others] = found({'x': now}, {'x': before}, ours=False)

  assert ours.size is not None
  assert others.size is not None
  assert 0.3 < others.size < ours.size


def test_a_string_that_becomes_frequent_is_named_with_both_shares() -> None:
  [finding] = found({'x': ['a'] * 700 + ['b'] * 300}, {'x': ['a'] * 900 + ['b'] * 100})

  assert finding.what in (
    "'a' makes up 70.0% of the values, distance 0.20",
    "'b' makes up 30.0% of the values, distance 0.20",
  )
  assert finding.expected in ('90.0%', '10.0%')


def test_values_that_stop_coming_are_found() -> None:
  [finding] = found({'x': [None] * 500 + [1.0] * 500}, {'x': [1.0] * 1000})
  assert (finding.kind, finding.what, finding.expected) == ('missing_values', '50.0% of the rows have no value', '0.0%')

  [finding] = found({'x': [None] * 1000, 'y': [1] * 1000}, {'x': ['a'] * 1000, 'y': [1] * 1000})
  assert (finding.kind, finding.severity, finding.what) == ('missing_values', 'error', 'no row has a value')

  assert found({'x': [1.0] * 1000}, {'x': [None] * 500 + [1.0] * 500}) == []


def test_columns_that_come_go_or_change_their_type_are_found_where_no_schema_says_so() -> None:
  now, before = {'a': [1] * 9, 'b': ['x'] * 9, 'new': [1] * 9}, {'a': [1] * 9, 'b': [1] * 9, 'old': [1] * 9}

  kinds = {(each.kind, each.feature, each.severity) for each in found(now, before)}
  quiet = {(each.kind, each.feature) for each in found(now, before, columns=False)}

  assert kinds == {('missing_column', 'old', 'error'), ('new_column', 'new', 'warning'), ('type', 'b', 'error')}
  assert quiet == {('type', 'b')}


def test_a_split_without_rows_is_an_error_where_the_baseline_has_some() -> None:
  empty: dict = {'x': np.zeros(0)}

  [finding] = found(empty, {'x': [1.0] * 9})

  assert (finding.kind, finding.severity, finding.what) == ('presence', 'error', 'there are no rows')
  assert found({'x': [1.0] * 9}, empty) == []


def test_chance_shrinks_with_rows_and_is_never_more_than_all() -> None:
  for chance in (chance_of_numbers, lambda n, m: chance_of_share(0.5, n, m, 10)):
    found_ = [chance(rows, rows) for rows in (2, 100, 10_000, 1_000_000)]
    assert found_ == sorted(found_, reverse=True)
    assert found_[0] == 1
    assert found_[-1] < 0.02
