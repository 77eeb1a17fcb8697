"""The image's recipe against the locks that it installs. scripts/rehearse_image.sh does its steps, without Docker."""

import pathlib
import re
import subprocess
import sys

import pytest
from dockerfile import PATH, ROOT, arguments, instructions, last_stage

LOCKS = {'compatible': ['3.11'], 'current': ['3.10', '3.11', '3.12', '3.13']}


def locked(lock: str, package: str) -> str:
  found = re.search(rf'^{package}==(\S+)', (ROOT / 'requirements' / f'{lock}.txt').read_text(), re.MULTILINE)
  assert found, f'{lock} has no {package}'
  return found[1]


def test_beam_is_of_the_locks_version() -> None:
  chosen = arguments()

  assert chosen['BEAM'] == locked(f'{chosen["STACK"]}-{chosen["PYTHON"]}', 'apache-beam')


def test_the_launcher_is_of_the_same_python() -> None:
  chosen = arguments()

  assert chosen['LAUNCHER'] == f'python{chosen["PYTHON"].replace(".", "")}-template-launcher-base'


@pytest.mark.parametrize(('stack', 'python'), [(stack, python) for stack, all_ in LOCKS.items() for python in all_])
def test_tensorflow_without_gpus_is_of_the_locks_version(stack: str, python: str) -> None:
  assert locked(f'cpu-{stack}', 'tensorflow-cpu') == locked(f'{stack}-{python}', 'tensorflow')


def test_both_stages_have_the_same_python() -> None:
  images = [rest.split()[0] for keyword, rest in instructions() if keyword == 'FROM']

  assert [image for image in images if image.startswith('python:')] == ['python:${PYTHON}-slim-${DEBIAN}'] * 2


def test_the_last_stage_installs_nothing() -> None:
  runs = [rest for keyword, rest in last_stage() if keyword == 'RUN']

  assert [run for run in runs if re.search(r'\b(apt-get|pip)\b', run)] == []


def test_workers_start_beams_boot_program() -> None:
  assert last_stage()[-1] == ('ENTRYPOINT', '["/opt/apache/beam/boot"]')


def test_boot_takes_the_environment_that_the_packages_are_in() -> None:
  environment = ' '.join(rest for keyword, rest in last_stage() if keyword == 'ENV')

  assert 'PATH=/opt/beam_taxi/bin:$PATH' in environment
  assert 'RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1' in environment


def test_the_launcher_finds_the_program() -> None:
  rest = last_stage()

  assert ('COPY', 'main.py /template/') in rest
  assert any('FLEX_TEMPLATE_PYTHON_PY_FILE=/template/main.py' in each for keyword, each in rest if keyword == 'ENV')
  # With a setup or requirements file the launcher would install again what the image has.
  assert not any('FLEX_TEMPLATE_PYTHON_SETUP' in each or 'FLEX_TEMPLATE_PYTHON_REQ' in each for _, each in rest)


def test_the_labels_say_which_versions_and_which_kernel_it_has() -> None:
  labels = ' '.join(rest for keyword, rest in last_stage() if keyword == 'LABEL').split()

  assert 'org.beam_taxi.beam_version=${BEAM}' in labels
  assert 'org.beam_taxi.python_version=${PYTHON}' in labels
  assert 'org.beam_taxi.kernel=compiled' in labels
  # The build fails if that is not true.
  assert any('BEAM_TAXI_KERNEL=compiled python' in rest for keyword, rest in last_stage() if keyword == 'RUN')


def test_what_is_copied_is_there_and_reaches_the_build() -> None:
  chosen = arguments()
  copies = [
    rest.split()[:-1] for keyword, rest in instructions() if keyword == 'COPY' and not rest.startswith('--from')
  ]
  sources = [re.sub(r'\$\{(\w+)\}', lambda name: chosen[name[1]], source) for copy in copies for source in copy]
  let_through = {line[1:] for line in (ROOT / '.dockerignore').read_text().splitlines() if line.startswith('!')}

  assert [source for source in sources if not (ROOT / source).exists()] == []
  assert {source.split('/')[0] for source in sources} == let_through


def test_hadolint_finds_nothing() -> None:
  hadolint = pathlib.Path(sys.executable).with_name('hadolint')

  done = subprocess.run([hadolint, '--no-color', PATH], capture_output=True, text=True)

  assert (done.returncode, done.stdout) == (0, '')
