"""Rules of one's own are parsed and never run as code; what breaks them is said with the number."""

import pytest
from datasets import data_of

from beam_taxi.analysis.figures import FIGURES, TEXT
from beam_taxi.errors import UserError
from beam_taxi.validation.rules import figure_names, parse_check, parse_rules, rule_findings

NOW = data_of({'fare': [5.0, 6.0, 7.0, 50.0, None], 'company': ['a', 'a', None, None, None], 'Trip "Total"': [1] * 5})
BEFORE = data_of({'fare': [5.0] * 4, 'company': ['a'] * 4})


KEPT = [
  'fare.mean between 5 and 50',
  'fare.mean > 16.9',
  'fare.min == 5',
  'fare.max != 51',
  'fare.max<=50',
  'company.missing_share < 61%',
  'company.missing_share >= 0.6',
  'company.unique == 1',
  'rows == 5',
  'rows within 30 % of baseline',
  'rows within 25% of baseline',
  'fare.quantile(0.5) between 5 and 7',
  'fare.quantile(1) == 50',
  '"fare".mean > -1e3',
  '"Trip \\"Total\\"".max == 1',
]


@pytest.mark.parametrize('check', KEPT)
def test_a_rule_that_is_kept_finds_nothing(check: str) -> None:
  assert list(rule_findings([parse_check(check)], 'train', NOW, BEFORE, 'run a')) == []


BROKEN = {
  'fare.mean between 5 and 10': 'fare: mean is 17; expected: fare.mean between 5 and 10',
  'company.missing_share < 0.5': 'company: missing_share is 60.0%; expected: company.missing_share < 0.5',
  'rows > 5': 'the number of rows is 5; expected: rows > 5',
  'rows within 10 % of baseline': 'the number of rows is 5, and the baseline 4; expected: rows within 10 % of baseline',
  'fare.quantile(0.99) < 50': 'fare: quantile(0.99) is 50; expected: fare.quantile(0.99) < 50',
  'company.mean > 1': 'company: there is no such number; expected: company.mean > 1',
}


@pytest.mark.parametrize(('check', 'line'), BROKEN.items(), ids=BROKEN)
def test_a_rule_that_is_broken_is_said_with_the_number(check: str, line: str) -> None:
  [finding] = rule_findings([parse_check(check)], 'train', NOW, BEFORE, 'run a')

  assert (finding.kind, finding.severity, finding.line) == ('rule', 'error', line)


def test_a_rule_about_the_baseline_is_not_compared_without_one() -> None:
  [finding] = rule_findings([parse_check('fare.mean within 5 % of baseline')], 'train', NOW, None, '')

  assert (finding.kind, finding.severity) == ('not_compared', 'warning')


def test_a_file_of_rules_has_severities_reasons_and_splits() -> None:
  rules = parse_rules(
    b'[[rule]]\ncheck = "fare.mean < 1"\nseverity = "warning"\nwhy = "tariff"\nsplits = ["eval"]\n'
    b'[[rule]]\ncheck = \'"a.b".max < 1\'\n',
    'rules.toml',
  )

  assert [(rule.feature, rule.severity, rule.why, rule.splits) for rule in rules] == [
    ('fare', 'warning', 'tariff', ('eval',)),
    ('a.b', 'error', '', ()),
  ]
  assert list(rule_findings(rules[:1], 'train', NOW, None, '')) == []
  [finding] = rule_findings(rules[:1], 'eval', NOW, None, '')
  assert finding.line == 'fare: mean is 17; expected: fare.mean < 1 (tariff)'


WRONG = {
  'no_toml': ('check', 'rules.toml: is not TOML'),
  'no_rule': ('[rules]\n', "there is no 'rules'; give rules, each under [[rule]]"),
  'one_bracket': ('[rule]\ncheck = "rows > 1"\n', 'with two brackets'),
  'no_check': ('\n[[rule]]\nwhy = "x"\n', 'rules.toml: line 2: has no check'),
  'unknown_key': ('[[rule]]\nchekc = "rows > 1"\n', "line 1: there is no 'chekc'; nearest: 'check'"),
  'severity': ('[[rule]]\ncheck = "rows > 1"\nseverity = "bad"\n', "severity is 'bad'"),
  'grammar': ('[[rule]]\ncheck = "__import__(\'os\')"\n', 'is not understood'),
  'figure': ('[[rule]]\ncheck = "fare.maen > 1"\n', "there is no figure 'maen'; nearest: 'mean'"),
  'quantile': ('[[rule]]\ncheck = "fare.quantile > 1"\n', 'write a quantile as quantile(0.99)'),
  'quantile_of_mean': ('[[rule]]\ncheck = "fare.mean(0.5) > 1"\n', 'write a quantile as quantile(0.99)'),
  'large_quantile': ('[[rule]]\ncheck = "fare.quantile(99) > 1"\n', 'a quantile is from 0 to 1'),
  'second': ('[[rule]]\ncheck = "rows > 1"\n\n[[rule]]\ncheck = "rows"\n', 'rules.toml: line 4: check'),
}


@pytest.mark.parametrize(('text', 'message'), WRONG.values(), ids=WRONG)
def test_a_wrong_rule_is_named_with_its_line(text: str, message: str) -> None:
  with pytest.raises(UserError) as raised:
    parse_rules(text.encode(), 'rules.toml')

  assert message in str(raised.value)


def test_each_figure_that_is_a_number_can_be_named() -> None:
  names = figure_names()

  assert len(names) == sum(figure.unit != TEXT for figure in FIGURES.values()) + 1
  assert {'mean', 'missing_share', 'unique', 'common_share', 'quantile'} <= names.keys()
  for name in names.keys() - {'quantile'}:
    assert parse_check(f'x.{name} > 1').feature == 'x'
