"""How a run is said to have begun, and what is left out."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from beam_taxi.process import provenance as provenance_module
from beam_taxi.process.provenance import is_alive, provenance, this_process, without_secrets

COMMANDS = {
  'plain': (['main.py', '--input', 'a b.csv'], "main.py --input 'a b.csv'"),
  'joined': (['main.py', '--s3_secret_access_key=abc'], 'main.py --s3_secret_access_key=***'),
  'apart': (['main.py', '--azure_connection_string', 'abc', '--input', 'x'], None),
  'token': (['main.py', '--s3_session_token', 'abc'], 'main.py --s3_session_token ***'),
  'login': (['main.py', '--metadata', 'mysql://me:abc@host/db'], "main.py --metadata 'mysql://me:***@host/db'"),
  'no_value': (['main.py', '--password', '--input', 'x'], 'main.py --password --input x'),
  'docker': (['main.py', '--environment_config={"env": {"K": "abc"}}'], 'main.py --environment_config=***'),
  'docker_apart': (['main.py', '--environment_config', 'x/abc:1', '-x'], 'main.py --environment_config *** -x'),
  'process': (['main.py', '--environment_options=process_variables=K=abc'], 'main.py --environment_options=***'),
  'process_too': (['main.py', '--environment_option', 'process_variables=K=abc'], None),
  'type': (['main.py', '--environment_type=DOCKER'], 'main.py --environment_type=DOCKER'),
  'query': (['main.py', '--metadata', 'mysql://me@host/db?pwd=abc'], "main.py --metadata 'mysql://me@host/db?pwd=***'"),
  'source': (['main.py', '--metadata', 'mysql://me@host/db?password_env=X'], None),
}


@pytest.mark.parametrize(('argv', 'expected'), COMMANDS.values(), ids=COMMANDS)
def test_a_command_line_is_kept_without_secrets(argv: list[str], expected: str | None) -> None:
  found = without_secrets(argv)

  assert 'abc' not in found
  if expected is not None:
    assert found == expected


def test_where_a_password_comes_from_is_no_secret() -> None:
  assert 'password_env=X' in without_secrets(['main.py', '--metadata', 'mysql://me@host/db?password_env=X'])


def test_a_run_is_known_by_its_command_code_process_and_time() -> None:
  found = provenance(['main.py', '--input', 'x'], 'FnApiRunner')

  assert found['command_line'] == 'main.py --input x'
  assert found['runner'] == 'FnApiRunner'
  assert found['process'] == this_process()
  assert abs(float(found['started']) - time.time()) < 60


def git(folder: pathlib.Path, *words: str) -> str:
  names = ['-c', 'user.name=n', '-c', 'user.email=e@example.com']
  return subprocess.run(['git', *names, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_that_of_the_code_and_says_where_files_differ(tmp_path: pathlib.Path) -> None:
  package = tmp_path / 'beam_taxi'
  package.mkdir()
  (package / 'a.py').write_text('1')
  assert provenance_module._git_commit(str(package)) == ''
  git(tmp_path, 'init', '-q')
  git(tmp_path, 'add', '.')
  git(tmp_path, 'commit', '-qm', 'one')
  head = git(tmp_path, 'rev-parse', 'HEAD')

  assert provenance_module._git_commit(str(package)) == head
  (package / 'a.py').write_text('2')
  assert provenance_module._git_commit(str(package)) == f'{head}-dirty'
  # Within another checkout, as a virtual environment often is.
  inner = tmp_path / 'site-packages' / 'beam_taxi'
  inner.mkdir(parents=True)
  assert provenance_module._git_commit(str(inner)) == ''


def test_this_process_is_alive() -> None:
  assert is_alive(this_process()) is True


@pytest.mark.parametrize('reaped', [True, False], ids=['reaped', 'zombie'])
def test_a_process_that_was_killed_is_not(reaped: bool) -> None:
  program = 'from beam_taxi.process.provenance import this_process; print(this_process(), flush=True); input()'
  child = subprocess.Popen([sys.executable, '-c', program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
  assert child.stdout
  process = child.stdout.readline().strip()
  assert is_alive(process) is True
  child.send_signal(signal.SIGKILL)
  # Waits for its end, and leaves it to be reaped.
  os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
  if reaped:
    child.wait()

  assert is_alive(process) is False
  child.communicate()


def test_another_process_of_the_same_number_is_not_the_one() -> None:
  assert is_alive(this_process().rpartition('/')[0] + '/1') is False


def test_a_process_of_an_earlier_boot_is_gone() -> None:
  host, _, *rest = this_process().split('/')

  assert is_alive('/'.join([host, 'earlier', *rest])) is False


@pytest.mark.parametrize('process', ['', 'elsewhere/boot/1/2', 'nonsense'])
def test_of_another_machine_nothing_is_known(process: str) -> None:
  assert is_alive(process) is None
