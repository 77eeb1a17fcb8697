"""`rehearse`: a command line for Dataflow, run as it is against a cloud on this machine."""

import os
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi import storage
from beam_taxi.errors import UserError
from beam_taxi.parsing import parse_size

OPERANDS = 'FLAGS'
SUMMARY = 'runs a command line for Dataflow on this machine, without a cloud'
DESCRIPTION = """\
Runs a whole command line for Dataflow without a cloud. An emulator of Cloud Storage has buckets of the same names, a
stand-in for Dataflow takes the job and runs what was staged in a process of its own, and another store takes the place
of yours. Give the flags of the run unchanged. The beginning of the input is read from where it is; nothing is written
there. A rehearsal shows whether the job can be staged, submitted, imported, run and recorded. It cannot show
permissions, quotas or the container image; use preflight for these."""
EPILOG = 'All other flags are those of the run.'


def add_arguments(parser: ArgumentParser) -> None:
  parser.add_argument(
    '--sample_size',
    default='4M',
    metavar='BYTES',
    help='how much of the input to take, uncompressed; default: %(default)s',
  )
  parser.add_argument(
    '--sample_from',
    default='',
    metavar='FILE',
    help='a file to use as the input, which then need not be there',
  )
  parser.add_argument(
    '--keep', default='', metavar='DIR', help='copy what the run wrote to DIR, which is made if need be'
  )


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  """Rehearses; what Command has as Beam's arguments is here the whole command line of the run."""
  if flags['keep']:
    _check_that_files_can_be_made(flags['keep'])
  from beam_taxi.cloud.rehearsal.rehearsing import rehearse

  return rehearse(beam_args, parse_size(flags['sample_size']), flags['sample_from'], flags['keep'])


def _check_that_files_can_be_made(folder: str) -> None:
  """Makes the folder that is copied to. It is needed only at the end, when the work would be lost."""
  try:
    os.makedirs(folder, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()
  except OSError as error:
    raise UserError(f'--keep {folder}: cannot be written ({storage.why(error)})') from error
