"""The servers that the metadata tests record into are like a user's own: they ask for a password and keep data."""

import os
import socket

import ml_metadata as mlmd
import pytest
from emulators import databases
from emulators.databases import DatabaseServer
from ml_metadata.proto import metadata_store_pb2 as pb

KINDS = {'mysql': databases.mariadb, 'postgresql': databases.postgresql}


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> DatabaseServer:
  return request.getfixturevalue(f'{request.param}_server')


def connect(server: DatabaseServer, database: str, **changes: object) -> mlmd.MetadataStore:
  config = pb.ConnectionConfig()
  login = {'user': server.user, 'password': server.password, 'skip_db_creation': True, **changes}
  if server.kind == 'mysql':
    config.mysql.CopyFrom(pb.MySQLDatabaseConfig(host='127.0.0.1', port=server.port, database=database))
  else:
    config.postgresql.CopyFrom(pb.PostgreSQLDatabaseConfig(host='127.0.0.1', port=str(server.port), dbname=database))
  for name, value in login.items():
    setattr(getattr(config, server.kind), name, value)
  return mlmd.MetadataStore(config)


def test_mlmd_connects_with_the_password_and_with_no_other(server: DatabaseServer) -> None:
  server.create_database('password')

  assert connect(server, 'password').get_contexts() == []
  with pytest.raises(RuntimeError):
    connect(server, 'password', password='wrong')


def test_mlmd_connects_through_the_socket(server: DatabaseServer) -> None:
  server.create_database('socket')
  place = {'socket': str(server.socket), 'host': ''} if server.kind == 'mysql' else {'host': str(server.socket)}

  assert connect(server, 'socket', **place).get_contexts() == []


def test_there_are_no_databases_but_those_that_were_created(server: DatabaseServer) -> None:
  with pytest.raises(RuntimeError):
    connect(server, 'never_created')
  with pytest.raises(RuntimeError):
    connect(server, 'never_created', skip_db_creation=False)


def test_databases_share_nothing(server: DatabaseServer) -> None:
  for name in ('one', 'other'):
    server.create_database(name)
  connect(server, 'one').put_context_type(pb.ContextType(name='pipeline'))

  assert connect(server, 'other').get_context_types() == []


def test_a_server_that_is_lost_is_missed_and_comes_back_with_its_data(server: DatabaseServer) -> None:
  server.create_database('lost')
  store = connect(server, 'lost')
  type_id = store.put_context_type(pb.ContextType(name='pipeline'))

  server.stop()
  try:
    with pytest.raises(mlmd.errors.InternalError):
      store.get_context_types()
    with pytest.raises(RuntimeError):
      connect(server, 'lost')
  finally:
    server.start()
    server.start()  # Which changes nothing.

  assert connect(server, 'lost').get_context_type('pipeline').id == type_id


def test_the_uri_says_where_the_password_is_and_only_this_user_can_read_it(server: DatabaseServer) -> None:
  uri = server.uri('a', socket=server.socket)

  place = f'{server.kind}://beam_taxi@127.0.0.1:{server.port}/a'
  assert uri == f'{place}?password_file={server.password_file}&socket={server.socket}'
  assert server.password_file.read_text() == server.password
  status = server.password_file.stat()
  assert (status.st_mode & 0o777, status.st_uid) == (0o600, os.getuid())


@pytest.mark.parametrize('kind', KINDS)
def test_nothing_is_left_of_a_server(kind: str, request: pytest.FixtureRequest) -> None:
  request.getfixturevalue(f'{kind}_server')  # Skips where its programs are missing.
  with KINDS[kind]() as server:
    pass

  assert not server.password_file.parent.exists()
  with pytest.raises(ConnectionRefusedError):
    socket.create_connection(('127.0.0.1', server.port))


@pytest.mark.parametrize('kind', KINDS)
def test_a_server_whose_programs_are_missing_is_told_with_its_package(
  monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
  monkeypatch.setattr(databases, '_PROGRAMS', '')

  with (
    pytest.raises(databases.NotInstalledError, match='apt-get install --no-install-recommends (mariadb|postgresql)'),
    KINDS[kind](),
  ):
    pass


def test_a_server_that_does_not_start_is_told_with_its_log(
  monkeypatch: pytest.MonkeyPatch, postgresql_server: DatabaseServer
) -> None:
  monkeypatch.setattr(databases, 'free_port', lambda: postgresql_server.port)

  with pytest.raises(RuntimeError, match='Address already in use'), databases.postgresql():
    pass
