"""`preflight`: all checks of a run, without the run."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi import storage
from beam_taxi.process import heavy_imports
from beam_taxi.settings.config import all_settings
from beam_taxi.settings.flags import add_flags, config_of

OPERANDS = ''
SUMMARY = 'checks for known causes of failure, without starting a run'
DESCRIPTION = """\
Takes the flags of a run and checks, all at once, what is known to make runs fail: input, output, disk space and store.
On Dataflow it also checks credentials, buckets and their regions, the API, the workers' account, image or package, and
quotas; on portable runners the job service, Flink's slots, memory and restart strategy, and the pool of workers. Each
check is ok, a warning, failed, or not checked, and names the command or role that mends it. Nothing is started, and
nothing is left behind except the tables that MLMD makes in an empty database."""
EPILOG = """\
Every other flag goes to Apache Beam. CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM, CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE and
STORAGE_EMULATOR_HOST put other servers in place of Google's.

Exit codes: 0 if no check failed, 2 if one did or a flag is wrong."""


def add_arguments(parser: ArgumentParser) -> None:
  add_flags(parser, all_settings())
  parser.add_argument('--json', action='store_true', help='print JSON')


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  config = config_of(flags)
  with heavy_imports.uncollected():
    from beam_taxi.cloud.preflight.suite import preflight
    from beam_taxi.record.resolving import resolve
    from beam_taxi.runners.options import parse_beam_args
    from beam_taxi.show.terminal.check_findings import print_findings, to_json
    from beam_taxi.show.terminal.consoles import console

  runner, options = parse_beam_args(beam_args)
  storage.use_options(options)
  found = preflight(resolve(config, runner, options))
  if 'json' in flags:
    print(to_json(found.findings))
  else:
    print_findings(console(), found.findings)
  return 2 if found.refusal else 0
