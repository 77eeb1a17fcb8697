"""Where input is looked for: paths in quotes, folders without permission, and input around the output."""

import contextlib
import logging
import os
import pathlib
import tempfile
from collections.abc import Iterator

import pytest

from beam_taxi import storage
from beam_taxi.errors import UserError
from beam_taxi.inputs.input_files import InputFile, open_file
from beam_taxi.inputs.matching import absolute, list_files
from beam_taxi.metadata.uri import parse_uri, store_uri
from beam_taxi.record.resolving import list_sources, with_absolute_paths
from beam_taxi.settings.config import RunConfig

_NOBODY = 65534


def paths_of(config: RunConfig) -> list[str]:
  return [file.path for file in list_sources(config).files]


@pytest.fixture
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
  """A home with a CSV file in it, and not the current folder."""
  (tmp_path / 'home').mkdir()
  (tmp_path / 'home' / 'a.csv').write_bytes(b'a\n1\n')
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv('HOME', str(tmp_path / 'home'))
  return tmp_path / 'home'


@pytest.mark.parametrize('spelling', ['~', '$HOME', '${HOME}'])
def test_a_path_in_quotes_means_what_it_does_in_a_shell(home: pathlib.Path, spelling: str) -> None:
  config = RunConfig((f'{spelling}/*.csv',), f'{spelling}/out', schema=f'{spelling}/s.pbtxt')

  assert paths_of(config) == [f'{home}/a.csv']
  found = with_absolute_paths(config)
  assert (found.input, found.output, found.schema) == ((f'{home}/*.csv',), f'{home}/out', f'{home}/s.pbtxt')
  assert parse_uri(f'sqlite:///{spelling}/m.sqlite').path == f'{home}/m.sqlite'
  assert store_uri(f'sqlite:///{spelling}/m.sqlite', 'out') == f'sqlite:///{home}/m.sqlite'
  assert store_uri('', f'{spelling}/out') == f'sqlite:///{home}/out/metadata.sqlite'


def test_a_file_of_the_very_name_comes_first(home: pathlib.Path) -> None:
  pathlib.Path('~').mkdir()
  pathlib.Path('~/a.csv').write_bytes(b'')
  assert absolute('~/a.csv') == str(home.parent / '~' / 'a.csv')
  assert absolute('gs://bucket/~/$HOME') == 'gs://bucket/~/$HOME'


def test_a_variable_that_is_not_set_is_said(home: pathlib.Path) -> None:
  with pytest.raises(UserError, match=r'\$NO_SUCH_THING/a\.csv: no file matches; .* whether its variables are set'):
    list_files(['$NO_SUCH_THING/a.csv'])


@contextlib.contextmanager
def somebody_else() -> Iterator[None]:
  """Files are opened as a user that is not root, who may open all."""
  if os.geteuid():
    yield
    return
  os.seteuid(_NOBODY)
  try:
    yield
  finally:
    os.seteuid(0)


@pytest.fixture
def folder() -> Iterator[pathlib.Path]:
  """A folder that anybody can look into, as those of pytest are not."""
  with tempfile.TemporaryDirectory() as name:
    path = pathlib.Path(name)
    (path / 'closed' / 'in').mkdir(parents=True)
    (path / 'closed' / 'in' / 'a.csv').write_bytes(b'a\n1\n')
    (path / 'unreadable.csv').write_bytes(b'a\n1\n')
    (path / 'unreadable.csv').chmod(0)
    (path / 'closed').chmod(0)
    path.chmod(0o755)
    yield path
    (path / 'closed').chmod(0o755)


@pytest.mark.parametrize('pattern', ['closed', 'closed/*.csv', 'closed/in', 'closed/in/a.csv', 'closed/in/*.csv'])
def test_a_folder_without_permission_is_named(folder: pathlib.Path, pattern: str) -> None:
  message = f'{folder}/closed: cannot be looked into .Permission denied.; ask for the right'
  with somebody_else(), pytest.raises(UserError, match=message):
    list_files([f'{folder}/{pattern}'])


def test_a_file_without_permission_is_named(folder: pathlib.Path) -> None:
  path = f'{folder}/unreadable.csv'
  file = InputFile(path, 4, 0)
  with (
    somebody_else(),
    pytest.raises(UserError, match=r'unreadable\.csv: cannot be read .Permission denied.; ask'),
    open_file(file),
  ):
    pass


def files_of_a_run(output: pathlib.Path) -> None:
  for name in ('runs/r/manifest.json', 'runs/r/quarantine/bad.csv', 'metadata.sqlite', 'metadata.sqlite-journal'):
    path = output / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b'written by a run')


@pytest.mark.parametrize(('pattern', 'output'), [('**', 'out'), ('', ''), ('**', '')])
def test_what_runs_write_is_no_input(
  tmp_path: pathlib.Path, pattern: str, output: str, caplog: pytest.LogCaptureFixture
) -> None:
  (tmp_path / 'a.csv').write_bytes(b'a\n1\n')
  files_of_a_run(tmp_path / output)
  (tmp_path / 'mine.sqlite').write_bytes(b'written by a run')
  config = RunConfig((f'{tmp_path}/{pattern}',), str(tmp_path / output), metadata=f'sqlite:///{tmp_path}/mine.sqlite')

  with caplog.at_level(logging.WARNING):
    assert paths_of(config) == [f'{tmp_path}/a.csv']

  [said] = caplog.messages
  assert 'not read as input, for runs have written such files' in said


def test_what_a_run_wrote_is_read_where_it_is_asked_for(
  tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
  files_of_a_run(tmp_path)
  config = RunConfig((f'{tmp_path}/runs/r/quarantine/*.csv',), str(tmp_path))
  assert paths_of(config) == [f'{tmp_path}/runs/r/quarantine/bad.csv']
  assert not caplog.messages

  (tmp_path / 'a.csv').write_bytes(b'a\n1\n')
  both = RunConfig((f'{tmp_path}/**', *config.input), str(tmp_path))
  assert paths_of(both) == [f'{tmp_path}/a.csv', f'{tmp_path}/runs/r/quarantine/bad.csv']


def test_a_pattern_that_matches_nothing_else_is_refused(tmp_path: pathlib.Path) -> None:
  files_of_a_run(tmp_path)
  with pytest.raises(UserError, match='matches only what runs have written, such as .*; name the input'):
    list_sources(RunConfig((f'{tmp_path}/**',), str(tmp_path)))


def test_folders_of_other_names_are_input(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'runs2').mkdir()
  (tmp_path / 'runs2' / 'a.csv').write_bytes(b'')
  assert paths_of(RunConfig((f'{tmp_path}/**',), str(tmp_path))) == [storage.join(str(tmp_path), 'runs2', 'a.csv')]
