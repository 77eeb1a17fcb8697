"""Reads files from the wheel of tfx, which pip downloads, without installing tfx or its dependencies."""

import hashlib
import pathlib
import subprocess
import sys
import tempfile
import zipfile

WHEEL = 'tfx==1.21.0'


def read_members(*prefixes: str) -> dict[str, bytes]:
  """The files in the wheel whose names begin with one of `prefixes`.

  pip downloads the wheel, with its own index, proxy and certificates. If it cannot, the program ends.
  """
  with tempfile.TemporaryDirectory() as folder:
    pip = [sys.executable, '-m', 'pip', 'download', '--quiet', '--disable-pip-version-check']
    try:
      subprocess.run([*pip, '--no-deps', '--only-binary=:all:', '--dest', folder, WHEEL], check=True)
    except subprocess.CalledProcessError as error:
      sys.exit(f'pip could not download {WHEEL} (its message is above): exit code {error.returncode}')
    (wheel,) = pathlib.Path(folder).glob('*.whl')
    with zipfile.ZipFile(wheel) as archive:
      names = [name for name in archive.namelist() if name.startswith(prefixes) and not name.endswith('/')]
      return {name: archive.read(name) for name in names}


def sha256(content: bytes) -> str:
  return hashlib.sha256(content).hexdigest()


def check(what: str, found: str, expected: str) -> None:
  """Ends the program if a SHA-256 is not the expected one."""
  if found != expected:
    sys.exit(
      f'{what} in {WHEEL} has SHA-256 {found}, not {expected}: '
      'the index served another file than the one this project was tested with. '
      'Nothing was written.'
    )
