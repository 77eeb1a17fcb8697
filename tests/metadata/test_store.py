"""Which store a run records into, and what is said of one that cannot be opened."""

import pathlib
import sqlite3
import subprocess
import sys

import ml_metadata as mlmd
import pytest
import tenacity

from beam_taxi.errors import MishapError, UserError
from beam_taxi.metadata import store
from beam_taxi.metadata.attempts import mishaps_of_store
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

  made = connect(f'sqlite:///{path}')

  assert made.get_executions() == []
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


# In a process of its own: two SQLite libraries of one process do not see each other's locks.
_LOCK = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute('BEGIN EXCLUSIVE')
print('locked', flush=True)
sys.stdin.read()
"""


def test_a_store_that_another_keeps_locked_is_said(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
  path = tmp_path / 'm.sqlite'
  connect(f'sqlite:///{path}')
  monkeypatch.setattr(store, 'attempts', lambda: tenacity.Retrying(stop=tenacity.stop_after_attempt(1), reraise=True))

  command = [sys.executable, '-c', _LOCK, path]
  with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as another:
    assert another.stdout
    assert another.stdout.readline() == 'locked\n'
    with pytest.raises(UserError, match='another process keeps the SQLite file locked; try again once that is done$'):
      connect(f'sqlite:///{path}')
    another.communicate()


def test_what_fails_of_a_store_that_is_open_is_told_without_what_was_to_be_written() -> None:
  error = mlmd.errors.InternalError('Error when executing query: disk I/O error query: INSERT INTO x VALUES (1)')

  with pytest.raises(MishapError, match='^the metadata store fails: disk I/O error$'), mishaps_of_store():
    raise error


def test_what_a_store_cannot_be_asked_is_a_bug() -> None:
  with pytest.raises(mlmd.errors.InvalidArgumentError), mishaps_of_store():
    raise mlmd.errors.InvalidArgumentError('no such type')
