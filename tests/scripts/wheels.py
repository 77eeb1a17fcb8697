"""Scripts that take files out of the tfx wheel, run without an index, and wheels for them to find."""

import os
import pathlib
import subprocess
import sys
import zipfile

ROOT = pathlib.Path(__file__).parents[2]


def fetch(script: str, out: pathlib.Path, **env: str) -> subprocess.CompletedProcess[str]:
  return subprocess.run(
    [sys.executable, ROOT / 'scripts' / script, '--out', out],
    text=True,
    capture_output=True,
    env={**os.environ, 'PIP_NO_INDEX': '1', **env},
  )


def write_wheel(folder: pathlib.Path, member: str, content: str) -> None:
  """A wheel that pip takes for tfx, with one file in it."""
  with zipfile.ZipFile(folder / 'tfx-1.21.0-py3-none-any.whl', 'w') as wheel:
    wheel.writestr(member, content)
    info = 'tfx-1.21.0.dist-info'
    wheel.writestr(f'{info}/METADATA', 'Metadata-Version: 2.1\nName: tfx\nVersion: 1.21.0\n')
    wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\nTag: py3-none-any\n')
    wheel.writestr(f'{info}/RECORD', '')
