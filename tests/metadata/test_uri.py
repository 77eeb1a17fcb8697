"""What the URI of a metadata store may be."""

import os
import pathlib

import pytest

from beam_taxi.errors import UserError
from beam_taxi.metadata.uri import StoreUri, only_of_this_machine, parse_uri, store_uri

URIS = {
  'sqlite_relative': ('sqlite:///a/b.sqlite', StoreUri('', 'sqlite', path='a/b.sqlite')),
  'sqlite_absolute': ('sqlite:////a/b.sqlite', StoreUri('', 'sqlite', path='/a/b.sqlite')),
  'mysql': ('mysql://me@host:3307/runs', StoreUri('', 'mysql', '', 'host', 3307, 'me', 'runs')),
  'mysql_port': ('mysql://me@host/runs', StoreUri('', 'mysql', '', 'host', 3306, 'me', 'runs')),
  'mysql_socket': (
    'mysql://me@/runs?socket=/cloudsql/p:r:i&password_env=PW',
    StoreUri('', 'mysql', '', '', 3306, 'me', 'runs', {'socket': '/cloudsql/p:r:i', 'password_env': 'PW'}),
  ),
  'postgresql': ('postgresql://a%40b@10.0.0.1/runs', StoreUri('', 'postgresql', '', '10.0.0.1', 5432, 'a@b', 'runs')),
  'postgresql_tls': (
    'postgresql://me@h/d?socket=/run/pg',
    StoreUri('', 'postgresql', '', 'h', 5432, 'me', 'd', {'socket': '/run/pg'}),
  ),
  'grpc': ('grpc://host:9090', StoreUri('', 'grpc', '', 'host', 9090)),
  'grpc_tls': ('grpc://host?tls=true', StoreUri('', 'grpc', '', 'host', 8080, '', '', {'tls': 'true'})),
}


@pytest.mark.parametrize(('text', 'expected'), URIS.values(), ids=URIS)
def test_a_uri_is_taken_apart(text: str, expected: StoreUri) -> None:
  found = parse_uri(text)

  assert {**vars(found), 'text': ''} == vars(expected)
  assert found.text == text


REFUSED = {
  'no_file': ('sqlite:///', 'names no file'),
  'another_database': ('oracle://host/db', 'give sqlite:///PATH, mysql://'),
  'bare_path': ('store.sqlite', 'give sqlite:///PATH, mysql://'),
  'no_user': ('mysql://host/db', 'names no user'),
  'no_database': ('postgresql://me@host', 'names no database'),
  'no_host': ('mysql://me@/db', 'names no host'),
  'port': ('mysql://me@host:port/db', 'Port could not be cast'),
  'option': ('mysql://me@host/db?sslmode=require', "mysql has no option 'sslmode'; it has password_env"),
  'option_without_value': ('grpc://host?tls', 'bad query field'),
  'two_passwords': ('mysql://me@h/d?password_env=A&password_file=b', 'the password is in two places'),
}


@pytest.mark.parametrize(('text', 'message'), REFUSED.values(), ids=REFUSED)
def test_another_uri_is_refused_with_what_to_give(text: str, message: str) -> None:
  with pytest.raises(UserError) as raised:
    parse_uri(text)

  assert str(raised.value).startswith(f'--metadata {text}: ')
  assert message in str(raised.value)


@pytest.mark.parametrize(
  'text',
  ['mysql://me:s3cret@host/db', 'postgresql://:s3cret@host/db', 'grpc://me:s3cret@host:1', 'other://me:s3cret@host'],
)
def test_a_password_in_a_uri_is_refused_and_not_repeated(text: str) -> None:
  with pytest.raises(UserError) as raised:
    parse_uri(text)

  assert 's3cret' not in str(raised.value)
  assert '***@host' in str(raised.value)


@pytest.mark.parametrize(
  'text',
  [
    'mysql://me@host/db?pwd=s3cret',
    'mysql://me@host/db?password=s3cret',
    'grpc://host?token=s3cret',
    'mysql://me@host:port/db?pwd=s3cret',
    'mysql:/me:s3cret@host/db',
    'me:s3cret@host/db',
    'mysql://me:s3 cret@host/db',
  ],
)
def test_what_a_wrong_uri_keeps_secret_is_not_repeated(text: str) -> None:
  with pytest.raises(UserError) as raised:
    parse_uri(text)

  assert 'cret' not in str(raised.value).replace('password_secret', '').replace('secrets/', '')


def test_the_path_of_a_store_means_the_same_from_another_folder(monkeypatch, tmp_path: pathlib.Path) -> None:
  monkeypatch.chdir(tmp_path)

  assert store_uri('sqlite:///b.sqlite', '/out') == f'sqlite:///{os.path.join(tmp_path, "b.sqlite")}'


REACHED = {
  'sqlite:///runs.sqlite': 'an SQLite file',
  'mysql://me@host/d?password_env=X': 'an environment variable',
  'postgresql://me@host/d?socket=/cloudsql/p:r:i': 'a socket',
  'grpc://127.0.0.1:8080': 'the address 127.0.0.1',
  'grpc://localhost:8080': 'the address localhost',
  'grpc://[::1]:8080': 'the address ::1',
  'mysql://me@10.0.0.3/d?password_secret=projects/p/secrets/s': '',
}


@pytest.mark.parametrize(('text', 'what'), REACHED.items(), ids=REACHED)
def test_what_only_this_machine_reaches_is_known(text: str, what: str) -> None:
  assert only_of_this_machine(parse_uri(text)) == what
