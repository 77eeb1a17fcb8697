"""What Beam makes a source distribution of, for workers that have no image."""

import pathlib
import sys

import pytest
from findings import shown

from beam_taxi.cloud.preflight import packages
from beam_taxi.cloud.preflight.packages import package_findings, setup_file_finding
from beam_taxi.runners.options import parse_beam_args

ROOT = pathlib.Path(__file__).parents[3]


OF_SOURCES = 'workers compile the kernel if they have a C++ compiler, and have a slower one in Python if not'


def test_this_package_can_be_shipped() -> None:
  found = package_findings(*parse_beam_args(['--runner=DataflowRunner']))

  assert shown(found) == [('ok', f'{ROOT}/setup.py: beam_taxi 0.1.0; {OF_SOURCES}', '')]


PACKAGES = {
  'there': ('my/beam_taxi-9.tar.gz', 'ok', f'beam_taxi-9.tar.gz; {OF_SOURCES}'),
  'in_a_bucket': (
    'gs://b/beam_taxi-9-py3-none-any.whl',
    'ok',
    'beam_taxi-9-py3-none-any.whl; its kernel is Python, and slower',
  ),
  'compiled': (
    'gs://b/beam_taxi-9-cp310-abi3-linux_x86_64.whl',
    'ok',
    'beam_taxi-9-cp310-abi3-linux_x86_64.whl; its kernel is compiled',
  ),
  'missing': ('no/beam_taxi-9.tar.gz', 'failed', '--extra_package no/beam_taxi-9.tar.gz: there is no such file'),
}


@pytest.mark.parametrize(('path', 'mark', 'what'), PACKAGES.values(), ids=PACKAGES)
def test_a_distribution_of_this_package_that_the_user_ships_is_there_or_not(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, path: str, mark: str, what: str
) -> None:
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'my').mkdir()
  (tmp_path / 'my' / 'beam_taxi-9.tar.gz').touch()

  [found] = shown(package_findings(*parse_beam_args(['--runner=DataflowRunner', f'--extra_package={path}'])))

  assert found[:2] == (mark, what)


def test_a_python_without_an_image_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setattr(packages, 'LAST', (3, 9))

  [(mark, what, _), _] = shown(package_findings(*parse_beam_args(['--runner=DataflowRunner'])))

  assert (mark, what) == ('failed', f'Beam has no image of Python {sys.version_info[0]}.{sys.version_info[1]}')


FILES = {
  'missing': ('none/setup.py', None, 'there is no such file'),
  'another_name': ('a/build.py', '', 'Beam takes a setup.py or a pyproject.toml'),
  'no_folder': ('setup.py', '', 'Beam needs a folder in it'),
  'broken': (
    './setup.py',
    'import nothing_like_it',
    "cannot be built (ModuleNotFoundError: No module named 'nothing_like_it')",
  ),
  'silent': ('./setup.py', '', 'cannot be built (it says neither name nor version)'),
}


@pytest.mark.parametrize(('path', 'text', 'message'), FILES.values(), ids=FILES)
def test_a_setup_file_that_beam_cannot_use_is_said(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, path: str, text: str | None, message: str
) -> None:
  monkeypatch.chdir(tmp_path)
  if text is not None:
    pathlib.Path(path).parent.mkdir(exist_ok=True)
    pathlib.Path(path).write_text(text)

  [(mark, what, _)] = shown(setup_file_finding(path))

  assert (mark, what) == ('failed', f'--setup_file {path}: {message}')
