"""Which runner Beam's arguments name, how many workers it gets, and what is said of an unknown argument."""

import os
import pathlib
import sys
import threading

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import DirectOptions, GoogleCloudOptions, PipelineOptions
from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.environments import DockerEnvironment, ProcessEnvironment, PythonLoopbackEnvironment

from beam_taxi.errors import UserError
from beam_taxi.runners.options import (
  choose_workers,
  flink_address,
  is_waited_for,
  parse_beam_args,
  runs_here,
  spare_cores,
  worker_environment,
)

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setattr(os, 'sched_getaffinity', lambda process: set(range(8)))


def workers(beam_args: list[str], input_bytes: int) -> tuple[int, str]:
  _, options = parse_beam_args(beam_args)
  choose_workers(options, beam_args, input_bytes)
  direct = options.view_as(DirectOptions)
  return direct.direct_num_workers, direct.direct_running_mode


def test_without_a_runner_the_run_is_in_this_process() -> None:
  runner, _ = parse_beam_args([])

  assert type(runner) is FnApiRunner


@pytest.mark.parametrize(
  ('args', 'expected'),
  [
    (['--runner=DataflowRunner'], DataflowRunner),
    (['--runner', 'DataflowRunner'], DataflowRunner),
    (['--runner=FnApiRunner'], FnApiRunner),
    (['--runner=PortableRunner'], PortableRunner),
  ],
  ids=['dataflow', 'in_two_words', 'in_process', 'portable'],
)
def test_a_named_runner_is_taken(args: list[str], expected: type) -> None:
  runner, _ = parse_beam_args(args)

  assert isinstance(runner, expected)


LOCAL = {
  'FnApiRunner': True,
  'DirectRunner': True,
  'SwitchingDirectRunner': True,
  'BundleBasedDirectRunner': True,
  'DataflowRunner': False,
  'FlinkRunner': False,
  'PortableRunner': False,
}


@pytest.mark.parametrize(('name', 'here'), LOCAL.items(), ids=LOCAL)
def test_a_runner_has_its_workers_here_or_elsewhere(name: str, here: bool) -> None:
  runner, _ = parse_beam_args([f'--runner={name}'])

  assert runs_here(runner) is here


ENVIRONMENTS = {
  'portable': (['--runner=PortableRunner'], 'DOCKER'),
  'given': (
    ['--runner=PrismRunner', '--environment_type=PROCESS', '--environment_config={"command": "boot"}'],
    'PROCESS',
  ),
  'prism': (['--runner=PrismRunner'], 'LOOPBACK'),
  'flink_of_this_machine': (['--runner=FlinkRunner'], 'LOOPBACK'),
  'flink_cluster': (['--runner=FlinkRunner', '--flink_master=host:8081'], 'DOCKER'),
  'spark_of_this_machine': (['--runner=SparkRunner', '--spark_master_url=local[2]'], 'LOOPBACK'),
  'spark_cluster': (['--runner=SparkRunner', '--spark_master_url=spark://host:7077'], 'DOCKER'),
}


