"""Runs as an earlier release recorded them: all that shows runs says of them what that release said.

old_store/README.txt says what is there and how it was made. Everything is asked twice: of the store as it was, and
where runs of this release have been recorded beside the old ones.
"""

import datetime
import functools
import io
import json
import pathlib
import socket
from collections.abc import Callable, Mapping
from typing import Any

import ml_metadata as mlmd
import pytest
from old_store.place import MADE_IN, place
from old_store.site_text import site_text
from rich.console import Console

from beam_taxi.analysis.comparison import compare
from beam_taxi.artifacts.manifest import InputSummary, Manifest, RunFolder, read_manifest
from beam_taxi.examples.reading import read
from beam_taxi.metadata.lineage import Lineage, lineage_of
from beam_taxi.metadata.reconciling import reconcile
from beam_taxi.metadata.recording import (
  RecordedRun,
  record_completion,
  record_failure,
  record_manifest,
  record_reuse,
  record_start,
)
from beam_taxi.metadata.runs import artifacts_of, find_run, list_runs
from beam_taxi.metadata.store import connect
from beam_taxi.process.provenance import is_alive
from beam_taxi.record import reuse
from beam_taxi.record.reuse import is_whole
from beam_taxi.show.report.recorded_sources import source_of_run
from beam_taxi.show.site.building import build_site
from beam_taxi.show.terminal.comparison_tables import comparison_to_json, print_comparison
from beam_taxi.show.terminal.lineage_trees import print_lineage, to_dot, to_json, to_mermaid
from beam_taxi.show.terminal.run_tables import print_run, print_runs, run_to_json, settlement_to_json
from beam_taxi.steps import outputs

SHOWN = pathlib.Path(__file__).parent / 'old_store' / 'shown'
RUNS = ('canceled-1', 'running-1', 'complete-1.refused-292a', 'failed-1', 'cached-1', 'complete-2', 'complete-1')
ANOTHER_DAY = datetime.datetime(2027, 1, 1, tzinfo=datetime.timezone.utc)


class Old:
  """The old runs in a folder, and their store."""

  def __init__(self, folder: pathlib.Path, beside: bool):
    self.folder = place(folder)
    self.uri = f'sqlite:///{self.folder}/metadata.sqlite'
    self.store: mlmd.MetadataStore = connect(self.uri)
    if beside:
      record_new(self.store, self.folder)

  def manifest(self, run_id: str) -> Manifest:
    found = read_manifest(RunFolder.of(str(self.folder), run_id))
    assert found
    return found

  def said(self, text: str) -> str:
    """As it was said in the folder where the runs were made."""
    return text.replace(str(self.folder), MADE_IN)

  def printed(self, show: Callable[[Console], None]) -> list[str]:
    out = io.StringIO()
    show(Console(file=out, width=1000))
    return _lines(self.said(out.getvalue()))


def record_new(store: mlmd.MetadataStore, folder: pathlib.Path) -> None:
  """Runs of this release, of another input: one complete, one that takes what that made, one that failed."""
  began = ANOTHER_DAY.timestamp()
  runs = [RecordedRun(f'new-{number}', 'taxi', RunFolder.of(str(folder), f'new-{number}')) for number in range(3)]
  made = Manifest(
    run_id='new-0',
    pipeline_name='taxi',
    input=InputSummary(('march.csv',), 1, 1000, 30, 'sha256-sum:ab'),
    columns={'fare': 'FLOAT'},
    splits={'train': 20, 'eval': 10},
    artifacts={output.key: () for output in outputs()},
    versions={},
  )
  for place_, run in enumerate(runs):
    record_start(store, run, {'started': began + place_})
  record_completion(store, runs[0], made, {'seconds': 2.0})
  record_reuse(store, runs[1], made, {'started': began + 1, 'seconds': 0.1})
  record_failure(store, runs[2], 'bad')


def shown(name: str) -> str:
  return (SHOWN / name).read_text(encoding='utf-8')


def _lines(text: str) -> list[str]:
  return [line.rstrip() for line in text.rstrip('\n').split('\n')]


