"""What the checks before a run found: a list on a terminal, lines on stderr, JSON."""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from beam_taxi.cloud.preflight.checks import Finding, Mark, failures
from beam_taxi.errors import on_one_line

_COLORS = {Mark.OK: 'green', Mark.WARNING: 'yellow', Mark.FAILED: 'bold red', Mark.NOT_CHECKED: 'cyan'}


_NOTHING_FAILED = '[bold green]nothing is in the way of a run[/]'


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
  """Prints a line a finding, and below it what mends it; never wrapped, so that commands can be copied."""
  marks = max(len(mark.value) for mark in Mark)
  names = max(len(each.check) for each in findings)
  for each in findings:
    mark = f'[{_COLORS[each.mark]}]{each.mark.value.ljust(marks)}[/]'
    what = escape(on_one_line(each.what))
    console.print(f'{mark}  {escape(each.check.ljust(names))}  {what}', highlight=False, soft_wrap=True)
    if each.remedy:
      remedy = escape(on_one_line(each.remedy))
      console.print(f'{" " * (marks + names + 4)}[bold]{remedy}[/]', highlight=False, soft_wrap=True)
  console.print()
  bad = len(failures(findings))
  unchecked = sum(each.mark is Mark.NOT_CHECKED for each in findings)
  failed = f'[bold red]{bad} of {len(findings)} failed[/]'
  verdict = (failed + (f', {unchecked} not checked' if unchecked else '')) if bad else _NOTHING_FAILED
  console.print(verdict, highlight=False)


def print_failures(console: Console, findings: Sequence[Finding]) -> None:
  """Prints a line for each failure, with what mends it."""
  for each in failures(findings):
    line = '; '.join(filter(None, (each.what, each.remedy)))
    console.print(
      f'[bold red]{each.mark.value}[/] {each.check}: {escape(on_one_line(line))}', highlight=False, soft_wrap=True
    )


def to_json(findings: Sequence[Finding]) -> str:
  """Findings as JSON: an object of `ok`, whether a run can begin, and `findings`, each with the attributes of one."""
  values = [
    {'check': each.check, 'mark': each.mark.value, 'what': each.what, 'remedy': each.remedy} for each in findings
  ]
  return json.dumps({'ok': not failures(findings), 'findings': values}, indent=1)
