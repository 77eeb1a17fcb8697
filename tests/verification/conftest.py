"""Finished runs, each made once; a test may do with its copy what it likes."""

import json
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import pytest

import beam_taxi

OLD_RUN = pathlib.Path(__file__).parents[1] / 'metadata' / 'old_store' / 'fixture' / 'runs' / 'complete-2'


@pytest.fixture(scope='session')
def runs(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """The folder of a run that wrote TFRecords and set rows aside, and of one that wrote Parquet."""
  folder = tmp_path_factory.mktemp('verified')
  rows = ''.join(f'{n},{n % 7}.5,word {n}\n' for n in range(300))
  (folder / 'rows.csv').write_text(f'a,b,c\n{rows}1,2\n3\n')
  forms: dict[str, dict[str, Any]] = {'tfrecord': {'num_shards': 3}, 'parquet': {'output_format': 'parquet'}}
  for name, form in forms.items():
    beam_taxi.run(
      beam_taxi.RunConfig(
        input=(str(folder / 'rows.csv'),),
        output=str(folder / 'out'),
        run_id=name,
        metadata='none',
        bad_rows='quarantine',
        **form,
      )
    )
  return folder / 'out' / 'runs'


@pytest.fixture
def copied(runs: pathlib.Path, tmp_path: pathlib.Path) -> Callable[[str], pathlib.Path]:
  """Copies a run's folder, by its id; 'old' is one of an earlier release."""

  def copy(name: str) -> pathlib.Path:
    if name != 'old':
      return pathlib.Path(shutil.copytree(runs / name, tmp_path / name))
    folder = pathlib.Path(shutil.copytree(OLD_RUN, tmp_path / name))
    manifest = json.loads((folder / 'manifest.json').read_text())
    # The page is not kept with it.
    del manifest['report']
    (folder / 'manifest.json').write_text(json.dumps(manifest))
    return folder

  return copy


@pytest.fixture
def folder(copied: Callable[[str], pathlib.Path]) -> pathlib.Path:
  """A copy of the run that wrote TFRecords."""
  return copied('tfrecord')
