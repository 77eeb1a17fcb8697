"""A check, what it finds, and how checks are made side by side. What is checked is in the modules beside this one."""

import dataclasses
import enum
import logging
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from beam_taxi.errors import MishapError, UserError, hide_secrets

_LOG = logging.getLogger(__name__)

# Longer than any check takes that is answered at all; Google's services take tenths of a second.
PATIENCE_S = 45.0


class Mark(enum.Enum):
  """How a check went. Only FAILED keeps a run from beginning."""

  OK = 'ok'
  WARNING = 'warning'
  FAILED = 'failed'
  NOT_CHECKED = 'not checked'


@dataclasses.dataclass(frozen=True)
class Finding:
  """What a check found.

  Attributes:
    mark: how it went.
    what: in one line, what is there or what is amiss.
    remedy: the command, flag or role that mends it; '' where nothing is to be mended.
    check: the check's name, which run_checks fills in.
  """

  mark: Mark
  what: str
  remedy: str = ''
  check: str = ''


def ok(what: str) -> Finding:
  return Finding(Mark.OK, what)


def warning(what: str, remedy: str) -> Finding:
  return Finding(Mark.WARNING, what, remedy)


def failed(what: str, remedy: str) -> Finding:
  return Finding(Mark.FAILED, what, remedy)


def failed_by(error: UserError | MishapError) -> Finding:
  """The finding of an error, whose message ends with what to do."""
  what, _, remedy = str(error).partition('; ')
  return failed(what, remedy)


def not_checked(why: str, remedy: str = '') -> Finding:
  return Finding(Mark.NOT_CHECKED, why, remedy)


@dataclasses.dataclass(frozen=True)
class Check:
  """One check: its name, how it is made, and whether this run needs it.

  What `find` raises is a finding too: failed where it is a UserError or a MishapError.
  """

  name: str
  find: Callable[[], Finding | Sequence[Finding]]
  when: bool = True


class NotCheckedError(Exception):
  """A check cannot be made, for what the message says."""


class PreflightError(UserError):
  """A run that does not begin; its message is all that failed, in one line."""

  def __init__(self, findings: Sequence[Finding]):
    self.findings = tuple(findings)
    super().__init__('preflight: ' + '; '.join(f'{each.check}: {each.what}' for each in failures(findings)))


def failures(findings: Iterable[Finding]) -> list[Finding]:
  return [each for each in findings if each.mark is Mark.FAILED]


def log_doubts(findings: Iterable[Finding]) -> None:
  """Logs what has not failed and may yet be amiss, of a run that begins all the same."""
  for each in findings:
    if each.mark in (Mark.WARNING, Mark.NOT_CHECKED):
      _LOG.warning('%s: %s: %s', each.mark.value, each.check, '; '.join(filter(None, (each.what, each.remedy))))


def run_checks(checks: Sequence[Check], patience: float = PATIENCE_S) -> list[Finding]:
  """Makes all checks that are needed at once, each on a thread of its own.

  Args:
    checks: which.
    patience: seconds after which a check is left alone; its thread does not keep the process from ending.

  Returns:
    What they found, in the order of `checks`.
  """
  checks = [check for check in checks if check.when]
  found: dict[int, list[Finding]] = {}

  def make(place: int, check: Check) -> None:
    found[place] = [_named(each, check.name) for each in made(check)]

  threads = [threading.Thread(target=make, args=item, daemon=True) for item in enumerate(checks)]
  for thread in threads:
    thread.start()
  deadline = time.monotonic() + patience
  for thread in threads:
    thread.join(max(0, deadline - time.monotonic()))
  findings = []
  for place, check in enumerate(checks):
    late = dataclasses.replace(not_checked(f'no answer within {patience:g} s'), check=check.name)
    findings += found.get(place, [late])
  return findings


def _named(finding: Finding, check: str) -> Finding:
  what, remedy = hide_secrets(finding.what), hide_secrets(finding.remedy)
  return dataclasses.replace(finding, check=check, what=what, remedy=remedy)


def made(check: Check) -> Sequence[Finding]:
  """What one check finds, or what it could not be made for."""
  try:
    findings = check.find()
  except (UserError, MishapError) as error:
    return [failed_by(error)]
  except NotCheckedError as why:
    return [not_checked(str(why))]
  except Exception as error:  # That a check fails does not say that the run would.
    _LOG.debug('%s could not be checked', check.name, exc_info=error)
    return [not_checked(textwrap.shorten(f'{type(error).__name__}: {error}', 300, placeholder=' ...'))]
  return [findings] if isinstance(findings, Finding) else findings
