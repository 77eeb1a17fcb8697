"""`show`: all that is recorded of one run."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi.cli._store import EPILOG as EPILOG
from beam_taxi.cli._store import add_json_flag, add_store_flags, opened_store, print_json

OPERANDS = 'RUN'
SUMMARY = 'shows everything that is recorded of a run'
DESCRIPTION = 'Shows a run: how it went, what it read and made, and everything else that is recorded of it.'


def add_arguments(parser: ArgumentParser) -> None:
  add_store_flags(parser)
  parser.add_argument('run', metavar='RUN', help="the run's id")
  add_json_flag(parser)


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  with opened_store(flags, beam_args) as store:
    from beam_taxi.metadata.runs import artifacts_of, find_run
    from beam_taxi.show.terminal.consoles import console
    from beam_taxi.show.terminal.run_tables import print_run, run_to_json

    found = find_run(store, flags['run'])
    artifacts = artifacts_of(store, found)
    if 'json' in flags:
      print_json(run_to_json(found, artifacts))
    else:
      print_run(console(), found, artifacts)
  return 0
