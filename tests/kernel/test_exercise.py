"""The kernel goes nowhere that it must not, whatever bytes it gets, and finds the same on other processors."""

import os
import pathlib
import random
import shutil
import subprocess
from collections.abc import Sequence

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
SOURCE = ROOT / 'beam_taxi' / 'kernel' / 'source'
STRICT = ('-std=c++17', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Werror', f'-I{SOURCE}')

SECONDS = 20 * int(os.environ.get('BEAM_TAXI_FUZZ', '1'))


def build(compiler: str, program: pathlib.Path, *flags: str) -> pathlib.Path:
  sources = [*SOURCE.glob('*.cc'), pathlib.Path(__file__).with_name('exercise.cc')]
  subprocess.run([compiler, *STRICT, *flags, '-o', program, *sources], check=True)
  return program


@pytest.fixture(scope='module')
def seeds(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """What the kernel is given at first: CSV as people have it, and random bytes."""
  folder = tmp_path_factory.mktemp('seeds')
  # CSV with commas and quotes, three columns and room for odd cells, at the beginning of a file.
  head = bytes([0, 0, 1, 4, 1, 0, 0, 0, 2, 7, 0])
  files = sorted((ROOT / 'data' / 'csv-spectrum').rglob('*.csv'))
  for number, path in enumerate([*files, ROOT / 'README.md']):
    (folder / f'csv-{number}').write_bytes(head + path.read_bytes()[:4096])
  chance = random.Random(7)
  for number in range(200):
    (folder / f'random-{number}').write_bytes(bytes([number % 3]) + chance.randbytes(chance.randrange(400)))
  return folder


def replayed(command: Sequence[object], seeds: pathlib.Path) -> list[str]:
  done = subprocess.run([*command, *sorted(seeds.iterdir())], capture_output=True, text=True, check=False)
  assert done.returncode == 0, done.stderr
  return done.stdout.split()


@pytest.mark.skipif(not shutil.which('clang++'), reason='clang++, with which libFuzzer comes, is not installed')
def test_random_bytes_make_it_read_and_write_nothing_that_is_not_there(
  seeds: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  checks = '-fsanitize=fuzzer,address,undefined'
  program = build('clang++', tmp_path / 'exercise', '-g', '-O1', checks, '-fno-sanitize-recover=all')
  found = tmp_path / 'found'
  found.mkdir()

  # What it takes for its memory is that of the process that started it, too.
  limits = [f'-max_total_time={SECONDS}', '-max_len=8192', '-rss_limit_mb=0', '-malloc_limit_mb=1000']
  command = [program, *limits, f'-artifact_prefix={tmp_path}/', found, seeds]
  done = subprocess.run(command, capture_output=True, text=True, check=False)

  assert done.returncode == 0, done.stderr[-4000:]
  assert 'DONE' in done.stderr


@pytest.mark.skipif(
  not (shutil.which('aarch64-linux-gnu-g++') and shutil.which('qemu-aarch64')),
  reason='g++ for aarch64 and QEMU, which runs what it makes, are not installed',
)
def test_a_processor_of_another_kind_finds_the_same(seeds: pathlib.Path, tmp_path: pathlib.Path) -> None:
  here = replayed([build('g++', tmp_path / 'here', '-O2', '-DREPLAY')], seeds)
  arm = build('aarch64-linux-gnu-g++', tmp_path / 'arm', '-O2', '-static', '-DREPLAY')

  assert replayed(['qemu-aarch64', arm], seeds) == here
  assert len(set(here)) > 50


def test_a_compiler_warns_of_nothing(tmp_path: pathlib.Path) -> None:
  build('g++', tmp_path / 'here', '-O2', '-Wpedantic', '-Wold-style-cast', '-DREPLAY')
