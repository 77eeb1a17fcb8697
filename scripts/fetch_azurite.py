#!/usr/bin/env python3
"""Fetches Azurite, Microsoft's emulator of Azure's storage, with what it needs: some 300 npm packages, 190 MB.

The tests of azfs:// run against it. npm fetches it with its own settings for registry and proxy.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

# The last that takes any Node; later ones take none before 21 or 22.
PACKAGE = 'azurite@3.35.0'
DATA = pathlib.Path(__file__).resolve().parent.parent / 'data' / 'azurite'
# Nothing that a package brings is run while it is installed.
_INSTALL = ['npm', 'install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--omit=optional']


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--out', type=pathlib.Path, default=DATA, metavar='FOLDER')
  target = parser.parse_args().out
  # The file's name says that everything is there, and of which release.
  done = target / PACKAGE
  if done.exists():
    print(f'{target}: already there')
    return
  if not shutil.which('npm'):
    sys.exit(f'npm is missing, and {PACKAGE} comes from its registry: install it (apt-get install npm)')
  shutil.rmtree(target, ignore_errors=True)
  target.mkdir(parents=True)
  try:
    subprocess.run([*_INSTALL, '--prefix', target, PACKAGE], stdout=subprocess.DEVNULL, check=True)
  except subprocess.CalledProcessError as error:
    sys.exit(f'npm could not install {PACKAGE} (its message is above): exit code {error.returncode}')
  done.touch()
  print(f'{target}: {PACKAGE}')


if __name__ == '__main__':
  main()
