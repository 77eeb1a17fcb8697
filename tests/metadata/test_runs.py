"""Asking stores of every kind which runs there are."""

import contextlib
import dataclasses
import datetime
import pathlib
import sqlite3

import ml_metadata as mlmd
import pytest

from beam_taxi.artifacts.manifest import InputSummary, Manifest, RunFolder, WrittenFile
from beam_taxi.errors import UserError
from beam_taxi.metadata.lineage import lineage_of
from beam_taxi.metadata.recording import (
  RecordedRun,
  record_completion,
  record_failure,
  record_reuse,
  record_start,
)
from beam_taxi.metadata.runs import artifacts_of, find_run, list_runs, runs_that_read, unfinished
from beam_taxi.metadata.states import RUN_STATES
from beam_taxi.metadata.store import connect

STARTED = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.timezone.utc)


def manifest(run_id: str) -> Manifest:
  return Manifest(
    run_id=run_id,
    pipeline_name='taxi',
    input=InputSummary(('*.csv',), 1, 1000, 30, 'sha256-sum:ab'),
    columns={'fare': 'FLOAT'},
    splits={'train': 30},
    artifacts={
      'examples': (WrittenFile('a.gz', 'aa', 'train', 100, 30),),
      'statistics': (WrittenFile('s.pb', 'cc', 'train'),),
      'schema': (WrittenFile('schema.pbtxt', 'ee'),),
    },
    versions={},
    cache_key=f'key-of-{run_id}',
  )


def run(run_id: str) -> RecordedRun:
  return RecordedRun(run_id, 'taxi', RunFolder.of('/out', run_id))


@pytest.fixture
def filled(store: mlmd.MetadataStore) -> mlmd.MetadataStore:
  """A store with a run in each state, begun in the order of RUN_STATES."""
  for state in RUN_STATES:
    record_start(store, run(state.lower()), {'started': STARTED.timestamp()})
  record_completion(store, run('complete'), manifest('complete'), {'seconds': 2.5})
  record_reuse(store, run('cached'), manifest('complete'), {'seconds': 0.5})
  record_failure(store, run('failed'), 'bad')
  record_failure(store, run('canceled'), 'Ctrl-C', canceled=True)
  return store


@pytest.mark.parametrize('path', ['trips/2026/a.csv', 'more/b.csv'])
def test_a_file_that_a_run_matched_leads_to_what_the_run_read(store: mlmd.MetadataStore, path: str) -> None:
  patterns = ('trips/*/*.csv', 'more')
  record_completion(store, run('a'), dataclasses.replace(manifest('a'), input=_input(patterns)), {})

  [start] = lineage_of(store, path).start

  assert start.uri == 'trips/*/*.csv more'


def _input(patterns: tuple[str, ...]) -> InputSummary:
  return InputSummary(patterns, 1, 1000, 30, 'sha256-sum:ab')


def test_runs_are_listed_the_newest_first(filled: mlmd.MetadataStore) -> None:
  assert [(found.run_id, found.state) for found in list_runs(filled)] == [
    (state.lower(), state) for state in reversed(RUN_STATES)
  ]


def test_a_run_says_when_it_began_how_long_it_took_and_what_it_read(filled: mlmd.MetadataStore) -> None:
  found = find_run(filled, 'complete')

  assert (found.pipeline_name, found.folder, found.started) == ('taxi', '/out/runs/complete', STARTED)
  assert (found.seconds, found.rows) == (2.5, 30)
  assert found.properties['records.train'] == 30
  assert found.recorded == run('complete')


def test_a_run_that_did_not_complete_has_no_rows(filled: mlmd.MetadataStore) -> None:
  found = find_run(filled, 'failed')

  assert (found.seconds, found.rows, found.properties['error']) == (None, None, 'bad')


@pytest.mark.parametrize('state', RUN_STATES)
def test_runs_are_chosen_by_their_state(filled: mlmd.MetadataStore, state: str) -> None:
  assert [found.run_id for found in list_runs(filled, state=state)] == [state.lower()]


