"""What pass 1 finds in an input, and whether a run can go on with it."""

import collections
import dataclasses
from collections.abc import Iterable, Mapping

from beam_taxi.inputs.bad_row_policy import BadRowLimit, BadRowPolicy, too_many
from beam_taxi.inputs.columns import ColumnType, widest
from beam_taxi.inputs.layout import Layout


@dataclasses.dataclass(frozen=True)
class Problem:
  """Something wrong in the input, with the file and offset that put it before or after others."""

  file: int
  offset: int
  message: str


@dataclasses.dataclass(frozen=True)
class Findings:
  """What pass 1 knows of some part of the input. Findings of parts merge into those of the whole, in any order.

  Attributes:
    types: one type a column; () where no record was looked at.
    rows: records, the bad ones included and skipped blank lines not.
    bad_rows: how many rows are bad for which reason. Where all types are given nobody looks for them in pass 1.
    first_bad_row: the first of them, or None.
    fault: the first thing without which no row can be read - a header that differs, an unclosed quote - or None.
    fingerprint: the sum, modulo 2**256, of a SHA-256 a file over its path, size and CRC-32C.
  """

  types: tuple[ColumnType, ...] = ()
  rows: int = 0
  bad_rows: Mapping[str, int] = dataclasses.field(default_factory=dict)
  first_bad_row: Problem | None = None
  fault: Problem | None = None
  fingerprint: int = 0

  def settle_types(self, layout: Layout) -> Layout:
    """The layout with all types: given ones, inferred ones, and UNKNOWN where there was no record at all."""
    types = self.types or tuple(given or ColumnType.UNKNOWN for given in layout.types)
    return dataclasses.replace(layout, types=types, checked=not layout.has_all_types and not self.bad_rows)


def merge_findings(findings: Iterable[Findings]) -> Findings:
  """The findings of all parts together."""
  parts = list(findings)
  bad_rows: collections.Counter[str] = collections.Counter()
  for part in parts:
    bad_rows.update(part.bad_rows)
  return Findings(
    types=widest(part.types for part in parts if part.types),
    rows=sum(part.rows for part in parts),
    bad_rows=dict(sorted(bad_rows.items())),
    first_bad_row=_first(part.first_bad_row for part in parts),
    fault=_first(part.fault for part in parts),
    fingerprint=sum(part.fingerprint for part in parts) % 2**256,
  )


def _first(problems: Iterable[Problem | None]) -> Problem | None:
  return min(filter(None, problems), key=lambda problem: (problem.file, problem.offset), default=None)


def refusal_of(findings: Findings, bad_rows: BadRowPolicy, limit: BadRowLimit | None) -> str:
  """Why the run ends after pass 1, or '' where it goes on.

  Args:
    findings: of the whole input.
    bad_rows: what becomes of bad rows.
    limit: how many are set aside at most.
  """
  first, bad = findings.first_bad_row, sum(findings.bad_rows.values())
  if first and bad_rows == 'fail' and first == _first([first, findings.fault]):
    return refusal_of_row(first, bad)
  if findings.fault:
    return findings.fault.message
  refusal = too_many(bad, findings.rows, limit)
  return f'{refusal}; the first: {first.message}' if refusal and first else refusal


def refusal_of_row(problem: Problem, bad: int = 1) -> str:
  """What a run that stands no bad rows says of the first of them."""
  others = f' (the first of {bad:,} bad rows)' if bad > 1 else ''
  return f'{problem.message}{others}; fix or remove it, or set bad rows aside with --bad_rows quarantine'
