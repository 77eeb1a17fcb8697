"""How a run is begun: by which command and code, on which process, when. What may be secret is left out."""

import os
import shlex
import socket
import subprocess
import time
from collections.abc import Sequence

from beam_taxi.errors import HIDDEN, hide_secrets, is_secret_flag

# By name, for it is all that a run's record has; and telling by it takes no import of Beam.
_LOCAL_RUNNERS = ('FnApiRunner', 'BundleBasedDirectRunner', 'SwitchingDirectRunner')


def provenance(argv: Sequence[str], runner: str) -> dict[str, int | float | str]:
  """What is recorded of a run from its start.

  Args:
    argv: the command line, the program first.
    runner: the name of Beam's runner.

  Returns:
    'started' in seconds since 1970, 'command_line' without secrets, 'git_commit' of this code ('' where it is no
    checkout; with '-dirty' behind it where files differ), 'host', 'process' (see this_process), and 'runner'.
  """
  return {
    'started': time.time(),
    'command_line': without_secrets(argv),
    'git_commit': _git_commit(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
    'host': socket.gethostname(),
    'process': this_process(),
    'runner': runner,
  }


def is_local_runner(runner: str) -> bool:
  """Whether a runner of Beam has as workers the process that begins a run, or ones that this starts on its machine."""
  return runner in _LOCAL_RUNNERS


def without_secrets(argv: Sequence[str]) -> str:
  """A command line as a shell takes it, without the values of flags that name a secret, and what is secret in URIs."""
  shown: list[str] = []
  hide = False
  for word in argv:
    if hide and not word.startswith('-'):
      shown.append(HIDDEN)
    else:
      safe = without_secret(word)
      # What is hidden needs no quotes.
      shown.append(safe if is_secret_flag(safe.partition('=')[0]) else shlex.quote(safe))
    hide = is_secret_flag(word)
  return ' '.join(shown)


def without_secret(word: str) -> str:
  """A word of a command line, without the value of a flag that names a secret, and what is secret in a URI."""
  flag, equals, _ = word.partition('=')
  return f'{flag}={HIDDEN}' if equals and is_secret_flag(flag) else hide_secrets(word)


def this_process() -> str:
  """HOST/BOOT/PID/START: names this process among all that have been, here and on other machines.

  Where /proc tells no boot and no start, these are empty.
  """
  return _process(os.getpid())


def is_alive(process: str) -> bool | None:
  """Whether a process that this_process named goes on; None where this machine cannot know."""
  host, _, rest = process.partition('/')
  boot, _, numbers = rest.partition('/')
  pid, _, _ = numbers.partition('/')
  if host != socket.gethostname() or not pid.isdecimal():
    return None
  if boot != _boot():
    return False
  return _process(int(pid)) == process and _state(int(pid)) not in ('Z', 'X')


def _process(pid: int) -> str:
  return f'{socket.gethostname()}/{_boot()}/{pid}/{_stat(pid, 22)}'


def _boot() -> str:
  try:
    with open('/proc/sys/kernel/random/boot_id') as file:
      return file.read().strip()
  except OSError:
    return ''


def _state(pid: int) -> str:
  return _stat(pid, 3)


def _stat(pid: int, place: int) -> str:
  """A field of /proc/PID/stat behind the name, counted from 1; '' where no such process is. (Source: proc(5).)"""
  try:
    with open(f'/proc/{pid}/stat') as file:
      # The name, which is the second field, is in brackets and may have anything in it.
      return file.read().rpartition(')')[2].split()[place - 3]
  except (OSError, IndexError):
    return ''


def _git_commit(folder: str) -> str:
  def git(*words: str) -> str:
    done = subprocess.run(['git', '-C', folder, *words], capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()

  try:
    # The checkout of this code, not one that an installed copy happens to lie in.
    if os.path.realpath(git('rev-parse', '--show-toplevel')) != os.path.realpath(os.path.dirname(folder)):
      return ''
    dirty = '-dirty' if git('status', '--porcelain', '--untracked-files=no') else ''
    return git('rev-parse', 'HEAD') + dirty
  except (OSError, subprocess.SubprocessError):
    return ''
