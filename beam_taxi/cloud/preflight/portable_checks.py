"""Checks of what portable runners need: a job service or what starts one, Flink's slots and memory, worker pools."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from apache_beam.options.pipeline_options import (
  FlinkRunnerOptions,
  JobServerOptions,
  PipelineOptions,
  PortableOptions,
  PrismRunnerOptions,
  SparkRunnerOptions,
)
from apache_beam.runners.runner import PipelineRunner

from beam_taxi.cloud.portable.flink_rest import FlinkRest
from beam_taxi.cloud.portable.job_service import answers, endpoint_of, require_answer, require_service
from beam_taxi.cloud.portable.jobs import is_of_this_machine
from beam_taxi.cloud.preflight.checks import Check, Finding, NotCheckedError, failed, not_checked, ok, warning
from beam_taxi.errors import UserError
from beam_taxi.parsing import MIB
from beam_taxi.process.once import Once
from beam_taxi.runners.options import flink_address, starts_job_server, worker_environment

# Network memory of a task manager. Seen on Flink 1.19: this graph failed with the 128 MiB that Flink has by default,
# and ran with 512 and one slot, and with 768 and two.
_TOO_LITTLE = 128 * MIB
_ENOUGH_A_SLOT = 384 * MIB

# Of clusters that start task managers when a job asks for some.
_STARTS_TASK_MANAGERS = ('kubernetes.cluster-id', 'yarn.application.name', 'yarn.application.id')


def portable_checks(runner: PipelineRunner, options: PipelineOptions) -> list[Check]:
  """All of these checks, in the order in which they are shown."""
  address = flink_address(options)
  flink = FlinkRest(address)
  overview, settings = Once(flink.overview), Once(flink.settings)
  pools = worker_environment(runner, options) == 'EXTERNAL'
  return [
    Check('job service', lambda: service_finding(runner, options)),
    Check('Flink', lambda: flink_finding(runner, options, overview()), when=bool(address)),
    Check('Flink slots', lambda: slots_finding(options, _asked(overview), _asked(settings)), when=bool(address)),
    Check('Flink memory', lambda: memory_finding(_asked(flink.task_managers)), when=bool(address)),
    Check('Flink restarts', lambda: restart_finding(_asked(settings)), when=bool(address)),
    Check('worker pool', lambda: pool_finding(options), when=pools),
  ]


def service_finding(runner: PipelineRunner, options: PipelineOptions) -> Finding:
  """Whether the job service answers, or can be started. Raises UserError where it does not."""
  require_service(runner, options)
  endpoint = endpoint_of(options)
  if endpoint:
    require_answer(endpoint)
    return ok(f'{endpoint} answers')
  return _starts(runner, options) if starts_job_server(runner, options) else ok('is in this process')


def _starts(runner: PipelineRunner, options: PipelineOptions) -> Finding:
  """Whether what a runner starts as its job server is there."""
  name = type(runner).__name__
  flag, program = {
    'FlinkRunner': ('--flink_job_server_jar', options.view_as(FlinkRunnerOptions).flink_job_server_jar),
    'SparkRunner': ('--spark_job_server_jar', options.view_as(SparkRunnerOptions).spark_job_server_jar),
    'PrismRunner': ('--prism_location', options.view_as(PrismRunnerOptions).prism_location),
  }.get(name, ('', ''))
  if program and '://' not in program and not os.path.isfile(program):
    return failed(f'{flag} {program}: there is no such file', 'give a path that is there, or --job_endpoint HOST:PORT')
  java = options.view_as(JobServerOptions).job_server_java_launcher
  if name in ('FlinkRunner', 'SparkRunner') and not shutil.which(java):
    return failed(f'there is no {java}, by which {name} starts its job server', 'install Java, or give --job_endpoint')
  return ok(f'{name} starts {program or "one"}')


def flink_finding(runner: PipelineRunner, options: PipelineOptions, overview: Mapping[str, Any]) -> Finding:
  """Whether Flink answers, and is of the release that the job server is for."""
  version = str(overview.get('flink-version', ''))
  flink = options.view_as(FlinkRunnerOptions)
  theirs = '.'.join(version.split('.')[:2])
  # By this a job server is chosen that Beam fetches.
  chooses = type(runner).__name__ == 'FlinkRunner' and starts_job_server(runner, options)
  if chooses and not flink.flink_job_server_jar and not flink.flink_submit_uber_jar and theirs != flink.flink_version:
    return failed(
      f'{flink_address(options)} is Flink {version}, and the job server would be one for {flink.flink_version}',
      f'give --flink_version {theirs}',
    )
  return ok(f'{flink_address(options)} answers, Flink {version}')


def slots_finding(options: PipelineOptions, overview: Mapping[str, Any], settings: Mapping[str, str]) -> Finding:
  """Whether there are as many slots as the job needs at once; without them it waits, and then fails."""
  given = options.view_as(FlinkRunnerOptions).parallelism
  needed = given if given > 0 else int(settings.get('parallelism.default', 1))
  total, free = int(overview['slots-total']), int(overview['slots-available'])
  what = f'{needed} slots are needed; Flink has {total}, {free} of them free'
  if any(key in settings for key in _STARTS_TASK_MANAGERS):
    return ok(f'{what}, and starts task managers by itself')
  if needed > total:
    return failed(what, f'start task managers, or give --parallelism {total}' if total else 'start a task manager')
  return warning(what, 'wait for other jobs, or give a lower --parallelism') if needed > free else ok(what)


def memory_finding(task_managers: Sequence[Mapping[str, Any]]) -> Finding:
  """Whether task managers have the network memory that this graph's shuffles need."""
  if not task_managers:
    raise NotCheckedError('there are no task managers yet')
  found = [(int(each['memoryConfiguration']['networkMemory']), int(each['slotsNumber'])) for each in task_managers]
  least, slots = min(found, key=lambda one: one[0] / max(one[1], 1))
  what = f'{least // MIB} MiB of network memory for {slots} slots of a task manager'
  remedy = f'set taskmanager.memory.network.min and .max to {_ENOUGH_A_SLOT * max(slots, 1) // MIB}m or more'
  if least <= _TOO_LITTLE:
    return failed(f'{what}: too little ("Insufficient number of network buffers")', remedy)
  return warning(f'{what} may be too little', remedy) if least < _ENOUGH_A_SLOT * slots else ok(what)


