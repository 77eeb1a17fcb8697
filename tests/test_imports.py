"""What importing the package costs and says, and what it offers to programs and to their type checkers."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

import beam_taxi

ROOT = pathlib.Path(__file__).parents[1]
HEAVY = {
  'apache_beam',
  'jinja2',
  'ml_metadata',
  'numpy',
  'pandas',
  'pyarrow',
  'rich',
  'tensorflow',
  'tensorflow_data_validation',
  'tensorflow_metadata',
}
OFFERED = {
  'BadRowLimit',
  'ColumnType',
  'Derived',
  'Dialect',
  'EncodeExamples',
  'GenerateStatistics',
  'InferSchema',
  'InputSplit',
  'Manifest',
  'OutputForm',
  'Picture',
  'ReadCsv',
  'RunConfig',
  'RunFolder',
  'ShardBatches',
  'ShardBlock',
  'Split',
  'Timestamp',
  'UserError',
  'WriteExamples',
  'WriteStatistics',
  'WrittenFile',
  'artifacts_of',
  'build_graph',
  'connect',
  'find_run',
  'lineage_of',
  'list_runs',
  'read',
  'read_manifest',
  'record_manifest',
  'report',
  'run',
  'user_error_in',
  'verify',
}


@pytest.mark.parametrize('module', ['beam_taxi.graph.pipeline', 'beam_taxi.lifecycle.run', 'beam_taxi.cli._main'])
def test_importing_prints_no_warning(module: str) -> None:
  done = subprocess.run([sys.executable, '-c', f'import {module}'], capture_output=True, text=True, check=True)
  assert (done.stdout, done.stderr) == ('', '')


def test_the_command_line_is_ready_without_anything_heavy() -> None:
  program = (
    'import sys, beam_taxi.cli._main; from beam_taxi.cli._run import run_parser; run_parser().format_help(); '
    "print(*sys.modules, sep='\\n')"
  )
  assert imported_by(program) & HEAVY == set()


def test_a_run_and_its_verification_need_no_tensorflow(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'rows.csv').write_text('a\n1\n')
  run = f"beam_taxi.run(beam_taxi.RunConfig(input=['{tmp_path}/rows.csv'], output='{tmp_path}/out', run_id='r'))"
  verify = f"assert beam_taxi.verify('{tmp_path}/out/runs/r').ok"

  found = imported_by(f"import sys, beam_taxi; {run}; {verify}; print(*sys.modules, sep='\\n')")

  assert 'tensorflow_metadata' in found
  assert found & {'tensorflow', 'tensorflow_data_validation'} == set()


def test_the_package_is_ready_without_anything_heavy_and_with_no_module_but_its_version() -> None:
  found = imported_by("import sys, beam_taxi; dir(beam_taxi); print(*sys.modules, sep='\\n')")

  assert found & HEAVY == set()
  assert {name for name in found if name.startswith('beam_taxi')} == {'beam_taxi', 'beam_taxi.version'}


def imported_by(program: str) -> set[str]:
  """The modules that a program names on its stdout."""
  done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=True)
  return set(done.stdout.split())


def test_every_name_that_is_offered_is_there() -> None:
  assert set(beam_taxi.__all__) == OFFERED
  assert set(dir(beam_taxi)) >= OFFERED
  assert {name for name in OFFERED if getattr(beam_taxi, name).__name__ != name} == set()


def test_the_guide_has_every_name_that_is_offered() -> None:
  guide = (ROOT / 'docs' / 'PYTHON.md').read_text()
  named = set(re.findall(r'`(\w+)', ''.join(re.findall(r'^\|(.*?)\|', guide, re.MULTILINE))))

  assert named == OFFERED


def test_another_name_is_not_there() -> None:
  with pytest.raises(AttributeError, match="module 'beam_taxi' has no attribute 'no_such_name'"):
    _ = beam_taxi.no_such_name  # type: ignore[attr-defined]


def test_a_type_checker_knows_the_offered_names_of_an_installed_package(
  installed: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  client = tmp_path / 'client.py'
  names = sorted(OFFERED)
  client.write_text('\n'.join(['import beam_taxi', *(f'reveal_type(beam_taxi.{name})' for name in names)]))

  said = type_checked(client, installed)

  revealed = dict(zip(names, re.findall(r'note: Revealed type is "(.*)"', said), strict=True))
  assert {name: kind for name, kind in revealed.items() if not kind.startswith('def (')} == {}, said
  assert 'beam_taxi.artifacts.manifest.Manifest' in revealed['read_manifest']
  assert revealed['RunConfig'].endswith('-> beam_taxi.settings.config.RunConfig')
  assert ': error:' not in said


def test_a_type_checker_tells_what_is_wrong_with_the_use_of_an_installed_package(
  installed: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  client = tmp_path / 'client.py'
  client.write_text('import beam_taxi\nbeam_taxi.no_such_name\nbeam_taxi.RunConfig(input=1)\n')

  said = type_checked(client, installed)

  assert re.findall(r'client.py:(\d+): error: .*\[(.*)\]', said)[:2] == [('2', 'attr-defined'), ('3', 'arg-type')], said


def type_checked(client: pathlib.Path, site_packages: pathlib.Path) -> str:
  """What mypy says of a program, in an environment that has the package and nothing else."""
  venv = client.parent / 'venv'
  subprocess.run([sys.executable, '-m', 'venv', '--without-pip', venv], check=True)
  [packages] = venv.glob('lib/python*/site-packages')
  packages.rmdir()
  packages.symlink_to(site_packages)
  command = [sys.executable, '-m', 'mypy', '--strict', '--python-executable', venv / 'bin' / 'python', client]
  environment = {name: value for name, value in os.environ.items() if name not in ('MYPYPATH', 'PYTHONPATH')}
  # Elsewhere than the checkout, whose settings are not a client's.
  done = subprocess.run(command, cwd=client.parent, env=environment, capture_output=True, text=True)
  return done.stdout + done.stderr
