"""Rules of the user's own about statistics, in a TOML file: parsed, never evaluated as code; and what breaks them.

    [[rule]]
    check = "fare.mean between 5 and 50"
    severity = "warning"
    why = "the tariff ends at 50"

A check is `NAME.FIGURE OPERATOR NUMBER`, or `rows` in place of both names. Docs: VALIDATION.md.
"""

import dataclasses
import math
import operator
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from beam_taxi.analysis.distances import distribution
from beam_taxi.analysis.feature_statistics import NUMBER, FeatureStatistics
from beam_taxi.analysis.figures import COUNT, FIGURES, SHARE, TEXT
from beam_taxi.errors import UserError
from beam_taxi.parsing import nearest
from beam_taxi.validation.distributions import quantile_of_summary
from beam_taxi.validation.findings import Finding, Severity
from beam_taxi.validation.split_data import SplitData

if sys.version_info >= (3, 11):
  import tomllib
else:
  import tomli as tomllib

_KEYS = {'check', 'severity', 'why', 'splits'}

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
  '<=': operator.le,
  '>=': operator.ge,
  '==': operator.eq,
  '!=': operator.ne,
  '<': operator.lt,
  '>': operator.gt,
}
_NUMBER = r'[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?'
# A name may stand in quotes, in which a backslash goes before another quote.
_CHECK = re.compile(
  rf"""\s*(?:(?P<rows>rows)|(?:"(?P<quoted>(?:[^"\\]|\\.)+)"|(?P<name>[^\s".]+))\s*\.\s*(?P<figure>\w+)
  (?:\(\s*(?P<quantile>{_NUMBER})\s*\))?)\s*
  (?:(?P<operator><=|>=|==|!=|<|>)\s*(?P<number>{_NUMBER})(?P<percent>\s*%)?
  |between\s+(?P<low>{_NUMBER})\s+and\s+(?P<high>{_NUMBER})
  |within\s+(?P<within>{_NUMBER})\s*%\s+of\s+(?P<baseline>baseline))\s*""",
  re.VERBOSE,
)


def figure_names() -> dict[str, str]:
  """What a rule can name of a feature: the figures that are numbers, by what rules call them, with what they are."""
  return {_called(key): figure.title for key, figure in FIGURES.items() if figure.unit != TEXT} | {
    'quantile': 'Of numbers: the value up to which a share of them is, as in quantile(0.99)'
  }


def _called(key: str) -> str:
  return f'{key}_share' if FIGURES[key].unit == SHARE and not key.endswith('_share') else key


_FIGURES = {_called(key): key for key, figure in FIGURES.items() if figure.unit != TEXT}


@dataclasses.dataclass(frozen=True)
class Rule:
  """A rule about statistics.

  Attributes:
    check: as it was written.
    feature: what it is of; '' for the rows.
    figure: the key of one of FIGURES, 'quantile' or 'rows'.
    quantile: which one, from 0 to 1.
    holds: whether a value is right; None where it is compared with the baseline.
    within: of one that is compared with the baseline, by what part of that it may differ.
    severity: how bad it is if it is broken.
    why: the reason.
    splits: in which splits it holds; () for all.
  """

  check: str
  feature: str
  figure: str
  quantile: float = 0.0
  comparison: tuple[str, float, float] = ('', 0.0, 0.0)
  within: float | None = None
  severity: Severity = 'error'
  why: str = ''
  splits: tuple[str, ...] = ()

  def holds(self, value: float, baseline: float | None) -> bool:
    """Whether a value keeps it. NaN keeps none."""
    if self.within is not None:
      return baseline is None or abs(value - baseline) <= self.within * abs(baseline)
    word, low, high = self.comparison
    return low <= value <= high if word == 'between' else _OPERATORS[word](value, low)


def parse_rules(data: bytes, path: str) -> tuple[Rule, ...]:
  """The rules of a TOML file that was read from a path. Raises UserError where it is none, or a rule is wrong."""
  try:
    table = tomllib.loads(data.decode())
  except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
    raise UserError(f'--rules {path}: is not TOML ({error})') from error
  for key in table.keys() - {'rule'}:
    raise UserError(f'--rules {path}: there is no {key!r}; give rules, each under [[rule]]')
  entries = table.get('rule', [])
  if not isinstance(entries, list):
    raise UserError(f'--rules {path}: write [[rule]], with two brackets')
  lines = [number for number, line in enumerate(data.decode().splitlines(), 1) if line.strip() == '[[rule]]']
  places = lines if len(lines) == len(entries) else [0] * len(entries)
  return tuple(
    _rule(entry, f'{path}: line {line}' if line else path) for entry, line in zip(entries, places, strict=True)
  )


def _rule(entry: Mapping[str, Any], place: str) -> Rule:
  for key in entry.keys() - _KEYS:
    raise UserError(f'--rules {place}: there is no {key!r}; {nearest(key, sorted(_KEYS))}')
  check = entry.get('check')
  if not isinstance(check, str):
    raise UserError(f'--rules {place}: has no check, such as check = "fare.mean < 50"')
  severity, why, splits = entry.get('severity', 'error'), entry.get('why', ''), entry.get('splits', [])
  if severity not in ('error', 'warning'):
    raise UserError(f'--rules {place}: severity is {severity!r}; give "error" or "warning"')
  if not isinstance(why, str) or not isinstance(splits, list):
    raise UserError(f'--rules {place}: why is a text, and splits is a list of names')
  return dataclasses.replace(parse_check(check, place), severity=severity, why=why, splits=tuple(map(str, splits)))


