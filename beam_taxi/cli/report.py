"""`report`: a page about a run or statistics, or about two."""

from __future__ import annotations

import os
import pathlib
import webbrowser
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from beam_taxi import storage
from beam_taxi.cli._beam_args import use_beam_args
from beam_taxi.cli._store import EPILOG as EPILOG
from beam_taxi.cli._store import add_store_flags, uri_of_store
from beam_taxi.errors import UserError

if TYPE_CHECKING:
  from beam_taxi.show.report.sources import Source

OPERANDS = 'WHAT'
SUMMARY = 'writes a page about a run or statistics, or about two side by side'
DESCRIPTION = """\
Writes a page about a run, or about two side by side with what moved between them: features, schema, lineage. The page
is a single file that needs no network. A finished run already has one in its folder."""


def add_arguments(parser: ArgumentParser) -> None:
  parser.add_argument(
    'what',
    nargs='+',
    metavar='RUN|STATS',
    help='one or two of these: the id of a run, with --output or --metadata; a folder of a run; a FeatureStats.pb, or '
    'its folder',
  )
  add_store_flags(parser, required=False)
  parser.add_argument(
    '--out',
    default='report.html',
    metavar='FILE',
    help='the page, in a folder that is made if need be; default: %(default)s, here',
  )
  parser.add_argument('--open', action='store_true', help='open it in the browser')


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  if len(flags['what']) > 2:
    raise UserError(f'a report is of one or two, and {len(flags["what"])} were given')
  if not flags['out']:
    raise UserError('--out= names no file; give the page that is written')
  use_beam_args(beam_args)
  from beam_taxi.process import native_stderr
  from beam_taxi.show.report.report_page import page_of

  out = flags['out']
  with native_stderr.withheld():
    page = page_of([_source(what, flags) for what in flags['what']])
  try:
    storage.write_bytes(out, page.encode(), 'text/html; charset=utf-8')
  except OSError as error:
    raise UserError(f'--out {out}: cannot be written ({storage.why(error)})') from error
  print(out)
  if 'open' in flags and storage.is_local(out):
    webbrowser.open(pathlib.Path(os.path.abspath(out)).as_uri())
  return 0


def _source(what: str, flags: Mapping[str, Any]) -> Source:
  """What is at a path, where that is a run's folder or a .pb file; else a run of the store that the flags name.

  Where they name none, or it has no such run, it is what is at the path all the same.
  """
  from beam_taxi.artifacts.manifest import RunFolder
  from beam_taxi.show.report.sources import source_of_path

  has_store = flags.get('metadata') or flags.get('output')
  if not has_store or what.endswith('.pb') or storage.exists(RunFolder(what).manifest):
    # An object store has no folders that could be there or not.
    if not has_store and storage.is_local(what) and not storage.exists(what):
      raise UserError(
        f'{what}: there is no such folder or file; where it is the id of a run, give --output or --metadata'
      )
    return source_of_path(what)
  from beam_taxi.metadata.attempts import mishaps_of_store
  from beam_taxi.metadata.runs import find_run
  from beam_taxi.metadata.store import connect
  from beam_taxi.process import native_stderr
  from beam_taxi.show.report.recorded_sources import source_of_run

  with native_stderr.withheld(), mishaps_of_store():
    store = connect(uri_of_store(flags), create=False)
    try:
      run = find_run(store, what)
    except UserError:
      if storage.exists(what):
        return source_of_path(what)
      raise
    return source_of_run(store, run)
