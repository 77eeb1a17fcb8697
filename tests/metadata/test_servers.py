"""Stores on servers: how they are reached, and what is said where they cannot be."""

import pathlib
import secrets
import socket
import subprocess
import threading

import pymysql
import pytest
from emulators import databases
from emulators.databases import DatabaseServer
from emulators.identity import make_identity, server_credentials

from beam_taxi.cloud.rehearsal.metadata_server import metadata_server
from beam_taxi.errors import UserError
from beam_taxi.metadata.store import connect


@pytest.fixture(params=['mysql', 'postgresql'])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
  return request.getfixturevalue(f'{request.param}_server')


@pytest.fixture
def database(server: DatabaseServer) -> str:
  """The name of a new database."""
  name = f'server_{secrets.token_hex(8)}'
  server.create_database(name)
  return name


def refusal(uri: str) -> str:
  """What is said of a store that cannot be opened: one line, without a password."""
  with pytest.raises(UserError) as raised:
    connect(uri)
  message = str(raised.value)
  assert message.startswith(f'--metadata {uri}: ')
  assert '\n' not in message
  return message.removeprefix(f'--metadata {uri}: ')


def test_a_server_is_reached_by_its_socket(server: DatabaseServer, database: str) -> None:
  uri = server.uri(database, socket=server.socket).replace('127.0.0.1', 'nowhere.invalid')

  assert connect(uri).get_artifacts() == []


def test_a_wrong_password_is_said_and_not_shown(
  server: DatabaseServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setenv('WRONG', 'not-the-one')

  said = refusal(f'{server.uri(database).partition("?")[0]}?password_env=WRONG')

  assert ('Access denied' in said) or ('password authentication failed' in said)
  assert 'not-the-one' not in said


def test_a_store_whose_making_was_cut_short_is_said(mysql_server: DatabaseServer) -> None:
  name = f'half_{secrets.token_hex(8)}'
  mysql_server.create_database(name)
  login = {'user': mysql_server.user, 'password': mysql_server.password, 'database': name}
  with pymysql.connect(host='127.0.0.1', port=mysql_server.port, **login) as connection:
    connection.cursor().execute('CREATE TABLE MLMDEnv (schema_version INTEGER PRIMARY KEY)')

  said = refusal(mysql_server.uri(name))

  assert said.startswith('not all tables of the store are there; ')
  assert f'(DROP DATABASE {name}; CREATE DATABASE {name}; GRANT ALL ON' in said


def test_a_database_that_is_not_there_is_said(server: DatabaseServer) -> None:
  said = refusal(server.uri('nothing_here'))

  # MariaDB does not tell an account without rights on it whether it is there.
  assert 'nothing_here' in said
  assert ('make it: CREATE DATABASE nothing_here' in said) or ('Access denied' in said)


def test_a_store_of_a_newer_mlmd_is_refused(server: DatabaseServer, database: str) -> None:
  connect(server.uri(database))
  if server.kind == 'mysql':
    login = {'user': server.user, 'password': server.password, 'database': database}
    with pymysql.connect(host='127.0.0.1', port=server.port, autocommit=True, **login) as client:
      client.cursor().execute('UPDATE MLMDEnv SET schema_version = 9999')
  else:
    words = ['psql', f'--host={server.socket}', f'--port={server.port}', f'--username={server.user}', database]
    subprocess.run(
      [*words, '--command=UPDATE mlmdenv SET schema_version = 9999'],
      env={'PGPASSWORD': server.password, 'PATH': '/usr/bin:/bin'},
      check=True,
      capture_output=True,
    )

  assert '9999' in (said := refusal(server.uri(database)))
  assert said.startswith('the store is of a newer MLMD than ')


@pytest.mark.parametrize(
  'kind', ['mysql://me@127.0.0.1:{}/db', 'postgresql://me@127.0.0.1:{}/db', 'grpc://127.0.0.1:{}']
)
def test_where_nothing_listens_the_store_cannot_be_reached(kind: str) -> None:
  with socket.socket() as free:
    free.bind(('127.0.0.1', 0))

    assert 'the store cannot be reached at 127.0.0.1:' in refusal(kind.format(free.getsockname()[1]))


@pytest.mark.parametrize('name', ['left', 'my-db'])
def test_a_name_that_mlmd_does_not_quote_is_said(mysql_server: DatabaseServer, name: str) -> None:
  mysql_server.create_database(name)

  assert f'MLMD cannot use a MySQL database called {name!r}' in refusal(mysql_server.uri(name))


def test_mysql_that_asks_for_tls_is_reached_with_it(tmp_path: pathlib.Path) -> None:
  identity = make_identity(tmp_path)
  with databases.mariadb(identity) as server:
    server.create_database('tls')
    files = {'ssl_cert': identity.certificate, 'ssl_key': identity.key}

    assert connect(server.uri('tls', ssl_ca=identity.certificate, **files)).get_artifacts() == []
    assert connect(server.uri('tls', ssl_ca=identity.certificate)).get_artifacts() == []
    assert 'ssl_ca=' in refusal(server.uri('tls'))


def test_postgresql_that_asks_for_tls_is_out_of_reach_but_by_its_socket(tmp_path: pathlib.Path) -> None:
  with databases.postgresql(make_identity(tmp_path)) as server:
    server.create_database('tls')

    assert "MLMD's PostgreSQL client has no TLS" in refusal(server.uri('tls'))
    assert connect(server.uri('tls', socket=server.socket)).get_artifacts() == []


def test_a_metadata_server_with_tls_is_reached_by_who_knows_its_certificate(tmp_path: pathlib.Path) -> None:
  identity = make_identity(tmp_path)
  files = {'ca_file': identity.certificate, 'cert_file': identity.certificate, 'key_file': identity.key}
  with metadata_server(tmp_path / 'm.sqlite', server_credentials(identity, client_certificate=True)) as server:
    assert connect(server.uri(tls='true', **files)).get_artifacts() == []
    assert 'or is one with other TLS settings' in refusal(server.uri())
    assert 'nothing cannot be read (No such file or directory)' in refusal(server.uri(ca_file='nothing'))
    assert 'tls is true or false' in refusal(server.uri(tls='yes'))
    (tmp_path / 'der').write_bytes(b'\x30\x82')
    assert 'is not in PEM format' in refusal(server.uri(ca_file=tmp_path / 'der'))


def test_what_is_no_metadata_server_is_said() -> None:
  with socket.create_server(('127.0.0.1', 0)) as other:

    def answer() -> None:
      while True:
        try:
          client, _ = other.accept()
        except OSError:
          return
        with client:
          client.sendall(b'HTTP/1.0 400 Bad Request\r\n\r\n')

    threading.Thread(target=answer, daemon=True).start()

    assert 'what answers there is no metadata server' in refusal(f'grpc://127.0.0.1:{other.getsockname()[1]}')
