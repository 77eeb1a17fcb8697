"""A run in ML Metadata: its contexts, one execution a step, its artifacts and the events between them.

Everything is found again by name - an execution by run and step, an artifact by run, step and output key, the input by
its fingerprint - so that recording the same thing twice, from two processes at once, or going on after a crash halfway
gives the same rows. A step is written in one transaction, and the steps in the order of their table.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, MutableMapping
from typing import ParamSpec, TypeVar

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

from beam_taxi.artifacts.manifest import Manifest, RunFolder, Value
from beam_taxi.errors import UserError, hide_secrets
from beam_taxi.metadata.attempts import attempts, mishaps_of_store
from beam_taxi.metadata.states import state_of
from beam_taxi.metadata.store import connect
from beam_taxi.metadata.types import NODE, PIPELINE, PIPELINE_RUN, artifact_type, execution_type
from beam_taxi.process import native_stderr
from beam_taxi.steps import INPUT, STEPS, JsonValue, Output, Properties, Step, steps_of

# Who has accepted a run, why and when.
ACCEPTED_BY, ACCEPTED_WHY, ACCEPTED_AT = 'accepted_by', 'accepted_why', 'accepted_at'

_State = mlmd_pb2.Execution
_DONE = (_State.COMPLETE, _State.CACHED)

# TFX finds Split-NAME folders and FeatureStats.pb only in artifacts that a TFX of 0.29 or later says it wrote
# (tfx/types/standard_artifact_utils.py), so ours say whose layout they have.
_LAYOUT_OF_TFX = '1.21.0'

_P = ParamSpec('_P')
_R = TypeVar('_R')


@dataclasses.dataclass(frozen=True)
class RecordedRun:
  """What names a run in a store, where its artifacts are, and which steps it begins with."""

  run_id: str
  pipeline_name: str
  folder: RunFolder
  steps: tuple[Step, ...] = steps_of(judged=False)


def _again(record: Callable[_P, _R]) -> Callable[_P, _R]:
  """Repeats a recording that came into another's way: nothing was written then, or it is found the next time.

  What is recorded so raises MishapError where the store fails.
  """

  def attempt(*args: _P.args, **kwargs: _P.kwargs) -> _R:
    # MLMD's C++ says there what is raised here as well.
    with native_stderr.withheld(show_on_error=False):
      return record(*args, **kwargs)

  @functools.wraps(record)
  def again(*args: _P.args, **kwargs: _P.kwargs) -> _R:
    with mishaps_of_store():
      return attempts()(attempt, *args, **kwargs)

  return again


@_again
def record_start(store: mlmd.MetadataStore, run: RecordedRun, properties: Mapping[str, Value]) -> None:
  """Records that the run has begun: its contexts, and each step's execution as RUNNING.

  A run that did not complete may begin again, under its id and in its folder.

  Args:
    store: an open store.
    run: the run.
    properties: what is known of it from the start; kept as custom properties of each execution.

  Raises:
    UserError: the store has a complete run of this id, or one in another folder. Nothing was recorded.
  """
  executions = [_execution(store, run, step) for step in STEPS]
  for execution in executions:
    folder = execution.custom_properties['folder'].string_value if execution.HasField('id') else run.folder.uri
    if execution.last_known_state in _DONE or folder != run.folder.uri:
      raise UserError(f'--run_id {run.run_id}: the store has this run already, in {folder}; choose another --run_id')
  for step, execution in zip(STEPS, executions, strict=True):
    # An earlier try may have had one that this run has not.
    if step in run.steps or execution.HasField('id'):
      execution.last_known_state = _State.RUNNING
      execution.custom_properties.clear()
      _describe(execution, run, properties)
      put_step(store, run, step, execution)
  _adopt(store, run)


@_again
def record_properties(store: mlmd.MetadataStore, run: RecordedRun, properties: Mapping[str, Value]) -> None:
  """Adds what has become known of a run since it began, such as its job's id, to each of its executions."""
  for step, execution in _begun(store, run):
    _describe(execution, run, properties)
    put_step(store, run, step, execution)


