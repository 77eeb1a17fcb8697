"""Doubles of Google's services, in whose place they stand for this process."""

from collections.abc import Iterator

import pytest
from emulators.cloud_storage import storage_emulator, variables
from emulators.rest import RestService, rest_service


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[RestService]:
  """IAM, Compute Engine and Dataflow, none of which has anything yet."""
  with rest_service() as service:
    monkeypatch.setenv('CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM', f'{service.address}/')
    monkeypatch.setenv('CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE', f'{service.address}/compute/v1/')
    monkeypatch.setenv('no_proxy', '127.0.0.1,localhost')
    yield service


@pytest.fixture(scope='session')
def emulator() -> Iterator[str]:
  """Where an emulator of Cloud Storage answers that has one bucket."""
  with storage_emulator() as address:
    yield address


@pytest.fixture
def buckets(emulator: str, monkeypatch: pytest.MonkeyPatch) -> str:
  """The emulator, for this process's clients."""
  for name, value in variables(emulator).items():
    monkeypatch.setenv(name, value)
  return emulator
