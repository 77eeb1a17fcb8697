"""Checks are made side by side, each within its time, and whatever happens in one is a finding."""

import threading

import pytest
from findings import shown

from beam_taxi.cloud.preflight.checks import (
  Check,
  Finding,
  Mark,
  NotCheckedError,
  PreflightError,
  failed,
  ok,
  run_checks,
  warning,
)
from beam_taxi.errors import UserError
from beam_taxi.process.once import Once


def raising(error: Exception) -> Finding:
  raise error


def test_findings_come_in_the_order_of_the_checks_with_their_names() -> None:
  second_is_done = threading.Event()

  def first() -> Finding:
    second_is_done.wait()
    return ok('a')

  def second() -> list[Finding]:
    second_is_done.set()
    return [failed('b', 'mend b'), warning('c', 'mend c')]

  found = run_checks([Check('one', first), Check('two', second)])

  assert [(each.check, each.what) for each in found] == [('one', 'a'), ('two', 'b'), ('two', 'c')]


RAISED = {
  'user_error': (UserError('x.csv: is gone; fetch it again'), ('failed', 'x.csv: is gone', 'fetch it again')),
  'not_checked': (NotCheckedError('needs --region'), ('not checked', 'needs --region', '')),
  'another': (OSError('no route\nto host'), ('not checked', 'OSError: no route to host', '')),
}


@pytest.mark.parametrize(('error', 'expected'), RAISED.values(), ids=RAISED)
def test_what_a_check_raises_is_a_finding(error: Exception, expected: tuple[str, str, str]) -> None:
  assert shown(run_checks([Check('one', lambda: raising(error))])) == [expected]


def test_a_check_that_does_not_end_is_left_alone() -> None:
  forever = threading.Event()

  def wait() -> Finding:
    forever.wait()
    return ok('late')

  found = run_checks([Check('one', wait), Check('two', lambda: ok('here'))], patience=0.5)
  forever.set()

  assert shown(found)[0] == ('not checked', 'no answer within 0.5 s', '')


def test_what_several_checks_need_is_made_once_though_it_raises() -> None:
  calls = []

  def make() -> str:
    calls.append(1)
    raise UserError('no; do')

  once = Once(make)
  found = run_checks([Check(str(number), once) for number in range(4)])

  assert [each.mark for each in found] == [Mark.FAILED] * 4
  assert (len(calls), once.made) == (1, None)


def test_an_error_of_the_preflight_says_all_that_failed_in_one_line() -> None:
  findings = run_checks(
    [Check('a', lambda: failed('x', 'y')), Check('b', lambda: ok('z')), Check('c', lambda: failed('w', 'v'))]
  )

  assert str(PreflightError(findings)) == 'preflight: a: x; c: w'
