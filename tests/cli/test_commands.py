"""Which commands there are, how they are named, and what is said of one that there is not."""

import inspect
import pathlib
import re
import subprocess
import sys
import zipfile

import pytest

import beam_taxi
from beam_taxi.cli import _main as cli
from beam_taxi.cli._commands import command_called, command_names, parser_of
from beam_taxi.cli._run import run_parser
from beam_taxi.settings.flags import parse_flags, parse_known

ROOT = pathlib.Path(__file__).parents[2]
COMMANDS = command_names()
PROMISED = {
  'accept',
  'diff',
  'lineage',
  'preflight',
  'reconcile',
  'record',
  'rehearse',
  'report',
  'runs',
  'show',
  'site',
  'sniff',
  'validate',
}


@pytest.fixture(autouse=True)
def stderr_stays(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setattr(sys, 'stderr', sys.stderr)


def test_each_module_is_a_command() -> None:
  modules = {path.stem for path in (ROOT / 'beam_taxi' / 'cli').glob('*.py')}

  assert sorted(name for name in modules if not name.startswith('_')) == COMMANDS
  assert set(COMMANDS) >= PROMISED


@pytest.mark.parametrize('name', COMMANDS)
def test_a_command_has_its_texts_its_flags_and_what_it_does(name: str) -> None:
  command = command_called(name)

  assert re.fullmatch('[a-z][^\n]*[^.]', command.SUMMARY)
  assert parser_of(name).format_help().split('\n\n')[1] == command.DESCRIPTION
  assert list(inspect.signature(command.run).parameters) == ['flags', 'beam_args']


def test_help_lists_each_command() -> None:
  text = run_parser().format_help()

  assert re.findall(r'^  ([a-z]+)(?: [A-Z_. ]+)?  +[a-z]', text, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize('name', COMMANDS)
def test_a_commands_help_ends_well(name: str, capfd: pytest.CaptureFixture[str]) -> None:
  with pytest.raises(SystemExit) as raised:
    cli.main([name, '--help'])

  assert raised.value.code == 0
  assert command_called(name).DESCRIPTION in capfd.readouterr().out


@pytest.mark.parametrize(
  ('word', 'hint'),
  [
    ('snif', 'did you mean sniff?'),
    ('recrd', 'did you mean record?'),
    ('trips.csv', 'there are accept, diff, '),
    ('_run', 'did you mean runs?'),
  ],
)
def test_an_unknown_command_is_told_with_those_like_it(word: str, hint: str, capfd: pytest.CaptureFixture[str]) -> None:
  assert cli.main([word, '--input', 'a.csv', '--output', 'out']) == 2

  assert f'error: {word}: no such command; {hint}' in capfd.readouterr().err


def test_the_version_is_told(capfd: pytest.CaptureFixture[str]) -> None:
  with pytest.raises(SystemExit) as raised:
    cli.main(['--version'])

  assert (raised.value.code, capfd.readouterr().out) == (0, f'beam_taxi {beam_taxi.__version__}\n')


@pytest.mark.parametrize(
  ('called', 'program'),
  [
    ('/somewhere/main.py', 'python main.py'),
    ('/somewhere/beam_taxi/__main__.py', 'python -m beam_taxi'),
    ('/usr/bin/beam-taxi', 'beam-taxi'),
  ],
)
def test_the_program_is_called_in_help_as_it_was_called(
  called: str, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setattr(sys, 'argv', [called])

  assert run_parser().format_usage().startswith(f'usage: {program} [-h]')
  assert parser_of('runs').format_usage().startswith(f'usage: {program} runs [-h]')


def test_commands_are_found_in_a_zip_file(tmp_path: pathlib.Path) -> None:
  with zipfile.ZipFile(tmp_path / 'package.zip', 'w') as packed:
    for path in (ROOT / 'beam_taxi').rglob('*.py'):
      packed.write(path, path.relative_to(ROOT))
  program = (
    f'import sys; sys.path.insert(0, {str(tmp_path / "package.zip")!r}); '
    'from beam_taxi.cli import _commands; print(_commands.__file__, *_commands.command_names()); '
    'print(_commands.command_list())'
  )

  done = subprocess.run([sys.executable, '-I', '-c', program], capture_output=True, text=True, check=True)

  where, *names = done.stdout.splitlines()[0].split()
  assert 'package.zip' in where
  assert names == COMMANDS
  assert 'lists the runs of a metadata store' in done.stdout


def test_a_process_ends_with_the_exit_code(tmp_path: pathlib.Path) -> None:
  done = subprocess.run(
    [sys.executable, ROOT / 'main.py', 'show', 'r', '--output', tmp_path], capture_output=True, text=True, check=False
  )

  assert done.returncode == 2
  assert done.stderr.startswith('error: ')


@pytest.mark.parametrize('more', [[], ['--json'], ['--json=true']])
def test_preflight_takes_the_flags_of_a_run_and_json(more: list[str]) -> None:
  words = ['--input', 'a.csv', '--output', 'out', '--run_id', 'run-1', '--cache=true', '--region', 'r']

  found, beam_args = parse_known(parser_of('preflight'), [*words, *more])

  assert ('json' in found) is bool(more)
  config, expected = parse_flags(words)
  assert (cli._run.config_of(found), beam_args) == (config, expected)
