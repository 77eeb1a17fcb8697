"""A command line for Dataflow, run as it is against a cloud on this machine, with some of its input."""

import contextlib
import fnmatch
import glob
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, WorkerOptions

from beam_taxi import storage
from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.cloud.dataflow.google_rest import credentials
from beam_taxi.cloud.rehearsal.cloud import Cloud, rehearsal_cloud
from beam_taxi.cloud.rehearsal.cloud_storage import blob_of
from beam_taxi.cloud.rehearsal.dataflow_service import ENDED, RefusalError
from beam_taxi.cloud.rehearsal.metadata_server import metadata_server
from beam_taxi.errors import UserError
from beam_taxi.inputs.kinds import reader_of
from beam_taxi.inputs.matching import list_files
from beam_taxi.process.provenance import without_secrets
from beam_taxi.record.resolving import resolve
from beam_taxi.runners.options import is_dataflow, parse_beam_args
from beam_taxi.runners.shipping import package_flag
from beam_taxi.settings.config import RunConfig
from beam_taxi.settings.flags import parse_flags

_POLL_S = 0.2


def rehearse(argv: Sequence[str], sample_size: int, sample_from: str, keep: str) -> int:
  """Rehearses a run.

  Args:
    argv: the command line of the run, without the program.
    sample_size: how much of the input is taken, in bytes of uncompressed CSV.
    sample_from: a file that stands for the input; '' for the input itself.
    keep: the folder to which what the run wrote is copied; '' for none.

  Returns:
    The exit code of the command, or 1 where the job that it left to itself fails.

  Raises:
    UserError: the command line is no run on Dataflow, or its input cannot be read.
  """
  config, beam_args = parse_flags(argv)
  runner, options = parse_beam_args(beam_args)
  if not is_dataflow(runner):
    raise UserError('rehearse runs command lines for Dataflow, with --runner DataflowRunner; others need no rehearsal')
  cloud_options = options.view_as(GoogleCloudOptions)
  storage.use_options(options)
  resolved = resolve(config, runner, options)
  config = resolved.config
  # Said here, for the store of the rehearsal is another one.
  baseline = resolved.recorded_config().baseline
  wanted = [config.output, cloud_options.temp_location, cloud_options.staging_location, cloud_options.template_location]
  for flag, uri in zip(('output', 'temp_location', 'staging_location', 'template_location'), wanted, strict=True):
    if uri and not uri.startswith('gs://'):
      raise UserError(f'--{flag} {uri}: workers on Dataflow do not reach it; give a gs:// location')
  beside = [*config.beside_input.values(), *filter(None, [baseline])]
  for path in (*config.input, *beside):
    if storage.is_local(path):
      raise UserError(f'{path}: workers on Dataflow do not reach it; copy it to a bucket, and give its gs:// location')
  # Read before this process's command is led to the emulator: what is rehearsed with is the real input.
  in_bucket = _config_in_bucket(config)
  read = [*([sample_from] if sample_from else config.input), *beside, *in_bucket]
  if any(path.startswith('gs://') for path in read):
    try:
      credentials(options)  # Beam itself would look for some for half a minute.
    except UserError as error:
      raise UserError(f'{error}; or give a file of this machine for the input: --sample_from FILE') from error
  files = {**_inputs(config, sample_size, sample_from), **_contents([*beside, *in_bucket])}
  buckets = {uri.split('/')[2] for uri in (*filter(None, wanted), *files)}
  with contextlib.ExitStack() as stack:
    folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='rehearsal_')))
    cloud = stack.enter_context(rehearsal_cloud(sorted(buckets)))
    for uri, content in files.items():
      blob_of(cloud.buckets, uri).upload_from_string(content)
    print(f'rehearsing with {sum(map(len, files.values())):,} bytes of input in {len(files)} files', flush=True)
    # By the id that this process knows what to copy by; without one of the user's each would make its own.
    command = [sys.executable, '-m', 'beam_taxi', *argv, '--run_id', config.run_id, *cloud.beam_args]
    if config.metadata != 'none' and config.record != 'manifest':
      store = stack.enter_context(metadata_server(folder / 'metadata.sqlite')).uri()
      command += ['--metadata', store]
      print(f'recording into {store}, and not into {config.metadata or "a store of the user"}', flush=True)
    if baseline:
      command += ['--baseline', baseline]
    if options.view_as(WorkerOptions).sdk_container_image:
      # No image is run here, so that what it would bring has to be shipped.
      command.append('--{}={}'.format(*package_flag()))
    if cloud_options.impersonate_service_account:
      command += ['--impersonate_service_account=']
    print(without_secrets(command), flush=True)
    code = subprocess.run(command, env=cloud.environment, stdin=subprocess.DEVNULL).returncode
    if code == 0:
      code = _finish(cloud, options)
    if keep:
      _copy(cloud, config, keep)
    _report(cloud, code)
  return code


