"""Settling runs whose end nobody recorded."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Mapping

import ml_metadata as mlmd
import pytest
from test_runs import manifest

from beam_taxi.artifacts.manifest import RunFolder, Value
from beam_taxi.errors import UserError
from beam_taxi.metadata.reconciling import reconcile
from beam_taxi.metadata.recording import RecordedRun, record_failure, record_start
from beam_taxi.metadata.runs import find_run
from beam_taxi.storage import write_bytes


def begin(store: mlmd.MetadataStore, folder: pathlib.Path, run_id: str = 'one', *, finished: bool = False) -> None:
  """Records a run as RUNNING and, where it finished, writes its manifest."""
  run = RecordedRun(run_id, 'taxi', RunFolder.of(str(folder), run_id))
  record_start(store, run, {'started': 100.0, 'host': 'elsewhere'})
  if finished:
    write_bytes(run.folder.manifest, dataclasses.replace(manifest(run_id), finished=107.0).to_json().encode())


def answers(answer: bool | None) -> Callable[[Mapping[str, Value]], bool | None]:
  return lambda properties: answer


SETTLED = {
  'dead': (False, False, 'FAILED', 'its process is gone, and there is no manifest'),
  'dead_with_manifest': (False, True, 'COMPLETE', 'it has a manifest'),
  'alive': (True, False, 'RUNNING', 'goes on'),
  'alive_with_manifest': (True, True, 'RUNNING', 'goes on'),
  'unknown': (None, False, 'RUNNING', 'is of another machine, elsewhere: ask there, or settle it by --force'),
  'unknown_with_manifest': (None, True, 'COMPLETE', 'it has a manifest'),
}


@pytest.mark.parametrize(('alive', 'finished', 'state', 'why'), SETTLED.values(), ids=SETTLED)
def test_a_run_is_settled_by_its_process_and_its_manifest(
  store: mlmd.MetadataStore, tmp_path: pathlib.Path, alive: bool | None, finished: bool, state: str, why: str
) -> None:
  begin(store, tmp_path, finished=finished)

  [settled] = reconcile(store, answers(alive))

  assert (settled.run.run_id, settled.state, settled.why) == ('one', state, why)
  found = find_run(store, 'one')
  assert found.state == state
  assert found.seconds == (7.0 if state == 'COMPLETE' else None)
  assert found.properties.get('error') == (why if state == 'FAILED' else None)


def test_a_run_of_which_nobody_knows_is_failed_by_force(store: mlmd.MetadataStore, tmp_path: pathlib.Path) -> None:
  begin(store, tmp_path)

  [settled] = reconcile(store, answers(None), force=True)

  assert (settled.state, find_run(store, 'one').state) == ('FAILED', 'FAILED')


def test_where_no_answer_can_be_had_a_run_is_settled_by_force_alone(
  store: mlmd.MetadataStore, tmp_path: pathlib.Path
) -> None:
  def refuse(_: Mapping[str, Value]) -> bool:
    raise UserError('Dataflow does not say')

  begin(store, tmp_path)

  [settled] = reconcile(store, refuse)

  assert (settled.state, settled.why) == ('RUNNING', 'Dataflow does not say')
  assert find_run(store, 'one').state == 'RUNNING'
  [settled] = reconcile(store, refuse, force=True)
  assert (settled.state, settled.why) == ('FAILED', 'nobody knows of it; settled by --force')


def test_every_running_run_is_settled_and_no_other(store: mlmd.MetadataStore, tmp_path: pathlib.Path) -> None:
  for run_id in ('one', 'two'):
    begin(store, tmp_path, run_id, finished=run_id == 'two')

  assert {settled.run.run_id: settled.state for settled in reconcile(store, answers(False))} == {
    'one': 'FAILED',
    'two': 'COMPLETE',
  }
  assert reconcile(store, answers(False)) == []


@pytest.mark.parametrize('canceled', [True, False], ids=['canceled', 'failed'])
def test_a_run_that_completed_all_the_same_is_corrected(
  store: mlmd.MetadataStore, tmp_path: pathlib.Path, canceled: bool
) -> None:
  begin(store, tmp_path, finished=True)
  record_failure(store, RecordedRun('one', 'taxi', RunFolder.of(str(tmp_path), 'one')), 'why', canceled=canceled)

  [settled] = reconcile(store, answers(None))

  assert (settled.state, settled.why) == ('COMPLETE', 'it has a manifest')
  found = find_run(store, 'one')
  assert (found.state, found.seconds, found.properties.get('error')) == ('COMPLETE', 7.0, None)


def test_a_refused_run_is_not_corrected_by_the_manifest_of_the_one_that_has_the_folder(
  store: mlmd.MetadataStore, tmp_path: pathlib.Path
) -> None:
  begin(store, tmp_path, finished=True)
  refused = RecordedRun('one.refused-ab', 'taxi', RunFolder.of(str(tmp_path), 'one'))
  record_start(store, refused, {'started': 100.0})
  record_failure(store, refused, 'exists already')

  assert [settled.run.run_id for settled in reconcile(store, answers(False))] == ['one']
  assert find_run(store, 'one.refused-ab').state == 'FAILED'


def test_a_refused_run_that_was_killed_leaves_the_one_that_has_the_folder_alone(
  store: mlmd.MetadataStore, tmp_path: pathlib.Path
) -> None:
  begin(store, tmp_path, finished=True)
  record_failure(store, RecordedRun('one', 'taxi', RunFolder.of(str(tmp_path), 'one')), 'why', canceled=False)
  (tmp_path / 'runs' / 'one' / '.part.gz.0123abcd.tmp').write_text('x')
  record_start(store, RecordedRun('two.refused-ab', 'taxi', RunFolder.of(str(tmp_path), 'one')), {'started': 100.0})

  found = {settled.run.run_id: settled.state for settled in reconcile(store, lambda properties: False)}

  assert found['two.refused-ab'] == 'FAILED'


@pytest.mark.parametrize(('alive', 'left'), [(False, ['part.gz']), (None, None), (True, None)])
def test_what_a_run_that_has_ended_did_not_finish_is_deleted(
  store: mlmd.MetadataStore, tmp_path: pathlib.Path, alive: bool | None, left: list[str] | None
) -> None:
  begin(store, tmp_path)
  shards = tmp_path / 'runs' / 'one' / 'examples' / 'Split-train'
  shards.mkdir(parents=True)
  names = ['.part.gz.0123abcd.tmp', 'part.gz']
  for name in names:
    (shards / name).touch()

  reconcile(store, answers(alive))

  assert sorted(os.listdir(shards)) == (left or names)


def test_a_manifest_that_is_written_while_the_process_is_asked_about_counts(
  store: mlmd.MetadataStore, tmp_path: pathlib.Path
) -> None:
  begin(store, tmp_path)

  def dies_after_its_last_act(_: Mapping[str, Value]) -> bool:
    write_bytes(RunFolder.of(str(tmp_path), 'one').manifest, manifest('one').to_json().encode())
    return False

  [settled] = reconcile(store, dies_after_its_last_act)
  assert settled.state == 'COMPLETE'
