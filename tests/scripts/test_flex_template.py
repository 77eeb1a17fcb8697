"""scripts/build_flex_template.sh and launch_flex_template.sh, with a gcloud and a docker that note their arguments."""

import json
import pathlib
import re
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TOOL = '#!/usr/bin/env bash\nprintf "%s\\0" "${0##*/}" "$@" >>"$CALLS"; echo >>"$CALLS"\n'
IMAGE = 'europe-west1-docker.pkg.dev/p/beam-taxi/beam-taxi:1'
BUILD = ['build', '--project=p', f'--image={IMAGE}', '--template=gs://b/taxi.json']
LAUNCH = [
  'launch',
  '--project=p',
  '--region=r',
  f'--image={IMAGE}',
  '--template=gs://b/taxi.json',
  '--temp=gs://b/temp',
]
PARAMETERS = ['input=gs://b/trips/*.csv', 'output=gs://b/out', 'metadata=none']


class Shell:
  """Runs the scripts with a PATH of its own, on which gcloud and docker only note their arguments."""

  def __init__(self, folder: pathlib.Path):
    self._folder = folder
    for name in ('bash', 'date', 'dirname', 'env', 'grep', 'sed'):
      (folder / name).symlink_to(f'/usr/bin/{name}')
    for name in ('gcloud', 'docker'):
      (folder / name).write_text(TOOL)
      (folder / name).chmod(0o755)

  def lacks(self, name: str) -> None:
    (self._folder / name).unlink()

  def run(self, script: str, *flags: str) -> subprocess.CompletedProcess[str]:
    words = [word for flag in flags for word in (flag.split('=', 1) if re.match(r'--\w+=', flag) else [flag])]
    return subprocess.run(
      [ROOT / 'scripts' / f'{script}_flex_template.sh', *words],
      env={'PATH': str(self._folder), 'CALLS': str(self._folder / 'calls')},
      text=True,
      capture_output=True,
    )

  def calls(self) -> list[list[str]]:
    path = self._folder / 'calls'
    return [line.split('\0')[:-1] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def shell(tmp_path: pathlib.Path) -> Shell:
  return Shell(tmp_path)


def printed(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
  return [shlex.split(line)[1:] for line in done.stdout.splitlines() if line.startswith('+ ')]


def substitutions(call: list[str]) -> dict[str, str]:
  pairs = call[call.index('--substitutions') + 1].split(',')
  return dict(pair.split('=', 1) for pair in pairs)


def test_build_has_cloud_build_make_the_image_and_gcloud_the_template(shell: Shell) -> None:
  done = shell.run(*BUILD)

  assert done.returncode == 0, done.stderr
  image, template = shell.calls()
  assert image[:4] == ['gcloud', 'builds', 'submit', '.']
  assert substitutions(image)['_IMAGE'] == IMAGE
  assert template == [
    *['gcloud', 'dataflow', 'flex-template', 'build', 'gs://b/taxi.json', '--project', 'p', '--image', IMAGE],
    *['--sdk-language', 'PYTHON', '--metadata-file', 'docker/metadata.json'],
  ]


def test_cloud_build_knows_each_substitution_and_is_given_each(shell: Shell) -> None:
  shell.run(*BUILD)

  used = re.findall(r'\$\{(_\w+)\}', (ROOT / 'docker' / 'cloudbuild.yaml').read_text())
  assert substitutions(shell.calls()[0]).keys() == set(used)


def test_build_arguments_are_those_that_the_dockerfile_has(shell: Shell) -> None:
  shell.run(*BUILD, '--local')

  given = {word.removeprefix('--build-arg=').split('=')[0] for word in shell.calls()[0] if '--build-arg' in word}
  assert given == set(re.findall(r'^ARG (\w+)=', (ROOT / 'docker' / 'Dockerfile').read_text(), re.MULTILINE))


@pytest.mark.parametrize(
  ('python', 'debian', 'stack'),
  [('3.11', 'bookworm', 'compatible'), ('3.12', 'trixie', 'current'), ('3.13', 'trixie', 'current')],
)
def test_the_versions_of_a_python_are_its_locks(shell: Shell, python: str, debian: str, stack: str) -> None:
  lock = (ROOT / 'requirements' / f'{stack}-{python}.txt').read_text()

  shell.run(*BUILD, f'--python={python}')

  found = substitutions(shell.calls()[0])
  assert (found['_PYTHON'], found['_DEBIAN'], found['_STACK']) == (python, debian, stack)
  assert f'apache-beam=={found["_BEAM"]} ' in lock
  assert found['_LAUNCHER'] == f'python{python.replace(".", "")}-template-launcher-base'


def test_build_can_be_done_by_docker_here(shell: Shell) -> None:
  shell.run(*BUILD, '--local')

  assert [call[:2] for call in shell.calls()] == [['docker', 'build'], ['docker', 'push'], ['gcloud', 'dataflow']]
  assert shell.calls()[0][-1] == '.'


def test_launch_gives_each_parameter_and_the_workers_the_launchers_image(shell: Shell) -> None:
  done = shell.run(*LAUNCH, '--job_name=taxi-1', *PARAMETERS, 'splits=train:8,eval:1')

  assert done.returncode == 0, done.stderr
  [call] = shell.calls()
  assert call[:5] == ['gcloud', 'dataflow', 'flex-template', 'run', 'taxi-1']
  options = dict(zip(call[5::2], call[6::2], strict=True))
  assert options == {
    '--project': 'p',
    '--region': 'r',
    '--template-file-gcs-location': 'gs://b/taxi.json',
    '--temp-location': 'gs://b/temp',
    '--staging-location': 'gs://b/temp/staging',
    '--parameters': f'^~^{"~".join(PARAMETERS)}~splits=train:8,eval:1~sdk_container_image={IMAGE}',
  }


def test_a_value_may_have_what_separates_parameters(shell: Shell) -> None:
  shell.run(*LAUNCH, *PARAMETERS, 'null_values=~,NA', 'delimiter=|')

  [call] = shell.calls()
  _, separator, values = call[call.index('--parameters') + 1].split('^', 2)
  assert [*PARAMETERS, 'null_values=~,NA', 'delimiter=|'] == values.split(separator)[:-1]


def test_launch_says_where_and_as_whom(shell: Shell) -> None:
  where = [
    '--service_account=w@p',
    '--subnetwork=regions/r/subnetworks/s',
    '--max_workers=8',
    '--machine_type=e2-small',
  ]

  shell.run(*LAUNCH, *where, *PARAMETERS, '--', '--disable-public-ips')

  [call] = shell.calls()
  assert call[-9:] == [
    *['--service-account-email', 'w@p', '--subnetwork', 'regions/r/subnetworks/s'],
    *['--max-workers', '8', '--worker-machine-type', 'e2-small', '--disable-public-ips'],
  ]


@pytest.mark.parametrize('command', [BUILD, [*LAUNCH, *PARAMETERS, '--job_name=j']], ids=['build', 'launch'])
def test_a_dry_run_prints_what_would_be_called_and_needs_no_tool(shell: Shell, command: list[str]) -> None:
  shell.run(*command)

  shell.lacks('gcloud')
  done = shell.run(*command, '--dry_run')

  assert done.returncode == 0, done.stderr
  assert printed(done) == shell.calls()


WRONG = {
  'no_image': ([*BUILD[:2], '--template=gs://b/t.json'], '--image is missing'),
  'no_template': (BUILD[:3], '--template is missing'),
  'an_image_without_a_tag': ([*BUILD, '--image=e/p/i'], '--image e/p/i: give a tag too, as in e/p/i:1'),
  'a_template_that_is_no_object': ([*BUILD, '--template=taxi.json'], '--template taxi.json: give a file in a bucket'),
  'another_python': ([*BUILD, '--python=3.9'], '--python 3.9: give 3.11, 3.12 or 3.13'),
  'no_value': (['build', '--project'], '--project needs a value'),
  'an_unknown_flag': ([*BUILD, '--tag'], 'what is --tag?'),
  'no_region': (['launch', '--project=p', *PARAMETERS], '--region is missing'),
  'no_output': ([*LAUNCH, 'input=gs://b/a.csv', 'metadata=none'], 'output=VALUE is missing'),
  'an_unknown_parameter': ([*LAUNCH, *PARAMETERS, 'speed=9'], 'speed is no parameter of the template'),
  'a_flag_of_main': ([*LAUNCH, *PARAMETERS, '--cache'], "what is --cache? --help says what there is; main.py's flags"),
  'a_word': ([*LAUNCH, *PARAMETERS, 'cache'], 'what is cache? A parameter is NAME=VALUE.'),
  'a_local_temp': ([*LAUNCH, '--temp=/tmp', *PARAMETERS], '--temp /tmp: give a folder in a bucket'),
}


@pytest.mark.parametrize(('command', 'message'), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_before_anything_is_called(shell: Shell, command: list[str], message: str) -> None:
  done = shell.run(*command)

  assert done.returncode == 2
  assert message in done.stderr
  assert shell.calls() == []


@pytest.mark.parametrize('command', [BUILD, [*LAUNCH, *PARAMETERS]], ids=['build', 'launch'])
def test_a_missing_gcloud_is_said(shell: Shell, command: list[str]) -> None:
  shell.lacks('gcloud')

  done = shell.run(*command)

  assert done.returncode == 2
  assert 'gcloud is not on PATH' in done.stderr


@pytest.mark.parametrize('script', ['build', 'launch'])
def test_help_names_each_flag(shell: Shell, script: str) -> None:
  done = shell.run(script, '--help')

  named = set(re.findall(r'--\w+', done.stdout))
  loop = (ROOT / 'scripts' / f'{script}_flex_template.sh').read_text().split('case')[1].split('esac')[0]
  known = set(re.findall(r'--[a-z_]+', loop))
  assert done.returncode == 0
  assert known - {'--help'} <= named


def test_what_launch_gives_by_itself_the_template_asks_for() -> None:
  metadata = json.loads((ROOT / 'docker' / 'metadata.json').read_text())
  required = {each['name'] for each in metadata['parameters'] if not each.get('isOptional')}

  assert required == {'input', 'output', 'metadata', 'sdk_container_image'}
