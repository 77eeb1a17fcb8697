"""`reconcile`: what became of runs whose end nobody recorded."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from beam_taxi.cli._store import EPILOG as EPILOG
from beam_taxi.cli._store import add_json_flag, add_store_flags, opened_store, print_json

if TYPE_CHECKING:
  from beam_taxi.artifacts.manifest import Value

OPERANDS = ''
SUMMARY = 'settles runs that were killed and are still recorded as RUNNING'
DESCRIPTION = """\
Settles runs that are still recorded as RUNNING because nobody recorded their end, for example after kill -9 or a power
cut. A run with a manifest is complete, even if it is recorded as FAILED or CANCELED. One whose process or job (on
Dataflow, on Flink, or by what a job service says) is gone without a manifest has failed. Runs that go on are left
alone. Temporary files that nobody writes any more are deleted from the local folders of settled runs."""


def add_arguments(parser: ArgumentParser) -> None:
  add_store_flags(parser)
  parser.add_argument(
    '--force',
    action='store_true',
    help='also fail runs that this machine cannot ask about, such as those of other machines',
  )
  add_json_flag(parser)


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  with opened_store(flags, beam_args) as store:
    from beam_taxi.metadata.reconciling import reconcile
    from beam_taxi.show.terminal.consoles import console
    from beam_taxi.show.terminal.run_tables import print_settlements, settlement_to_json

    settled = reconcile(store, lambda properties: _goes_on(properties, beam_args), force='force' in flags)
    if 'json' in flags:
      print_json([settlement_to_json(each) for each in settled])
    else:
      print_settlements(console(), settled)
  return 0


def _goes_on(properties: Mapping[str, Value], beam_args: Sequence[str]) -> bool | None:
  """Whether a run goes on, by what is recorded of it; None where nobody here can tell."""
  from beam_taxi.cloud.dataflow.jobs import is_job_alive
  from beam_taxi.cloud.portable import jobs as portable_jobs
  from beam_taxi.process.provenance import is_alive, is_local_runner

  here = is_alive(str(properties.get('process', '')))
  if here:  # It may be about to submit a job.
    return True
  if portable_jobs.is_portable_job(properties):
    return portable_jobs.is_job_alive(properties)
  if 'region' in properties:  # Of Dataflow's jobs alone.
    goes_on = is_job_alive(properties, beam_args)
    # Without a job it is up to the process: it may be about to submit one, or what it wrote may yet be launched.
    return here if goes_on is None else goes_on
  works_here = properties.get('environment_type') == portable_jobs.LOOPBACK
  if not works_here and not is_local_runner(str(properties.get('runner', ''))):
    return None  # Its job may go on without whoever began it, and nobody here can ask its runner.
  return here
