"""`runs`: which runs a store has."""

import datetime
import re
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi.cli._store import EPILOG as EPILOG
from beam_taxi.cli._store import add_json_flag, add_store_flags, opened_store, print_json
from beam_taxi.errors import UserError
from beam_taxi.metadata.states import RUN_STATES

OPERANDS = ''
SUMMARY = 'lists the runs of a metadata store'
DESCRIPTION = """\
Lists the runs of a store, the newest first. A run that was started again under the same id keeps its first place, and
--since goes by its first start."""

_UNITS = {'m': 'minutes', 'h': 'hours', 'd': 'days', 'w': 'weeks'}


def add_arguments(parser: ArgumentParser) -> None:
  add_store_flags(parser)
  parser.add_argument('--state', default='', type=str.upper, choices=RUN_STATES, help='only runs in this state')
  parser.add_argument(
    '--since',
    metavar='TIME',
    help='only runs since then: 2026-01-31, 2026-01-31T12:00 (UTC), or 90m, 12h, 7d, 2w ago',
  )
  parser.add_argument('--limit', default=20, type=int, metavar='N', help='show at most N runs; default: %(default)s')
  add_json_flag(parser)


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  now = datetime.datetime.now(datetime.timezone.utc)
  since = parse_time(flags['since'], now) if 'since' in flags else None
  if flags['limit'] < 1:
    raise UserError(f'--limit {flags["limit"]}: give at least 1')
  with opened_store(flags, beam_args) as store:
    from beam_taxi.metadata.runs import list_runs
    from beam_taxi.show.terminal.consoles import console
    from beam_taxi.show.terminal.run_tables import print_runs, run_to_json

    found = list_runs(store, state=flags['state'], since=since, limit=min(flags['limit'], sys.maxsize))
    if 'json' in flags:
      print_json([run_to_json(each) for each in found])
    else:
      print_runs(console(), found, now)
  return 0


def parse_time(text: str, now: datetime.datetime) -> datetime.datetime:
  """A date, a date and time of UTC unless it says otherwise, or a time ago, as in 12h. Raises UserError."""
  hint = 'give a date, as in 2026-01-31, or a time ago, as in 12h or 7d'
  try:
    if match := re.fullmatch(r'(\d+)([mhdw])', text):
      return now - datetime.timedelta(**{_UNITS[match[2]]: int(match[1])})
    found = datetime.datetime.fromisoformat(text)
  except OverflowError as error:
    raise UserError(f'--since {text}: is longer ago than there are dates; {hint}') from error
  except ValueError as error:
    raise UserError(f'--since {text}: {hint}') from error
  return found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)
