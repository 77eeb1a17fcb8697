"""scripts/setup.sh in a folder of its own, with Pythons and tools that are small shell scripts."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TOOLS = [
  'bash',
  'cat',
  'cp',
  'dirname',
  'env',
  'mkdir',
  'paste',
  'rm',
  'sed',
  'sha256sum',
  'sort',
  'true',
  'uname',
]

# A Python that answers what setup.sh asks, makes a .venv of itself, and notes installs.
PYTHON = """#!/usr/bin/env bash
case $* in
  *version_info*) echo "{version} {base}" ;;
  *sysconfig*) echo "{compilers} $PWD" ;;
  *ensurepip*) ;;
  *' venv '*) rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *requirements/uv.txt) cp "$0" .venv/bin/uv ;;
  *) echo "$*" >>installed && [[ ! -e network-is-down ]] ;;
esac
"""


class Machine:
  """A checkout on a machine that has only what a test gives it."""

  def __init__(self, folder: pathlib.Path):
    self.folder = folder
    self.bin = folder / 'bin'
    self.bin.mkdir()
    for tool in TOOLS:
      (self.bin / tool).symlink_to(f'/usr/bin/{tool}')
    (folder / 'scripts').mkdir()
    shutil.copy(ROOT / 'scripts' / 'setup.sh', folder / 'scripts')
    shutil.copytree(ROOT / 'requirements', folder / 'requirements')
    for name in ('setup.py', 'pyproject.toml'):
      shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / 'beam_taxi' / 'kernel' / 'source', folder / 'beam_taxi' / 'kernel' / 'source')
    (folder / 'Python.h').touch()

  def has(self, name: str, script: str) -> None:
    (self.bin / name).unlink(missing_ok=True)
    (self.bin / name).write_text(script)
    (self.bin / name).chmod(0o755)

  def has_glibc(self, version: str) -> None:
    self.has('getconf', f'#!/usr/bin/env bash\necho glibc {version}\n')

  def has_python(self, version: str, compilers: str = 'true true') -> None:
    base = self.bin / ('python' + version.rpartition('.')[0])
    self.has(base.name, PYTHON.format(version=version, base=base, compilers=compilers))

  def setup(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
      ['bash', 'scripts/setup.sh', *args],
      cwd=self.folder,
      env={'PATH': str(self.bin), **env},
      text=True,
      capture_output=True,
    )

  def installed(self) -> str:
    """What was installed since the last time this was asked."""
    log = self.folder / 'installed'
    text = log.read_text() if log.exists() else ''
    log.unlink(missing_ok=True)
    return text


@pytest.fixture
def machine(tmp_path: pathlib.Path) -> Machine:
  machine = Machine(tmp_path)
  machine.has_glibc('2.41')
  return machine


@pytest.mark.parametrize(
  ('glibc', 'python', 'lock'),
  [
    ('2.28', '3.11.2', 'compatible-3.11'),
    ('2.38', '3.11.9', 'compatible-3.11'),
    ('2.39', '3.10.1', 'current-3.10'),
    ('2.39', '3.11.2', 'current-3.11'),
    ('2.41', '3.12.0', 'current-3.12'),
    ('2.100', '3.13.5', 'current-3.13'),
  ],
)
def test_the_lock_follows_glibc_and_python(machine: Machine, glibc: str, python: str, lock: str) -> None:
  machine.has_glibc(glibc)
  machine.has_python(python)
  assert f' requirements/{lock}.txt ' in machine.setup('--which').stdout


def test_every_lock_names_the_command_that_makes_it() -> None:
  for lock in (ROOT / 'requirements').glob('*.txt'):
    command = lock.read_text().splitlines()[1]
    assert command.startswith('#    uv pip compile requirements/')
    assert command.endswith(f'-o requirements/{lock.name}')


def test_a_python_that_no_lock_is_for_is_passed_over(machine: Machine) -> None:
  machine.has_python('3.14.0')
  (machine.bin / 'python3.14').rename(machine.bin / 'python3.11')
  machine.has_python('3.12.4')
  assert 'current-3.12' in machine.setup('--which').stdout


def test_a_shim_with_no_python_behind_it_is_passed_over(machine: Machine) -> None:
  machine.has('python3.11', '#!/usr/bin/env bash\nexit 127\n')
  machine.has_python('3.13.0')
  assert 'current-3.13' in machine.setup('--which').stdout


def test_the_variable_python_goes_before_all_others(machine: Machine) -> None:
  machine.has_python('3.11.2')
  machine.has_python('3.12.4')
  assert 'current-3.12' in machine.setup('--which', PYTHON='python3.12').stdout


def test_the_python_of_the_venv_is_kept(machine: Machine) -> None:
  machine.has_python('3.12.4')
  machine.setup()
  machine.has_python('3.11.2')
  assert 'current-3.12' in machine.setup('--which').stdout


def test_without_a_fitting_python_it_says_which_were_found_and_which_fit(machine: Machine) -> None:
  machine.has_glibc('2.36')
  machine.has_python('3.13.5')
  result = machine.setup()
  assert result.returncode == 1
  assert 'With glibc 2.36 it is the compatible stack, for Python 3.11.' in result.stderr
  assert 'Found: python3.13 is 3.13.5.' in result.stderr
  assert 'PYTHON=/path/to/python' in result.stderr


def test_a_variable_python_that_does_not_start_is_named(machine: Machine) -> None:
  machine.has_python('3.11.2')
  assert 'none in /no/python.' in machine.setup(PYTHON='/no/python').stderr


@pytest.mark.parametrize(
  ('tool', 'answer', 'message'),
  [
    ('getconf', 'echo glibc 2.27', 'this system has glibc 2.27, and 2.28 is the oldest'),
    ('getconf', 'exit 1', 'this system has no glibc'),
    ('uname', 'echo Linux aarch64', 'this is Linux aarch64'),
  ],
  ids=['old glibc', 'musl', 'ARM'],
)
def test_a_machine_that_no_stack_fits_is_told_why(machine: Machine, tool: str, answer: str, message: str) -> None:
  machine.has_python('3.11.2')
  machine.has(tool, f'#!/usr/bin/env bash\n{answer}\n')
  result = machine.setup()
  assert result.returncode == 1
  assert message in result.stderr


def test_missing_compilers_and_headers_are_named_before_anything_is_made(machine: Machine) -> None:
  machine.has_python('3.12.4', compilers='gcc g++')
  (machine.folder / 'Python.h').unlink()
  result = machine.setup()
  assert result.returncode == 1
  assert f'missing: gcc g++ {machine.folder}/Python.h' in result.stderr
  assert 'apt-get install g++ python3.12-dev' in result.stderr
  assert not (machine.folder / '.venv').exists()


def test_an_unknown_option_is_refused(machine: Machine) -> None:
  assert 'what is --deb?' in machine.setup('--deb').stderr


def test_a_second_call_does_nothing(machine: Machine) -> None:
  machine.has_python('3.12.4')
  assert machine.setup('--dev').returncode == 0
  installed = machine.installed()
  for what in ['-r requirements/current-3.12.txt', '--editable .', '-r requirements/dev.txt']:
    assert what in installed
  assert machine.setup('--dev').stdout == ''
  assert machine.installed() == ''


def test_what_a_run_needs_comes_without_the_tools_for_tests(machine: Machine) -> None:
  machine.has_python('3.12.4')
  machine.setup()
  assert 'dev.txt' not in machine.installed()


def test_dev_adds_to_what_is_there(machine: Machine) -> None:
  machine.has_python('3.12.4')
  machine.setup()
  machine.installed()
  machine.setup('--dev')
  assert 'requirements/dev.txt' in machine.installed()
  machine.setup()
  assert machine.installed() == ''


def test_what_a_cloud_needs_is_added_and_stays(machine: Machine) -> None:
  machine.has_python('3.12.4')
  machine.setup('--with', 'aws')
  installed = machine.installed()
  assert 'requirements/aws.txt' in installed
  assert 'requirements/azure.txt' not in installed
  machine.setup('--with', 'azure', '--with', 'aws')
  installed = machine.installed()
  assert 'requirements/azure.txt' in installed
  assert 'requirements/aws.txt' not in installed
  change(machine.folder / 'requirements' / 'current-3.12.txt')
  machine.setup()
  installed = machine.installed()
  assert 'requirements/aws.txt' in installed
  assert 'requirements/azure.txt' in installed


@pytest.mark.parametrize('words', [['--with'], ['--with', 'gcp'], ['--with', '--dev']])
def test_another_cloud_is_refused(machine: Machine, words: list[str]) -> None:
  assert '--with takes aws or azure' in machine.setup(*words).stderr


def test_another_lock_installs_anew_with_dev_if_it_was_there(machine: Machine) -> None:
  machine.has_python('3.12.4')
  machine.setup('--dev')
  machine.installed()
  change(machine.folder / 'requirements' / 'current-3.12.txt')
  machine.setup()
  installed = machine.installed()
  for what in ['-r requirements/current-3.12.txt', '--editable .', '-r requirements/dev.txt']:
    assert what in installed


@pytest.mark.parametrize('changed', ['setup.py', 'pyproject.toml', 'beam_taxi/kernel/source/types.cc'])
def test_other_metadata_of_the_package_installs_it_alone(machine: Machine, changed: str) -> None:
  machine.has_python('3.12.4')
  machine.setup('--dev')
  machine.installed()
  change(machine.folder / changed)
  machine.setup()
  installed = machine.installed()
  assert '--editable .' in installed
  assert 'requirements/' not in installed
  machine.setup()
  assert machine.installed() == ''


def change(path: pathlib.Path) -> None:
  with path.open('a') as file:
    file.write('# changed\n')


def test_an_installation_that_failed_is_done_again(machine: Machine) -> None:
  machine.has_python('3.12.4')
  (machine.folder / 'network-is-down').touch()
  result = machine.setup()
  assert result.returncode != 0
  assert 'uv could not install this; trying with pip' in result.stderr
  (machine.folder / 'network-is-down').unlink()
  machine.installed()
  assert machine.setup().returncode == 0
  assert 'requirements/current-3.12.txt' in machine.installed()


def test_the_packages_of_this_environment_agree() -> None:
  check = [sys.executable, '-m', 'pip', 'check']
  result = subprocess.run(check, text=True, capture_output=True, env=os.environ)
  assert result.returncode == 0, result.stdout
