"""The report as a run makes it: before the manifest, listed in it, and never in a run's way."""

import hashlib
import json
import logging
import pathlib
import subprocess
import sys

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from beam_taxi import storage
from beam_taxi.artifacts.manifest import Manifest, RunFolder, read_manifest
from beam_taxi.graph.pipeline import build_graph
from beam_taxi.record.reuse import is_whole
from beam_taxi.settings.config import RunConfig
from beam_taxi.show.report import run_report

ROOT = pathlib.Path(__file__).parent.parent.parent.parent


def run_graph(folder: pathlib.Path) -> Manifest:
  (folder / 'in.csv').write_text('number,text\n' + ''.join(f'{n},"a{n % 3}"\n' for n in range(40)))
  config = RunConfig((str(folder / 'in.csv'),), str(folder / 'out'), 'one')
  with beam.Pipeline(runner=FnApiRunner()) as root:
    build_graph(root, config)
  manifest = read_manifest(RunFolder.of(config.output, 'one'))
  assert manifest
  return manifest


def test_the_manifest_lists_the_report_which_was_there_before_it(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
  written = []
  commit = storage.AtomicFile.commit
  monkeypatch.setattr(
    storage.AtomicFile, 'commit', lambda self: (written.append(pathlib.Path(self._path).name), commit(self))[1]
  )
  manifest = run_graph(tmp_path)

  assert written[-2:] == ['index.html', 'manifest.json']
  assert manifest.report
  path = pathlib.Path(manifest.report.path)
  assert path == tmp_path / 'out' / 'runs' / 'one' / 'report' / 'index.html'
  assert hashlib.sha256(path.read_bytes()).hexdigest() == manifest.report.sha256


def test_a_report_that_cannot_be_drawn_leaves_a_run_that_is_good(tmp_path, monkeypatch, caplog) -> None:
  def fail(*_: object) -> str:
    raise RuntimeError('no ink')

  monkeypatch.setattr(run_report, 'page_of', fail)
  with caplog.at_level(logging.WARNING):
    manifest = run_graph(tmp_path)

  assert manifest.report is None
  assert is_whole(manifest)
  assert 'one has no report' in caplog.text


def test_a_manifest_from_before_there_were_reports_is_read_and_whole(tmp_path: pathlib.Path) -> None:
  manifest = run_graph(tmp_path)
  fields = json.loads(manifest.to_json())
  del fields['artifacts']['report']
  pathlib.Path(manifest.report.path).unlink()
  older = Manifest.from_json(json.dumps(fields))

  assert older.report is None
  assert is_whole(older)
  assert not is_whole(manifest)


def test_workers_get_templates_styles_and_scripts_with_the_package(tmp_path: pathlib.Path) -> None:
  """In the source distribution that Beam makes of setup.py; the image installs the same."""
  for name in ('setup.py', 'pyproject.toml', 'LICENSE'):
    (tmp_path / name).write_bytes((ROOT / name).read_bytes())
  (tmp_path / 'beam_taxi').symlink_to(ROOT / 'beam_taxi')
  subprocess.run([sys.executable, 'setup.py', '-q', 'sdist'], cwd=tmp_path, check=True, capture_output=True)
  [made] = (tmp_path / 'dist').glob('*.tar.gz')
  names = subprocess.run(['tar', 'tzf', made], check=True, capture_output=True, text=True).stdout.splitlines()

  html = ROOT / 'beam_taxi' / 'show' / 'html'
  files = [path for folder in ('templates', 'assets') for path in (html / folder).iterdir()]
  assert len(files) >= 6
  assert {f'beam_taxi-0.1.0/{path.relative_to(ROOT)}' for path in files} <= set(names)
