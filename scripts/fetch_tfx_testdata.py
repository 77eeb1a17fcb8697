#!/usr/bin/env python3
"""Fetches what TFX's own tests work on: outputs of CsvExampleGen, StatisticsGen and SchemaGen, and two CSV files.

All are made from the trips that fetch_taxi_data.py fetches, and come from the same wheel. The tests compare with them.
"""

import argparse
import pathlib
import shutil
from collections.abc import Mapping

from tfx_wheel import check, read_members, sha256

FOLDER = 'tfx/components/testdata/'
PARTS = ('csv_example_gen/', 'statistics_gen/', 'schema_gen/', 'external/csv/')
# The SHA-256 of what sha256sum prints for these files, in the order of their names.
SHA256 = 'a1495abaf6a2cc03babef4d691dc8ceb71783602c76e27ddb1ca77653440d5d5'

DATA = pathlib.Path(__file__).resolve().parent.parent / 'data' / 'tfx_testdata'


def sha256_of_all(files: Mapping[str, bytes]) -> str:
  """A SHA-256 that changes with the name or the content of any file."""
  return sha256(''.join(f'{sha256(content)}  {name}\n' for name, content in sorted(files.items())).encode())


def read_parts(folder: pathlib.Path) -> dict[str, bytes]:
  """The files of PARTS in a folder, by their paths relative to it."""
  paths = [path for part in PARTS for path in (folder / part).rglob('*') if path.is_file()]
  return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--out', type=pathlib.Path, default=DATA, metavar='FOLDER')
  target = parser.parse_args().out
  if sha256_of_all(read_parts(target)) == SHA256:
    print(f'{target}: already there')
    return

  members = read_members(*(FOLDER + part for part in PARTS))
  files = {name.removeprefix(FOLDER): content for name, content in members.items()}
  check(FOLDER, sha256_of_all(files), SHA256)
  for part in PARTS:
    shutil.rmtree(target / part, ignore_errors=True)
  for name, content in files.items():
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    (target / name).write_bytes(content)
  print(f'{target}: {len(files)} files')


if __name__ == '__main__':
  main()
