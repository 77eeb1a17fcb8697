"""A run in ML Metadata: its contexts, one execution a node, its artifacts and the events between them.

Everything is found again by name - an execution by run and node, an artifact by run, node and output key - so that
recording the same thing twice, or going on after a crash halfway, changes nothing that is already there.
"""

import contextlib
import dataclasses
import json
from collections.abc import Mapping, MutableMapping, Sequence

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

from beam_taxi.artifacts import Manifest, RunFolder
from beam_taxi.errors import UserError
from beam_taxi.metadata.types import (
  EXAMPLE_STATISTICS,
  EXAMPLES,
  EXECUTION_TYPES,
  NODE,
  PIPELINE,
  PIPELINE_RUN,
  SCHEMA,
)

Value = int | float | str

_State = mlmd_pb2.Execution


@dataclasses.dataclass(frozen=True)
class RecordedRun:
  """What names a run in a store, and where its artifacts are."""

  run_id: str
  pipeline_name: str
  folder: RunFolder
  splits: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class _Output:
  """An artifact that a node makes."""

  key: str
  type: mlmd_pb2.ArtifactType
  uri: str
  properties: Mapping[str, Value]
  custom_properties: Mapping[str, Value]


def record_start(store: mlmd.MetadataStore, run: RecordedRun, properties: Mapping[str, Value]) -> None:
  """Records that the run has begun: its contexts, and each node's execution as RUNNING.

  A run that did not complete may begin again, under its id and in its folder.

  Args:
    store: an open store.
    run: the run.
    properties: what is known of it from the start; kept as custom properties of each execution.

  Raises:
    UserError: the store has a complete run of this id, or one in another folder. Nothing was recorded.
  """
  executions = {node: _execution(store, run, node) for node in EXECUTION_TYPES}
  for execution in executions.values():
    folder = execution.custom_properties['folder'].string_value if execution.HasField('id') else run.folder.uri
    if execution.last_known_state == _State.COMPLETE or folder != run.folder.uri:
      raise UserError(f'--run_id {run.run_id}: the store has this run already, in {folder}; choose another --run_id')
  for node, execution in executions.items():
    execution.last_known_state = _State.RUNNING
    execution.custom_properties.clear()
    _set(execution.custom_properties, {'run_id': run.run_id, 'folder': run.folder.uri, **properties})
    _put(store, run, node, execution, [])
  _adopt(store, run)


def record_failure(store: mlmd.MetadataStore, run: RecordedRun, error: str) -> None:
  """Records that the run ended without a manifest: each execution that is not complete is FAILED, with the error."""
  for node in EXECUTION_TYPES:
    execution = _execution(store, run, node)
    if execution.last_known_state != _State.COMPLETE:
      execution.last_known_state = _State.FAILED
      _set(execution.custom_properties, {'error': error})
      _put(store, run, node, execution, [])


def record_completion(
  store: mlmd.MetadataStore, run: RecordedRun, manifest: Manifest, properties: Mapping[str, Value]
) -> dict[str, int]:
  """Records what a finished run made: its artifacts as LIVE, each execution as COMPLETE, and events between them.

  Args:
    store: an open store.
    run: the run.
    manifest: what it made.
    properties: what the run measured; kept as custom properties of each execution.

  Returns:
    The id of each artifact, by output key: 'examples', 'statistics' and 'schema'.
  """
  ids: dict[str, int] = {}
  inputs: list[tuple[mlmd_pb2.Artifact, mlmd_pb2.Event]] = []
  for node, output in zip(EXECUTION_TYPES, _outputs(run, manifest), strict=True):
    execution = _execution(store, run, node)
    artifact = _artifact(store, run, node, output)
    if execution.last_known_state != _State.COMPLETE:
      execution.last_known_state = _State.COMPLETE
      # A run that was taken for failed, and was not, has no error.
      execution.custom_properties.pop('error', None)
      _set(execution.custom_properties, {'run_id': run.run_id, 'folder': run.folder.uri, **properties})
      pairs = [*inputs, (artifact, _event(mlmd_pb2.Event.OUTPUT, output.key))]
      artifact.id = _put(store, run, node, execution, pairs)[-1]
    # Each node reads what the node before it made.
    inputs = [(artifact, _event(mlmd_pb2.Event.INPUT, output.key))]
    ids[output.key] = artifact.id
  _adopt(store, run)
  return ids


