"""`accept`: a run's data is as it should be, whatever was found."""

import datetime
import getpass
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi.cli._store import EPILOG as EPILOG
from beam_taxi.cli._store import add_store_flags, opened_store
from beam_taxi.errors import UserError

OPERANDS = 'RUN'
SUMMARY = 'says that the data of a run is right, whatever was found'
DESCRIPTION = """\
Says that the data of a run is as it should be though its verdict is an error, as on a day that really was so. Its
Examples become LIVE, so that TFX finds them, and "--baseline latest" may take it. Who says so, when and why is
recorded."""


def add_arguments(parser: ArgumentParser) -> None:
  parser.add_argument('run', metavar='RUN', help='the id of the run')
  parser.add_argument('--why', required=True, metavar='TEXT', help='the reason, which is recorded')
  parser.add_argument('--by', metavar='NAME', help='who says so; default: the user of this machine')
  add_store_flags(parser)


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  if not flags['why'].strip():
    raise UserError('--why: give a reason')
  with opened_store(flags, beam_args) as store:
    from beam_taxi.metadata.recording import ACCEPTED_AT, ACCEPTED_BY, ACCEPTED_WHY, record_acceptance
    from beam_taxi.metadata.runs import find_run

    found = find_run(store, flags['run'])
    if found.state != 'COMPLETE':
      raise UserError(f'{found.run_id} is {found.state}; only a complete run can be accepted')
    if not found.properties.get('verdict'):
      raise UserError(f'{found.run_id} has no verdict: its data was not judged')
    properties = {
      ACCEPTED_BY: flags.get('by') or getpass.getuser(),
      ACCEPTED_WHY: flags['why'],
      ACCEPTED_AT: datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
    }
    record_acceptance(store, found.recorded, properties)
  print(f'{found.run_id} is accepted by {properties[ACCEPTED_BY]}: {flags["why"]}')
  return 0
