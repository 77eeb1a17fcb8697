"""`preflight`: all checks of a run, without the run."""

from collections.abc import Sequence

from rich.console import Console

from beam_taxi import storage
from beam_taxi.cloud.preflight.suite import preflight
from beam_taxi.runners.options import parse_beam_args
from beam_taxi.settings.config import RunConfig
from beam_taxi.show.terminal.check_findings import print_findings, to_json


def run_preflight(config: RunConfig, beam_args: Sequence[str], *, as_json: bool = False) -> int:
  """Makes the checks and shows what they found; the exit code, 0 or 2."""
  runner, options = parse_beam_args(beam_args)
  storage.use_options(options)
  found = preflight(config, runner, options)
  if as_json:
    print(to_json(found.findings))
  else:
    print_findings(Console(), found.findings)
  return 2 if found.refusal else 0