def parse_check(check: str, place: str = '') -> Rule:
  """One check. Raises UserError where it is none."""
  found = _CHECK.fullmatch(check)
  if not found:
    raise UserError(
      f'--rules {place}: check {check!r} is not understood; write FEATURE.FIGURE, one of < <= > >= == !=, and a '
      'number; or "between A and B", or "within P % of baseline"'
    )
  named = found['figure']
  if not found['rows'] and named != 'quantile' and named not in _FIGURES:
    raise UserError(f'--rules {place}: check {check!r}: there is no figure {named!r}; {nearest(named, figure_names())}')
  if (named == 'quantile') != bool(found['quantile']):
    raise UserError(f'--rules {place}: check {check!r}: write a quantile as quantile(0.99), and nothing else so')
  quantile = float(found['quantile'] or 0)
  if not 0 <= quantile <= 1:
    raise UserError(f'--rules {place}: check {check!r}: a quantile is from 0 to 1')
  feature = re.sub(r'\\(.)', r'\1', found['quoted']) if found['quoted'] else found['name'] or ''
  rule = Rule(check.strip(), feature, 'rows' if found['rows'] else _FIGURES.get(named, 'quantile'), quantile)
  if found['within']:
    return dataclasses.replace(rule, within=float(found['within']) / 100)
  if found['low']:
    return dataclasses.replace(rule, comparison=('between', float(found['low']), float(found['high'])))
  number = float(found['number']) / (100 if found['percent'] else 1)
  return dataclasses.replace(rule, comparison=(found['operator'], number, number))


def check_names(rules: Iterable[Rule], features: Iterable[str], path: str) -> None:
  """Raises UserError where a rule names a feature that there is not."""
  known = list(features)
  for rule in rules:
    if rule.feature and rule.feature not in known:
      raise UserError(
        f'--rules {path}: check {rule.check!r}: there is no feature {rule.feature!r}; {nearest(rule.feature, known)}'
      )


def rule_findings(
  rules: Iterable[Rule], split: str, now: SplitData, before: SplitData | None, baseline: str
) -> Iterator[Finding]:
  """Which rules a split breaks.

  Args:
    rules: the rules.
    split: its name.
    now: what is known of it.
    before: what is known of the baseline; None where there is none.
    baseline: what to call that.
  """
  for rule in rules:
    if rule.splits and split not in rule.splits:
      continue
    value = _value_of(rule, now)
    other = _value_of(rule, before) if before else None
    if value is None or math.isnan(value):
      if now.statistics.rows:
        yield Finding('rule', split, rule.feature, rule.severity, 'there is no such number', rule.check, why=rule.why)
    elif rule.within is not None and other is None:
      what = f'{_shown(rule, value)} cannot be compared: there is no baseline that has it'
      yield Finding('not_compared', split, rule.feature, 'warning', what, rule.check, why=rule.why)
    elif not rule.holds(value, other):
      against = f', and the baseline {_shown(rule, other)}' if rule.within is not None and other is not None else ''
      what = f'{_called_in(rule)} is {_shown(rule, value)}{against}'
      name = baseline if rule.within is not None else ''
      yield Finding('rule', split, rule.feature, rule.severity, what, rule.check, baseline=name, why=rule.why)


def _value_of(rule: Rule, data: SplitData) -> float | None:
  if rule.figure == 'rows':
    return float(data.statistics.rows)
  feature = data.statistics.features.get(rule.feature)
  if feature is None:
    return None
  if rule.figure == 'quantile':
    summary = data.numbers.get(rule.feature)
    return quantile_of_summary(summary, rule.quantile) if summary else quantile_of(feature, rule.quantile)
  value = FIGURES[rule.figure].of(feature)
  return None if value is None or isinstance(value, str) else float(value)


def quantile_of(feature: FeatureStatistics, share: float) -> float | None:
  """The number up to which a share of a feature's is, straight between the points that its histograms have."""
  found = distribution(feature) if feature.kind == NUMBER else None
  if not found:
    return None
  for (left, right), (low, high) in zip(
    zip(found.values, found.values[1:], strict=False), zip(found.shares, found.shares[1:], strict=False), strict=True
  ):
    if high >= share:
      return left + (right - left) * (share - low) / (high - low) if high > low and share > low else left
  return found.values[-1]


def _called_in(rule: Rule) -> str:
  """What a rule is of, without the feature."""
  if rule.figure == 'rows':
    return 'the number of rows'
  return f'quantile({rule.quantile:g})' if rule.figure == 'quantile' else _called(rule.figure)


def _shown(rule: Rule, value: float) -> str:
  if rule.figure == 'rows' or (rule.figure in FIGURES and FIGURES[rule.figure].unit == COUNT):
    return f'{value:,.0f}'
  return f'{value:.1%}' if rule.figure in FIGURES and FIGURES[rule.figure].unit == SHARE else f'{value:.6g}'
