"""`runs`, `show`, `lineage`, `diff`, `site`, `record` and `reconcile`: what they look up, and how they show it."""

import argparse
import datetime
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ml_metadata as mlmd
from rich.console import Console

from beam_taxi import storage
from beam_taxi.artifacts.manifest import Manifest, RunFolder, Value, read_manifest
from beam_taxi.cli.store_flags import parse_time
from beam_taxi.cloud.dataflow.jobs import is_job_alive
from beam_taxi.errors import UserError
from beam_taxi.metadata.lineage import lineage_of
from beam_taxi.metadata.reconciling import reconcile
from beam_taxi.metadata.recording import record_manifest
from beam_taxi.metadata.runs import artifacts_of, find_run, list_runs
from beam_taxi.metadata.store import connect
from beam_taxi.metadata.uri import store_uri
from beam_taxi.process import native_stderr
from beam_taxi.process.provenance import is_alive, is_local_runner
from beam_taxi.show.formats import size
from beam_taxi.show.terminal.lineage_trees import print_lineage, to_dot, to_json, to_mermaid
from beam_taxi.show.terminal.run_tables import print_run, print_runs, print_settlements, run_to_json, settlement_to_json

_FEWEST = 20
_TRENDS = 200


def run_store_command(command: str, flags: argparse.Namespace, beam_args: Sequence[str]) -> int:
  """Runs one of STORE_COMMANDS.

  Args:
    command: which.
    flags: what store_flags.build_store_parser made of the command line.
    beam_args: what is left of it, for Beam's file systems and for Dataflow.

  Returns:
    The exit code: 0.

  Raises:
    UserError: there is no such store, run or artifact.
  """
  if beam_args:
    # Takes a second, which a store of this machine need not wait for.
    from beam_taxi.runners.options import parse_beam_args

    storage.use_options(parse_beam_args(beam_args)[1])
  with native_stderr.withheld():
    _COMMANDS[command](vars(flags), beam_args)
  return 0


def _runs(flags: Mapping[str, Any], _: Sequence[str]) -> None:
  now = datetime.datetime.now(datetime.timezone.utc)
  since = parse_time(flags['since'], now) if 'since' in flags else None
  if flags.get('limit', 1) < 1:
    raise UserError(f'--limit {flags["limit"]}: give at least 1')
  found = list_runs(_store(flags), state=flags.get('state', ''), since=since, limit=flags.get('limit', _FEWEST))
  if 'json' in flags:
    _print_json([run_to_json(run) for run in found])
  else:
    print_runs(Console(), found, now)


def _show(flags: Mapping[str, Any], _: Sequence[str]) -> None:
  store = _store(flags)
  run = find_run(store, flags['run'])
  artifacts = artifacts_of(store, run)
  if 'json' in flags:
    _print_json(run_to_json(run, artifacts))
  else:
    print_run(Console(), run, artifacts)


def _lineage(flags: Mapping[str, Any], _: Sequence[str]) -> None:
  found = lineage_of(_store(flags), flags['what'])
  formats = {'json': to_json, 'dot': to_dot, 'mermaid': to_mermaid}
  if write := formats.get(flags.get('format', 'tree')):
    print(write(found))
  else:
    print_lineage(Console(), found)


def _diff(flags: Mapping[str, Any], _: Sequence[str]) -> None:
  # These read schemas and statistics, whose protos other commands need not wait for.
  from beam_taxi.analysis.comparison import compare
  from beam_taxi.show.terminal.comparison_tables import comparison_to_json, print_comparison

  store = _store(flags)
  first, second = (_manifest_of(store, flags[name]) for name in ('first', 'second'))
  comparison = compare(first, second)
  if 'json' in flags:
    print(comparison_to_json(comparison))
  else:
    print_comparison(Console(), comparison)


def _site(flags: Mapping[str, Any], _: Sequence[str]) -> None:
  from beam_taxi.show.site.building import build_site

  newest = flags.get('trends', _TRENDS)
  if newest < 0:
    raise UserError(f'--trends {newest}: give 0 or more')
  uri = store_uri(flags.get('metadata', ''), flags.get('output', ''))
  built = build_site(connect(uri, create=False), uri, flags['out'], newest)
  where = os.path.join(flags['out'], 'index.html')
  print(f'{built.runs:,} runs on {built.pages:,} pages, {size(built.bytes)}: open {where}')


def _record(flags: Mapping[str, Any], _: Sequence[str]) -> None:
  uri = flags['run_uri']
  folder = RunFolder(os.path.abspath(uri) if storage.is_local(uri) else uri.rstrip('/'))
  manifest = _read(folder)
  ids = record_manifest(store_uri(flags['metadata'], ''), manifest, folder)
  print(f'{manifest.run_id} is recorded: ' + ', '.join(f'{key} is artifact {number}' for key, number in ids.items()))


def _reconcile(flags: Mapping[str, Any], beam_args: Sequence[str]) -> None:
  def alive(properties: Mapping[str, Value]) -> bool | None:
    here = is_alive(str(properties.get('process', '')))
    if here:  # It may be about to submit a job.
      return True
    if properties.get('job_id') or properties.get('job_name'):
      goes_on = is_job_alive(properties, beam_args)
      # Without a job it is up to the process: it may be about to submit one, or what it wrote may yet be launched.
      return here if goes_on is None else goes_on
    if properties.get('record') == 'graph' and not is_local_runner(str(properties.get('runner', ''))):
      return None  # Whoever began it may have left, and nobody wrote down what it became.
    return here

  settled = reconcile(_store(flags), alive, force='force' in flags)
  if 'json' in flags:
    _print_json([settlement_to_json(each) for each in settled])
  else:
    print_settlements(Console(), settled)


_COMMANDS: Mapping[str, Callable[[Mapping[str, Any], Sequence[str]], None]] = {
  'runs': _runs,
  'show': _show,
  'lineage': _lineage,
  'diff': _diff,
  'site': _site,
  'record': _record,
  'reconcile': _reconcile,
}


def _store(flags: Mapping[str, Any]) -> mlmd.MetadataStore:
  """The store that the flags name, which must be there."""
  return connect(store_uri(flags.get('metadata', ''), flags.get('output', '')), create=False)


def _manifest_of(store: mlmd.MetadataStore, run_id: str) -> Manifest:
  """The manifest of what a run made, or of what it took from an earlier one."""
  run = find_run(store, run_id)
  if earlier := run.properties.get('cached_from'):
    run = find_run(store, str(earlier))
  return _read(RunFolder(run.folder))


def _read(folder: RunFolder) -> Manifest:
  manifest = read_manifest(folder)
  if not manifest:
    raise UserError(f'{folder.uri}: has no manifest.json; a finished run has one')
  return manifest


def _print_json(value: Any) -> None:
  print(json.dumps(value, indent=1))
