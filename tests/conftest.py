"""Fixtures that several rooms' tests share."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent


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
