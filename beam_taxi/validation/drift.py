"""A split's values against those of a baseline: how far they are from each other, and how far chance alone takes them.

The distance of strings is L-infinity, the largest difference of a value's shares, and of numbers that of Kolmogorov
and Smirnov, the largest difference of the shares up to any value. Both are from 0 to 1, and an outlier moves neither by
more than its share of the rows.

What chance does with n and m values of one distribution, but for one feature in 1 / ALPHA at most:

- to numbers: sqrt(ln(2 / ALPHA) / 2 * (1 / n + 1 / m)), the bound of Kolmogorov and Smirnov;
- to a share p, where k are looked at: sqrt(2 * p * (1 - p) * (1 / n + 1 / m) * L) + 2 / 3 * L / min(n, m) with
  L = ln(2 * k / ALPHA), Bernstein's inequality with the share in both together. It holds for rare values and few rows.

A finding is a distance that is larger than that, and large enough to matter.
"""

import math
from collections.abc import Iterator

from beam_taxi.analysis.feature_statistics import NUMBER, OTHER, FeatureStatistics
from beam_taxi.errors import on_one_line
from beam_taxi.validation.distributions import distance_of_summaries, least_distance
from beam_taxi.validation.findings import Finding, Severity, cut_short
from beam_taxi.validation.split_data import SplitData

# One feature in so many is found to drift that does not.
ALPHA = 1 / 2000
# From here on a distance matters, and from there on it is an error.
MATTERS = 0.05
LARGE = 0.2


def drift_findings(
  split: str, data: SplitData, reference: SplitData, baseline: str, kind: str = 'drift', *, columns: bool
) -> Iterator[Finding]:
  """What is different in a split from a baseline.

  Args:
    split: its name.
    data: what is known of it.
    reference: what is known of the baseline.
    baseline: what to call that.
    kind: 'drift' from what came before, or 'skew' to other data of the same time.
    columns: whether to say which columns are new or gone, which a schema says as well.
  """
  now, before = data.statistics, reference.statistics
  if not now.rows or not before.rows:
    if before.rows:
      yield Finding(
        'presence', split, '', 'error', 'there are no rows', f'as many as {before.rows:,}', 1.0, 0.0, baseline
      )
    return
  for name in [each for each in before.features if each not in now.features] if columns else ():
    yield Finding('missing_column', split, name, 'error', 'the column is gone', baseline=baseline)
  for name, feature in now.features.items():
    other = before.features.get(name)
    if other is None:
      if columns:
        yield Finding('new_column', split, name, 'warning', 'the column is new', baseline=baseline)
    elif feature.values and other.values and feature.kind != other.kind:
      what = f'the column is {feature.type} and was {other.type}, so that nothing can be compared'
      yield Finding('type', split, name, 'error', what, baseline=baseline)
    else:
      yield from _missing(split, feature, other, baseline)
      yield from _distance(split, feature, other, baseline, kind, _far(name, data, reference))


def chance_of_numbers(first: float, second: float) -> float:
  """How far chance takes so many numbers of one distribution from each other."""
  return min(math.sqrt(math.log(2 / ALPHA) / 2 * (1 / first + 1 / second)), 1.0)


def chance_of_share(share: float, first: float, second: float, looked_at: int = 1) -> float:
  """How far chance takes a share from itself, the largest of so many that are looked at."""
  width = math.log(2 * looked_at / ALPHA)
  spread = math.sqrt(2 * share * (1 - share) * (1 / first + 1 / second) * width)
  return min(spread + 2 / 3 * width / min(first, second), 1.0)


def _severity(size: float) -> Severity:
  return 'error' if size >= LARGE else 'warning'


def _missing(split: str, now: FeatureStatistics, before: FeatureStatistics, baseline: str) -> Iterator[Finding]:
  one, other = now.missing or 0.0, before.missing or 0.0
  size = one - other
  together = (one * now.rows + other * before.rows) / (now.rows + before.rows)
  chance = chance_of_share(together, now.rows, before.rows)
  if size >= MATTERS and size > chance:
    what = 'no row has a value' if one == 1 else f'{one:.1%} of the rows have no value'
    yield Finding('missing_values', split, now.name, _severity(size), what, f'{other:.1%}', size, chance, baseline)


def _far(name: str, now: SplitData, before: SplitData) -> float:
  """How far the numbers of a feature are from each other, at least."""
  one, other = now.numbers.get(name), before.numbers.get(name)
  if one is not None and other is not None:
    return distance_of_summaries(one, other)
  return least_distance(now.statistics.features[name], before.statistics.features[name])


def _distance(
  split: str, now: FeatureStatistics, before: FeatureStatistics, baseline: str, kind: str, far: float
) -> Iterator[Finding]:
  if not (now.values and before.values) or now.kind == OTHER:
    return
  if now.kind == NUMBER:
    size, chance = far, chance_of_numbers(now.values, before.values)
    what, expected = f'median {now.median:.4g}', f'median {before.median:.4g}'
  else:
    size, chance, what, expected = _strings(now, before)
  if size >= MATTERS and size > chance:
    yield Finding(
      kind, split, now.name, _severity(size), f'{what}, distance {size:.2f}', expected, size, chance, baseline
    )


def _strings(now: FeatureStatistics, before: FeatureStatistics) -> tuple[float, float, str, str]:
  """How far the share of a value differs that differs most, of those that are listed; what chance does; both shares."""
  listed = [{value: count / feature.values for value, count in feature.counts.items()} for feature in (now, before)]
  found: tuple[float, str, float, float] = (0.0, '', 0.0, 0.0)
  values = listed[0].keys() | listed[1].keys()
  for value in sorted(values):
    one, other = (shares.get(value, 0.0) for shares in listed)
    found = max(found, (abs(one - other), value, one, other))
  size, value, one, other = found
  together = (one * now.values + other * before.values) / (now.values + before.values)
  chance = chance_of_share(together, now.values, before.values, len(values) + 1)
  return size, chance, f'{cut_short(on_one_line(value))!r} makes up {one:.1%} of the values', f'{other:.1%}'
