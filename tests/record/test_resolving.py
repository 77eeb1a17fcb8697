"""What a run is, asked once and without a trace."""

import os
import pathlib

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import create_runner

from beam_taxi.errors import UserError
from beam_taxi.inputs.input_splits import InputSplit
from beam_taxi.record.resolving import ResolvedRun, list_sources, resolve, with_absolute_paths
from beam_taxi.record.reuse import fingerprint_of_input
from beam_taxi.settings.config import RunConfig


@pytest.fixture(autouse=True)
def here(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
  """A working directory with an input in it."""
  (tmp_path / 'rows.csv').write_text('a,b\n1,2\n')
  monkeypatch.chdir(tmp_path)
  return tmp_path


def resolved(config: RunConfig) -> ResolvedRun:
  return resolve(config, FnApiRunner(), PipelineOptions([]))


def test_local_paths_become_absolute_and_others_stay(here: pathlib.Path) -> None:
  config = with_absolute_paths(RunConfig(('rows.csv', 'gs://b/*.csv'), 'out', 'r', schema='s.pbtxt'))

  assert config.input == (f'{here}/rows.csv', 'gs://b/*.csv')
  assert (config.output, config.schema) == (f'{here}/out', f'{here}/s.pbtxt')
  assert with_absolute_paths(RunConfig(('a',), 'gs://b/out', 'r')).output == 'gs://b/out'


def test_patterns_of_splits_become_absolute(here: pathlib.Path) -> None:
  config = RunConfig(output='out', run_id='r', input_splits=(InputSplit('train', ('rows.csv',)),))

  assert with_absolute_paths(config).input_splits == (InputSplit('train', (f'{here}/rows.csv',)),)
  assert with_absolute_paths(config).input == (f'{here}/rows.csv',)


def test_a_relative_input_is_the_absolute_one(here: pathlib.Path) -> None:
  relative = RunConfig(('*.csv',), 'out', 'r')
  absolute = RunConfig((f'{here}/*.csv',), 'out', 'r')

  assert list_sources(relative).files == list_sources(absolute).files
  assert fingerprint_of_input(list_sources(relative)) == fingerprint_of_input(list_sources(absolute))


def test_each_split_of_an_input_is_listed_by_itself(here: pathlib.Path) -> None:
  (here / 'more.csv').write_text('c\n1\n')
  splits = (InputSplit('train', ('rows.csv',)), InputSplit('eval', ('more.csv',)))

  listing = list_sources(RunConfig(output='out', run_id='r', input_splits=splits))

  assert [(source.split, [file.path for file in source.files]) for source in listing.sources] == [
    ('train', [f'{here}/rows.csv']),
    ('eval', [f'{here}/more.csv']),
  ]


def test_a_file_that_comes_later_is_not_listed(here: pathlib.Path) -> None:
  run = resolved(RunConfig(('*.csv',), 'out', 'r'))
  before = run.listing()
  (here / 'later.csv').write_text('a,b\n3,4\n')

  assert run.listing() is before
  assert [os.path.basename(file.path) for file in before.files] == ['rows.csv']


def test_resolving_leaves_nothing_behind(here: pathlib.Path) -> None:
  run = resolved(RunConfig(('rows.csv',), 'out', 'r'))

  assert run.recorded_config().metadata == f'sqlite:///{here}/out/metadata.sqlite'
  assert len(run.listing().files) == len(run.sources()) == 1
  assert sorted(os.listdir(here)) == ['rows.csv']


HERE = 'apache_beam.runners.portability.fn_api_runner.FnApiRunner'
WAYS = {
  'here': (HERE, [], False, True),
  # In this process Beam writes no template.
  'here_with_a_template': (HERE, ['--template_location=gs://b/t'], False, True),
  'dataflow': ('DataflowRunner', [], False, True),
  'left': ('DataflowRunner', ['--no_wait_until_finish'], False, False),
  'template': ('DataflowRunner', ['--template_location=gs://b/t'], True, False),
}


@pytest.mark.parametrize(('runner', 'beam_args', 'template', 'waited'), WAYS.values(), ids=WAYS)
def test_what_is_a_template_and_what_is_waited_for(
  runner: str, beam_args: list[str], template: bool, waited: bool
) -> None:
  run = resolve(RunConfig(('rows.csv',), 'out', 'r'), create_runner(runner), PipelineOptions(beam_args))

  assert (run.is_template, run.is_waited_for) == (template, waited)


def test_a_pattern_that_names_no_file_is_said_whenever_the_listing_is_asked_for() -> None:
  run = resolved(RunConfig(('none*.csv',), 'out', 'r'))

  for _ in range(2):
    with pytest.raises(UserError, match=r'none\*\.csv: no file matches'):
      run.listing()
