"""Which store a run records into, and what is said of one that cannot be opened."""

import pathlib
import sqlite3

import pytest

from beam_taxi.errors import UserError
from beam_taxi.metadata.store import connect
from beam_taxi.metadata.uri import store_uri


@pytest.mark.parametrize(
  ('metadata', 'output', 'uri'),
  [
    ('', '/out', 'sqlite:////out/metadata.sqlite'),
    ('none', '/out', 'none'),
    ('none', 'gs://bucket', 'none'),
    ('sqlite:////a/b.sqlite', '/out', 'sqlite:////a/b.sqlite'),
    ('mysql://me@host/db', 'gs://bucket', 'mysql://me@host/db'),
  ],
  ids=['default', 'none', 'none_and_bucket', 'path', 'server_and_bucket'],
)
def test_a_run_records_where_the_user_says_or_beside_a_local_output(metadata: str, output: str, uri: str) -> None:
  assert store_uri(metadata, output) == uri


def test_a_bucket_has_no_store_of_its_own() -> None:
  with pytest.raises(UserError, match='--output gs://bucket: SQLite cannot be kept there; name a store'):
    store_uri('', 'gs://bucket')


def test_a_store_is_made_with_its_folders(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'new' / 'folder' / 'm.sqlite'

  store = connect(f'sqlite:///{path}')

  assert store.get_executions() == []
  assert path.is_file()


UNUSABLE = {
  'no_database': ('text', 'it is no SQLite file'),
  'in_a_file': ('text/m.sqlite', 'a folder in this path is a file'),
  'further_in_a_file': ('text/a/m.sqlite', 'a folder in this path is a file'),
  'folder': ('.', 'check the path and its permissions'),
}


@pytest.mark.parametrize(('name', 'advice'), UNUSABLE.values(), ids=UNUSABLE)
def test_a_store_that_cannot_be_opened_is_told_in_one_line(tmp_path: pathlib.Path, name: str, advice: str) -> None:
  (tmp_path / 'text').write_text('this is no database, and longer than a header of SQLite: ' + 'x' * 200)
  with pytest.raises(UserError) as raised:
    connect(f'sqlite:///{tmp_path / name}')

  message = str(raised.value)
  assert message.startswith(f'--metadata sqlite:///{tmp_path / name}: the store cannot be opened (')
  assert '\n' not in message
  assert advice in message


def test_a_store_of_a_newer_mlmd_is_refused(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'm.sqlite'
  connect(f'sqlite:///{path}')
  with sqlite3.connect(path) as database:
    database.execute('UPDATE MLMDEnv SET schema_version = 9999')

  with pytest.raises(UserError, match=r'the store is of a newer MLMD than .*; upgrade ml-metadata .*9999'):
    connect(f'sqlite:///{path}')
