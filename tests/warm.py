"""Python programs in processes that have imported all that takes seconds: forks of one that did so, kept warm.

A fork is a process of its own, with a command line, a folder, an environment and pipes that are its own. It can be
killed, and ends with any exit code. What it cannot show is how a process starts: tests of that start one.
"""

import contextlib
import functools
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import TextIO

_TESTS = pathlib.Path(__file__).parent
# As it was before any test changed it; and the forks' streams are buffered, as pipes' are.
_ENVIRONMENT = {**os.environ, 'PYTHONPATH': str(_TESTS.parent), 'PYTHONUNBUFFERED': ''}


class Process:
  """A Python that is begun by a fork. What it has of subprocess.Popen, which has more, is as there."""

  def __init__(
    self,
    words: Sequence[str],
    cwd: pathlib.Path,
    env: Mapping[str, str],
    stdin: int = subprocess.PIPE,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
  ):
    """Begins.

    Args:
      words: Python's arguments: a file, or -m and a module's name, or -c and a program, and the arguments of that.
      cwd: where it runs.
      env: all of its environment.
      stdin: a file descriptor or PIPE, as the two others.
    """
    given, ours = [], []
    for place, descriptor in enumerate((stdin, stdout, stderr)):
      reading, writing = os.pipe() if descriptor == subprocess.PIPE else (None, None)
      given.append(descriptor if reading is None else writing if place else reading)
      ours.append(None if reading is None else os.fdopen(reading) if place else os.fdopen(writing, 'w'))
    self.stdin, self.stdout, self.stderr = ours
    self._told = _ask(_warm()[0], words, cwd, env, given)
    for descriptor, pipe in zip(given, ours, strict=True):
      if pipe:
        os.close(descriptor)
    self.pid = int(self._told.readline())
    self._code: int | None = None
    # Who asks whether it has ended asks often.
    self._waiting = threading.Thread(target=self._wait, daemon=True)
    self._waiting.start()

  @property
  def returncode(self) -> int | None:
    return self._code

  def poll(self) -> int | None:
    return self._code

  def wait(self) -> int | None:
    self._waiting.join()
    return self._code

  def send_signal(self, number: int) -> None:
    if self._code is None:
      os.kill(self.pid, number)

  def kill(self) -> None:
    self.send_signal(signal.SIGKILL)

  def communicate(self, text: str = '') -> tuple[str, str]:
    """Writes a text into its stdin; what it prints from now to its end. Without a pipe that is ''."""
    if self.stdin:
      # As subprocess does with one that has ended.
      with contextlib.suppress(BrokenPipeError), self.stdin:
        self.stdin.write(text)
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.append(self.stderr.read() if self.stderr else ''))
    reader.start()
    printed = self.stdout.read() if self.stdout else ''
    reader.join()
    self.wait()
    self.close()
    return printed, errors[0]

  def close(self) -> None:
    """Closes the pipes."""
    for pipe in filter(None, (self.stdin, self.stdout, self.stderr)):
      pipe.close()

  def _wait(self) -> None:
    with self._told:
      self._code = os.waitstatus_to_exitcode(int(self._told.readline()))


def python(folder: pathlib.Path) -> int:
  """Puts a program `python` into a folder that has its work done by forks; what it needs as descriptor is returned.

  Whoever kills it does not kill the fork.
  """
  requests = _warm()[0].fileno()
  path = folder / 'python'
  path.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {__file__} {requests} "$@"\n')
  path.chmod(0o755)
  return requests


def _ask(
  requests: socket.socket, words: Sequence[str], cwd: pathlib.Path, env: Mapping[str, str], streams: Sequence[int]
) -> TextIO:
  """Asks for a fork; a stream of two lines: its number and, once it has ended, what waitpid says of it."""
  told, telling = socket.socketpair()
  # Whatever a library has set for all sockets: a fork may take its time.
  told.settimeout(None)
  request = json.dumps({'words': [*words], 'cwd': str(cwd), 'env': {**env}}).encode()
  with told, telling:
    socket.send_fds(requests, [request], [*streams, telling.fileno()])
    return told.makefile()


@functools.cache
def _warm() -> tuple[socket.socket, subprocess.Popen]:
  """The warm process of this one, with which it ends, and how it is asked for a fork."""
  ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
  with theirs:
    command = [sys.executable, _TESTS / 'warm_process.py', str(theirs.fileno())]
    process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=_ENVIRONMENT, start_new_session=True)
  return ours, process


if __name__ == '__main__':
  with _ask(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:], pathlib.Path.cwd(), os.environ, range(3)) as lines:
    _, ended = lines
  sys.exit(os.waitstatus_to_exitcode(int(ended)))