@_again
def record_failure(store: mlmd.MetadataStore, run: RecordedRun, error: str, *, canceled: bool = False) -> str:
  """Records that the run ended without a manifest: each execution that is not complete is FAILED, with the error.

  Args:
    store: an open store.
    run: the run.
    error: why.
    canceled: somebody asked it to end; then they are CANCELED.

  Returns:
    The run's state, which is COMPLETE or CACHED where it was so by then.
  """
  begun = _begun(store, run)
  for step, execution in begun:
    if execution.last_known_state not in _DONE:
      execution.last_known_state = _State.CANCELED if canceled else _State.FAILED
      _describe(execution, run, {'error': hide_secrets(error)})
      put_step(store, run, step, execution)
  _adopt(store, run)
  return state_of(_State.State.Name(execution.last_known_state) for _, execution in begun)


@_again
def record_completion(
  store: mlmd.MetadataStore, run: RecordedRun, manifest: Manifest, measured: Mapping[str, Value]
) -> dict[str, int]:
  """Records what a finished run made: its artifacts as LIVE, each execution as COMPLETE, and events between them.

  Args:
    store: an open store.
    run: the run.
    manifest: what it read and made, and how it was begun; what answers later questions becomes custom properties of
      each execution.
    measured: what else is known of it, likewise.

  Returns:
    The id of each artifact, by key: the input's, and those of what the steps made.
  """
  properties = {**manifest.provenance, **summary_of(manifest), **measured}
  # Executions before artifacts: of one that is complete by then, the artifacts are there too.
  executions = [_execution(store, run, step) for step in STEPS]
  artifacts = {INPUT.key: _input(store, manifest)}
  for step, execution in zip(STEPS, executions, strict=True):
    made = _made(step, manifest)
    # A step that this release has and the one that made the run had not.
    if not made and not execution.HasField('id'):
      continue
    artifacts |= {output.key: _artifact(store, run, step, output, manifest) for output in made}
    if execution.last_known_state != _State.COMPLETE:
      execution.last_known_state = _State.COMPLETE
      # A run that was taken for failed, and was not, has no error.
      execution.custom_properties.pop('error', None)
      _describe(execution, run, properties)
      put_step(store, run, step, execution, artifacts)
  _adopt(store, run)
  return {key: artifact.id for key, artifact in artifacts.items()}


def record_manifest(
  uri: str, manifest: Manifest, folder: RunFolder, measured: Mapping[str, Value] | None = None
) -> dict[str, int]:
  """Records a finished run into the store at `uri`, from its manifest, wherever this is done.

  Args:
    uri: a store, as store.connect takes it.
    manifest: the run's.
    folder: where its artifacts are.
    measured: as for record_completion.

  Returns:
    The artifacts' ids, as record_completion.

  Raises:
    UserError: the store cannot be opened.
  """
  run = RecordedRun(manifest.run_id, manifest.pipeline_name, folder)
  started = manifest.provenance.get('started')
  seconds = {'seconds': manifest.finished - started} if isinstance(started, float) else {}
  return record_completion(connect(uri), run, manifest, {**seconds, **(measured or {})})


@_again
def record_reuse(
  store: mlmd.MetadataStore, run: RecordedRun, manifest: Manifest, properties: Mapping[str, Value]
) -> dict[str, int]:
  """Records a run that took what an earlier one made: CACHED executions with the same inputs and outputs.

  Args:
    store: an open store that has the earlier run complete.
    run: this run.
    manifest: what the earlier run made.
    properties: what is known of this run; kept as custom properties of each execution.

  Returns:
    The artifacts' ids, as record_completion.

  Raises:
    UserError: the store lacks an artifact of the earlier run.
  """
  earlier = RecordedRun(manifest.run_id, manifest.pipeline_name, run.folder)
  artifacts = {INPUT.key: _input(store, manifest)}
  # All of them before anything is written: a run that fails here has taken nothing.
  for step in STEPS:
    for output in _made(step, manifest):
      name = _artifact_name(earlier, step, output)
      artifact = store.get_artifact_by_type_and_name(output.type.name, name)
      if not artifact:
        raise UserError(f'--cache: the store has lost what {manifest.run_id} recorded; run without --cache')
      artifacts[output.key] = artifact
  for step in STEPS:
    execution = _execution(store, run, step)
    if execution.last_known_state != _State.CACHED and (_made(step, manifest) or not step.optional):
      execution.last_known_state = _State.CACHED
      _describe(execution, run, {**summary_of(manifest), **properties, 'cached_from': manifest.run_id})
      put_step(store, run, step, execution, artifacts)
  _adopt(store, run)
  return {key: artifact.id for key, artifact in artifacts.items()}


