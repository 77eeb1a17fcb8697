"""`lineage`: what an artifact or a run was made from, and what was made from it."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi.cli._store import EPILOG as EPILOG
from beam_taxi.cli._store import add_store_flags, opened_store

OPERANDS = 'WHAT'
SUMMARY = 'shows what a run or an artifact was made from, and what was made from it'
DESCRIPTION = """\
Shows what a run or an artifact was made from, and what was made from it, across all runs and pipelines of a store,
TFX's too."""


def add_arguments(parser: ArgumentParser) -> None:
  add_store_flags(parser)
  parser.add_argument(
    'what', metavar='ARTIFACT_OR_RUN', help='the id or URI of an artifact, a path below its URI, or the id of a run'
  )
  parser.add_argument(
    '--format', default='tree', choices=['tree', 'json', 'dot', 'mermaid'], help='default: %(default)s'
  )


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  with opened_store(flags, beam_args) as store:
    from beam_taxi.metadata.lineage import lineage_of
    from beam_taxi.show.terminal.consoles import console
    from beam_taxi.show.terminal.lineage_trees import print_lineage, to_dot, to_json, to_mermaid

    found = lineage_of(store, flags['what'])
    if write := {'json': to_json, 'dot': to_dot, 'mermaid': to_mermaid}.get(flags['format']):
      print(write(found))
    else:
      print_lineage(console(), found)
  return 0
