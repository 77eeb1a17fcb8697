"""Fixtures that several rooms' tests share."""

import contextlib
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from emulators import databases
from emulators.databases import DatabaseServer

ROOT = pathlib.Path(__file__).parent.parent
# Where the files are that take longest.
_SLOWEST = ('end_to_end', 'graph', 'metadata', 'browser')
_PIP = [sys.executable, '-m', 'pip', '--quiet']


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
  """Begins with what takes longest, so that in the end no core waits for it."""
  tests = pathlib.Path(__file__).parent
  items.sort(key=lambda item: item.path.relative_to(tests).parts[0] not in _SLOWEST)


@pytest.fixture(scope='session')
def taxi_csv() -> pathlib.Path:
  """The real Chicago taxi CSV: 15,002 records."""
  path = ROOT / 'data' / 'taxi' / 'data.csv'
  if not path.exists():
    subprocess.run([sys.executable, ROOT / 'scripts' / 'fetch_taxi_data.py'], check=True)
  return path


@pytest.fixture(scope='session')
def tfx_testdata() -> pathlib.Path:
  """What TFX's components wrote for the taxi trips, as TFX's own tests have it, and two CSV files of these trips."""
  subprocess.run([sys.executable, ROOT / 'scripts' / 'fetch_tfx_testdata.py'], check=True)
  return ROOT / 'data' / 'tfx_testdata'


@pytest.fixture(scope='session')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """A wheel of this tree."""
  folder = tmp_path_factory.mktemp('wheel')
  source = folder / 'source'
  source.mkdir()
  for name in ('setup.py', 'pyproject.toml', 'LICENSE'):
    shutil.copy(ROOT / name, source)
  shutil.copytree(ROOT / 'beam_taxi', source / 'beam_taxi', ignore=shutil.ignore_patterns('__pycache__'))
  command = [*_PIP, 'wheel', '--no-deps', '--no-index', '--no-build-isolation', '--wheel-dir', folder, source]
  subprocess.run(command, check=True)
  shutil.rmtree(source)
  [path] = folder.iterdir()
  return path


@pytest.fixture(scope='session')
def installed(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """A folder with the package as pip installs it from a wheel of this tree, without what it requires."""
  target = tmp_path_factory.mktemp('installed') / 'site-packages'
  subprocess.run([*_PIP, 'install', '--no-deps', '--no-index', '--target', target, wheel], check=True)
  return target


@pytest.fixture(scope='session')
def mysql_server() -> Iterator[DatabaseServer]:
  with _installed(databases.mariadb) as server:
    yield server


@pytest.fixture(scope='session')
def postgresql_server() -> Iterator[DatabaseServer]:
  with _installed(databases.postgresql) as server:
    yield server


@contextlib.contextmanager
def _installed(start: Callable[[], AbstractContextManager[DatabaseServer]]) -> Iterator[DatabaseServer]:
  """The server, or a skipped test where its programs are missing."""
  with contextlib.ExitStack() as stack:
    try:
      server = stack.enter_context(start())
    except databases.NotInstalledError as error:
      pytest.skip(str(error))
    yield server
