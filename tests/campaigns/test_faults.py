"""Twenty faults of the campaign, of the quick kinds, and that it notices what does not add up."""

import contextlib
import pathlib
import random

from campaigns.faults import run_faults
from campaigns.scenes import Scene, World, outcome_of

from beam_taxi.artifacts.manifest import RunFolder, read_manifest

_QUICK = (
  'killed after a while',
  'killed at a moment',
  'interrupted',
  'disk full',
  'input changed',
  'two of one id',
  'storage overloaded',
)


def test_after_faults_the_account_adds_up(tmp_path: pathlib.Path) -> None:
  *_, account = run_faults(20, 1, tmp_path, _QUICK)

  assert account.wrong == []
  assert account.faults == 20


def test_what_does_not_add_up_is_said(tmp_path: pathlib.Path) -> None:
  scene = Scene(World(tmp_path, 1, contextlib.ExitStack()), random.Random(1), 'scene')
  scene.end(scene.start())
  folder = RunFolder.of(scene.output, 'one')
  manifest = read_manifest(folder)
  assert manifest
  assert outcome_of(scene) == ('COMPLETE', [])

  schema = pathlib.Path(manifest.schema.path)
  schema.write_text(schema.read_text() + '\n')
  scene.said.append('Traceback (most recent call last):')
  scene.codes.append(1)
  _, damaged = outcome_of(scene)
  pathlib.Path(folder.manifest).unlink()
  _, unfinished = outcome_of(scene)

  assert [fault.split(':')[0] for fault in damaged] == [
    'said a traceback',
    'ended with 1 and no error in one line',
    'schema/schema.pbtxt',
  ]
  assert 'says that it is complete, and has no manifest' in unfinished
  assert 'has no manifest and is COMPLETE' in unfinished
