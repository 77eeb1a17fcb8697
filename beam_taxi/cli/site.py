"""`site`: all of a store as a web site."""

import os
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi.cli._store import EPILOG as EPILOG
from beam_taxi.cli._store import add_store_flags, opened_store, uri_of_store
from beam_taxi.errors import UserError

OPERANDS = ''
SUMMARY = 'builds a static web site of all runs of a store'
DESCRIPTION = """\
Builds a web site of a store: its pipelines, runs and artifacts, TFX's too, with trends and lineage. The site is a
folder of files: open its index.html, or copy it to any bucket or web server."""


def add_arguments(parser: ArgumentParser) -> None:
  add_store_flags(parser)
  parser.add_argument(
    '--out', required=True, metavar='DIR', help='the folder that the site is written to; made if need be'
  )
  parser.add_argument(
    '--trends',
    default=200,
    type=int,
    metavar='N',
    help="of how many of each pipeline's newest runs to read the statistics; 0 for none; default: %(default)s",
  )


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  if flags['trends'] < 0:
    raise UserError(f'--trends {flags["trends"]}: give 0 or more')
  if not flags['out']:
    raise UserError('--out= names no folder; give one for the site')
  with opened_store(flags, beam_args) as store:
    from beam_taxi.show.formats import size
    from beam_taxi.show.site.building import build_site

    built = build_site(store, uri_of_store(flags), flags['out'], flags['trends'])
    where = os.path.join(flags['out'], 'index.html')
    print(f'{built.runs:,} runs on {built.pages:,} pages, {size(built.bytes)}: open {where}')
  return 0