def _inputs(config: RunConfig, sample_size: int, sample_from: str) -> dict[str, bytes]:
  """What of the input the run reads, by gs:// URI."""
  found: dict[str, bytes] = {}
  reader = reader_of(config.input_settings)
  for source in config.sources:
    if sample_from:
      [(_, content)] = reader.sample(list_files([sample_from]), sample_size)
      found[_place_for(sample_from, source.input[0])] = content
    else:
      found.update(reader.sample(list_files(source.input), sample_size))
  return found


def _contents(paths: Sequence[str]) -> dict[str, bytes]:
  """Files and, of folders of statistics, the files in them, by gs:// URI."""
  found: dict[str, bytes] = {}
  for path in paths:
    in_folder = [name for name, _ in storage.match(storage.join(path, 'Split-*', '*'))]
    for each in in_folder or [path]:
      found[each] = storage.read_bytes(each)
  return found


def _config_in_bucket(config: RunConfig) -> list[str]:
  """The file of settings, if the command reads it from a bucket, and so in a rehearsal from the emulator's."""
  return [config.config.path] if config.config and not storage.is_local(config.config.path) else []


def _place_for(path: str, pattern: str) -> str:
  """Where an object lies that a pattern finds and that is called like a file.

  Raises:
    UserError: the pattern does not find files called so.
  """
  if not glob.has_magic(pattern):
    return pattern
  # A star stands for nothing, too.
  folder = '/'.join(part for part in pattern.split('/')[:-1] if part != '**').replace('*', '')
  uri = f'{folder}/{os.path.basename(path)}'
  if not fnmatch.fnmatchcase(uri, pattern.replace('/**/', '/')):
    raise UserError(f'--sample_from {path}: --input {pattern} would not find a file of this name; rename a copy of it')
  return uri


def _finish(cloud: Cloud, options: PipelineOptions) -> int:
  """Launches the job of a template that was written, and waits for what goes on."""
  google = options.view_as(GoogleCloudOptions)
  if google.template_location:
    request = json.loads(blob_of(cloud.buckets, google.template_location).download_as_bytes())
    place = f'/v1b3/projects/{google.project}/locations/{google.region}/jobs'
    try:
      cloud.dataflow.answer('POST', place, {}, request)
    except RefusalError as refusal:
      raise UserError(f'{google.template_location}: Dataflow would refuse its job ({refusal.args[-1]})') from refusal
    cloud.dataflow.largest = max(cloud.dataflow.largest, len(json.dumps(request)))
    print(f'launched the job of {google.template_location}', flush=True)
  jobs = list(cloud.dataflow.jobs.values())
  while any(job.state not in ENDED for job in jobs):
    time.sleep(_POLL_S)
  for job in jobs:
    if job.state != 'JOB_STATE_DONE':
      errors = [message['messageText'] for message in job.messages if message['messageImportance'].endswith('ERROR')]
      print('\n'.join([f'{job.resource["name"]} ended in {job.state}', *errors]), file=sys.stderr)
  return 0 if all(job.state == 'JOB_STATE_DONE' for job in jobs) else 1


def _copy(cloud: Cloud, config: RunConfig, keep: str) -> None:
  """Copies the run's folder to this machine."""
  folder = RunFolder.of(config.output, config.run_id).uri
  bucket, _, prefix = folder.removeprefix('gs://').partition('/')
  for blob in cloud.buckets.list_blobs(bucket, prefix=prefix + '/'):
    path = os.path.join(keep, os.path.relpath(blob.name, os.path.dirname(prefix)))
    storage.write_bytes(path, blob.download_as_bytes())
  print(f'{folder} is copied to {keep}')


def _report(cloud: Cloud, code: int) -> None:
  """Says what was seen, and what no rehearsal can show."""
  states = ', '.join(f'{job.resource["name"]}: {job.state}' for job in cloud.dataflow.jobs.values()) or 'no job came'
  print(f'\nthe rehearsal {"went well" if code == 0 else f"failed, with exit code {code}"} ({states})')
  print(f'largest request: {cloud.dataflow.largest:,} bytes of the 10,485,760 that Dataflow takes')
  print('not rehearsed: permissions, quotas, networks, prices, and the container image; see "preflight"')
