"""What is wrong with the data, how bad it is, and the verdict that all of it gives. Imports nothing heavy."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from beam_taxi.errors import UserError
from beam_taxi.parsing import nearest, parse_names

Severity = Literal['ignore', 'warning', 'error']
Verdict = Literal['ok', 'warning', 'error']

_ORDER = ('error', 'warning', 'ignore')
_LONGEST_VALUE = 40


@dataclasses.dataclass(frozen=True)
class Kind:
  """A kind of findings.

  Attributes:
    name: its name.
    text: what has happened, for the docs.
    severity: how bad it is, unless a setting says otherwise; of drift, at least: a large one is an error.
    remedy: what to do about it.
  """

  name: str
  text: str
  severity: Severity
  remedy: str


_MEND = 'mend the source, or accept it'

KINDS = {
  kind.name: kind
  for kind in (
    Kind('missing_column', 'a column of the schema is not there', 'error', _MEND),
    Kind('type', 'a column has another type than in the schema', 'error', _MEND),
    Kind('presence', 'a feature has values in fewer rows than the schema wants', 'error', _MEND),
    Kind(
      'domain', "numbers are outside the schema's range, or what the schema says of values is broken", 'error', _MEND
    ),
    Kind('comparator', 'a comparator of the schema found drift or skew', 'error', 'look at what has changed'),
    Kind('rule', 'a rule is broken', 'error', 'mend the source, or change the rule'),
    Kind('drift', 'values are distributed in another way than in the baseline', 'warning', 'look at what has changed'),
    Kind('skew', 'values are distributed in another way than in the other data', 'warning', 'look at both sources'),
    Kind('missing_values', 'more values are missing than in the baseline', 'warning', 'look for what stopped coming'),
    Kind('not_compared', 'a feature, or a split, cannot be compared with the baseline', 'warning', 'give another one'),
    Kind(
      'new_values', "strings are not in the schema's domain", 'warning', 'accept them into the schema, or mend them'
    ),
    Kind('new_column', 'a column is not in the schema', 'warning', 'accept it into the schema, or drop it'),
    Kind('shape', 'a feature does not have one value in each row any more', 'warning', 'accept it, or mend the source'),
    Kind('bad_rows', 'rows were set aside', 'warning', 'look at them in quarantine/'),
  )
}


@dataclasses.dataclass(frozen=True)
class Finding:
  """Something that is wrong with a split's data.

  Attributes:
    kind: one of KINDS.
    split: the split; '' where it is of the whole input.
    feature: the feature; '' where it is of all of them.
    severity: how bad it is.
    what: what was found, in words.
    expected: what was expected, in words; '' where `what` says it.
    size: how much it is, from 0 to 1: a distance or a share; None where there is no such number.
    chance: how large `size` may be by chance alone, with so many rows; None where there is no telling.
    baseline: what it was compared with; '' for the schema or a rule.
    why: the reason that a rule gives.
  """

  kind: str
  split: str
  feature: str
  severity: Severity
  what: str
  expected: str = ''
  size: float | None = None
  chance: float | None = None
  baseline: str = ''
  why: str = ''

  @property
  def remedy(self) -> str:
    """What to do about it."""
    return KINDS[self.kind].remedy

  @property
  def line(self) -> str:
    """All that matters of it, on one line."""
    feature = f'{self.feature}: ' if self.feature else ''
    expected = f'; expected: {self.expected}' if self.expected else ''
    why = f' ({self.why})' if self.why else ''
    return f'{feature}{self.what}{expected}{why}'


def cut_short(text: str) -> str:
  """A value, or as much of it as is shown."""
  return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + '…'


def parse_severities(text: str) -> dict[str, Severity]:
  """'drift:error,shape:ignore' -> severities, by kinds of findings. Raises UserError on any other form."""
  found: dict[str, Severity] = {}
  for part in parse_names(text):
    kind, _, severity = part.partition(':')
    if kind not in KINDS:
      raise UserError(f'--severities {part!r}: there is no kind of findings {kind!r}; {nearest(kind, KINDS)}')
    if severity not in _ORDER:
      raise UserError(f'--severities {part!r}: give {kind}:error, {kind}:warning or {kind}:ignore')
    found[kind] = severity  # type: ignore[assignment]
  return found


def judged(findings: Iterable[Finding], severities: Mapping[str, Severity]) -> tuple[Finding, ...]:
  """Findings with the severities that were set, the worst first, without those that are to be ignored."""
  found = [dataclasses.replace(each, severity=severities.get(each.kind, each.severity)) for each in findings]
  kept = [each for each in found if each.severity != 'ignore']
  return tuple(sorted(kept, key=lambda each: (_ORDER.index(each.severity), -(each.size or 0))))


def grouped(findings: Iterable[Finding]) -> list[list[Finding]]:
  """Findings that are alike, of several splits, as one; in the order of the first of each."""
  groups: dict[tuple[str, str, str, str], list[Finding]] = {}
  for each in findings:
    groups.setdefault((each.severity, each.kind, each.feature, each.expected if each.why else ''), []).append(each)
  return list(groups.values())


def splits_of(group: Iterable[Finding]) -> str:
  """Where findings that are alike are."""
  return ', '.join(dict.fromkeys(each.split for each in group if each.split))


def verdict_of(findings: Iterable[Finding]) -> Verdict:
  """The worst of some findings."""
  found = {each.severity for each in findings}
  return 'error' if 'error' in found else 'warning' if 'warning' in found else 'ok'


def to_json(findings: Iterable[Finding]) -> dict[str, Any]:
  """findings.json: the verdict, and each finding with all that is known of it."""
  found = list(findings)
  return {
    'version': 1,
    'verdict': verdict_of(found),
    'findings': [{**dataclasses.asdict(each), 'remedy': each.remedy} for each in found],
  }


def from_json(data: bytes, path: str) -> tuple[Finding, ...]:
  """The findings of a findings.json that was read from a path. Raises UserError where it is none."""
  names = {field.name for field in dataclasses.fields(Finding)}
  try:
    return tuple(
      Finding(**{name: value for name, value in each.items() if name in names})
      for each in json.loads(data)['findings']
      if each['kind'] in KINDS
    )
  except (ValueError, KeyError, TypeError, AttributeError) as error:
    raise UserError(f'{path}: is no findings.json ({type(error).__name__}: {error})') from error
