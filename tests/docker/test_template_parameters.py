"""docker/metadata.json, which is made from the flags that it describes: what it asks for, takes and refuses."""

import json
import os
import pathlib
import re
import shutil
import subprocess
from typing import Any

import pytest

from beam_taxi.cli._run import run_parser
from beam_taxi.runners.options import parse_beam_args
from beam_taxi.settings import flags
from beam_taxi.settings.config import RunConfig, all_settings

ROOT = pathlib.Path(__file__).parents[2]
PARAMETERS: list[dict[str, Any]] = json.loads((ROOT / 'docker' / 'metadata.json').read_text())['parameters']
BY_NAME = {parameter['name']: parameter for parameter in PARAMETERS}

# Flags that a template does not have, besides those that say why themselves: nobody reads what they print.
PRINTED = {'help', 'version'}

# Parameters that are Beam's, each with the reason why the template names it.
OF_BEAM = {'sdk_container_image': 'Dataflow would take an image without this program and its packages'}

# Beyond the flags that main.py itself asks for.
REQUIRED = {
  'metadata': 'an output in Cloud Storage has no store of its own',
  'sdk_container_image': OF_BEAM['sdk_container_image'],
}

# What each parameter takes and refuses, beside its default.
VALUES: dict[str, tuple[list[str], list[str]]] = {
  'input': (['gs://b/trips.csv', 'gs://b/a/**/*.csv.gz', 'gs://b/trips/'], ['trips.csv', 'gs://b', '/data/trips.csv']),
  'output': (['gs://b/out'], ['out', 's3://b/out', 'gs://b']),
  'metadata': (
    ['none', 'mysql://u@10.0.0.3/mlmd?password_secret=projects/p/secrets/s', 'grpc://mlmd:8080'],
    ['sqlite:///runs.sqlite', 'mysql:///mlmd', ''],
  ),
  'sdk_container_image': (
    ['europe-docker.pkg.dev/p/beam-taxi/beam-taxi:1', 'gcr.io/p/i@sha256:00'],
    ['image', 'a/b c'],
  ),
  'run_id': (['nightly-1', '2026.11'], ['-x', 'a/b', '']),
  'pipeline_name': (['taxi'], ['taxi trips']),
  'record': (['graph', 'manifest'], ['driver', '']),
  'cache': (['true', 'false'], ['yes', '']),
  'skip_preflight': (['true', 'false'], ['yes', '']),
  'delimiter': (['tab', ';', '\t'], ['||', '']),
  'quote_char': (["'", ''], ['""']),
  'no_header': (['true', 'false'], ['1']),
  'columns': (['a,b', 'a,"b,c"'], ['']),
  'null_values': (['NA,null'], ['']),
  'skip_blank_lines': (['true', 'false'], ['no']),
  'encoding': (['latin-1', 'utf-16'], ['latin 1', '']),
  'compression': (['gzip', 'none'], ['zip']),
  'skip_lines': (['3'], ['-1', '']),
  'comment_char': (['#'], ['##', '']),
  'unnamed_columns': (['name', 'drop'], ['', 'index']),
  'columns_by': (['name'], ['', 'place']),
  'select_columns': (['a,"b,c"'], ['']),
  'drop_columns': (['a,b'], ['']),
  'rename_columns': (['a b:c,d:e'], ['a', 'a:']),
  'column_types': (
    ['fare:FLOAT', 'a:INT,b:string', '"a,b:INT"', 'a:FLOAT($1,234.5)', 'a:TIMESTAMP(%d %H:%M %Y)'],
    ['fare', 'fare:DATE'],
  ),
  'derive_features': (['h:hour(a b),d:day(c)'], ['h:year(a)', 'hour(a)']),
  'schema': (['gs://b/schema.pbtxt'], ['schema.pbtxt']),
  'bad_rows': (['quarantine'], ['skip']),
  'max_bad_rows': (['0', '100', '3%', '0.5%'], ['-1', '0.5', '%']),
  'schema_types': (['infer'], ['guess']),
  'environment': (['SERVING'], ['']),
  'baseline': (['latest', 'monday', 'gs://b/out/runs/monday'], ['']),
  'serving_statistics': (['gs://b/serving'], ['serving']),
  'rules': (['gs://b/rules.toml'], ['rules.toml']),
  'severities': (['drift:error,shape:ignore'], ['drift', 'drift:bad']),
  'on_anomalies': (['fail'], ['stop']),
  'splits': (['train:8,eval:1,test:1'], ['train', 'train:8,', 'train:x']),
  'partition_feature': (['company'], ['']),
  'empty_cells': (['missing'], ['null']),
  'feature_order': (['plain'], ['cpp']),
  'output_format': (['parquet'], ['avro']),
  'statistics': (['tfdv'], ['tfx']),
  'compression_level': (['1', '9'], ['0', '10']),
  'shuffle_seed': (['0', '42'], ['-1', 'x']),
  'block_size': (['8M', '4194304', '16 MiB'], ['4 miles', 'M']),
  'shard_size': (['1G'], ['-1']),
  'num_shards': (['12'], ['0', '1.5']),
}
ACCEPTED = [(name, value) for name, (values, _) in VALUES.items() for value in values]
REFUSED = [(name, value) for name, (_, values) in VALUES.items() for value in values]

