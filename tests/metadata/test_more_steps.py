"""Runs of releases with fewer and with more steps, side by side in stores of every kind."""

import dataclasses

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb
from test_runs import manifest, run

from beam_taxi.artifacts.manifest import Manifest, WrittenFile
from beam_taxi.metadata import recording
from beam_taxi.metadata.lineage import lineage_of
from beam_taxi.metadata.recording import (
  RecordedRun,
  record_completion,
  record_failure,
  record_reuse,
  record_start,
)
from beam_taxi.metadata.runs import artifacts_of, find_run, list_runs
from beam_taxi.steps import STEPS, ArtifactType, Output, Step

# It reads two artifacts and makes two, of which one has a type with no properties.
VALIDATOR = Step(
  'Validator',
  reads=('statistics', 'schema'),
  makes=(
    Output('findings', ArtifactType('Findings', {'span': int}), lambda _: {'span': 0}),
    Output('blessing', ArtifactType('Blessing')),
  ),
)


@pytest.fixture
def more_steps(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setattr(recording, 'STEPS', (*STEPS, VALIDATOR))


def validated(run_id: str) -> Manifest:
  made = manifest(run_id)
  files = {'findings': (WrittenFile('a.pb', 'aa', 'train'),), 'blessing': ()}
  return dataclasses.replace(made, artifacts={**made.artifacts, **files})


def with_validator(run_id: str) -> RecordedRun:
  found = run(run_id)
  return dataclasses.replace(found, steps=(*found.steps, VALIDATOR))


def begin_and_complete(store: mlmd.MetadataStore, made: Manifest) -> dict[str, int]:
  record_start(store, run(made.run_id), {})
  return record_completion(store, run(made.run_id), made, {})


@pytest.mark.usefixtures('more_steps')
def test_a_step_may_read_and_make_several_artifacts(store: mlmd.MetadataStore) -> None:
  ids = begin_and_complete(store, validated('four'))

  [execution] = store.get_executions_by_type('beam_taxi.Validator')
  events = store.get_events_by_execution_ids([execution.id])
  assert {(event.type, event.path.steps[0].key, event.artifact_id) for event in events} == {
    (pb.Event.INPUT, 'statistics', ids['statistics']),
    (pb.Event.INPUT, 'schema', ids['schema']),
    (pb.Event.OUTPUT, 'findings', ids['findings']),
    (pb.Event.OUTPUT, 'blessing', ids['blessing']),
  }
  assert [artifact.key for artifact in artifacts_of(store, find_run(store, 'four'))] == list(ids)
  assert {node.type for node in lineage_of(store, ids['schema']).nodes} >= {'beam_taxi.Validator', 'Findings'}


@pytest.mark.usefixtures('more_steps')
def test_a_run_takes_all_that_an_earlier_one_made(store: mlmd.MetadataStore) -> None:
  ids = begin_and_complete(store, validated('four'))
  record_start(store, run('again'), {})

  assert record_reuse(store, run('again'), validated('four'), {}) == ids
  assert find_run(store, 'again').state == 'CACHED'


def test_runs_with_fewer_and_with_more_steps_stand_side_by_side(
  store: mlmd.MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
  begin_and_complete(store, manifest('three'))
  record_start(store, run('three-open'), {})
  with monkeypatch.context() as newer:
    newer.setattr(recording, 'STEPS', (*STEPS, VALIDATOR))
    begin_and_complete(store, validated('four'))
    record_start(store, with_validator('four-open'), {})

  states = {'four-open': 'RUNNING', 'four': 'COMPLETE', 'three-open': 'RUNNING', 'three': 'COMPLETE'}
  assert {found.run_id: found.state for found in list_runs(store)} == states
  assert [found.run_id for found in list_runs(store, state='RUNNING')] == ['four-open', 'three-open']
  assert [find_run(store, name).state for name in states] == list(states.values())


def test_a_run_goes_on_as_long_as_one_of_its_steps_does(
  store: mlmd.MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
  with monkeypatch.context() as newer:
    newer.setattr(recording, 'STEPS', (*STEPS, VALIDATOR))
    record_start(store, with_validator('four'), {})
  # By a release that does not know of the last step.
  record_completion(store, run('four'), manifest('four'), {})

  assert [found.state for found in list_runs(store)] == ['RUNNING']
  assert [found.run_id for found in list_runs(store, state='RUNNING')] == ['four']
  assert list_runs(store, state='COMPLETE') == []


@pytest.mark.parametrize('ended', [True, False], ids=['complete', 'failed'])
def test_a_run_that_was_begun_with_fewer_steps_ends_with_them(
  store: mlmd.MetadataStore, monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
  record_start(store, run('three'), {})
  monkeypatch.setattr(recording, 'STEPS', (*STEPS, VALIDATOR))
  if ended:
    record_completion(store, run('three'), manifest('three'), {})
  else:
    record_failure(store, run('three'), 'bad')

  assert find_run(store, 'three').state == ('COMPLETE' if ended else 'FAILED')
  assert len(store.get_executions()) == len(run('three').steps)


@pytest.mark.usefixtures('more_steps')
def test_a_step_that_made_nothing_ends_with_its_run(store: mlmd.MetadataStore) -> None:
  record_start(store, with_validator('four'), {})
  record_completion(store, run('four'), manifest('four'), {})

  assert find_run(store, 'four').state == 'COMPLETE'


def test_a_run_whose_steps_were_recorded_far_apart_is_one(
  store: mlmd.MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
  with monkeypatch.context() as interrupted:
    interrupted.setattr(recording, 'STEPS', STEPS[:1])
    record_start(store, run('apart'), {})
  for number in range(70):
    record_failure(store, run(f'other-{number}'), 'bad')
  record_start(store, run('apart'), {})

  assert [found.run_id for found in list_runs(store, limit=2)] == ['apart', 'other-69']
  found = list_runs(store)
  assert (len(found), len({each.run_id for each in found})) == (71, 71)
  assert found[0].state == 'RUNNING'