def restart_finding(settings: Mapping[str, str]) -> Finding:
  """Whether Flink begins again what failed, as where a task manager is lost."""
  strategy = settings.get('restart-strategy.type', settings.get('restart-strategy', 'none'))
  if strategy in ('none', 'off', 'disable'):
    return warning(
      'has no restart strategy, so that the job fails with the first task manager or worker that is lost',
      'set restart-strategy.type: fixed-delay in its configuration; --number_of_execution_retries does nothing here',
    )
  return ok(f'restart strategy: {strategy}')


def pool_finding(options: PipelineOptions) -> Finding:
  """Whether the pool of workers answers, where that is known here."""
  portable = options.view_as(PortableOptions)
  given = portable.environment_config or ''
  address = json.loads(given).get('url') if given.lstrip().startswith('{') else given
  address = address or portable.lookup_environment_option('external_service_address')
  if not address:
    return failed('EXTERNAL workers have no pool', 'give --environment_config HOST:PORT of one')
  if is_of_this_machine(address) and not all(
    map(is_of_this_machine, filter(None, (endpoint_of(options), flink_address(options))))
  ):
    return not_checked(f'{address} is of the machines that run the tasks')
  if answers(address):
    return ok(f'{address} answers')
  remedy = 'start one there: the image with --worker_pool, or python -m apache_beam.runners.worker.worker_pool_main'
  if is_of_this_machine(address):
    return failed(f'{address} does not answer', remedy)
  return warning(f'{address} does not answer here, and must where the tasks run', remedy)


def _asked(ask: Any) -> Any:
  """What Flink says; what it refuses is for the check of Flink itself to say."""
  try:
    return ask()
  except UserError as error:
    raise NotCheckedError('needs an answer of Flink') from error