def test_the_runs_that_are_running_are_unfinished(filled: mlmd.MetadataStore) -> None:
  assert [found.run_id for found in unfinished(filled)] == ['running']


def test_runs_are_chosen_by_number_and_time(filled: mlmd.MetadataStore) -> None:
  now = datetime.datetime.now(datetime.timezone.utc)

  assert [found.run_id for found in list_runs(filled, limit=2)] == ['canceled', 'failed']
  assert len(list_runs(filled, since=now - datetime.timedelta(hours=1))) == 5
  assert list_runs(filled, since=now + datetime.timedelta(hours=1)) == []


def test_complete_runs_are_found_by_what_they_read_and_by_their_cache_key(filled: mlmd.MetadataStore) -> None:
  record_completion(filled, run('running'), dataclasses.replace(manifest('running'), cache_key='key-of-complete'), {})
  record_start(filled, run('other'), {})
  record_completion(filled, run('other'), manifest('other'), {})

  def found(fingerprint: str, cache_key: str) -> list[str]:
    return [found.run_id for found in runs_that_read(filled, fingerprint, cache_key)]

  assert found('sha256-sum:ab', 'key-of-complete') == ['complete', 'running']
  assert found('sha256-sum:ab', 'key-of-other') == ['other']
  assert found('sha256-sum:ab', 'key-of-failed') == []
  assert found('sha256-sum:cd', 'key-of-complete') == []


def test_the_artifacts_of_a_run_are_in_the_order_of_its_steps(filled: mlmd.MetadataStore) -> None:
  found = artifacts_of(filled, find_run(filled, 'complete'))

  assert [(artifact.key, artifact.type, artifact.uri, artifact.state) for artifact in found] == [
    ('input', 'beam_taxi.CsvInput', '*.csv', 'LIVE'),
    ('examples', 'Examples', '/out/runs/complete/examples', 'LIVE'),
    ('statistics', 'ExampleStatistics', '/out/runs/complete/statistics', 'LIVE'),
    ('schema', 'Schema', '/out/runs/complete/schema', 'LIVE'),
  ]
  assert artifacts_of(filled, find_run(filled, 'cached')) == found
  assert artifacts_of(filled, find_run(filled, 'failed')) == []


def test_a_store_without_runs_has_none(store: mlmd.MetadataStore) -> None:
  assert list_runs(store, limit=20) == []
  with pytest.raises(UserError, match='nothing: the store has no such run; there is none at all'):
    find_run(store, 'nothing')


def test_more_runs_than_a_page_of_mlmd_are_all_listed(store: mlmd.MetadataStore) -> None:
  for number in range(105):
    record_failure(store, run(f'run-{number}'), 'bad')

  assert len({found.run_id for found in list_runs(store)}) == 105
  assert [found.run_id for found in list_runs(store, limit=101)][-1] == 'run-4'


def test_runs_on_both_sides_of_a_gap_in_the_ids_are_listed(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'm.sqlite'
  store = connect(f'sqlite:///{path}')
  record_failure(store, run('before'), 'bad')
  with contextlib.closing(sqlite3.connect(path)) as database, database:
    database.execute("UPDATE sqlite_sequence SET seq = 2500 WHERE name = 'Execution'")
  record_failure(store, run('after'), 'bad')
  an_hour_ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)

  assert [found.run_id for found in list_runs(store, since=an_hour_ago)] == ['after', 'before']
  assert [found.run_id for found in list_runs(store, state='FAILED')] == ['after', 'before']
  assert list_runs(store, state='COMPLETE') == []


def test_a_run_with_a_moved_clock_is_still_found(store: mlmd.MetadataStore) -> None:
  later = dataclasses.replace(run('later'), run_id='later')
  record_start(store, later, {'started': 4102444800.0})

  assert find_run(store, 'later').started.year == 2100
