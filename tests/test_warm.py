"""A fork of the warm process does what a Python of its own does with the same words, folder, environment and stdin."""

import os
import pathlib
import subprocess
import sys

import pytest
import warm

PROGRAMS = {
  'words': 'import sys; print(sys.argv, __name__, sys.path[0])',
  'folder': 'import os; print(os.getcwd())',
  'environment': 'import os; print(sorted(os.environ.items()))',
  'streams': 'import sys; print(sys.stdin.read()); print("e", file=sys.stderr)',
  'signals': 'import signal; print([signal.getsignal(number) for number in (2, 13, 15)])',
  'threads': 'import threading; print(threading.enumerate()[1:])',
  'descriptors': 'import os; print([os.path.exists(f"/proc/self/fd/{n}") for n in range(3)])',
  'exit': 'import sys; sys.exit(7)',
  'message': 'import sys; sys.exit("why")',
  'exit_at_once': 'import os; print("lost", end=""); os._exit(3)',
  'at_exit': 'import atexit; atexit.register(print, "end")',
  'killed': 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)',
}


@pytest.mark.parametrize('program', PROGRAMS.values(), ids=PROGRAMS)
def test_it_does_what_a_python_of_its_own_does(tmp_path: pathlib.Path, program: str) -> None:
  environment = {'NAME': 'value', 'PATH': os.environ['PATH'], 'LC_CTYPE': 'C.UTF-8'}
  words = ['-c', program, 'one', '--two']
  # A test run in a shell's background ignores SIGINT, which a fork does not hand on.
  command = ['env', '--default-signal=INT', sys.executable, *words]
  own = subprocess.run(command, cwd=tmp_path, env=environment, input='typed', capture_output=True, text=True)

  fork = warm.Process(words, tmp_path, environment)
  printed = fork.communicate('typed')

  assert (fork.returncode, *printed) == (own.returncode, own.stdout, own.stderr)


@pytest.mark.parametrize('how', [['-m', 'program'], ['program.py']], ids=['module', 'file'])
def test_it_runs_modules_and_files(tmp_path: pathlib.Path, how: list[str]) -> None:
  (tmp_path / 'beside.py').write_text('NAME = "beside"\n')
  (tmp_path / 'program.py').write_text('import sys, beside; print(__name__, beside.NAME, *sys.argv[1:])\n')

  printed, errors = warm.Process([*how, 'one'], tmp_path, {}).communicate()

  assert (printed, errors) == ('__main__ beside one\n', '')


def test_it_ends_by_a_signal(tmp_path: pathlib.Path) -> None:
  fork = warm.Process(['-c', 'print("on", flush=True); input()'], tmp_path, {})
  assert fork.stdout
  assert fork.stdout.readline() == 'on\n'
  assert fork.poll() is None

  fork.kill()

  assert fork.wait() == -9
  fork.close()


def test_a_program_called_python_runs_in_forks(tmp_path: pathlib.Path) -> None:
  requests = warm.python(tmp_path)
  script = f'{tmp_path}/python -c \'import sys; print("tensorflow" in sys.modules); sys.exit(5)\''

  done = subprocess.run(script, shell=True, pass_fds=[requests], capture_output=True, text=True)

  assert (done.returncode, done.stdout, done.stderr) == (5, 'True\n', '')
