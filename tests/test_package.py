"""The package as pip installs it from a wheel of this tree."""

import os
import pathlib
import subprocess
from importlib import metadata

import pytest

import beam_taxi


@pytest.fixture
def distribution(installed: pathlib.Path) -> metadata.Distribution:
  [info] = installed.glob('beam_taxi-*.dist-info')
  return metadata.PathDistribution(info)


def test_its_version_is_the_one_that_the_code_has(distribution: metadata.Distribution) -> None:
  assert distribution.version == beam_taxi.__version__


def test_all_of_the_source_is_in_it(installed: pathlib.Path) -> None:
  source = pathlib.Path(beam_taxi.__file__).parent

  assert files(installed / 'beam_taxi') == files(source)


def files(folder: pathlib.Path) -> set[pathlib.Path]:
  return {path.relative_to(folder) for path in folder.rglob('*') if path.is_file() and path.suffix != '.pyc'}


def test_its_command_answers_without_a_checkout(installed: pathlib.Path, tmp_path: pathlib.Path) -> None:
  done = subprocess.run(
    [installed / 'bin' / 'beam-taxi', '--help'],
    cwd=tmp_path,
    env={**os.environ, 'PYTHONPATH': str(installed)},
    capture_output=True,
    text=True,
  )

  assert (done.returncode, done.stderr) == (0, '')
  assert '--input' in done.stdout
