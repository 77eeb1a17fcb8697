"""The command line: a run, or one of the sub-commands. Imports nothing heavy: --help answers at once."""

import atexit
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, TextIO, cast

from beam_taxi.cli.store_flags import STORE_COMMANDS, build_report_parser, build_store_parser
from beam_taxi.errors import UserError
from beam_taxi.parsing import parse_size
from beam_taxi.process import heavy_imports, native_stderr
from beam_taxi.settings.flags import build_rehearse_parser, build_sniff_parser, parse_flags, parse_preflight_flags


def command() -> NoReturn:
  """The command line as a whole process: ends it with main's exit code.

  What is to be done at exit is done here. Left to itself Python would also wait for a runner's threads, which go on if
  a run is interrupted, and take TensorFlow's modules apart piece by piece, which takes 0.7 s.
  """
  code = main()
  for stream in (sys.stdout, sys.stderr):
    with contextlib.suppress(BrokenPipeError):
      stream.flush()
  atexit._run_exitfuncs()
  os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line; the exit code. An interrupted run's threads may still be at work when it returns."""
  _set_up_logging()
  signal.signal(signal.SIGTERM, _interrupt)
  argv = sys.argv[1:] if argv is None else argv
  try:
    if argv[:1] and argv[0] == 'sniff':
      from beam_taxi.cli.sniff import sniff

      return sniff(*build_sniff_parser().parse_known_args(argv[1:]))
    if argv[:1] and argv[0] == 'rehearse':
      from beam_taxi.cli.rehearse import rehearse

      flags, rest = build_rehearse_parser().parse_known_args(argv[1:])
      return rehearse(rest, parse_size(flags.sample_size), flags.sample_from, flags.keep)
    if argv[:1] and argv[0] == 'report':
      from beam_taxi.cli.report import run_report

      return run_report(*build_report_parser().parse_known_args(argv[1:]))
    if argv[:1] and argv[0] in STORE_COMMANDS:
      from beam_taxi.cli.store_commands import run_store_command

      return run_store_command(argv[0], *build_store_parser(argv[0]).parse_known_args(argv[1:]))
    if argv[:1] and argv[0] == 'preflight':
      config, beam_args, as_json = parse_preflight_flags(argv[1:])
      with heavy_imports.uncollected():
        from beam_taxi.cli.preflight import run_preflight

      return run_preflight(config, beam_args, as_json=as_json)
    config, beam_args = parse_flags(argv)
    with heavy_imports.uncollected():
      from beam_taxi.lifecycle.run import run

    return run(config, beam_args, [sys.argv[0], *argv])
  except UserError as error:
    print(f'error: {error}', file=sys.stderr)
    return 2
  except KeyboardInterrupt:
    return 130


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
