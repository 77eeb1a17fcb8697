"""`report`: of a run by its folder or by its store, of statistics, of two."""

import pathlib

import pytest
from commands import beam_taxi


@pytest.fixture(scope='module')
def runs(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """A folder with runs of one store: `one`; `two`, over other rows; `again`, which took what `one` made; `bad`."""
  folder = tmp_path_factory.mktemp('runs')
  (folder / 'one.csv').write_text('n,text\n' + ''.join(f'{n},a{n % 3}\n' for n in range(90)))
  (folder / 'two.csv').write_text('n,text\n' + ''.join(f'{n * 5},b{n % 3}\n' for n in range(90)))
  (folder / 'bad.csv').write_text('n,text\n1,2,3\n')
  for run_id, more in (('one', []), ('two', []), ('again', ['--cache']), ('bad', [])):
    path = {'again': 'one'}.get(run_id, run_id)
    beam_taxi(folder, '--input', f'{path}.csv', '--output', 'out', '--run_id', run_id, *more)
  return folder


def page_of(folder: pathlib.Path, *words: str) -> str:
  done = beam_taxi(folder, 'report', *words)
  assert (done.returncode, done.stderr) == (0, '')
  return (folder / done.stdout.strip()).read_text(encoding='utf-8')


@pytest.mark.parametrize(
  'words',
  [('out/runs/one',), ('one', '--output', 'out'), ('one', '--metadata', 'sqlite:///out/metadata.sqlite')],
  ids=['folder', 'output', 'store'],
)
def test_a_run_is_reported_by_its_folder_or_by_its_store(runs: pathlib.Path, words: tuple[str, ...]) -> None:
  page = page_of(runs, *words)

  assert '<h1><bdi>one</bdi></h1>' in page
  assert '90' in page
  assert 'ExampleStatistics' in page


def test_the_page_goes_where_it_is_asked_for(runs: pathlib.Path) -> None:
  done = beam_taxi(runs, 'report', 'out/runs/one', '--out', 'pages/one.html')

  assert done.stdout == 'pages/one.html\n'
  assert (runs / 'pages' / 'one.html').exists()


def test_a_store_adds_ids_and_what_is_recorded(runs: pathlib.Path) -> None:
  page = page_of(runs, 'one', '--output', 'out')

  assert 'artifact 2' in page
  assert 'counter.EncodeExamples.bytes' in page


def test_a_run_that_took_anothers_output_is_reported_with_it(runs: pathlib.Path) -> None:
  page = page_of(runs, 'again', '--output', 'out')

  assert 'state-CACHED">CACHED' in page
  assert 'Took what <bdi>one</bdi> made' in page
  assert '"name":"text"' in page


def test_a_failed_run_is_reported_with_its_error(runs: pathlib.Path) -> None:
  page = page_of(runs, 'bad', '--output', 'out')

  assert 'state-FAILED">FAILED' in page
  assert '3 cells where 2 are expected' in page
  assert 'There are no statistics of features' in page


def test_two_runs_are_compared_with_what_moved(runs: pathlib.Path) -> None:
  page = page_of(runs, 'one', 'two', '--output', 'out')

  assert 'L-infinity distance' in page
  assert 'one \\u00b7 train' in page


def test_a_run_of_a_store_is_compared_with_statistics_at_a_path(runs: pathlib.Path) -> None:
  page = page_of(runs, 'one', 'out/runs/two/statistics', '--output', 'out')

  assert 'L-infinity distance' in page
  assert 'one \\u00b7 train' in page
  assert 'out/runs/two/statistics \\u00b7 train' in page


def test_a_folder_that_was_moved_is_reported_from_where_it_is(runs: pathlib.Path, tmp_path: pathlib.Path) -> None:
  (runs / 'out' / 'runs' / 'two').rename(tmp_path / 'moved')
  try:
    assert '<h1><bdi>two</bdi></h1>' in page_of(tmp_path, 'moved')
  finally:
    (tmp_path / 'moved').rename(runs / 'out' / 'runs' / 'two')


@pytest.mark.parametrize(
  ('words', 'message'),
  [
    (('nobody',), 'there is no such folder or file; where it is the id of a run, give --output or --metadata'),
    (('nobody', '--output', 'out'), 'the store has no such run'),
    (('one.csv',), 'no run folder'),
    (('a', 'b', 'c'), 'a report is of one or two, and 3 were given'),
    (('out/runs/one', '--out', '/dev/null/x'), '--out /dev/null/x: cannot be written'),
  ],
  ids=['no_path', 'no_run', 'no_statistics', 'three', 'no_place'],
)
def test_what_cannot_be_reported_is_said_in_a_line(runs: pathlib.Path, words: tuple[str, ...], message: str) -> None:
  done = beam_taxi(runs, 'report', *words)

  assert done.returncode == 2
  assert message in done.stderr
  assert done.stderr.count('\n') == 1


def test_no_statistics_in_a_pb_file_is_said(runs: pathlib.Path) -> None:
  (runs / 'broken.pb').write_bytes(b'no proto')
  done = beam_taxi(runs, 'report', 'broken.pb')

  assert (done.returncode, done.stderr.count('\n')) == (2, 1)
  assert 'is not a binary DatasetFeatureStatisticsList' in done.stderr
