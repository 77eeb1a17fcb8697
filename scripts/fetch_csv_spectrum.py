#!/usr/bin/env python3
"""Fetches csv-spectrum: difficult CSV files, each with what a reader should make of it, as JSON.

The tests read it. It is an npm package, which npm fetches with its own settings for registry and proxy.
"""

import argparse
import hashlib
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

PACKAGE = 'csv-spectrum@2.0.0'
SHA256 = '002a6a938bf51ceb26af7b760f5c1b54baca4820b0e9142f135619210c93d021'

DATA = pathlib.Path(__file__).resolve().parent.parent / 'data' / 'csv-spectrum'


def download(folder: pathlib.Path) -> pathlib.Path:
  """The package's archive, downloaded into a folder."""
  subprocess.run(['npm', 'pack', '--silent', PACKAGE], cwd=folder, stdout=subprocess.DEVNULL, check=True)
  (archive,) = folder.glob('*.tgz')
  return archive


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--out', type=pathlib.Path, default=DATA, metavar='FOLDER')
  target = parser.parse_args().out
  if (target / SHA256).exists():
    print(f'{target}: already there')
    return
  if not shutil.which('npm'):
    sys.exit(f'npm is missing, and {PACKAGE} comes from its registry: install it (apt-get install npm)')

  with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    try:
      archive = download(folder)
    except subprocess.CalledProcessError as error:
      sys.exit(f'npm could not download {PACKAGE} (its message is above): exit code {error.returncode}')
    if (found := hashlib.sha256(archive.read_bytes()).hexdigest()) != SHA256:
      sys.exit(f'{PACKAGE} has SHA-256 {found}, not {SHA256}: the registry served another file. Nothing was written.')
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tarfile.open(archive) as members:
      for member in members:
        path = pathlib.PurePosixPath(member.name)
        content = members.extractfile(member)
        if content and path.parent.name in ('csvs', 'json'):
          (target / path.name).write_bytes(content.read())
  # The file's name says that everything is there, and from which archive.
  (target / SHA256).touch()
  print(f'{target}: {len(list(target.glob("*.csv")))} CSV files')


if __name__ == '__main__':
  main()
