"""The guides' commands are bash, use variables that were set, and give main.py flags that there are."""

import pathlib
import re
import shlex
import subprocess

import pytest

from beam_taxi import storage
from beam_taxi.runners.options import parse_beam_args
from beam_taxi.settings.flags import parse_flags

ROOT = pathlib.Path(__file__).parents[1]
GUIDES = sorted((ROOT / 'docs').glob('*.md'))
PATHS = [path.relative_to(ROOT).as_posix() for path in [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *GUIDES]]
# Bash's own, and those that a job or a user sets.
SET = {'HOME', 'PATH', 'PWD'}


def commands(path: str) -> str:
  return '\n'.join(re.findall(r'```bash\n(.*?)```', (ROOT / path).read_text(), re.DOTALL))


@pytest.mark.parametrize('path', PATHS)
def test_commands_are_bash(path: str) -> None:
  done = subprocess.run(['bash', '-n'], input=commands(path), text=True, capture_output=True)

  assert done.stderr == ''


@pytest.mark.parametrize('path', PATHS)
def test_variables_are_set_before_they_are_used(path: str) -> None:
  text = commands(path)
  unset = []
  for used in re.finditer(r'\$\{?([A-Za-z_]+)', text):
    if used[1] not in SET and not re.search(rf'^(export )?{used[1]}=', text[: used.start()], re.MULTILINE):
      unset.append(used[1])

  assert unset == []


def test_the_flags_of_the_first_run_on_dataflow_are_understood() -> None:
  found = re.search(r'export FLAGS="(.*?)"', commands('docs/DATAFLOW.md'), re.DOTALL)
  assert found
  words = shlex.split(re.sub(r'\$\w+', 'x-1', found[1]).replace('\\\n', ' '))

  config, beam_args = parse_flags(words)
  runner, options = parse_beam_args(beam_args)

  assert config.input == ('gs://x-1/trips/*.csv',)
  assert type(runner).__name__ == 'DataflowRunner'
  assert options.get_all_options()['sdk_container_image'] == 'x-1'


@pytest.mark.parametrize('path', ['docs/S3_AND_AZURE.md'])
def test_the_flags_of_runs_are_understood(path: str) -> None:
  runs = re.findall(r'^python main\.py (.*)$', commands(path).replace('\\\n', ' '), re.MULTILINE)
  assert runs
  for run in runs:
    config, beam_args = parse_flags(shlex.split(run))
    parse_beam_args(beam_args)
    assert not storage.is_local(config.input[0])


def checks(script: str) -> list[str]:
  lines = [line.partition(' #')[0].strip() for line in script.splitlines()]
  return [line for line in lines if line.startswith('.venv/bin/') and '.venv/bin/python' not in line]


def test_the_checks_of_contributing_are_those_of_the_test_script() -> None:
  assert checks(commands('CONTRIBUTING.md')) == checks((ROOT / 'scripts' / 'test.sh').read_text()) != []


@pytest.mark.parametrize('path', PATHS)
def test_links_lead_somewhere(path: str) -> None:
  folder = (ROOT / path).parent
  broken = []
  for target in re.findall(r'\]\(([^)\s]+)\)', (ROOT / path).read_text()):
    if target.startswith('http'):
      continue
    name, _, anchor = target.partition('#')
    file = folder / name if name else ROOT / path
    if not file.exists():
      broken.append(target)
    elif anchor:
      headings = re.findall(r'^#+ (.*)$', file.read_text(), re.MULTILINE)
      anchors = {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}
      broken += [] if anchor in anchors else [target]

  assert broken == []
