"""What is said of words that a command cannot do anything with: one line, and exit code 2."""

import errno
import os
import pathlib
import sys
from typing import BinaryIO

import ml_metadata as mlmd
import pytest

from beam_taxi import storage
from beam_taxi.artifacts.manifest import InputSummary, Manifest
from beam_taxi.cli import _main as cli


@pytest.fixture(autouse=True)
def stderr_stays(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setattr(sys, 'stderr', sys.stderr)


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
  """The current folder: in `out` a store without runs."""
  (tmp_path / 'out').mkdir()
  (tmp_path / 'out' / 'metadata.sqlite').touch()
  monkeypatch.chdir(tmp_path)
  return tmp_path


def refusal(capfd: pytest.CaptureFixture[str], *words: str) -> str:
  """The one line that a command ends with."""
  capfd.readouterr()
  assert cli.main(words) == 2
  said = capfd.readouterr()
  assert said.out == ''
  assert said.err.startswith('error: ')
  assert said.err.count('\n') == 1
  return said.err.removeprefix('error: ').rstrip('\n')


@pytest.mark.usefixtures('folder')
@pytest.mark.parametrize('since', ['9999999d', f'{10**30}w'])
def test_a_time_before_all_dates_is_refused(since: str, capfd: pytest.CaptureFixture[str]) -> None:
  said = refusal(capfd, 'runs', '--output', 'out', '--since', since)

  assert said.startswith(f'--since {since}: is longer ago than there are dates; give a date, as in 2026-01-31, or a')


ASKING = {
  'runs': ['runs'],
  'show': ['show', 'a'],
  'lineage': ['lineage', 'a'],
  'diff': ['diff', 'a', 'b'],
  'report': ['report', 'a'],
  'site': ['site', '--out', 'site'],
  'reconcile': ['reconcile'],
  'record': ['record', 'run'],
  'accept': ['accept', 'run', '--why', 'x'],
  'validate': ['validate', 'a'],
}


@pytest.mark.parametrize('words', ASKING.values(), ids=ASKING)
def test_none_is_no_store_to_ask(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
  assert refusal(capfd, *words, '--metadata', 'none') == (
    '--metadata none: nothing is recorded there; give the URI of a store'
  )


@pytest.mark.usefixtures('folder')
@pytest.mark.parametrize('words', [['runs', '--metadata='], ['runs', '--output='], ['record', 'run', '--metadata=']])
def test_an_empty_name_is_no_store_in_the_current_folder(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
  name = words[-1]

  assert refusal(capfd, *words).startswith(f'{name} names no store; give ')


@pytest.mark.usefixtures('folder')
def test_a_name_that_cannot_be_printed_is_said_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
  said = refusal(capfd, 'show', 'a\n\x1b[31mb', '--output', 'out')

  assert said == r'a\n\x1b[31mb: the store has no such run; there is none at all'


FOLDER_IS_A_FILE = 'a folder in this path is a file'


@pytest.fixture
def statistics(folder: pathlib.Path) -> str:
  """A run's statistics, without any."""
  (folder / 'FeatureStats.pb').touch()
  return 'FeatureStats.pb'


@pytest.mark.parametrize(
  ('out', 'why'),
  [
    pytest.param('file/page.html', FOLDER_IS_A_FILE, id='in a file'),
    pytest.param('file/in/page.html', FOLDER_IS_A_FILE, id='further in a file'),
    pytest.param('out', 'Is a directory', id='a folder'),
    pytest.param('/proc/nowhere/page.html', 'No such file or directory', id='where nobody may write'),
  ],
)
def test_a_page_that_cannot_be_written_is_refused(
  out: str, why: str, statistics: str, folder: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
  (folder / 'file').touch()

  assert refusal(capfd, 'report', statistics, '--out', out) == f'--out {out}: cannot be written ({why})'
  assert {path.name for path in folder.iterdir()} == {'FeatureStats.pb', 'file', 'out'}


@pytest.mark.parametrize(
  ('out', 'why'),
  [
    pytest.param('file', FOLDER_IS_A_FILE, id='a file'),
    pytest.param('file/site', FOLDER_IS_A_FILE, id='in a file'),
    pytest.param('/proc/nowhere', 'No such file or directory', id='where nobody may write'),
  ],
)
def test_a_site_that_cannot_be_written_is_refused(
  out: str, why: str, folder: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
  (folder / 'file').touch()

  said = refusal(capfd, 'site', '--output', 'out', '--out', out)

  assert said == f'--out {folder / out}: cannot be written ({why})'


def test_no_name_is_no_page_and_no_site(statistics: str, capfd: pytest.CaptureFixture[str]) -> None:
  assert refusal(capfd, 'report', statistics, '--out=') == '--out= names no file; give the page that is written'
  assert refusal(capfd, 'site', '--output', 'out', '--out=') == '--out= names no folder; give one for the site'


def test_a_file_that_cannot_be_read_is_refused_by_sniff(
  folder: pathlib.Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
  (folder / 'a.csv').write_text('a\n1\n')
  monkeypatch.setattr(storage, 'open_for_reading', refuse)

  assert refusal(capfd, 'sniff', 'a.csv') == f'{folder}/a.csv: cannot be read (Permission denied)'


def refuse(path: str) -> BinaryIO:
  """What open does for a user who may not read a file. (Who runs the tests may read all.)"""
  raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def test_a_scheme_that_beam_does_not_know_is_refused(statistics: str, capfd: pytest.CaptureFixture[str]) -> None:
  path = 'nobody://bucket/page.html'
  message = 'Apache Beam has no file system for nobody://'

  assert refusal(capfd, 'report', statistics, '--out', path) == f'{path}: {message}'
  assert refusal(capfd, 'report', path) == f'{path}/manifest.json: {message}'


def test_a_folder_that_cannot_be_kept_in_is_refused_before_the_rehearsal(
  folder: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
  (folder / 'file').touch()

  said = refusal(capfd, 'rehearse', '--keep', 'file/kept', '--input', 'gs://b/a.csv', '--output', 'gs://b/out')

  assert said == f'--keep file/kept: cannot be written ({FOLDER_IS_A_FILE})'


@pytest.mark.usefixtures('folder')
def test_an_empty_name_is_no_input(capfd: pytest.CaptureFixture[str]) -> None:
  assert refusal(capfd, 'sniff', '').startswith("'' names no file; give a path or a pattern")


@pytest.mark.usefixtures('folder')
@pytest.mark.parametrize('words', [['lineage'], ['lineage', '--format'], ['show'], ['sniff'], ['report', '--out']])
def test_a_word_that_is_no_text_is_refused(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
  # As Python takes a word of bytes that are not UTF-8 from the command line.
  assert refusal(capfd, *words, 'a\udcff') == r'a\udcff: is no text in the encoding of the terminal; give another name'


@pytest.mark.usefixtures('folder')
@pytest.mark.parametrize('what', [str(10**30), f'artifact:{2**63}', f'execution:{2**63}'])
def test_a_number_that_no_id_can_be_is_refused(what: str, capfd: pytest.CaptureFixture[str]) -> None:
  assert refusal(capfd, 'lineage', what, '--output', 'out').startswith(f'{what}: the store has no run of this id')


@pytest.mark.usefixtures('folder')
def test_a_limit_may_be_larger_than_any_number_of_runs(capfd: pytest.CaptureFixture[str]) -> None:
  assert cli.main(['runs', '--output', 'out', '--limit', str(10**30)]) == 0
  assert capfd.readouterr().out == 'There is no such run.\n'


@pytest.mark.parametrize('words', ASKING.values(), ids=ASKING)
def test_a_store_that_does_not_do_what_it_is_asked_is_said_in_one_line(
  words: list[str], folder: pathlib.Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
  (folder / 'run').mkdir()
  manifest = Manifest('a', 'p', InputSummary((), 0, 0, 0, ''), {}, {}, {}, {})
  (folder / 'run' / 'manifest.json').write_text(manifest.to_json())
  monkeypatch.setattr(mlmd.MetadataStore, '_call', broken)

  uri = f'sqlite:///{folder}/out/metadata.sqlite'

  assert cli.main([*words, '--metadata', uri]) == 1
  assert capfd.readouterr().err == 'error: the metadata store fails: disk I/O error\n'


def broken(*_: object) -> None:
  """What MLMD raises where a database does not do what it should."""
  raise mlmd.errors.InternalError(
    'Cannot create node for type_id: 1Error when executing query: disk I/O error query: X'
  )
