"""What the commands that ask a metadata store share: the flags that name it, the store, and how they print."""

from __future__ import annotations

import contextlib
import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from beam_taxi.cli._beam_args import use_beam_args
from beam_taxi.errors import UserError
from beam_taxi.process.program import program

if TYPE_CHECKING:
  import ml_metadata as mlmd

  from beam_taxi.artifacts.manifest import Manifest, RunFolder

EPILOG = 'Flags for Apache Beam can be given too, for example for s3://.'


def add_store_flags(parser: ArgumentParser, *, required: bool = True) -> None:
  """Adds the flags that name a store: its URI, or a local output of runs."""
  store = parser.add_mutually_exclusive_group(required=required)
  add_metadata_flag(store)
  store.add_argument('--output', metavar='DIR', help='a local folder of runs, whose metadata.sqlite is the store')


def add_metadata_flag(parser: Any, *, required: bool = False) -> None:
  """Adds the flag that is a store's URI to a parser or a group."""
  parser.add_argument('--metadata', required=required, metavar='URI', help=f'the store; see {program()} --help')


def add_json_flag(parser: ArgumentParser) -> None:
  parser.add_argument('--json', action='store_true', help='print JSON')


def print_json(value: Any) -> None:
  print(json.dumps(value, indent=1))


@contextlib.contextmanager
def opened_store(flags: Mapping[str, Any], beam_args: Sequence[str]) -> Iterator[mlmd.MetadataStore]:
  """The store that the flags name, which must be there. What C++ says of it is held back while it is used.

  Raises:
    UserError: there is no such store.
    MishapError: it fails while it is asked.
  """
  use_beam_args(beam_args)
  from beam_taxi.metadata.attempts import mishaps_of_store
  from beam_taxi.metadata.store import connect
  from beam_taxi.process import native_stderr

  with native_stderr.withheld(), mishaps_of_store():
    yield connect(uri_of_store(flags), create=False)


def uri_of_store(flags: Mapping[str, Any]) -> str:
  """The URI of the store that the flags name. Raises UserError where they name none."""
  from beam_taxi.metadata.uri import NO_STORE, store_uri

  for name, what in (('metadata', "a store's URI"), ('output', 'a local output of runs')):
    if flags.get(name) == '':
      raise UserError(f'--{name}= names no store; give {what}')
  uri = store_uri(flags.get('metadata', ''), flags.get('output', ''))
  if uri == NO_STORE:
    raise UserError('--metadata none: nothing is recorded there; give the URI of a store')
  return uri


def manifest_in(folder: RunFolder) -> Manifest:
  """The manifest of a finished run. Raises UserError where there is none."""
  from beam_taxi.artifacts.manifest import read_manifest

  manifest = read_manifest(folder)
  if not manifest:
    raise UserError(f'{folder.uri}: has no manifest.json; a finished run has one')
  return manifest
