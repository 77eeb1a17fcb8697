"""What whole commands share."""

import pathlib
import sys

import pytest
from commands import Here


@pytest.fixture
def here(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
  """The command line in this process, in tmp_path, where rows.csv has 100 rows."""
  monkeypatch.chdir(tmp_path)
  monkeypatch.setattr(sys, 'stderr', sys.stderr)
  (tmp_path / 'rows.csv').write_text('a,b\n' + ''.join(f'{n},x{n}\n' for n in range(100)))
  return Here(tmp_path, capfd)
