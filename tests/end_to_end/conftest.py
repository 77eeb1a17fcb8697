"""What whole commands share."""

import pathlib
import sys
from collections.abc import Iterator

import pytest
from commands import Here, end_started


@pytest.fixture
def here(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
  """The command line in this process, in tmp_path, where rows.csv has 100 rows."""
  monkeypatch.chdir(tmp_path)
  monkeypatch.setattr(sys, 'stderr', sys.stderr)
  (tmp_path / 'rows.csv').write_text('a,b\n' + ''.join(f'{n},x{n}\n' for n in range(100)))
  return Here(tmp_path, capfd)


@pytest.fixture(autouse=True)
def nothing_goes_on() -> Iterator[None]:
  """Whatever a test starts ends with it, however the test ends."""
  yield
  end_started()
