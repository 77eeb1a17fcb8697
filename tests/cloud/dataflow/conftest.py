"""A Dataflow service for the tests of this room."""

from collections.abc import Iterator

import pytest

from beam_taxi.cloud.rehearsal.dataflow_service import Dataflow, dataflow_service


@pytest.fixture
def dataflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dataflow]:
  """A service without jobs, which no proxy of this machine stands before."""
  monkeypatch.setenv('no_proxy', 'localhost')
  with dataflow_service() as service:
    yield service
