"""A new store of each kind that a run may record into."""

import pathlib
import secrets
from collections.abc import Iterator

import ml_metadata as mlmd
import pytest
from emulators.databases import DatabaseServer

from beam_taxi.cloud.rehearsal.metadata_server import metadata_server
from beam_taxi.metadata.store import connect


@pytest.fixture(params=['sqlite', 'mysql', 'postgresql', 'grpc'])
def store_uri(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[str]:
  """Of a store that nobody has opened. The servers run from their first test on, and their databases stay."""
  path = tmp_path / 'm.sqlite'
  if request.param == 'sqlite':
    yield f'sqlite:///{path}'
  elif request.param == 'grpc':
    with metadata_server(path) as server:
      yield server.uri()
  else:
    database: DatabaseServer = request.getfixturevalue(f'{request.param}_server')
    name = f'store_{secrets.token_hex(8)}'
    database.create_database(name)
    yield database.uri(name)


@pytest.fixture
def store(store_uri: str) -> mlmd.MetadataStore:
  return connect(store_uri)