@_again
def record_acceptance(store: mlmd.MetadataStore, run: RecordedRun, properties: Mapping[str, Value]) -> int:
  """Records that somebody accepts a run's data as it is: its Examples become LIVE.

  Args:
    store: an open store that has the run complete.
    run: the run.
    properties: who accepts it, why and when; kept as custom properties of each execution.

  Returns:
    The id of the Examples. Raises UserError where the store has none of this run.
  """
  for step, execution in _begun(store, run):
    _describe(execution, run, properties)
    put_step(store, run, step, execution)
  [first, *_] = STEPS
  [examples] = first.makes
  artifact = store.get_artifact_by_type_and_name(examples.type.name, _artifact_name(run, first, examples))
  if not artifact:
    raise UserError(f'{run.run_id}: the store has no Examples of it')
  artifact.state = mlmd_pb2.Artifact.LIVE
  store.put_artifacts([artifact])
  return int(artifact.id)


def summary_of(manifest: Manifest) -> dict[str, Value]:
  """What a list of runs shows, and what tells two runs apart."""
  return {
    'rows': manifest.input.rows,
    'bytes': manifest.input.bytes,
    'files': manifest.input.files,
    'bad_rows': sum(manifest.bad_rows.values()),
    'cache_key': manifest.cache_key,
    **({'verdict': manifest.verdict} if manifest.verdict else {}),
    **{f'bad_rows.{reason}': rows for reason, rows in manifest.bad_rows.items()},
    **{f'records.{split}': records for split, records in manifest.splits.items()},
    **{f'version.{package}': version for package, version in manifest.versions.items()},
  }


def _made(step: Step, manifest: Manifest) -> list[Output]:
  """What a step made in a run. A manifest of another release may have nothing of it."""
  return [output for output in step.makes if output.key in manifest.artifacts]


def _describe(execution: mlmd_pb2.Execution, run: RecordedRun, properties: Mapping[str, Value]) -> None:
  names = {'run_id': run.run_id, 'pipeline_name': run.pipeline_name, 'folder': run.folder.uri}
  _set(execution.custom_properties, {**properties, **names})


def _execution(store: mlmd.MetadataStore, run: RecordedRun, step: Step) -> mlmd_pb2.Execution:
  """A step's execution in this run, as the store has it, or a new one."""
  name = f'{run.run_id}.{step.name}'
  found = store.get_execution_by_type_and_name(step.type, name)
  return found or mlmd_pb2.Execution(type_id=store.put_execution_type(execution_type(step)), name=name)


def _begun(store: mlmd.MetadataStore, run: RecordedRun) -> list[tuple[Step, mlmd_pb2.Execution]]:
  """The steps that the run has begun, which of another release may be fewer; all, where it has begun none."""
  executions = [(step, _execution(store, run, step)) for step in STEPS]
  return [(step, execution) for step, execution in executions if execution.HasField('id')] or executions


def _input(store: mlmd.MetadataStore, manifest: Manifest) -> mlmd_pb2.Artifact:
  """What the run read, as the store has it, or a new artifact. Runs that read the same files share it."""
  name = manifest.input.fingerprint
  if found := store.get_artifact_by_type_and_name(INPUT.type.name, name):
    return found
  artifact = mlmd_pb2.Artifact(
    type_id=store.put_artifact_type(artifact_type(INPUT.type)),
    name=name,
    uri=' '.join(manifest.input.patterns),
    state=mlmd_pb2.Artifact.LIVE,
  )
  _set(artifact.properties, INPUT.properties(manifest))
  return artifact


def _artifact_name(run: RecordedRun, step: Step, output: Output) -> str:
  """An artifact's name, as TFX names its own."""
  return f'{run.pipeline_name}:{run.run_id}:{step.name}:{output.key}:0'


