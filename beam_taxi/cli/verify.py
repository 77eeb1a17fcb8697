"""`verify`: whether what lies in a run's folder is what the run wrote."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from beam_taxi import storage
from beam_taxi.cli._beam_args import use_beam_args
from beam_taxi.cli._store import add_json_flag, add_store_flags, manifest_in, opened_store, print_json
from beam_taxi.errors import UserError

if TYPE_CHECKING:
  import ml_metadata as mlmd

  from beam_taxi.artifacts.manifest import Manifest, RunFolder
  from beam_taxi.metadata.runs import Run
  from beam_taxi.verification.results import Finding, Verified

OPERANDS = 'RUN'
SUMMARY = 'checks that the files of a run are still what it wrote'
DESCRIPTION = """\
Checks a finished run against its manifest: that every file is there and has its size and digest, that every shard can
be read and has its records, that statistics and schema can be parsed, that no other file lies among the shards, and
that the rows add up. With --output or --metadata it also checks that the store says the same. A folder may have been
moved or downloaded. Nothing is changed."""
EPILOG = """\
Exit codes: 0 if nothing is wrong, 1 if something is, 2 for wrong use, or a run, manifest or store that cannot be read.
Flags for Apache Beam can be given too, for example for gs://."""


_NO_STORE = 'the store: neither --output nor --metadata names one'


def add_arguments(parser: ArgumentParser) -> None:
  parser.add_argument(
    'what', nargs='?', metavar='RUN|FOLDER', help='the id of a run, with --output or --metadata; or the folder of a run'
  )
  add_store_flags(parser, required=False)
  parser.add_argument('--all', action='store_true', help='check all complete runs of the store')
  parser.add_argument(
    '--sample',
    default='100%',
    metavar='N%',
    help='read only N%% of the shards, at least one, and always the same ones; of the others only their presence and '
    'size are checked',
  )
  add_json_flag(parser)


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  what, share = flags.get('what'), _share(flags['sample'])
  if bool(what) == ('all' in flags):
    raise UserError('verify: give the id of a run, a folder, or --all')
  use_beam_args(beam_args)
  from beam_taxi.show.terminal.consoles import console
  from beam_taxi.show.terminal.verification_results import print_verified, verified_to_json

  found = []
  with _store(flags, beam_args) as store:
    for verified in [_one(what, store, share)] if what else _all(store, share):
      found.append(verified)
      if 'json' not in flags:
        print_verified(console(), verified)
  if 'json' in flags:
    values = [verified_to_json(each) for each in found]
    print_json(values[0] if what else values)
  elif not found:
    print('There is no complete run.')
  return 0 if all(each.ok for each in found) else 1


def _share(text: str) -> float:
  """'5%' -> 0.05. Raises UserError where it is no share, or none at all."""
  match = re.fullmatch(r'(\d+(?:\.\d+)?)%', text.strip(), re.ASCII)
  if not match or not 0 < float(match[1]) <= 100:
    raise UserError(f'--sample {text}: give a share of the shards, as in 5%')
  return float(match[1]) / 100


@contextlib.contextmanager
def _store(flags: Mapping[str, Any], beam_args: Sequence[str]) -> Iterator[mlmd.MetadataStore | None]:
  """The store that the flags name, or None."""
  if 'metadata' in flags or 'output' in flags:
    with opened_store(flags, beam_args) as store:
      yield store
  elif 'all' in flags:
    raise UserError('verify --all: give the store, by --output or --metadata')
  else:
    yield None


def _one(what: str, store: mlmd.MetadataStore | None, share: float) -> Verified:
  """What is found of a run that is named by its folder or by its id."""
  from beam_taxi.artifacts.manifest import RunFolder
  from beam_taxi.metadata.runs import find_run

  folder = RunFolder(os.path.abspath(what) if storage.is_local(what) else what.rstrip('/'))
  if store is None:
    if storage.is_local(what) and not storage.exists(folder.uri):
      raise UserError(f'{what}: there is no such folder; for the id of a run, give --output or --metadata')
    verified = _verified(folder, manifest_in(folder), share)
    return dataclasses.replace(verified, not_checked=(*verified.not_checked, _NO_STORE))
  if storage.exists(folder.manifest):
    return _in_folder(folder, store, share)
  run = find_run(store, what)
  if run.state not in ('COMPLETE', 'CACHED'):
    raise UserError(f'{what}: is {run.state}; only a complete run can be verified')
  # One that is CACHED took what an earlier one made.
  return _recorded(find_run(store, str(run.properties.get('cached_from') or what)), store, share)


def _all(store: mlmd.MetadataStore | None, share: float) -> Iterator[Verified]:
  """What is found of each complete run of a store, the newest first."""
  from beam_taxi.metadata.runs import list_runs
  from beam_taxi.verification.results import MANIFEST, Finding, Verified

  for run in list_runs(store, state='COMPLETE'):
    try:
      yield _recorded(run, store, share)
    except UserError as error:
      yield Verified(run.run_id, run.folder, findings=(Finding(MANIFEST, 'a run that can be read', str(error)),))


def _in_folder(folder: RunFolder, store: mlmd.MetadataStore, share: float) -> Verified:
  """What is found of a run in a folder, which need not be the one that the store has."""
  from beam_taxi.metadata.runs import find_run
  from beam_taxi.verification.recorded import differences_in_store
  from beam_taxi.verification.results import NOTHING, STORE, Finding

  manifest = manifest_in(folder)
  try:
    run = find_run(store, manifest.run_id)
  except UserError:
    differences = [Finding(STORE, f'the run {manifest.run_id}', NOTHING)]
  else:
    differences = list(differences_in_store(store, run, manifest))
  return _verified(folder, manifest, share, differences)


def _recorded(run: Run, store: mlmd.MetadataStore, share: float) -> Verified:
  """What is found of a run where the store says that it is."""
  from beam_taxi.artifacts.manifest import RunFolder, read_manifest
  from beam_taxi.verification.recorded import differences_in_store
  from beam_taxi.verification.results import MANIFEST, NOTHING, Finding, Verified

  folder = RunFolder(run.folder)
  manifest = read_manifest(folder)
  if not manifest:
    return Verified(run.run_id, run.folder, findings=(Finding(MANIFEST, 'the manifest of a finished run', NOTHING),))
  return _verified(folder, manifest, share, list(differences_in_store(store, run, manifest)))


def _verified(folder: RunFolder, manifest: Manifest, share: float, differences: Sequence[Finding] = ()) -> Verified:
  """What is found of a run's files, with a progress bar on a terminal, and how its store differs."""
  from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

  from beam_taxi.show.terminal.consoles import console
  from beam_taxi.verification.verifying import carry_out, plan

  planned = plan(folder, manifest, share)
  errors = console(stderr=True)
  columns = (TextColumn('{task.description}', markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
  with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
    task = progress.add_task(f'verifying {manifest.run_id}', total=planned.bytes)
    verified = carry_out(planned, lambda size: progress.advance(task, size))
  return dataclasses.replace(verified, findings=(*verified.findings, *differences))
