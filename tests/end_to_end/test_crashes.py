"""A run that is killed, wherever, and what the store says of it afterwards."""

import pathlib
import signal

import pytest
from commands import asked, beam_taxi, start_with

# Where a run is killed, and what the store says of it once it is reconciled; None where it was not in the store yet.
POINTS = {
  'before_its_start_is_recorded': (('beam_taxi.record.recorder', 'record_start', 'before', 1), None),
  'while_its_start_is_recorded': (('beam_taxi.metadata.recording', '_put', 'before', 3), 'FAILED'),
  'after_its_start_is_recorded': (('beam_taxi.record.recorder', 'record_start', 'after', 1), 'FAILED'),
  'before_the_graph': (('beam_taxi.lifecycle.run', 'GraphRun', 'before', 1), 'FAILED'),
  'in_pass_1': (('beam_taxi.inputs.csv.csv_input', 'scan_range', 'before', 1), 'FAILED'),
  'in_pass_2': (('beam_taxi.graph.output_steps', 'encode_block', 'before', 1), 'FAILED'),
  'before_a_shard_is_visible': (('beam_taxi.storage', 'AtomicFile.commit', 'before', 2), 'FAILED'),
  'after_a_shard_is_visible': (('beam_taxi.storage', 'AtomicFile.commit', 'after', 2), 'FAILED'),
  'before_the_manifest_is_visible': (('beam_taxi.graph.output_steps', 'write_bytes', 'before', 1), 'FAILED'),
  'after_the_manifest_is_visible': (('beam_taxi.graph.output_steps', 'write_bytes', 'after', 1), 'COMPLETE'),
  'before_its_end_is_recorded': (('beam_taxi.record.recorder', 'record_manifest', 'before', 1), 'COMPLETE'),
  'while_its_end_is_recorded': (('beam_taxi.metadata.recording', '_put', 'before', 5), 'COMPLETE'),
  'after_its_end_is_recorded': (('beam_taxi.record.recorder', 'record_manifest', 'after', 1), 'COMPLETE'),
}


@pytest.mark.parametrize(('point', 'truth'), POINTS.values(), ids=POINTS)
def test_a_killed_run_is_reconciled_to_the_truth_and_a_new_run_goes_well(
  tmp_path: pathlib.Path, point: tuple[str, str, str, int], truth: str | None
) -> None:
  (tmp_path / 'rows.csv').write_text('a,b\n' + ''.join(f'{n},x{n}\n' for n in range(100)))
  words = ('--input', 'rows.csv', '--output', 'out', '--run_id')
  killed = start_with(tmp_path, point, 'kill', *words, 'killed')
  _, stderr = killed.communicate(timeout=120)
  assert killed.returncode == -signal.SIGKILL, stderr

  settled = asked(tmp_path, 'reconcile', '--output', 'out')
  assert [each['run_id'] for each in settled] in ([], ['killed'])
  assert beam_taxi(tmp_path, *words, 'new').returncode == 0

  runs = {run['run_id']: run for run in asked(tmp_path, 'runs', '--output', 'out')}
  assert runs.get('killed', {'state': None})['state'] == truth
  has_manifest = (tmp_path / 'out' / 'runs' / 'killed' / 'manifest.json').exists()
  assert has_manifest == (truth == 'COMPLETE')
  if truth:
    shown = asked(tmp_path, 'show', 'killed', '--output', 'out')
    keys = [artifact['key'] for artifact in shown['artifacts']]
    assert keys == (['input', 'examples', 'statistics', 'schema'] if has_manifest else [])
    assert shown['rows'] == (100 if has_manifest else None)
    assert ('error' in shown['properties']) == (not has_manifest)
  assert runs['new']['state'] == 'COMPLETE'
  assert asked(tmp_path, 'reconcile', '--output', 'out') == []
