"""`report`: which runs or statistics it is asked for, and where the page goes."""

import argparse
import os
import pathlib
import webbrowser
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi import storage
from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.errors import UserError
from beam_taxi.process import native_stderr
from beam_taxi.show.report.report_page import page_of
from beam_taxi.show.report.sources import Source, source_of_path

_DEFAULT = 'report.html'


def run_report(flags: argparse.Namespace, beam_args: Sequence[str]) -> int:
  """Writes the page.

  Args:
    flags: what store_flags.build_report_parser made of the command line.
    beam_args: what is left of it, for Beam's file systems.

  Returns:
    The exit code: 0.

  Raises:
    UserError: there is no such run or file, or the page cannot be written.
  """
  given = vars(flags)
  if len(given['what']) > 2:
    raise UserError(f'a report is of one or two, and {len(given["what"])} were given')
  if beam_args:
    from beam_taxi.runners.options import parse_beam_args

    storage.use_options(parse_beam_args(beam_args)[1])
  out = given.get('out', _DEFAULT)
  with native_stderr.withheld():
    page = page_of([_source(what, given) for what in given['what']])
  try:
    storage.write_bytes(out, page.encode(), 'text/html; charset=utf-8')
  except OSError as error:
    raise UserError(f'--out {out}: cannot be written ({error.strerror or error})') from error
  print(out)
  if 'open' in given and storage.is_local(out):
    webbrowser.open(pathlib.Path(os.path.abspath(out)).as_uri())
  return 0


def _source(what: str, flags: Mapping[str, Any]) -> Source:
  """A run of the store that the flags name, where they do and it has one, or else what is at a path."""
  has_store = flags.get('metadata') or flags.get('output')
  if not has_store or what.endswith('.pb') or storage.exists(RunFolder(what).manifest):
    if not has_store and not storage.exists(what):
      raise UserError(
        f'{what}: there is no such folder or file; where it is the id of a run, give --output or --metadata'
      )
    return source_of_path(what)
  from beam_taxi.metadata.runs import find_run
  from beam_taxi.metadata.store import connect
  from beam_taxi.metadata.uri import store_uri
  from beam_taxi.show.report.recorded_sources import source_of_run

  store = connect(store_uri(flags.get('metadata', ''), flags.get('output', '')), create=False)
  return source_of_run(store, find_run(store, what))
