"""Ctrl-C and SIGTERM: what they ask of a run, and keeping them out of its end."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

from rich.console import Console


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
  """Leaves further Ctrl-C and SIGTERM alone while a run is brought to its end."""
  numbers = [signal.SIGINT, signal.SIGTERM] if threading.current_thread() is threading.main_thread() else []
  before = [(number, signal.signal(number, signal.SIG_IGN)) for number in numbers]
  try:
    yield
  finally:
    for number, handler in before:
      signal.signal(number, handler)


@contextlib.contextmanager
def handled_as_before() -> Iterator[None]:
  """Undoes what the block sets for Ctrl-C, in the main thread."""
  if threading.current_thread() is not threading.main_thread():
    yield
    return
  before = signal.getsignal(signal.SIGINT)
  try:
    yield
  finally:
    signal.signal(signal.SIGINT, before)


def shall_go_on(console: Console, job: str) -> bool:
  """Asks who interrupted what becomes of the job. Where nobody can be asked it ends with the command."""
  if not (sys.stdin.isatty() and console.is_terminal):
    return False
  question = f'\nThe job {job} goes on. Cancel it, or detach and let it go on? [c/D] '
  console.print(question, markup=False, highlight=False, soft_wrap=True, end='')
  try:
    answer = sys.stdin.readline()
  except KeyboardInterrupt:  # Whoever is in a hurry does not mean to throw hours of work away.
    answer = ''
  return not answer.strip().lower().startswith('c')
