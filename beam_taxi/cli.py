"""The command line: flags -> RunConfig and Beam's own arguments. Imports nothing heavy: --help answers at once."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, TextIO, cast

from beam_taxi import native_stderr, storage
from beam_taxi.config import RunConfig, new_run_id, parse_size, parse_splits
from beam_taxi.errors import UserError

_DESCRIPTION = """\
Reads CSV files, writes tf.Examples as TFRecord shards, their statistics and an inferred schema, and records it all in
ML Metadata: the artifacts of TFX's CsvExampleGen, StatisticsGen and SchemaGen, from one Apache Beam graph."""

_EPILOG = """\
Every other flag goes to Apache Beam: --runner, --project, --region, --temp_location and so on. Without --runner the run
happens in this process, on all cores, or on fewer for a small input; --direct_num_workers sets how many.

Exit codes: 0 the run is complete, 1 it failed, 2 wrong input, output, flags or store, 130 interrupted by Ctrl-C
or SIGTERM."""


def build_parser() -> argparse.ArgumentParser:
  """The parser of a run's own flags. Defaults are RunConfig's, which it leaves out of what it returns."""
  defaults = {field: value.default for field, value in RunConfig.__dataclass_fields__.items()}
  parser = argparse.ArgumentParser(
    prog='main.py',
    description=_DESCRIPTION,
    epilog=_EPILOG,
    formatter_class=argparse.RawDescriptionHelpFormatter,
    allow_abbrev=False,
    argument_default=argparse.SUPPRESS,
  )
  data = parser.add_argument_group('what to read and where to write')
  data.add_argument(
    '--input',
    nargs='+',
    action='extend',
    required=True,
    metavar='PATTERN',
    help='CSV files or glob patterns, local or gs://; .gz, .bz2 and .zst are decompressed; all need the same header',
  )
  data.add_argument('--output', required=True, metavar='DIR', help='the run is written to DIR/runs/RUN_ID')
  data.add_argument('--run_id', metavar='ID', help='default: the time and four random digits')
  data.add_argument(
    '--pipeline_name',
    metavar='NAME',
    help=f'the pipeline that the run belongs to in the metadata; default: {defaults["pipeline_name"]}',
  )
  data.add_argument(
    '--metadata',
    metavar='URI',
    help='where to record the run: sqlite:///PATH, or none; default: metadata.sqlite in a local DIR',
  )
  rows = parser.add_argument_group('what to make of the rows')
  rows.add_argument(
    '--splits',
    metavar='NAME:BUCKETS,...',
    help="output splits and their hash buckets, as in train:8,eval:1,test:1; default: train:2,eval:1, which is TFX's",
  )
  rows.add_argument(
    '--empty_cells',
    choices=['empty', 'missing'],
    help='an empty cell becomes a feature with an empty list, as in TFX, or no feature at all; default: empty',
  )
  rows.add_argument('--null_values', metavar='TEXT,...', help='spellings that mean an empty cell too, as in NA,null')
  size = parser.add_argument_group('sizes')
  size.add_argument(
    '--block_size',
    metavar='BYTES',
    help='CSV that is parsed at a time: memory grows with it and with the number of workers; default: 4M',
  )
  size.add_argument(
    '--shard_size',
    metavar='BYTES',
    help='CSV that goes into one shard, at most; a small input is cut into up to 16 shards all the same; default: 256M',
  )
  return parser


def parse_flags(argv: Sequence[str]) -> tuple[RunConfig, list[str]]:
  """The command line's RunConfig, and the arguments that are Beam's.

  Raises:
    UserError: a flag's value is wrong.
    SystemExit: as argparse does, with 2 where a flag is missing and 0 after --help.
  """
  flags, beam_args = build_parser().parse_known_args(argv)
  values = vars(flags)
  values['input'] = tuple(values['input'])
  values.setdefault('run_id', new_run_id())
  if 'splits' in values:
    values['splits'] = parse_splits(values['splits'])
  if 'null_values' in values:
    values['null_values'] = tuple(values['null_values'].split(','))
  for name in ('block_size', 'shard_size'):
    if name in values:
      values[name] = parse_size(values[name])
  if values['output'] and storage.is_local(values['output']):
    # What is recorded must mean the same from another folder.
    values['output'] = os.path.abspath(values['output'])
  return RunConfig(**values), beam_args


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line; the exit code. After Ctrl-C or SIGTERM it does not return: it leaves the process."""
  _set_up_logging()
  signal.signal(signal.SIGTERM, _interrupt)
  try:
    config, beam_args = parse_flags(sys.argv[1:] if argv is None else argv)
    from beam_taxi.run import INTERRUPTED, run

    code = run(config, beam_args)
  except UserError as error:
    print(f'error: {error}', file=sys.stderr)
    return 2
  except KeyboardInterrupt:
    return 130
  if code == INTERRUPTED:
    # The runner's threads cannot be interrupted, and Python would wait for them to finish the run.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
  return code


def _interrupt(number: int, _: object) -> None:
  """What Ctrl-C does, for a signal by which services are told to end."""
  raise KeyboardInterrupt(signal.Signals(number).name)


def _set_up_logging() -> None:
  """Our own lines from INFO on, others' from WARNING on, on stderr.

  A runner shows each error of a worker with its traceback, in its log or straight on stderr. A UserError is left out of
  both, for it is said once, at the end. Python gets a file descriptor of its own, so that what it says comes through
  while native_stderr withholds what C++ says.
  """
  own = os.fdopen(os.dup(native_stderr.STDERR), 'w', buffering=1, errors='backslashreplace')
  sys.stderr = cast(TextIO, _WithoutUserErrors(own))
  logging.basicConfig(format='%(asctime)s %(levelname)s %(message)s', datefmt='%H:%M:%S', level=logging.WARNING)
  logging.getLogger('beam_taxi').setLevel(logging.INFO)
  for handler in logging.getLogger().handlers:
    handler.addFilter(lambda record: not _tells_of_user_error(record))


_TRACEBACK_OF_USER_ERROR = f'{UserError.__module__}.{UserError.__name__}: '


def _tells_of_user_error(record: logging.LogRecord) -> bool:
  raised = record.exc_info[1] if record.exc_info else None
  return isinstance(raised, UserError) or _TRACEBACK_OF_USER_ERROR in record.getMessage()


class _WithoutUserErrors:
  """A stream that leaves out what is written of a UserError's traceback, and the line end behind it."""

  def __init__(self, stream: TextIO):
    self._stream = stream
    self._left_out = False

  def write(self, text: str) -> int:
    """Writes, or leaves out, one piece of text."""
    self._left_out = _TRACEBACK_OF_USER_ERROR in text or (self._left_out and text == '\n')
    return len(text) if self._left_out else self._stream.write(text)

  def __getattr__(self, name: str) -> Any:
    return getattr(self._stream, name)
