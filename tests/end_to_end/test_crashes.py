"""A run that is killed, wherever, and what the store says of it afterwards."""

import dataclasses
import pathlib
import signal
from collections.abc import Sequence

import ml_metadata as mlmd
import pytest
from commands import asked, beam_taxi, start_with

from beam_taxi.metadata.runs import artifacts_of, list_runs
from beam_taxi.metadata.store import connect

# Where a run is killed, and what the store says of it once it is reconciled; None where it was not in the store yet.
POINTS = {
  'before_its_start_is_recorded': (('beam_taxi.record.recorder', 'record_start', 'before', 1), None),
  'while_its_start_is_recorded': (('beam_taxi.metadata.recording', 'put_step', 'before', 3), 'FAILED'),
  'after_its_start_is_recorded': (('beam_taxi.record.recorder', 'record_start', 'after', 1), 'FAILED'),
  'before_the_graph': (('beam_taxi.lifecycle.run', 'GraphRun', 'before', 1), 'FAILED'),
  'in_pass_1': (('beam_taxi.inputs.csv.csv_input', 'scan_range', 'before', 1), 'FAILED'),
  'in_pass_2': (('beam_taxi.graph.output_steps', 'encode_block', 'before', 1), 'FAILED'),
  'before_a_shard_is_visible': (('beam_taxi.storage', 'AtomicFile.commit', 'before', 2), 'FAILED'),
  'after_a_shard_is_visible': (('beam_taxi.storage', 'AtomicFile.commit', 'after', 2), 'FAILED'),
  'before_the_manifest_is_visible': (('beam_taxi.graph.output_steps', 'write_bytes', 'before', 1), 'FAILED'),
  'after_the_manifest_is_visible': (('beam_taxi.graph.output_steps', 'write_bytes', 'after', 1), 'COMPLETE'),
  'before_its_end_is_recorded': (('beam_taxi.record.recorder', 'record_manifest', 'before', 1), 'COMPLETE'),
  'while_its_end_is_recorded': (('beam_taxi.metadata.recording', 'put_step', 'before', 5), 'COMPLETE'),
  'after_its_end_is_recorded': (('beam_taxi.record.recorder', 'record_manifest', 'after', 1), 'COMPLETE'),
}


@dataclasses.dataclass(frozen=True)
class Killed:
  """A store with a run that was killed at each point, by its name, settled since, and where they lie."""

  store: mlmd.MetadataStore
  settled: Sequence[str]
  folder: pathlib.Path


@pytest.fixture(scope='module')
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
  folder = tmp_path_factory.mktemp('killed')
  (folder / 'rows.csv').write_text('a,b\n' + ''.join(f'{n},x{n}\n' for n in range(100)))
  for name, (point, _) in POINTS.items():
    process = start_with(folder, point, 'kill', '--input', 'rows.csv', '--output', 'out', '--run_id', name)
    _, stderr = process.communicate()
    assert process.returncode == -signal.SIGKILL, stderr
  settled = asked(folder, 'reconcile', '--output', 'out')
  return Killed(connect(f'sqlite:///{folder}/out/metadata.sqlite'), [each['run_id'] for each in settled], folder)


@pytest.mark.parametrize(('point', 'truth'), [(name, truth) for name, (_, truth) in POINTS.items()])
def test_a_killed_run_is_settled_to_the_truth(killed: Killed, point: str, truth: str | None) -> None:
  has_manifest = (killed.folder / 'out' / 'runs' / point / 'manifest.json').exists()
  assert has_manifest == (truth == 'COMPLETE')
  runs = {run.run_id: run for run in list_runs(killed.store, limit=100)}
  if truth is None:
    assert point not in runs
    return
  run = runs[point]
  assert (run.state, 'error' in run.properties) == (truth, not has_manifest)
  keys = [artifact.key for artifact in artifacts_of(killed.store, run)]
  assert keys == (['input', 'examples', 'statistics', 'schema'] if has_manifest else [])
  assert run.rows == (100 if has_manifest else None)


def test_what_was_settled_is_not_settled_again_and_a_new_run_goes_well(killed: Killed) -> None:
  recorded_its_end = 'after_its_end_is_recorded'
  assert sorted(killed.settled) == sorted(
    name for name, (_, truth) in POINTS.items() if truth and name != recorded_its_end
  )
  assert asked(killed.folder, 'reconcile', '--output', 'out') == []

  done = beam_taxi(killed.folder, '--input', 'rows.csv', '--output', 'out', '--run_id', 'new')

  assert done.returncode == 0, done.stderr
  assert asked(killed.folder, 'show', 'new', '--output', 'out')['state'] == 'COMPLETE'