@pytest.fixture(scope='module', params=[False, True], ids=['alone', 'beside_new_runs'])
def old(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Old:
  return Old(tmp_path_factory.mktemp('old') / 'taxi', request.param)


def test_runs_lists_them(old: Old) -> None:
  found = [run for run in list_runs(old.store) if run.run_id in RUNS]

  assert [run.run_id for run in found] == list(RUNS)
  assert json.loads(old.said(json.dumps([run_to_json(run) for run in found]))) == json.loads(shown('runs.json'))
  assert old.printed(lambda console: print_runs(console, found, ANOTHER_DAY)) == _lines(shown('runs.txt'))


@pytest.mark.parametrize('state', ['RUNNING', 'COMPLETE', 'CACHED', 'FAILED', 'CANCELED'])
def test_runs_finds_them_by_their_state(old: Old, state: str) -> None:
  expected = [run['run_id'] for run in json.loads(shown('runs.json')) if run['state'] == state]

  assert [run.run_id for run in list_runs(old.store, state=state) if run.run_id in RUNS] == expected


@pytest.mark.parametrize('run_id', RUNS)
def test_show_shows_them(old: Old, run_id: str) -> None:
  run = find_run(old.store, run_id)
  artifacts = artifacts_of(old.store, run)

  found = json.loads(old.said(json.dumps(run_to_json(run, artifacts))))
  assert found == json.loads(shown(f'show/{run_id}.json'))
  assert old.printed(lambda console: print_run(console, run, artifacts)) == _lines(shown(f'show/{run_id}.txt'))


FORMATS: Mapping[str, Callable[[Lineage], str]] = {'json': to_json, 'dot': to_dot, 'mmd': to_mermaid}


@pytest.mark.parametrize('run_id', ['complete-1', 'complete-2', 'cached-1'])
def test_lineage_follows_them(old: Old, run_id: str) -> None:
  found = lineage_of(old.store, run_id)

  for ending, write in FORMATS.items():
    assert _lines(old.said(write(found))) == _lines(shown(f'lineage/{run_id}.{ending}'))
  assert old.printed(lambda console: print_lineage(console, found)) == _lines(shown(f'lineage/{run_id}.txt'))


# How far numbers are apart is measured in another way since; see analysis/distances.py.
_MEASURED_ANEW = 'Jensen-Shannon divergence'


def test_diff_compares_them(old: Old) -> None:
  comparison = compare(old.manifest('complete-1'), old.manifest('complete-2'))

  found, expected = json.loads(old.said(comparison_to_json(comparison))), json.loads(shown('diff.json'))
  # That release had no digests of records.
  assert found.pop('examples_compared') == 'files'
  moves, before = found.pop('moves'), expected.pop('moves')
  assert found == expected
  assert _measured(moves) == _measured(before)
  assert _numbers(moves) == pytest.approx(_numbers(before))
  lines = _cells(old.printed(lambda console: print_comparison(console, comparison)))
  assert sorted(lines) == sorted(_cells(_lines(shown('diff.txt'))))


def _measured(moves: list[dict[str, Any]]) -> list[tuple[str, ...]]:
  """What was measured of what."""
  return sorted((move['split'], move['feature'], move['measure'], move['value']) for move in moves)


def _numbers(moves: list[dict[str, Any]]) -> dict[tuple[str, ...], float]:
  return {
    (move['split'], move['feature'], move['measure'], side): move[side]
    for move in moves
    if move['measure'] != _MEASURED_ANEW
    for side in ('first', 'second', 'times')
  }


def _cells(lines: list[str]) -> list[str]:
  return [' '.join(line.split()) for line in lines if _MEASURED_ANEW not in line]


def test_site_has_them(old: Old, tmp_path: pathlib.Path) -> None:
  build_site(old.store, old.uri, str(tmp_path / 'site'), 200)

  found = json.loads(old.said(json.dumps(site_text(tmp_path / 'site'))))
  expected = json.loads(shown('site.json'))
  rows = [row for row in found['rows']['runs-1.js'] if row[1] in RUNS]
  assert list(map(_to_the_minute, rows)) == list(map(_to_the_minute, expected['rows']['runs-1.js']))
  newest = expected['rows']['artifacts-1.js'][0][0]
  assert [row for row in found['rows']['artifacts-1.js'] if row[0] <= newest] == expected['rows']['artifacts-1.js']
  assert _trends(found['trends']) == expected['trends']
  for name, page in expected['pages'].items():
    if name.startswith(('runs/', 'artifacts/')):
      assert _without_neighbour(name, found['pages'][name]) == _without_neighbour(name, page)


def _trends(data: dict[str, Any]) -> dict[str, Any]:
  """Trends without the keys and the names of their figures, which they did not have."""
  return {
    name: {
      **{what: said for what, said in page.items() if what != 'figures'},
      'splits': [[[values for _, values in feature] for feature in split] for split in page['splits']],
    }
    for name, page in data.items()
  }


def _to_the_minute(row: list[Any]) -> list[Any]:
  """A run's row, as it is shown. The release that made the store rounded when a run began, instead of cutting."""
  return [*row[:4], row[4] // 60, *row[5:]]


def _without_neighbour(name: str, page: dict[str, Any]) -> dict[str, Any]:
  """A page, but of the newest old run without what leads to a later one."""
  is_newest = name == f'runs/{RUNS[0]}.html'
  return {what: said for what, said in page.items() if not (is_newest and what in ('links', 'paragraphs'))}


def test_report_draws_them(old: Old) -> None:
  source = functools.partial(source_of_run, old.store)
  complete, cached, failed = (source(find_run(old.store, name)) for name in ('complete-1', 'cached-1', 'failed-1'))

  for each in (complete, cached):
    assert {split: dataset.rows for split, dataset in each.datasets.items()} == {'train': 21, 'eval': 9}
    assert each.schema
    assert each.manifest == old.manifest('complete-1')
    assert each.picture
    assert {'Examples', 'ExampleStatistics', 'Schema', 'beam_taxi.SchemaGen'} <= {n.type for n in each.picture.nodes}
  assert (complete.state, cached.state, failed.state, failed.manifest) == ('COMPLETE', 'CACHED', 'FAILED', None)


def settled(old: Old, **options: bool) -> Any:
  def alive(properties: Mapping[str, Any]) -> bool | None:
    return is_alive(str(properties['process']))

  found = [settlement_to_json(each) for each in reconcile(old.store, alive, **options)]
  run = find_run(old.store, 'running-1')
  return [found, json.loads(old.said(json.dumps(run_to_json(run, artifacts_of(old.store, run)))))]


@pytest.mark.parametrize('beside', [False, True], ids=['alone', 'beside_new_runs'])
@pytest.mark.parametrize(
  ('host', 'options', 'name'),
  [('worker-1', {}, 'on-worker-1'), ('other', {'force': True}, 'elsewhere-by-force'), ('other', {}, 'elsewhere')],
)
def test_reconcile_settles_them(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, host: str, options: dict, name: str, beside: bool
) -> None:
  monkeypatch.setattr(socket, 'gethostname', lambda: host)
  what, run = settled(Old(tmp_path / 'taxi', beside), **options)

  assert what == json.loads(shown(f'reconcile/{name}.json'))
  then = SHOWN / 'reconcile' / f'{name}-then-show-running-1.json'
  assert run == json.loads((then if then.exists() else SHOWN / 'show' / 'running-1.json').read_text('utf-8'))


def test_their_manifests_are_read_and_written_anew(old: Old) -> None:
  found = old.manifest('complete-2')
  folder = RunFolder.of(str(old.folder), 'complete-2')

  records = {split: sum(file.records for file in found.examples if file.split == split) for split in found.splits}
  assert (records, len(found.examples)) == ({'train': 20, 'eval': 16}, 4)
  assert {file.split: file.path for file in found.statistics} == {
    split: folder.statistics_file(split) for split in ('train', 'eval')
  }
  assert (found.schema.path, found.report and found.report.path) == (folder.schema_file, folder.report)
  assert [file.counts for file in found.quarantine] == [{'wrong_number_of_cells': 1}]
  assert Manifest.from_json(found.to_json()) == found


def test_their_examples_are_read(old: Old) -> None:
  assert sum(shard.records for shard in read(old.folder / 'runs' / 'complete-1', 'train').shards) == 21


def test_they_are_whole_where_all_their_files_are_there(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setattr(reuse, 'outputs', lambda _: ())  # Whatever steps were added since.
  found = Old(tmp_path / 'taxi', beside=False).manifest('complete-1')
  assert found.report
  assert not is_whole(found)

  report = pathlib.Path(found.report.path)
  report.parent.mkdir()
  report.touch()
  assert is_whole(found)

  pathlib.Path(found.examples[0].path).write_bytes(b'')
  assert not is_whole(found)


def test_they_are_recorded_into_another_store(old: Old, tmp_path: pathlib.Path) -> None:
  uri = f'sqlite:///{tmp_path}/another.sqlite'
  record_manifest(uri, old.manifest('complete-1'), RunFolder.of(str(old.folder), 'complete-1'))

  store = connect(uri)
  found = run_to_json(find_run(store, 'complete-1'), artifacts_of(store, find_run(store, 'complete-1')))
  before = json.loads(shown('show/complete-1.json'))
  assert json.loads(old.said(json.dumps(found['artifacts']))) == before['artifacts']
  # Counters are of the process that ran, and are not in the manifest; it is later at its end than when it was written.
  assert found['properties'].keys() == {name for name in before['properties'] if not name.startswith('counter.')}