@pytest.mark.parametrize(('args', 'environment'), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_who_starts_workers_is_as_beams_runner_chooses(args: list[str], environment: str) -> None:
  runner, options = parse_beam_args(args)

  assert worker_environment(runner, options) == environment
  chosen = runner.default_environment(options)
  assert {
    'DOCKER': DockerEnvironment,
    'PROCESS': ProcessEnvironment,
    'LOOPBACK': PythonLoopbackEnvironment,
  }[environment] is type(chosen)


FLINKS = {'host:8081': 'http://host:8081', 'https://host/': 'https://host', '[auto]': '', ' [local]': ''}


@pytest.mark.parametrize(('given', 'address'), FLINKS.items(), ids=FLINKS)
def test_where_flink_is(given: str, address: str) -> None:
  assert flink_address(PipelineOptions(flink_master=given)) == address


SERVER = 'the job server that this command starts ends with it; start one yourself, and give its --job_endpoint'
NO_WAIT = {
  'workers_here': (['--runner=FlinkRunner', '--job_endpoint=h:1'], 'this run is done by this command itself'),
  'server_here': (['--runner=FlinkRunner', '--flink_master=host:8081'], SERVER),
  'server_here_of_spark': (['--runner=SparkRunner', '--spark_master_url=spark://host:7077'], SERVER),
}


@pytest.mark.parametrize(('args', 'why'), NO_WAIT.values(), ids=NO_WAIT)
def test_what_ends_with_the_command_is_waited_for(args: list[str], why: str) -> None:
  runner, options = parse_beam_args(args)

  assert is_waited_for(runner, options, no_wait=False)
  with pytest.raises(UserError, match=f'--no_wait: {why}'):
    is_waited_for(runner, options, no_wait=True)


CLUSTER = ['--runner=FlinkRunner', '--flink_master=host:8081']


@pytest.mark.parametrize(
  'args', [[*CLUSTER, '--flink_submit_uber_jar'], [*CLUSTER, '--job_endpoint=h:1']], ids=['jar', 'job_service']
)
def test_a_job_on_a_flink_cluster_may_be_left_to_itself(args: list[str]) -> None:
  assert not is_waited_for(*parse_beam_args(args), no_wait=True)


def test_arguments_reach_beams_options() -> None:
  _, options = parse_beam_args(['--runner=DataflowRunner', '--project', 'p', '--region=r'])

  cloud = options.view_as(GoogleCloudOptions)
  assert (cloud.project, cloud.region) == ('p', 'r')


@pytest.mark.parametrize(
  ('input_bytes', 'expected'), [(0, 1), (47 * MIB, 1), (48 * MIB, 2), (340 * MIB, 8), (10_000 * MIB, 8)]
)
def test_a_larger_input_has_more_workers_up_to_one_a_core(input_bytes: int, expected: int) -> None:
  assert workers([], input_bytes)[0] == expected


@pytest.mark.parametrize(('input_bytes', 'mode'), [(0, 'in_memory'), (100 * MIB, 'multi_threading')])
def test_several_workers_are_threads(input_bytes: int, mode: str) -> None:
  assert workers([], input_bytes)[1] == mode


@pytest.mark.parametrize(
  ('args', 'expected'),
  [
    (['--direct_num_workers=3'], (3, 'multi_threading')),
    (['--direct_num_workers=1'], (1, 'in_memory')),
    (['--direct_num_workers', '1'], (1, 'in_memory')),
    (['--direct_num_workers=0'], (0, 'multi_threading')),
    (['--direct_running_mode=multi_processing'], (8, 'multi_processing')),
    (['--direct_num_workers=2', '--direct_running_mode=in_memory'], (2, 'in_memory')),
  ],
  ids=['three', 'one', 'one_in_two_words', 'all_cores', 'processes', 'both'],
)
def test_what_the_user_chose_is_kept(args: list[str], expected: tuple[int, str]) -> None:
  assert workers(args, 1000 * MIB) == expected


@pytest.mark.parametrize(
  ('flag', 'near'),
  [
    ('--spilts=a:1', '--splits'),
    ('--input_spilt=a=b', '--input_split'),
    ('--delimeter=;', '--delimiter'),
    ('--projct=p', '--project'),
    ('--direct_num_worker=2', '--direct_num_workers'),
  ],
)
def test_an_unknown_flag_is_told_with_the_one_that_is_near(flag: str, near: str) -> None:
  with pytest.raises(UserError, match=f'^{flag}: neither .* did you mean {near}\\?'):
    parse_beam_args([flag])


def test_an_unknown_flag_near_none_is_told_with_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setattr(sys, 'argv', ['/usr/bin/beam-taxi'])

  with pytest.raises(UserError, match='--qqqqqq: .*; beam-taxi --help lists the flags'):
    parse_beam_args(['--qqqqqq'])


def test_what_a_misspelled_flag_has_is_not_repeated() -> None:
  with pytest.raises(UserError, match='^--s3_secret_acces_key=') as raised:
    parse_beam_args(['--s3_secret_acces_key=abc'])
  assert 'abc' not in str(raised.value)


def test_a_stray_word_is_told() -> None:
  with pytest.raises(UserError, match='^stray.csv: neither a flag'):
    parse_beam_args(['stray.csv'])


def test_a_job_servers_own_arguments_are_left_to_it() -> None:
  parse_beam_args(['--runner=FlinkRunner', '--an_option_of_flink=1'])


@pytest.mark.parametrize('name', ['flink', 'apache_beam.runners.portability.flink_runner.FlinkRunner'])
def test_a_runner_is_the_same_by_its_other_names(name: str) -> None:
  runner, _ = parse_beam_args([f'--runner={name}', '--an_option_of_flink=1'])

  assert type(runner).__name__ == 'FlinkRunner'


OWN_RUNNER = """
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineRunner

class OwnOptions(PipelineOptions):
  @classmethod
  def _add_argparse_args(cls, parser):
    parser.add_argument('--flag_of_own_runner')

class OwnRunner(PipelineRunner):
  pass

class NoRunner:
  pass

class NeedsMore(PipelineRunner):
  def __init__(self, more):
    pass
"""


@pytest.fixture
def own_runner(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
  (tmp_path / 'own_runner.py').write_text(OWN_RUNNER)
  monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures('own_runner')
def test_somebodys_own_runner_has_its_own_flags() -> None:
  runner, options = parse_beam_args(['--runner=own_runner.OwnRunner', '--flag_of_own_runner=1'])

  assert type(runner).__name__ == 'OwnRunner'
  assert options.get_all_options()['flag_of_own_runner'] == '1'
  with pytest.raises(UserError, match='^--flag_of_own_runer=1: neither .* did you mean --flag_of_own_runner'):
    parse_beam_args(['--runner=own_runner.OwnRunner', '--flag_of_own_runer=1'])


@pytest.mark.usefixtures('own_runner')
@pytest.mark.parametrize('name', ['own_runner.Missing', 'own_runner.NoRunner', 'own_runner.NeedsMore', 'no_module.Any'])
def test_what_is_no_runner_is_told_by_its_name(name: str) -> None:
  with pytest.raises(UserError, match=f'^--runner {name}: '):
    parse_beam_args([f'--runner={name}'])


def test_an_unknown_runner_is_told_by_its_name() -> None:
  with pytest.raises(UserError, match='--runner NoSuchRunner: '):
    parse_beam_args(['--runner=NoSuchRunner'])


@pytest.mark.parametrize(
  ('arguments', 'cores'),
  [
    (['--direct_num_workers=4', '--direct_running_mode=multi_threading'], 3),
    (['--direct_num_workers=1'], 0),
    (['--direct_num_workers=4', '--direct_running_mode=multi_processing'], 0),
    (['--runner=FlinkRunner', '--direct_num_workers=4', '--direct_running_mode=multi_threading'], 0),
  ],
  ids=['threads', 'one', 'processes', 'elsewhere'],
)
def test_cores_are_spare_while_the_threads_of_a_run_in_this_process_wait(arguments: list[str], cores: int) -> None:
  assert spare_cores(*parse_beam_args(arguments)) == cores


class SlowToWrite:
  """A value whose encoding takes longer than Beam's threads used to leave their output alone."""

  def __reduce__(self) -> tuple[type, tuple]:
    # Not a wait for something to happen: Beam's flusher comes every second, and has to meet an element half written.
    threading.Event().wait(1.5)
    return SlowToWrite, ()


def test_an_element_that_takes_long_to_write_arrives_whole() -> None:
  options = PipelineOptions(direct_num_workers=2, direct_running_mode='multi_threading')
  with TestPipeline(runner=FnApiRunner(), options=options) as root:
    grouped = root | beam.Create(['a', 'b']) | beam.Map(lambda key: (key, SlowToWrite())) | beam.GroupByKey()
    assert_that(grouped | beam.MapTuple(lambda key, values: (key, len(list(values)))), equal_to([('a', 1), ('b', 1)]))


def test_workers_that_are_processes_are_told_how_to_reach_files() -> None:
  mode = ['--direct_running_mode', 'multi_processing', '--direct_num_workers', '2']
  files = ['--s3_endpoint_url', 'http://here', '--s3_disable_ssl', '--azure_connection_string', 'AccountName=a']

  runner, _ = parse_beam_args([*mode, *files])

  told = dict(runner._provision_info.provision_info.pipeline_options)
  names = {name.split(':')[2]: value for name, value in told.items()}
  assert names == {'s3_endpoint_url': 'http://here', 's3_disable_ssl': True, 'azure_connection_string': 'AccountName=a'}
