"""What importing the package costs and says."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize('module', ['beam_taxi.graph.pipeline', 'beam_taxi.lifecycle.run', 'beam_taxi.cli._main'])
def test_importing_prints_no_warning(module: str) -> None:
  done = subprocess.run([sys.executable, '-c', f'import {module}'], capture_output=True, text=True, check=True)
  assert (done.stdout, done.stderr) == ('', '')


def test_the_command_line_is_ready_without_anything_heavy() -> None:
  heavy = {'apache_beam', 'tensorflow', 'tensorflow_data_validation', 'ml_metadata', 'pyarrow', 'numpy', 'rich'}
  program = (
    'import sys, beam_taxi.cli._main; from beam_taxi.settings.flags import build_parser; build_parser().format_help(); '
    "print(*sys.modules, sep='\\n')"
  )
  done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=True)
  assert not heavy & set(done.stdout.split())
