"""`diff`: what is different between two runs."""

from __future__ import annotations

import dataclasses
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from beam_taxi.cli._store import EPILOG as EPILOG
from beam_taxi.cli._store import add_json_flag, add_store_flags, opened_store
from beam_taxi.errors import UserError

if TYPE_CHECKING:
  import ml_metadata as mlmd

  from beam_taxi.artifacts.manifest import Manifest

OPERANDS = 'RUN RUN'
SUMMARY = 'shows how two runs differ'
DESCRIPTION = """\
Shows how two runs differ: their input, rows, splits, columns, schemas, and the features whose statistics moved."""


def add_arguments(parser: ArgumentParser) -> None:
  add_store_flags(parser)
  parser.add_argument('first', metavar='RUN', help='the id of a run')
  parser.add_argument('second', metavar='RUN', help='the id of another')
  add_json_flag(parser)


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  with opened_store(flags, beam_args) as store:
    from beam_taxi.analysis.comparison import compare
    from beam_taxi.show.terminal.comparison_tables import comparison_to_json, print_comparison
    from beam_taxi.show.terminal.consoles import console

    comparison = compare(_manifest_of(store, flags['first']), _manifest_of(store, flags['second']))
    if 'json' in flags:
      print(comparison_to_json(comparison))
    else:
      print_comparison(console(), comparison)
  return 0


def _manifest_of(store: mlmd.MetadataStore, run_id: str) -> Manifest:
  """The manifest of what a run made, or of what it took from an earlier one, under the run's own name."""
  from beam_taxi.artifacts.manifest import RunFolder, read_manifest
  from beam_taxi.metadata.runs import find_run

  found = find_run(store, run_id)
  if earlier := found.properties.get('cached_from'):
    found = find_run(store, str(earlier))
  manifest = read_manifest(RunFolder(found.folder))
  if not manifest:
    raise UserError(f'{run_id}: is {found.state} and has no manifest.json; only finished runs can be compared')
  return dataclasses.replace(manifest, run_id=run_id)