def _artifact(
  store: mlmd.MetadataStore, run: RecordedRun, step: Step, output: Output, manifest: Manifest
) -> mlmd_pb2.Artifact:
  """A step's artifact in this run, as the store has it, or a new one."""
  name = _artifact_name(run, step, output)
  found = store.get_artifact_by_type_and_name(output.type.name, name)
  if found:
    return found
  # A TFX of another release may have registered the type with fewer or with more properties.
  type_id = store.put_artifact_type(artifact_type(output.type), can_add_fields=True, can_omit_fields=True)
  uri = run.folder.artifact(output.key)
  state = mlmd_pb2.Artifact.State.Value(artifact_state(output, manifest))
  artifact = mlmd_pb2.Artifact(type_id=type_id, name=name, uri=uri, state=state)
  # By these TFX finds an artifact's name, its producer and its layout.
  of_tfx: dict[str, Value] = {
    'name': name,
    'producer_component': step.name,
    'pipeline_name': run.pipeline_name,
    'tfx_version': _LAYOUT_OF_TFX,
    # Not one that TFX's Importer took from elsewhere.
    'is_external': 0,
  }
  _set(artifact.properties, output.properties(manifest))
  _set(artifact.custom_properties, {**of_tfx, **output.custom_properties(manifest)})
  return artifact


def artifact_state(output: Output, manifest: Manifest, *, accepted: bool = False) -> str:
  """The state of what a run made. TFX's resolvers take what is LIVE, and so not Examples that are held back."""
  return 'PENDING' if manifest.held and output.key == 'examples' and not accepted else 'LIVE'


def _contexts(store: mlmd.MetadataStore, run: RecordedRun, step: Step) -> list[mlmd_pb2.Context]:
  """The contexts that a step's execution and artifacts belong to, as in TFX."""
  names = ((PIPELINE, run.pipeline_name), (PIPELINE_RUN, run.run_id), (NODE, f'{run.pipeline_name}.{step.name}'))
  # TFX's InteractiveContext registers `pipeline` with a property that TFX's runners do not.
  return [
    mlmd_pb2.Context(type_id=store.put_context_type(kind, can_omit_fields=True), name=name) for kind, name in names
  ]


def put_step(
  store: mlmd.MetadataStore,
  run: RecordedRun,
  step: Step,
  execution: mlmd_pb2.Execution,
  artifacts: Mapping[str, mlmd_pb2.Artifact] | None = None,
) -> None:
  """Writes an execution with its contexts, in one transaction, and of these artifacts, by key, what it read and made.

  New artifacts get their ids.
  """
  kinds = {
    **dict.fromkeys(step.reads, mlmd_pb2.Event.INPUT),
    **dict.fromkeys((output.key for output in step.makes), mlmd_pb2.Event.OUTPUT),
  }
  pairs = [(artifacts[key], _event(kind, key)) for key, kind in kinds.items() if artifacts and key in artifacts]
  contexts = _contexts(store, run, step)
  _, ids, _ = store.put_execution(execution, pairs, contexts, reuse_context_if_already_exist=True)
  for (artifact, _), number in zip(pairs, ids, strict=True):
    artifact.id = number


def _adopt(store: mlmd.MetadataStore, run: RecordedRun) -> None:
  """Makes the run's context a child of its pipeline's."""
  parent = store.get_context_by_type_and_name(PIPELINE.name, run.pipeline_name)
  child = store.get_context_by_type_and_name(PIPELINE_RUN.name, run.run_id)
  if not store.get_parent_contexts_by_context(child.id):
    store.put_parent_contexts([mlmd_pb2.ParentContext(parent_id=parent.id, child_id=child.id)])


def _event(kind: 'mlmd_pb2.Event.Type', key: str) -> mlmd_pb2.Event:
  """An event whose path is the key and the index 0, as TFX reads it."""
  event = mlmd_pb2.Event(type=kind)
  event.path.steps.add().key = key
  event.path.steps.add().index = 0
  return event


def _set(target: MutableMapping[str, mlmd_pb2.Value], values: Properties) -> None:
  for name, value in values.items():
    if isinstance(value, JsonValue) and isinstance(value.value, str):
      target[name].struct_value['__value__'] = value.value
    elif isinstance(value, JsonValue):
      target[name].struct_value.SetInParent()  # MLMD ends the process where a value has nothing in it.
      target[name].struct_value.update(value.value)
    elif isinstance(value, str):
      target[name].string_value = value
    elif isinstance(value, float):
      target[name].double_value = value
    else:
      target[name].int_value = value
