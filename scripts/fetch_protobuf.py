#!/usr/bin/env python3
"""Fetches protobuf 3.20.3, which TFX 1.16 installs, into a folder of its own.

The tests compare the order of features with it. pip fetches it, with its own settings for index and proxy.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

PACKAGE = 'protobuf==3.20.3'
# Of the wheel that is pure Python, and of the one for Python 3.10 on x86-64, which is not.
SHA256 = (
  'a7ca6d488aa8ff7f329d4c545b2dbad8ac31464f1d8b1c87ad1346717731e4db',
  '9aae4406ea63d825636cc11ffb34ad3379335803216ee3a856787bcf5ccc751e',
)

DATA = pathlib.Path(__file__).resolve().parent.parent / 'data' / 'protobuf-3.20'


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--out', type=pathlib.Path, default=DATA, metavar='FOLDER')
  target = parser.parse_args().out
  if target.exists():
    print(f'{target}: already there')
    return

  target.parent.mkdir(parents=True, exist_ok=True)
  with tempfile.TemporaryDirectory(dir=target.parent) as name:
    folder = pathlib.Path(name)
    requirements = folder / 'requirements.txt'
    requirements.write_text(' '.join([PACKAGE, *(f'--hash=sha256:{digest}' for digest in SHA256)]))
    pip = (sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes')
    done = subprocess.run([*pip, '--target', folder / 'installed', '-r', requirements])
    if done.returncode:
      sys.exit(f'pip could not install {PACKAGE} (its message is above): exit code {done.returncode}')
    shutil.move(folder / 'installed', target)
  print(f'{target}: {PACKAGE}')


if __name__ == '__main__':
  main()
