"""The city's own export of taxi trips, read as its page says, has the features of the sample that TFX ships."""

import pathlib
import re
import shlex
import subprocess
import sys

import pyarrow as pa
import pytest
from commands import ROOT, Here

from beam_taxi.artifacts.manifest import RunFolder, read_manifest
from beam_taxi.examples.reading import read

ROWS = 2000


def made(path: pathlib.Path, *flags: str) -> pathlib.Path:
  command = [sys.executable, ROOT / 'scripts/make_taxi_csv.py', '--rows', str(ROWS), '--seed', '7', '--out', path]
  subprocess.run([*command, *flags], check=True)
  return path


def settings() -> list[str]:
  """The flags behind --run_id of the command in the page."""
  page = (ROOT / 'docs' / 'PORTAL.md').read_text()
  [command] = re.findall(r'^python main\.py .* --run_id portal (.*?)```', page, re.MULTILINE | re.DOTALL)
  return shlex.split(command.replace('\\\n', ' '))


def folder_of(folder: pathlib.Path, run_id: str) -> RunFolder:
  return RunFolder.of(f'{folder}/out', run_id)


def rows(folder: pathlib.Path, run_id: str) -> list[dict[str, object]]:
  table = pa.Table.from_batches(list(read(folder_of(folder, run_id).uri, 'all').record_batches()))
  # A split's records are in the files' order.
  return table.select(sorted(table.column_names)).to_pylist()


@pytest.mark.parametrize('form', [['--portal'], ['--portal', '--dollars']], ids=['plain', 'dollars'])
def test_an_export_gives_the_features_of_the_sample(
  form: list[str], tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.chdir(tmp_path)
  run = Here(tmp_path, capfd)
  sample, portal = made(tmp_path / 'sample.csv'), made(tmp_path / 'portal.csv', *form)

  for name, path, flags in (('sample', sample, []), ('portal', portal, settings())):
    done = run('--input', path, '--output', 'out', '--run_id', name, '--splits', 'all:1', *flags)
    assert done.returncode == 0, done.stderr

  columns = [
    manifest.columns for name in ('sample', 'portal') if (manifest := read_manifest(folder_of(tmp_path, name)))
  ]
  assert columns[0] == columns[1]
  assert len(columns[0]) == 18
  assert rows(tmp_path, 'portal') == rows(tmp_path, 'sample')
