"""Puts the recorded runs of an earlier release into a folder, as if they had been made there.

`python place.py FOLDER`, or `place(folder)`. The store and the manifests name files by their whole paths, under
/srv/taxi; these become paths under the folder.
"""

import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import sys

MADE_IN = '/srv/taxi'

# Git keeps no empty folders: runs that were begun and wrote nothing.
_EMPTY = ('runs/running-1', 'runs/canceled-1')


def place(folder: str | os.PathLike[str]) -> pathlib.Path:
  """Makes the folder, with metadata.sqlite, runs/ and input/ in it; returns its whole path.

  Raises:
    FileExistsError: there is something of this name.
  """
  target = pathlib.Path(os.path.abspath(folder))
  source = pathlib.Path(__file__).resolve().parent / 'fixture'
  shutil.copytree(source, target, ignore=shutil.ignore_patterns('metadata.sql'))
  for name in _EMPTY:
    (target / name).mkdir()
  for manifest in target.glob('runs/*/manifest.json'):
    text = manifest.read_text(encoding='utf-8')
    manifest.write_text(text.replace(MADE_IN, json.dumps(str(target))[1:-1]), encoding='utf-8')
  with contextlib.closing(sqlite3.connect(target / 'metadata.sqlite')) as store:
    store.executescript((source / 'metadata.sql').read_text(encoding='utf-8'))
    _move(store, str(target))
  return target


def _move(store: sqlite3.Connection, target: str) -> None:
  """Renames MADE_IN in every URI and property of a store."""
  columns = [
    ('Artifact', 'uri'),
    *((f'{kind}Property', 'string_value') for kind in ('Artifact', 'Execution', 'Context')),
  ]
  with store:
    for table, column in columns:
      store.execute(f'update {table} set {column} = replace({column}, ?, ?)', (MADE_IN, target))


if __name__ == '__main__':
  print(place(sys.argv[1]))