# What TFX's components look for before they read Examples, in names that they know
# (tfx/components/util/tfxio_utils.py).
_FORMATS: dict[str, dict[str, Value]] = {
  'tfrecord': {'file_format': 'tfrecords_gzip', 'payload_format': 'FORMAT_TF_EXAMPLE'},
  'parquet': {'file_format': 'FILE_FORMAT_PARQUET', 'payload_format': 'FORMAT_PARQUET'},
}


def _outputs(run: RecordedRun, manifest: Manifest) -> Sequence[_Output]:
  """What each node makes, in the nodes' order; names and properties as TFX's components set them."""
  splits: dict[str, Value] = {'span': 0, 'split_names': json.dumps(list(run.splits))}
  examples: dict[str, Value] = {
    **_FORMATS[manifest.output_format],
    'input_fingerprint': manifest.input.fingerprint,
    'rows': manifest.input.rows,
    **{f'records.{split}': records for split, records in manifest.splits.items()},
    **{f'bad_rows.{reason}': rows for reason, rows in manifest.bad_rows.items()},
  }
  return (
    _Output('examples', EXAMPLES, run.folder.examples, {**splits, 'version': 0}, examples),
    _Output('statistics', EXAMPLE_STATISTICS, run.folder.statistics, splits, {}),
    _Output('schema', SCHEMA, run.folder.schema, {}, {}),
  )


def _execution(store: mlmd.MetadataStore, run: RecordedRun, node: str) -> mlmd_pb2.Execution:
  """A node's execution in this run, as the store has it, or a new one."""
  name = f'{run.run_id}.{node}'
  kind = EXECUTION_TYPES[node]
  found = store.get_execution_by_type_and_name(kind.name, name)
  return found or mlmd_pb2.Execution(type_id=store.put_execution_type(kind), name=name)


def _artifact(store: mlmd.MetadataStore, run: RecordedRun, node: str, output: _Output) -> mlmd_pb2.Artifact:
  """A node's artifact in this run, as the store has it, or a new one, named as TFX names its own."""
  name = f'{run.pipeline_name}:{run.run_id}:{node}:{output.key}:0'
  found = store.get_artifact_by_type_and_name(output.type.name, name)
  if found:
    return found
  # A TFX of another release may have registered the type with fewer or with more properties.
  type_id = store.put_artifact_type(output.type, can_add_fields=True, can_omit_fields=True)
  artifact = mlmd_pb2.Artifact(type_id=type_id, name=name, uri=output.uri, state=mlmd_pb2.Artifact.LIVE)
  _set(artifact.properties, output.properties)
  _set(artifact.custom_properties, output.custom_properties)
  return artifact


def _contexts(store: mlmd.MetadataStore, run: RecordedRun, node: str) -> list[mlmd_pb2.Context]:
  """The contexts that a node's execution and artifacts belong to, as in TFX."""
  names = ((PIPELINE, run.pipeline_name), (PIPELINE_RUN, run.run_id), (NODE, f'{run.pipeline_name}.{node}'))
  return [mlmd_pb2.Context(type_id=store.put_context_type(kind), name=name) for kind, name in names]


def _put(
  store: mlmd.MetadataStore,
  run: RecordedRun,
  node: str,
  execution: mlmd_pb2.Execution,
  pairs: Sequence[tuple[mlmd_pb2.Artifact, mlmd_pb2.Event]],
) -> list[int]:
  """Writes an execution with its artifacts, events and contexts, in one transaction; the artifacts' ids."""
  contexts = _contexts(store, run, node)
  _, artifact_ids, _ = store.put_execution(execution, pairs, contexts, reuse_context_if_already_exist=True)
  return list(artifact_ids)


def _adopt(store: mlmd.MetadataStore, run: RecordedRun) -> None:
  """Makes the run's context a child of its pipeline's."""
  parent = store.get_context_by_type_and_name(PIPELINE.name, run.pipeline_name)
  child = store.get_context_by_type_and_name(PIPELINE_RUN.name, run.run_id)
  with contextlib.suppress(mlmd.errors.AlreadyExistsError):
    store.put_parent_contexts([mlmd_pb2.ParentContext(parent_id=parent.id, child_id=child.id)])


def _event(kind: 'mlmd_pb2.Event.Type', key: str) -> mlmd_pb2.Event:
  """An event whose path is the key and the index 0, as TFX reads it."""
  event = mlmd_pb2.Event(type=kind)
  event.path.steps.add().key = key
  event.path.steps.add().index = 0
  return event


def _set(target: MutableMapping[str, mlmd_pb2.Value], values: Mapping[str, Value]) -> None:
  for name, value in values.items():
    if isinstance(value, str):
      target[name].string_value = value
    elif isinstance(value, float):
      target[name].double_value = value
    else:
      target[name].int_value = value