# What some flags need beside them.
NO_HEADER = {'no_header': 'true', 'columns': 'a'}
COMPANIONS = {
  'columns': NO_HEADER,
  'max_bad_rows': {'bad_rows': 'quarantine'},
  'derive_features': {'column_types': 'a b:TIMESTAMP,c:TIMESTAMP'},
}


def flags_of_main() -> dict[str, Any]:
  actions = run_parser()._actions
  return {option.removeprefix('--'): action for action in actions for option in action.option_strings if '--' in option}


def launched(parameters: dict[str, str]) -> tuple[RunConfig, list[str]]:
  """What the program makes of parameters, given as the launcher gives them: each as one word, --NAME=VALUE."""
  given = {'input': 'gs://b/a.csv', 'output': 'gs://b/out', 'run_id': 'r', **parameters}
  return flags.parse_flags([f'--{name}={value}' for name, value in given.items()])


def with_companions(name: str, value: str) -> dict[str, str]:
  companions = NO_HEADER if (name, value) == ('no_header', 'true') else COMPANIONS.get(name, {})
  return {**companions, name: value}


def fits(name: str, value: str) -> bool:
  return all(re.search(pattern, value) for pattern in BY_NAME[name].get('regexes', []))


def test_each_flag_is_a_parameter_or_left_out_for_a_reason() -> None:
  of_settings = [flag for setting in all_settings() for flag in setting.flags]
  left_out = {flag.name: flag.template for flag in of_settings if isinstance(flag.template, str)}

  assert BY_NAME.keys() == flags_of_main().keys() - left_out.keys() - PRINTED | OF_BEAM.keys()
  assert all(left_out.values())


def test_no_parameter_is_there_twice() -> None:
  assert len(BY_NAME) == len(PARAMETERS)


def test_helps_are_those_of_the_flags() -> None:
  helps = {name: action.help.replace('%%', '%') for name, action in flags_of_main().items() if name in BY_NAME}

  assert {name: BY_NAME[name]['helpText'] for name in helps} == helps


def test_required_is_what_no_run_in_the_cloud_goes_without() -> None:
  required = {name for name, parameter in BY_NAME.items() if not parameter.get('isOptional')}

  assert required == {'input', 'output', *REQUIRED}


def test_defaults_say_what_nothing_says() -> None:
  defaults = {name: parameter['defaultValue'] for name, parameter in BY_NAME.items() if 'defaultValue' in parameter}

  assert launched(defaults) == launched({})


def test_defaults_stand_in_nobodys_way() -> None:
  """The console fills defaults in. One beside --num_shards, which excludes --shard_size, would fail the launch."""
  defaults = {name: parameter['defaultValue'] for name, parameter in BY_NAME.items() if 'defaultValue' in parameter}

  for name, value in ACCEPTED:
    launched({**defaults, **with_companions(name, value)})


def test_types_that_a_console_fills_in_have_a_default() -> None:
  """Google's reference: a parameter without a default is filled in with one of its type, false for a boolean."""
  filled = [each for each in PARAMETERS if each['paramType'] in ('BOOLEAN', 'ENUM', 'NUMBER')]

  assert [each['name'] for each in filled if 'defaultValue' not in each] == []


