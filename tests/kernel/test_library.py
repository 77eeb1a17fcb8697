"""Which kernel a process uses: the compiled one where it was built, unless the environment says otherwise."""

import ctypes
import os
import subprocess
import sys

import pytest

from beam_taxi.kernel import library


def in_a_process(code: str, **variables: str) -> subprocess.CompletedProcess:
  environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path), **variables}
  return subprocess.run([sys.executable, '-c', code], env=environment, capture_output=True, text=True, check=False)


ASK = 'from beam_taxi.kernel import library; print(library.kernel())'


@pytest.mark.parametrize('kernel', ['compiled', 'python'])
def test_the_environment_chooses_the_kernel(kernel: str) -> None:
  assert in_a_process(ASK, BEAM_TAXI_KERNEL=kernel).stdout == f'{kernel}\n'


def test_the_compiled_kernel_is_used_where_nothing_is_said() -> None:
  assert in_a_process(ASK, BEAM_TAXI_KERNEL='').stdout == 'compiled\n'


def test_another_name_is_an_error() -> None:
  done = in_a_process(ASK, BEAM_TAXI_KERNEL='fast')

  assert "BEAM_TAXI_KERNEL is 'fast'; it can be compiled, python or nothing" in done.stderr


@pytest.mark.parametrize('version', [library.VERSION + 1, None], ids=['of another version', 'not a library'])
def test_a_build_of_another_version_is_passed_over(version: int | None, tmp_path, monkeypatch) -> None:
  path = tmp_path / '_kernel.abi3.so'
  if version is None:
    path.write_bytes(b'no library')
  else:
    source = tmp_path / 'other.c'
    source.write_text(f'long beam_taxi_kernel_version(void) {{ return {version}; }}')
    subprocess.run(['gcc', '-shared', '-fPIC', '-o', path, source], check=True)
    assert ctypes.CDLL(str(path)).beam_taxi_kernel_version() == version

  assert library.load(tmp_path) is None


# The last that is registered is called first.
AT_EXIT = """
import atexit
found = []
atexit.register(lambda: print(found[0][0].as_py().count(b'x')))
import pyarrow as pa
from beam_taxi.kernel.examples import encode
rows = pa.RecordBatch.from_arrays([pa.array([b'x' * 10**7])], names=['a'])
found += encode(rows, [0], missing=False, limits=[1])[0]
"""


def test_what_is_read_when_the_process_ends_is_still_there() -> None:
  done = in_a_process(AT_EXIT, BEAM_TAXI_KERNEL='')

  assert (done.returncode, done.stdout) == (0, '10000000\n')
