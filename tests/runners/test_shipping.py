"""What Beam ships to workers that no image brings this package to: from a checkout, and as pip installed it."""

import csv
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator

import pytest
from apache_beam.options.pipeline_options import SetupOptions

from beam_taxi.errors import UserError
from beam_taxi.runners import shipping
from beam_taxi.runners.options import parse_beam_args
from beam_taxi.runners.shipping import package_flag, ship_package, shipped_package

ROOT = pathlib.Path(__file__).parents[2]
DATAFLOW = '--runner=DataflowRunner'
PORTABLE = '--runner=PortableRunner'


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
  """What is shipped is asked once in a process, and these tests change what is there."""
  package_flag.cache_clear()
  yield
  package_flag.cache_clear()


SHIPPED = {
  'elsewhere': ([DATAFLOW], str(ROOT / 'setup.py')),
  'named': ([DATAFLOW, '--setup_file=./other/setup.py'], './other/setup.py'),
  'brought': ([DATAFLOW, '--extra_package=a.whl', '--extra_package=my/beam_taxi-9.tar.gz'], 'my/beam_taxi-9.tar.gz'),
  'image': ([DATAFLOW, '--sdk_container_image=gcr.io/p/image'], None),
  'in_process': ([], None),
  'loopback': (['--runner=FlinkRunner'], None),
  'of_a_pool': ([PORTABLE, '--environment_type=EXTERNAL', '--environment_config=localhost:50000'], None),
  'processes': ([PORTABLE, '--environment_type=PROCESS', '--environment_config={"command": "boot"}'], None),
  'containers': ([PORTABLE], str(ROOT / 'setup.py')),
  'containers_of_an_image': ([PORTABLE, '--environment_type=DOCKER', '--environment_config=repo/image'], None),
}


@pytest.mark.parametrize(('args', 'expected'), SHIPPED.values(), ids=SHIPPED)
def test_workers_elsewhere_get_this_package(args: list[str], expected: str | None) -> None:
  runner, options = parse_beam_args(args)

  ship_package(runner, options)

  assert shipped_package(options) == expected


# What a launcher does, as far as Beam's stager: it copies what would be staged to a folder.
STAGE = """
import shutil, sys, tempfile
from beam_taxi.runners.options import parse_beam_args
from beam_taxi.runners.shipping import ship_package
from apache_beam.runners.portability.stager import Stager

folder, *beam_args = sys.argv[1:]
runner, options = parse_beam_args(beam_args)
for _ in range(2):  # A check ships it, too.
  ship_package(runner, options)
staged = Stager.create_job_resources(options, tempfile.mkdtemp(dir=folder), log_submission_env_dependencies=False)
for path, name, _ in Stager.extract_staging_tuple_iter(staged):
  shutil.copy(path, f'{folder}/{name}')
"""


# It has the compiled kernel in it.
WHEEL = f'beam_taxi-0.1.0-cp310-abi3-linux_{platform.machine()}.whl'


@pytest.fixture(scope='module')
def staged(installed: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """What the installed package has Beam stage, beside a package of the user's."""
  folder = tmp_path_factory.mktemp('staged')
  (folder / 'temp').mkdir()
  (folder / 'temp' / 'mine-1.zip').touch()
  command = [sys.executable, '-c', STAGE, str(folder), DATAFLOW, f'--extra_package={folder}/temp/mine-1.zip']
  environment = {**os.environ, 'PYTHONPATH': str(installed), 'TMPDIR': str(folder / 'temp')}
  done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
  assert (done.returncode, done.stderr) == (0, '')
  # Nothing stays behind but Beam's cache.
  assert list((folder / 'temp').glob('beam_taxi_*')) == []
  return folder


def test_an_installed_package_is_staged_as_a_wheel_beside_what_the_user_ships(staged: pathlib.Path) -> None:
  names = ['mine-1.zip', WHEEL]

  assert (staged / 'extra_packages.txt').read_text().split() == names
  assert all((staged / name).is_file() for name in names)


def test_pip_installs_from_it_what_is_installed_here(
  installed: pathlib.Path, staged: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  install(staged / WHEEL, tmp_path / 'worker')

  assert contents(tmp_path / 'worker') == contents(installed)


def test_its_record_names_all_that_is_in_it(staged: pathlib.Path) -> None:
  with zipfile.ZipFile(staged / WHEEL) as wheel:
    record = wheel.read('beam_taxi-0.1.0.dist-info/RECORD').decode()
    names = wheel.namelist()

  assert [row[0] for row in csv.reader(record.splitlines())] == names
  assert [name for name in names if name.endswith('.pyc')] == []


def install(wheel: pathlib.Path, folder: pathlib.Path) -> None:
  command = [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index', '--target', folder, wheel]
  subprocess.run(command, check=True)


def contents(folder: pathlib.Path) -> dict[str, bytes]:
  """What is installed in a folder, without what says from where, and with what RECORD says of the rest."""
  files = [path for path in folder.rglob('*') if path.is_file() and '__pycache__' not in path.parts]
  return {
    str(path.relative_to(folder)): path.read_bytes() for path in files if path.name not in ('RECORD', 'direct_url.json')
  }


@pytest.mark.parametrize('without', ['metadata', 'record', 'package'])
def test_what_is_neither_a_checkout_nor_installed_is_told_to_name_an_image(
  installed: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, without: str
) -> None:
  copy = tmp_path / 'copy'
  shutil.copytree(installed, copy)
  [info] = copy.glob('*.dist-info')
  if without == 'metadata':
    shutil.rmtree(info)
  elif without == 'record':
    (info / 'RECORD').unlink()
  package = tmp_path / 'elsewhere' / 'beam_taxi' if without == 'package' else copy / 'beam_taxi'
  monkeypatch.syspath_prepend(str(copy))
  monkeypatch.setattr(shipping, 'PACKAGE', str(package))

  with pytest.raises(UserError, match='beam_taxi: is neither .*; name an image .* --sdk_container_image .*setup.py'):
    ship_package(*parse_beam_args([DATAFLOW]))


def test_a_setup_file_that_another_package_left_among_the_installed_is_not_taken(
  installed: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  shutil.copytree(installed, tmp_path, dirs_exist_ok=True)
  (tmp_path / 'setup.py').touch()
  monkeypatch.syspath_prepend(str(tmp_path))
  monkeypatch.setattr(shipping, 'PACKAGE', str(tmp_path / 'beam_taxi'))
  runner, options = parse_beam_args([DATAFLOW])

  ship_package(runner, options)

  assert options.view_as(SetupOptions).setup_file is None
  assert pathlib.Path(str(shipped_package(options))).suffix == '.whl'