def test_switches_are_booleans_and_choices_enums() -> None:
  actions = {name: action for name, action in flags_of_main().items() if name in BY_NAME}
  switches = {name for name, action in actions.items() if isinstance(action.const, bool)}
  choices = {name: set(action.choices) for name, action in actions.items() if action.choices}
  enums = {name: each['enumOptions'] for name, each in BY_NAME.items() if each['paramType'] == 'ENUM'}

  assert {name for name, each in BY_NAME.items() if each['paramType'] == 'BOOLEAN'} == switches
  # A launcher is gone before the end that a driver would record.
  assert choices.pop('record') == {'driver', 'graph', 'manifest'}
  assert {name: {option['value'] for option in options} for name, options in enums.items()} == choices


def test_regexes_are_of_the_kind_that_egrep_and_python_read_alike() -> None:
  patterns = [pattern for parameter in PARAMETERS for pattern in parameter.get('regexes', [])]

  assert [each for each in patterns if re.search(r'\\|\(\?|[*+?]\?', each) or not re.fullmatch(r'\^.*\$', each)] == []


def test_each_parameter_has_values_here() -> None:
  assert VALUES.keys() == BY_NAME.keys()


def test_regexes_take_the_defaults() -> None:
  assert [name for name, each in BY_NAME.items() if not fits(name, each.get('defaultValue', VALUES[name][0][0]))] == []


@pytest.mark.parametrize(('name', 'value'), ACCEPTED)
def test_what_a_regex_takes_the_program_takes(name: str, value: str) -> None:
  assert fits(name, value)

  launched(with_companions(name, value))


@pytest.mark.parametrize(('name', 'value'), REFUSED)
def test_regexes_refuse_what_is_wrong(name: str, value: str) -> None:
  assert not fits(name, value)


def test_a_launchers_whole_command_line_is_understood() -> None:
  """What Dataflow's launcher adds: the fields of the launch's environment, as options of Beam. (It logs the line.)"""
  config, beam_args = launched(
    {
      'metadata': 'mysql://u@10.0.0.3/mlmd?password_secret=projects/p/secrets/s',
      'cache': 'true',
      'no_header': 'false',
      'runner': 'DataflowRunner',
      'project': 'p',
      'region': 'europe-west1',
      'job_name': 'taxi-1',
      'labels': '{\n  "goog-dataflow-provided-template-type": "flex"\n}',
      'machine_type': 'n2-standard-2',
      'max_num_workers': '8',
      'num_workers': '2',
      'network': 'default',
      'subnetwork': 'regions/europe-west1/subnetworks/default',
      'sdk_container_image': 'europe-docker.pkg.dev/p/r/i:1',
      'service_account_email': 'w@p.iam.gserviceaccount.com',
      'staging_location': 'gs://b/staging',
      'temp_location': 'gs://b/temp',
      'template_location': 'gs://b/staging/template_launches/1/job_object',
    }
  )
  runner, options = parse_beam_args(beam_args)

  assert config.cache
  assert type(runner).__name__ == 'DataflowRunner'
  assert options.get_all_options()['sdk_container_image'] == 'europe-docker.pkg.dev/p/r/i:1'
  assert options.get_all_options()['template_location'] == 'gs://b/staging/template_launches/1/job_object'


def test_gcloud_reads_it(tmp_path: pathlib.Path) -> None:
  gcloud = shutil.which('gcloud')
  if not gcloud:
    pytest.skip('gcloud is not installed')
  command = [gcloud, 'dataflow', 'flex-template', 'build', 'gs://b/taxi.json', '--project=p', '--image=r/p/i:1']

  done = subprocess.run(
    [*command, '--sdk-language=PYTHON', f'--metadata-file={ROOT}/docker/metadata.json', '--print-only'],
    env={**os.environ, 'CLOUDSDK_CONFIG': str(tmp_path)},  # No account, and so nobody who could build anything.
    text=True,
    capture_output=True,
  )

  assert done.returncode == 0, done.stderr
  spec = json.loads(done.stdout.removeprefix('|-'))
  assert spec['sdkInfo'] == {'language': 'PYTHON'}
  assert [each['name'] for each in spec['metadata']['parameters']] == list(BY_NAME)
