"""What runs of a small file share."""

import pathlib

import pytest


@pytest.fixture
def rows(tmp_path: pathlib.Path) -> pathlib.Path:
  """A file of two rows."""
  path = tmp_path / 'rows.csv'
  path.write_text('a,b\n1,2\n3,4\n')
  return path
