"""What tests of checks share: the flags of a job, and findings as they are compared."""

from collections.abc import Sequence

from beam_taxi.cloud.preflight.checks import Finding, Mark
from beam_taxi.cloud.preflight.dataflow_checks import Cloud
from beam_taxi.runners.options import parse_beam_args


def cloud_of(*flags: str) -> Cloud:
  """What checks are given of a run with these flags, without credentials."""
  return Cloud(*parse_beam_args(['--runner=DataflowRunner', '--no_auth', *flags]))


def shown(findings: Finding | Sequence[Finding]) -> list[tuple[str, str, str]]:
  """Marks, what, and remedies. A check that has failed has to say what mends it."""
  all_of_them = [findings] if isinstance(findings, Finding) else findings
  assert all(each.remedy for each in all_of_them if each.mark in (Mark.FAILED, Mark.WARNING))
  return [(each.mark.value, each.what, each.remedy) for each in all_of_them]
