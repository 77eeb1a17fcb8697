"""The sub-commands that ask or mend a metadata store: their parsers. Imports nothing heavy."""

import argparse
import datetime
import re

from beam_taxi.errors import UserError
from beam_taxi.metadata.states import RUN_STATES
from beam_taxi.settings.flags import new_parser

_DESCRIPTIONS = {
  'runs': 'Lists the runs of a store, the newest first.',
  'show': 'Shows one run: how it went, what it read and made, and everything that is recorded of it.',
  'lineage': """\
Shows what something was made from and what was made from it, through all runs and pipelines of a store, TFX's too.""",
  'diff': """\
Shows what is different between two runs: their input, rows, splits, columns, schemas, and the features whose
statistics moved.""",
  'site': """\
Builds a web site of a store: its pipelines, runs and artifacts, TFX's too, with trends and lineage. It is a folder of
files: open index.html in it, or copy it to any bucket or web server.""",
  'record': """\
Records a finished run from its manifest, wherever and by whomever it was made: one that ran with --record manifest, or
whose store was lost. A run that is recorded already stays as it is.""",
  'reconcile': """\
Settles the runs that are RUNNING by their record and whose end nobody recorded, as after kill -9 or a power cut:
complete where there is a manifest, failed where the process or the Dataflow job is gone without one. Those that go on
are left.""",
}

_UNITS = {'m': 'minutes', 'h': 'hours', 'd': 'days', 'w': 'weeks'}


def build_store_parser(command: str) -> argparse.ArgumentParser:
  """The parser of one of STORE_COMMANDS."""
  parser = new_parser(
    f'main.py {command}', _DESCRIPTIONS[command], 'Flags of Apache Beam can be given too, as for gs://.'
  )
  if command == 'record':
    parser.add_argument('run_uri', metavar='RUN_URI', help="the run's folder, OUTPUT/runs/RUN_ID")
    parser.add_argument('--metadata', required=True, metavar='URI', help='the store; see main.py --help')
    return parser
  store = parser.add_mutually_exclusive_group(required=True)
  store.add_argument('--metadata', metavar='URI', help='the store; see main.py --help')
  store.add_argument('--output', metavar='DIR', help='a local output of runs, whose metadata.sqlite is the store')
  if command == 'runs':
    parser.add_argument('--state', type=str.upper, choices=RUN_STATES, help='only runs in this state')
    parser.add_argument(
      '--since',
      metavar='TIME',
      help='only runs from then on: 2026-01-31, 2026-01-31T12:00 (UTC), or 90m, 12h, 7d, 2w ago',
    )
    parser.add_argument('--limit', type=int, metavar='N', help='so many at most; default: 20')
  if command == 'show':
    parser.add_argument('run', metavar='RUN', help="the run's id")
  if command == 'lineage':
    parser.add_argument(
      'what', metavar='ARTIFACT_OR_RUN', help="an artifact's id or URI, or that of a file in it, or a run's id"
    )
    parser.add_argument('--format', choices=['tree', 'json', 'dot', 'mermaid'], help='default: tree')
  if command == 'diff':
    parser.add_argument('first', metavar='RUN', help="a run's id")
    parser.add_argument('second', metavar='RUN', help="another's")
  if command == 'site':
    parser.add_argument('--out', required=True, metavar='DIR', help='the folder that the site is written to')
    parser.add_argument(
      '--trends',
      type=int,
      metavar='N',
      help="how many of each pipeline's newest runs have their statistics read, 0 for none; default: 200",
    )
  if command == 'reconcile':
    parser.add_argument(
      '--force', action='store_true', help='also fail runs of other machines, which cannot be asked from here'
    )
  if command in ('runs', 'show', 'diff', 'reconcile'):
    parser.add_argument('--json', action='store_true', help='print JSON')
  return parser


def build_report_parser() -> argparse.ArgumentParser:
  """The parser of `report`, which may ask a store and need not."""
  parser = new_parser(
    'main.py report',
    """\
Writes a page about a run, or about two side by side with what moved between them: features, schema, lineage. It is one
file that asks nobody for anything. A finished run has such a page in its folder already.""",
    'Flags of Apache Beam can be given too, as for gs://.',
  )
  parser.add_argument(
    'what',
    nargs='+',
    metavar='RUN|STATS',
    help="one or two of: a run's id, with --output or --metadata; a run's folder; a FeatureStats.pb, or a folder",
  )
  store = parser.add_mutually_exclusive_group()
  store.add_argument('--metadata', metavar='URI', help='the store that has the runs; see main.py --help')
  store.add_argument('--output', metavar='DIR', help='a local output of runs, whose metadata.sqlite is the store')
  parser.add_argument('--out', metavar='FILE', help='the page; default: report.html, here')
  parser.add_argument('--open', action='store_true', help='open it in the browser')
  return parser


STORE_COMMANDS = tuple(_DESCRIPTIONS)


def parse_time(text: str, now: datetime.datetime) -> datetime.datetime:
  """A date, a date and time of UTC unless it says otherwise, or a time ago, as in 12h. Raises UserError."""
  if match := re.fullmatch(r'(\d+)([mhdw])', text):
    return now - datetime.timedelta(**{_UNITS[match[2]]: int(match[1])})
  try:
    found = datetime.datetime.fromisoformat(text)
  except ValueError as error:
    raise UserError(f'--since {text}: give a date, as in 2026-01-31, or a time ago, as in 12h or 7d') from error
  return found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)
