"""A Flink and a job service for the tests of this room."""

from collections.abc import Iterator

import pytest
from emulators.flink import Flink, flink_cluster


@pytest.fixture
def flink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flink]:
  """A cluster without jobs, which no proxy of this machine stands before."""
  monkeypatch.setenv('no_proxy', '127.0.0.1,localhost')
  with flink_cluster() as cluster:
    yield cluster
