"""Beam's own arguments: which runner they name, and what a run in this process adds to them."""

import argparse
import difflib
import os
import re
from collections.abc import Sequence

from apache_beam.options.pipeline_options import (
  AzureOptions,
  DirectOptions,
  FlinkRunnerOptions,
  GoogleCloudOptions,
  PipelineOptions,
  PortableOptions,
  S3Options,
  SparkRunnerOptions,
  StandardOptions,
)
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
from apache_beam.runners.runner import PipelineRunner, create_runner
from google.protobuf.struct_pb2 import Struct

from beam_taxi.errors import UserError
from beam_taxi.parsing import MIB
from beam_taxi.process.program import program
from beam_taxi.process.provenance import is_local_runner, without_secret
from beam_taxi.runners import workarounds as beam_workarounds  # noqa: F401 - imported for what it does
from beam_taxi.settings.config import all_settings

# Set in the environment of commands that are rehearsed.
REHEARSAL = 'BEAM_TAXI_REHEARSAL'

# Below this a second worker costs more than it saves: Beam then passes everything through sockets, and two threads wait
# for Python's lock. Measured on two cores: 300,000 rows (37 MiB) 4.3 s with two, 4.2 s with one, before the kernel was
# compiled; a million (123 MiB) 6.5 and 7.5 with it.
_BYTES_WORTH_A_WORKER = 48 * MIB


def parse_beam_args(beam_args: Sequence[str]) -> tuple[PipelineRunner, PipelineOptions]:
  """The runner that the arguments ask for, and its options.

  Without --runner that is Beam's in-process runner. (Beam's own default, DirectRunner, may download the binary of
  another runner first.)

  Args:
    beam_args: what the command line has besides our own flags.

  Raises:
    UserError: an argument that neither this project nor Beam knows, or an unknown runner.
  """
  # First, for its module may bring options of its own.
  runner = _runner(PipelineOptions(list(beam_args)).view_as(StandardOptions).runner)
  parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
  for options_class in {cls.__name__: cls for cls in PipelineOptions.__subclasses__()}.values():
    if '_add_argparse_args' in vars(options_class):
      options_class._add_argparse_args(parser)
  _, unknown = parser.parse_known_args(beam_args)
  if unknown and not is_portable(runner):
    known = [f'--{flag.name}' for setting in all_settings() for flag in setting.flags]
    known += [flag for action in parser._actions for flag in action.option_strings]
    near = difflib.get_close_matches(unknown[0].split('=')[0], known, n=1)
    hint = f'; did you mean {near[0]}?' if near else f'; {program()} --help lists the flags'
    raise UserError(f'{without_secret(unknown[0])}: neither a flag of this program nor of Apache Beam{hint}')
  options = PipelineOptions(list(beam_args))
  if type(runner) is FnApiRunner and options.view_as(DirectOptions).direct_running_mode == 'multi_processing':
    runner = _telling_workers(options)
  return runner, options


def _telling_workers(options: PipelineOptions) -> FnApiRunner:
  """Beam's in-process runner, as it tells workers that are processes how to reach files. By itself it tells nothing.

  It could not tell them all: numbers arrive with a point, and end a worker.
  """
  told = Struct()
  for kind in (S3Options, AzureOptions):
    for name, value in options.view_as(kind).get_all_options(drop_default=True, current_only=True).items():
      told[f'beam:option:{name}:v1'] = value
  info = beam_provision_api_pb2.ProvisionInfo(pipeline_options=told, retrieval_token='unused')
  return FnApiRunner(provision_info=ExtendedProvisionInfo(info))


def _runner(name: str | None) -> PipelineRunner:
  """The runner of a name, or of a class's full path. Raises UserError where there is none."""
  if not name:
    return FnApiRunner()
  try:
    runner = create_runner(name)
  except (ValueError, ImportError, AttributeError, TypeError) as error:
    raise UserError(f'--runner {name}: {error}') from error
  if not isinstance(runner, PipelineRunner):
    raise UserError(f"--runner {name}: is no PipelineRunner; give one of Beam's names, or a subclass's full path")
  return runner


def is_portable(runner: PipelineRunner) -> bool:
  """Whether a runner hands jobs to a job service, with arguments that Beam does not know and the service may."""
  return 'PortableRunner' in _names(runner)


def starts_job_server(runner: PipelineRunner, options: PipelineOptions) -> bool:
  """Whether a runner starts a job server for its run, because --job_endpoint names none, and no jar is submitted."""
  if not is_portable(runner) or options.view_as(PortableOptions).job_endpoint:
    return False
  flink, spark = options.view_as(FlinkRunnerOptions), options.view_as(SparkRunnerOptions)
  submits_jar = {
    'FlinkRunner': flink.flink_submit_uber_jar and flink_address(options),
    'SparkRunner': spark.spark_submit_uber_jar,
  }
  return not any(submits_jar.get(name) for name in _names(runner))


