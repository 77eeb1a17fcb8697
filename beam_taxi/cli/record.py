"""`record`: a finished run into a store."""

import os
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi import storage
from beam_taxi.cli._beam_args import use_beam_args
from beam_taxi.cli._store import EPILOG as EPILOG
from beam_taxi.cli._store import add_metadata_flag, manifest_in, uri_of_store

OPERANDS = 'RUN_URI'
SUMMARY = 'records a finished run from its manifest'
DESCRIPTION = """\
Records a finished run from its manifest, for example one that ran with --record manifest, or whose store was lost. A
run that is recorded already stays as it is."""


def add_arguments(parser: ArgumentParser) -> None:
  parser.add_argument('run_uri', metavar='RUN_URI', help="the run's folder, OUTPUT/runs/RUN_ID")
  add_metadata_flag(parser, required=True)


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  use_beam_args(beam_args)
  from beam_taxi.artifacts.manifest import RunFolder
  from beam_taxi.metadata.attempts import mishaps_of_store
  from beam_taxi.metadata.recording import record_manifest
  from beam_taxi.process import native_stderr

  store = uri_of_store(flags)
  uri = flags['run_uri']
  folder = RunFolder(os.path.abspath(uri) if storage.is_local(uri) else uri.rstrip('/'))
  with native_stderr.withheld(), mishaps_of_store():
    manifest = manifest_in(folder)
    ids = record_manifest(store, manifest, folder)
  print(f'{manifest.run_id} is recorded: ' + ', '.join(f'{key} is artifact {number}' for key, number in ids.items()))
  return 0
