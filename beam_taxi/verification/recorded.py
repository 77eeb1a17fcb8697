"""Whether a store has of a run what the run's manifest says."""

from collections.abc import Iterator, Mapping
from typing import Any

import ml_metadata as mlmd

from beam_taxi.artifacts.manifest import Manifest, RunFolder
from beam_taxi.metadata.recording import ACCEPTED_BY, artifact_state, summary_of
from beam_taxi.metadata.runs import Run, artifacts_of, values_of
from beam_taxi.steps import INPUT, JsonValue, Output, outputs
from beam_taxi.verification.results import NOTHING, STORE, Finding

# Of an input's artifact, which runs share that read it in different ways.
_OF_INPUT = ('files', 'bytes', 'fingerprint')


def differences_in_store(store: mlmd.MetadataStore, run: Run, manifest: Manifest) -> Iterator[Finding]:
  """What a store has otherwise than the manifest. What another release did not record is passed over.

  Args:
    store: an open store.
    run: the run that made it all, as the store has it.
    manifest: the run's.
  """
  if run.run_id != manifest.run_id:
    yield Finding(STORE, f'the run {run.run_id} in this folder', f'the manifest of {manifest.run_id}')
    return
  if run.state != 'COMPLETE':
    yield Finding(STORE, 'a run that is COMPLETE', run.state)
  yield from _differing('the run', summary_of(manifest), run.properties)
  recorded = {artifact.key: artifact for artifact in artifacts_of(store, run)}
  for output in (INPUT, *outputs()):
    if output is not INPUT and output.key not in manifest.artifacts:
      continue
    artifact = recorded.get(output.key)
    if not artifact:
      yield Finding(STORE, f'an artifact {output.key}', NOTHING)
      continue
    state = artifact_state(output, manifest, accepted=ACCEPTED_BY in run.properties)
    if artifact.state != state:
      yield Finding(STORE, f'{output.key}: {state}', artifact.state)
    expected = RunFolder(run.folder).artifact(output.key)
    if output is not INPUT and artifact.uri != expected:
      yield Finding(STORE, f'{output.key}: at {expected}', f'at {artifact.uri}')
    [node] = store.get_artifacts_by_id([artifact.id])
    values = {**values_of(node.properties), **values_of(node.custom_properties)}
    yield from _differing(output.key, _properties(output, manifest), values)


def _properties(output: Output, manifest: Manifest) -> Mapping[str, Any]:
  if output is INPUT:
    return {name: value for name, value in output.properties(manifest).items() if name in _OF_INPUT}
  return {**output.properties(manifest), **output.custom_properties(manifest)}


def _differing(what: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Finding]:
  for name, value in expected.items():
    if name in found and not isinstance(value, JsonValue) and found[name] != value:
      yield Finding(STORE, f'{what}: {name} {value}', str(found[name]))
