"""The process that does a job's work: it has what was staged and the locked packages, and nothing else."""

import json
import pathlib
import subprocess
import sys
import sysconfig

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.stager import Stager
from apache_beam.transforms.util import Create

from beam_taxi.cloud.rehearsal import worker
from beam_taxi.graph.pipeline import build_graph
from beam_taxi.runners.shipping import package_flag
from beam_taxi.settings.config import RunConfig

SITE_PACKAGES = sysconfig.get_paths()['purelib']


@pytest.fixture(scope='module')
def package(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """This package as Beam's stager builds it, installed by itself."""
  folder = tmp_path_factory.mktemp('package')
  (folder / 'sdist').mkdir()
  archive = Stager._build_setup_package(package_flag()[1], str(folder / 'sdist'))
  command = [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index', '--no-build-isolation']
  subprocess.run([*command, '--target', str(folder / 'packages'), archive], check=True)
  return folder / 'packages'


def work(folder: pathlib.Path, pipeline: beam.Pipeline) -> dict:
  """What a worker says last of a pipeline; packages lie in folder/packages."""
  (folder / 'pipeline.pb').write_bytes(pipeline.to_runner_api().SerializeToString())
  (folder / 'options.json').write_text('{}')
  command = [sys.executable, '-I', '-S', worker.__file__, str(folder), SITE_PACKAGES]
  done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
  assert done.stdout, done.stderr
  return json.loads(done.stdout.splitlines()[-1])


def graph_of(folder: pathlib.Path) -> beam.Pipeline:
  (folder / 'in.csv').write_text('n,s\n' + ''.join(f'{n},"row\n{n}"\n' for n in range(100)) + '1\n')
  # As the launcher pickles for Dataflow.
  pipeline = beam.Pipeline(options=PipelineOptions(['--pickle_library=cloudpickle']))
  config = RunConfig(
    input=(str(folder / 'in.csv'),),
    output=str(folder / 'out'),
    run_id='r',
    bad_rows='quarantine',
    record='graph',
    metadata=f'sqlite:///{folder}/metadata.sqlite',
  )
  build_graph(pipeline, config)
  return pipeline


def test_every_step_runs_where_nothing_is_but_the_package(tmp_path: pathlib.Path, package: pathlib.Path) -> None:
  (tmp_path / 'packages').symlink_to(package)

  last = work(tmp_path, graph_of(tmp_path))

  assert 'done' in last, last
  assert last['done']['beam_taxi/ReadRows.rows'] == 100
  assert (tmp_path / 'out' / 'runs' / 'r' / 'manifest.json').exists()
  assert (tmp_path / 'metadata.sqlite').exists()


def test_without_the_package_no_step_runs(tmp_path: pathlib.Path) -> None:
  """Which shows that the worker does not find the checkout."""
  (tmp_path / 'packages').mkdir()

  assert "No module named 'beam_taxi'" in work(tmp_path, graph_of(tmp_path))['error']


def test_what_steps_print_is_not_taken_for_what_the_worker_says(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'packages').mkdir()
  pipeline = beam.Pipeline()
  pipeline | Create([1]) | beam.Map(print)

  assert work(tmp_path, pipeline) == {'done': {}}