def flink_address(options: PipelineOptions) -> str:
  """Where Flink's REST API is, as in 'http://host:8081'; '' where --flink_master does not say."""
  master = (options.view_as(FlinkRunnerOptions).flink_master or '').strip().rstrip('/')
  if not master or master.startswith('['):
    return ''
  return master if '://' in master else f'http://{master}'


def worker_environment(runner: PipelineRunner, options: PipelineOptions) -> str:
  """Who starts a portable runner's workers, as --environment_type has it: as given, or as the runner chooses."""
  given = options.view_as(PortableOptions).environment_type
  if given:
    return str(given)
  names = _names(runner)
  # As their default_environment chooses (apache_beam/runners/portability/).
  spark_is_local = re.match(r'local(\[.+\])?$', options.view_as(SparkRunnerOptions).spark_master_url or '')
  runs_locally = (
    'PrismRunner' in names
    or ('FlinkRunner' in names and not flink_address(options))
    or ('SparkRunner' in names and spark_is_local)
  )
  return 'LOOPBACK' if runs_locally else 'DOCKER'


def works_here(runner: PipelineRunner, options: PipelineOptions) -> bool:
  """Whether the work is done by threads or child processes of this one, whoever hands it out."""
  return runs_here(runner) or (is_portable(runner) and worker_environment(runner, options) == 'LOOPBACK')


def ends_with_command(runner: PipelineRunner, options: PipelineOptions) -> bool:
  """Whether a run cannot outlive the command that began it: its workers are here, or what hands them their work is."""
  return works_here(runner, options) or (starts_job_server(runner, options) and not flink_address(options))


def _names(runner: PipelineRunner) -> list[str]:
  """The names of a runner's classes."""
  return [each.__name__ for each in type(runner).__mro__]


def choose_workers(options: PipelineOptions, beam_args: Sequence[str], input_bytes: int) -> None:
  """Sets how many threads a run in this process has, where the user did not: one a core, fewer for a small input."""
  direct = options.view_as(DirectOptions)
  # The options do not tell a default that the user asked for from one that nobody did.
  chosen = {argument.split('=')[0] for argument in beam_args}
  if '--direct_num_workers' not in chosen:
    direct.direct_num_workers = min(len(os.sched_getaffinity(0)), 1 + input_bytes // _BYTES_WORTH_A_WORKER)
  if '--direct_running_mode' not in chosen and direct.direct_num_workers != 1:
    direct.direct_running_mode = 'multi_threading'


def spare_cores(runner: PipelineRunner, options: PipelineOptions) -> int:
  """How many cores of a run in this process have nothing to do while it imports modules; 0 for a run elsewhere."""
  direct = options.view_as(DirectOptions)
  here = isinstance(runner, FnApiRunner) and direct.direct_running_mode == 'multi_threading'
  return max(direct.direct_num_workers, 1) - 1 if here else 0


def runs_here(runner: PipelineRunner) -> bool:
  """Whether a runner's workers are this process, or ones that it starts on this machine."""
  return is_local_runner(type(runner).__name__)


def is_dataflow(runner: PipelineRunner) -> bool:
  """Whether a runner submits jobs to Dataflow."""
  return type(runner).__name__ == 'DataflowRunner'


def is_template(runner: PipelineRunner, options: PipelineOptions) -> bool:
  """Whether only a template of Dataflow is written, which others launch later."""
  return is_dataflow(runner) and bool(options.view_as(GoogleCloudOptions).template_location)


def is_rehearsed() -> bool:
  """Whether the cloud is emulated on this machine, where workers reach this machine's addresses."""
  return REHEARSAL in os.environ


def is_waited_for(runner: PipelineRunner, options: PipelineOptions, no_wait: bool) -> bool:
  """Whether the command that begins a run waits for its end. One that only writes a job's template never does.

  Raises:
    UserError: it shall not wait, and the run would end with it.
  """
  no_wait = no_wait or options.view_as(StandardOptions).no_wait_until_finish
  starts = starts_job_server(runner, options)
  if no_wait and works_here(runner, options):
    raise UserError('--no_wait: this run is done by this command itself; give a --runner whose workers are elsewhere')
  if no_wait and starts:
    raise UserError(
      '--no_wait: the job server that this command starts ends with it; start one yourself, and give its --job_endpoint'
    )
  if starts or works_here(runner, options):
    return True
  return not no_wait and not is_template(runner, options)
