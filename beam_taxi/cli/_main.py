"""The command line: a run, or one of the sub-commands. Imports nothing heavy: --help answers at once."""

import atexit
import contextlib
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn, TextIO, cast

from beam_taxi.cli import _run
from beam_taxi.cli._commands import run_command
from beam_taxi.errors import UserError, hide_secrets, is_said_in_one_line, mishap_in, on_one_line
from beam_taxi.process import native_stderr
from beam_taxi.process.stopped import has_stopped_runs

# As a shell tells of a process that SIGPIPE has ended.
_NOBODY_READS = 128 + signal.SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
  """Does what a command line says: a run, or one of the sub-commands.

  Args:
    argv: its words, without the program's. Without them they are the process's, which ends with this call.

  Returns:
    The exit code. An interrupted run's threads may still be at work then.

  Raises:
    SystemExit: as argparse does.
  """
  if argv is None:
    try:
      code = main(sys.argv[1:])
    except SystemExit as end:
      code = cast(int, end.code)
    _end_process(code)
  _set_up_logging()
  signal.signal(signal.SIGTERM, _interrupt)
  try:
    _check_text(argv)
    if argv and not argv[0].startswith('-'):
      code = run_command(argv[0], argv[1:])
      sys.stdout.flush()
      return code
    return _run.run(argv)
  except UserError as error:
    print(f'error: {on_one_line(str(error))}', file=sys.stderr)
    return 2
  except KeyboardInterrupt:
    return 130
  except BrokenPipeError:
    return _NOBODY_READS
  except SystemExit as end:
    # Rich ends the process so.
    if isinstance(end.__context__, BrokenPipeError):
      return _NOBODY_READS
    raise
  except Exception as error:
    mishap = mishap_in(error)
    if not mishap:
      raise
    print(f'error: {mishap}', file=sys.stderr)
    return 1


def _check_text(argv: Sequence[str]) -> None:
  """Raises UserError where a word can be neither recorded nor printed, for it was typed in another encoding."""
  for word in argv:
    try:
      word.encode()
    except UnicodeEncodeError as error:
      raise UserError(f'{word}: is no text in the encoding of the terminal; give another name') from error


def _end_process(code: int) -> NoReturn:
  """Ends the process, after what is to be done at exit.

  Left to itself Python would also wait for a runner's threads, which go on if a run is interrupted, and take
  TensorFlow's modules apart piece by piece, which takes 0.7 s.
  """
  for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)  # There is nothing left to interrupt.
  for stream in (sys.stdout, sys.stderr):
    with contextlib.suppress(BrokenPipeError):
      stream.flush()
  # They would tell that they lose a job server that is ended now.
  threading.excepthook = lambda _: None
  atexit._run_exitfuncs()
  os._exit(code)


def _interrupt(number: int, _: object) -> None:
  """What Ctrl-C does, for a signal by which services are told to end."""
  raise KeyboardInterrupt(signal.Signals(number).name)


def _set_up_logging() -> None:
  """Our own lines from INFO on, others' from WARNING on, on stderr.

  A runner shows each error of a worker with its traceback, in its log or straight on stderr. A UserError or a mishap
  is left out of both, for it is said once, at the end; so is whatever befalls the threads of an interrupted run.
  Python gets a file descriptor of its own, so that what it says comes through while native_stderr withholds what C++
  says.
  """
  own = os.fdopen(os.dup(native_stderr.STDERR), 'w', buffering=1, errors='backslashreplace')
  sys.stderr = cast(TextIO, _WithoutSaidErrors(own))
  # TFDV's generators come upon NaN and infinite numbers, which are no news.
  warnings.filterwarnings('ignore', 'invalid value encountered', RuntimeWarning)
  logging.basicConfig(format='%(asctime)s %(levelname)s %(message)s', datefmt='%H:%M:%S', level=logging.WARNING)
  logging.getLogger('beam_taxi').setLevel(logging.INFO)
  for handler in logging.getLogger().handlers:
    handler.addFilter(lambda record: not _is_said_elsewhere(record))
  threading.excepthook = _show_error_of_thread


def _show_error_of_thread(error: threading.ExceptHookArgs) -> None:
  """Shows what ended a thread. Beam's that lose a server tell no more than the run does that waits for the job."""
  if not (error.exc_value and mishap_in(error.exc_value)):
    threading.__excepthook__(error)


def _is_said_elsewhere(record: logging.LogRecord) -> bool:
  if record.name.startswith('apache_beam') and has_stopped_runs():
    return True
  raised = record.exc_info[1] if record.exc_info else None
  message = record.getMessage()
  # MLMD logs each error that it raises, with the SQL statement that has all that was to be written.
  # What Ctrl-C comes into, such as Beam's start of a job server, logs it on its way.
  if isinstance(raised, UserError | KeyboardInterrupt) or message.startswith('mlmd client '):
    return True
  return bool(raised and mishap_in(raised)) or is_said_in_one_line(message)


def _is_of_stopped_run(text: str) -> bool:
  return text.startswith('Traceback (most recent call last)') and has_stopped_runs()


class _WithoutSaidErrors:
  """A stream that leaves out secrets, and what is written of a traceback of an error that is said at the end."""

  def __init__(self, stream: TextIO):
    self._stream = stream
    self._left_out = False

  def write(self, text: str) -> int:
    """Writes, or leaves out, one piece of text."""
    self._left_out = _is_of_stopped_run(text) or is_said_in_one_line(text) or (self._left_out and text == '\n')
    return len(text) if self._left_out else self._stream.write(hide_secrets(text))

  def __getattr__(self, name: str) -> Any:
    return getattr(self._stream, name)
