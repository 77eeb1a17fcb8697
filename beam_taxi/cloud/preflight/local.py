"""Checks of what every run has: input, output, disk space, store. A run makes some of them itself, as it goes."""

import dataclasses
import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence

from rich import filesize

from beam_taxi import storage
from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.cloud.preflight.checks import (
  Finding,
  Mark,
  PreflightError,
  failed,
  failed_by,
  failures,
  log_doubts,
  ok,
  warning,
)
from beam_taxi.errors import MishapError, UserError
from beam_taxi.inputs.matching import faults_of_patterns
from beam_taxi.metadata.store import connect
from beam_taxi.metadata.uri import NO_STORE, parse_uri
from beam_taxi.record.resolving import ResolvedRun, Source, total_bytes
from beam_taxi.settings.config import RunConfig

# What a run leaves behind, in bytes for each byte of CSV. Measured: taxi trips 0.43 (0.50 at --compression_level 1,
# 0.34 at 9, 0.20 in Parquet); 20 columns of one random digit 1.5 (2.3 at level 1); rows that are all alike 0.044 (0.033
# at level 9, 0.0065 in Parquet).
_USUAL = 0.5
_LEAST = 0.005

_PROBE = '.beam_taxi-preflight'


def input_findings(config: RunConfig, sources: Sequence[Source] | UserError) -> list[Finding]:
  """What an input is or, where it cannot be planned, every pattern that is amiss."""
  if isinstance(sources, UserError):
    return _faults_of_input(config, sources)
  files = sum(plan.files for _, plan in sources)
  columns = max(len(plan.layout.features) for _, plan in sources)
  count = f'{files:,} file' + ('s' if files != 1 else '')
  return [ok(f'{count}, {filesize.decimal(total_bytes(sources))}, {columns} columns')]


def _faults_of_input(config: RunConfig, error: UserError) -> list[Finding]:
  faults = {str(error): error}
  for fault in faults_of_patterns(config.input):
    faults[str(fault)] = fault
  return [failed_by(fault) for fault in faults.values()]


def folder_finding(config: RunConfig) -> Finding:
  """Whether the run's folder is free. Raises UserError where nobody says."""
  folder = RunFolder.of(config.output, config.run_id).uri
  is_taken = os.path.lexists(folder) if storage.is_local(folder) else storage.match(storage.join(folder, '**'))
  if is_taken:
    return failed(f'{folder}: already exists', 'choose another --run_id or --output')
  return ok(f'{folder} is free')


def output_finding(config: RunConfig) -> Finding:
  """Whether the run's folder is free, and a file can be written where it will be and deleted again."""
  found = folder_finding(config)
  if found.mark is Mark.FAILED:
    return found
  if not storage.is_local(config.output):
    return _remote_output(config.output)
  there = nearest_folder(RunFolder.of(config.output, config.run_id).uri)
  if not os.path.isdir(there):
    return failed(f'--output {config.output}: {there} is a file', 'name a folder')
  return probe(there)


def probe(folder: str) -> Finding:
  """Writes a file into a folder of this machine and deletes it."""
  try:
    with tempfile.NamedTemporaryFile(dir=folder, prefix=_PROBE) as file:
      file.write(b'x')
      file.flush()
  except OSError as error:
    return failed(f'{folder}: cannot be written ({error.strerror or error})', 'choose an --output that can be written')
  return ok(f'{folder} can be written')


def _remote_output(output: str) -> Finding:
  path = storage.join(output, f'{_PROBE}-{secrets.token_hex(4)}')
  try:
    storage.write_bytes(path, b'x')
    storage.delete(path)
  except (UserError, MishapError) as error:
    return failed_by(error)
  except Exception as error:  # File systems raise many kinds.
    reason = ' '.join(str(error).split())[:300]
    return failed(f'--output {output}: cannot be written ({reason})', 'choose an --output that can be written')
  return ok(f'{output} can be written')


def nearest_folder(path: str) -> str:
  """The path, or what is there of the folders above it."""
  while not os.path.lexists(path):
    path = os.path.dirname(path) or '.'
  return path


def space_finding(config: RunConfig, sources: Sequence[Source]) -> Finding:
  """Whether a local output has room for what the run will write."""
  stored = total_bytes(sources)
  text = sum(plan.text_bytes for _, plan in sources)
  there = nearest_folder(config.output)
  free = shutil.disk_usage(there).free
  usual = filesize.decimal(int(text * _USUAL))
  what = f'{filesize.decimal(free)} are free in {there}; outputs usually take half of their input, {usual} here'
  remedy = 'free some, or choose an --output with more'
  if free < stored * _LEAST:
    return failed(what, remedy)
  # Examples of many short cells take up to four times as much as usual.
  return warning(what, remedy) if free < text * _USUAL * 4 else ok(what)


def check_output(config: RunConfig, folder: str, sources: Sequence[Source]) -> None:
  """What a run in this process checks of a local output, whose folder it has made: no more than what costs nothing.

  Raises:
    PreflightError: nothing can be written there, or surely not all of it.
  """
  findings = [
    dataclasses.replace(probe(folder), check='run folder'),
    dataclasses.replace(space_finding(config, sources), check='disk space'),
  ]
  log_doubts(findings)
  if failures(findings):
    raise PreflightError(findings)


def store_finding(run: ResolvedRun) -> Finding:
  """Whether the run can be recorded by whom it should be. Where there is no SQLite file yet, none is left behind."""
  resolved = run.recorded_config()
  if resolved.metadata == NO_STORE:
    return ok('nothing is recorded')
  uri = parse_uri(resolved.metadata)
  if uri.kind != 'sqlite':
    connect(resolved.metadata)
    return ok(f'{resolved.metadata} can be used')
  if os.path.isdir(uri.path) or (os.path.isfile(uri.path) and os.path.getsize(uri.path)):
    connect(resolved.metadata)
    if not os.access(uri.path, os.W_OK):
      return failed(f'--metadata {resolved.metadata}: the file cannot be written', f'chmod u+w {uri.path}')
    return ok(f'{resolved.metadata} can be used')
  try:
    with tempfile.TemporaryDirectory(dir=nearest_folder(os.path.dirname(uri.path)), prefix=_PROBE) as folder:
      connect(f'sqlite:///{folder}/metadata.sqlite')
  except OSError as error:
    return failed(
      f'--metadata {resolved.metadata}: cannot be made ({error.strerror or error})', 'give a path that can be written'
    )
  return ok(f'{resolved.metadata} can be made')
