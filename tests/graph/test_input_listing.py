"""What was listed is what is read: files that come, change or go while a run goes on."""

import os
import pathlib

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from beam_taxi.artifacts.listing import read_listing, write_listing
from beam_taxi.artifacts.manifest import RunFolder, read_manifest
from beam_taxi.errors import user_error_in
from beam_taxi.graph.pipeline import build_graph
from beam_taxi.record.resolving import list_sources
from beam_taxi.settings.config import RunConfig

ROWS = 'a,b\n' + '1,x\n' * 2000


@pytest.fixture
def config(tmp_path: pathlib.Path) -> RunConfig:
  """A run over two files, whose input has been listed."""
  for name in ('one', 'two'):
    (tmp_path / f'{name}.csv').write_text(ROWS)
    os.utime(tmp_path / f'{name}.csv', ns=(0, 0))
  config = RunConfig((f'{tmp_path}/*.csv',), str(tmp_path / 'out'), 'r')
  write_listing(RunFolder.of(config.output, config.run_id), list_sources(config))
  return config


def run(config: RunConfig) -> str:
  """Runs the graph over what was listed; what the user is told where that fails."""
  try:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
      build_graph(pipeline, config, listed=True)
  except Exception as error:
    return str(user_error_in(error))
  return ''


def test_a_file_that_comes_later_is_not_in_the_run(config: RunConfig, tmp_path: pathlib.Path) -> None:
  (tmp_path / 'three.csv').write_text(ROWS)

  assert run(config) == ''
  manifest = read_manifest(RunFolder.of(config.output, config.run_id))
  assert manifest
  assert (manifest.input.files, manifest.input.rows) == (2, 4000)


CHANGES = {
  'written_anew': (lambda path: path.write_text(ROWS), 'two.csv: was written anew since the run began'),
  'longer': (lambda path: path.write_text(ROWS + '2,y\n'), 'two.csv: is longer now than'),
  'shorter': (lambda path: path.write_text('a,b\n'), 'two.csv: is shorter now than'),
  'gone': (lambda path: path.unlink(), 'two.csv: is gone since the run began'),
}


@pytest.mark.parametrize(('change', 'message'), CHANGES.values(), ids=CHANGES)
def test_a_file_that_is_not_what_was_listed_ends_the_run(
  config: RunConfig, tmp_path: pathlib.Path, change, message: str
) -> None:
  change(tmp_path / 'two.csv')

  assert message in run(config)
  assert not read_manifest(RunFolder.of(config.output, config.run_id))


def test_a_graph_whose_input_nobody_listed_lists_it(config: RunConfig, tmp_path: pathlib.Path) -> None:
  (tmp_path / 'three.csv').write_text(ROWS)
  with beam.Pipeline(runner=FnApiRunner()) as pipeline:
    build_graph(pipeline, config)

  assert len(read_listing(RunFolder.of(config.output, config.run_id)).files) == 3
