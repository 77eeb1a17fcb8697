"""All that a store has, in plain values: pipelines, their runs, what these did and made.

Any store of MLMD will do. TFX's runs are its `pipeline_run` contexts and, of its InteractiveContext, `run` contexts;
what a run of TFX does not say of itself follows from its executions.
"""

import collections
import dataclasses
import datetime
import functools
import sys
from collections.abc import Iterable, Mapping, Sequence

import ml_metadata as mlmd
from google.protobuf import json_format
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

from beam_taxi.artifacts.manifest import Value
from beam_taxi.metadata.lineage import ARTIFACT, EXECUTION, INPUT, OUTPUT, Edge, Lineage, Node, edges_of, making, walk
from beam_taxi.metadata.nodes import (
  all_artifacts,
  all_contexts,
  all_executions,
  contexts_of_executions,
  events_of_executions,
)
from beam_taxi.metadata.runs import Run, is_ours, run_id_of, run_of, state_name
from beam_taxi.metadata.states import UNKNOWN, state_of
from beam_taxi.metadata.types import NODE, PIPELINE, PIPELINE_RUN
from beam_taxi.show.formats import file_name
from beam_taxi.steps import OWN

# What InteractiveContext calls its runs and their steps.
_INTERACTIVE_RUN = 'run'
_STEPS = (NODE.name, 'component_run')

# A run's context: its type and name.
RunKey = tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Artifact:
  """An artifact; `properties` are both kinds of MLMD's."""

  id: int
  type: str
  name: str
  uri: str
  state: str
  created: datetime.datetime
  properties: Mapping[str, Value]


@dataclasses.dataclass(frozen=True, slots=True)
class Execution:
  """An execution.

  Attributes:
    step: which of its pipeline's steps it is, as in 'StatisticsGen'.
    started: when it was recorded first.
    seconds: from then until it was recorded last.
    run: the run that it was part of, if any.
    properties: both kinds of MLMD's; none for those of our own runs, for the run has them.
  """

  id: int
  type: str
  step: str
  state: str
  started: datetime.datetime
  seconds: float
  run: RunKey | None
  properties: Mapping[str, Value]


@dataclasses.dataclass(frozen=True)
class RunRecord:
  """A run with its executions, in the order in which they were recorded. `run.rows` may yet be unknown."""

  key: RunKey
  run: Run
  executions: tuple[Execution, ...]

  @property
  def page(self) -> str:
    """What its page's name is made of."""
    kind, name = self.key
    return file_name(name if kind == PIPELINE_RUN.name else f'{kind}:{name}')


@dataclasses.dataclass(frozen=True)
class Records:
  """A store.

  Attributes:
    uri: the store's.
    runs: all, the newest first.
    executions, artifacts: all, by their ids.
    edges: between them, those that were recorded last first.
    makers: of each artifact, the edges by which it came to be.
  """

  uri: str
  runs: Sequence[RunRecord]
  executions: Mapping[int, Execution]
  artifacts: Mapping[int, Artifact]
  edges: Sequence[Edge]
  makers: Mapping[int, Sequence[Edge]]

  @functools.cached_property
  def pipelines(self) -> dict[str, list[RunRecord]]:
    """The runs of each pipeline, the newest first; the pipeline that ran last comes first."""
    found: collections.defaultdict[str, list[RunRecord]] = collections.defaultdict(list)
    for record in self.runs:
      found[record.run.pipeline_name].append(record)
    return dict(found)

  @functools.cached_property
  def by_key(self) -> dict[RunKey, RunRecord]:
    return {record.key: record for record in self.runs}

  @functools.cached_property
  def _ends(self) -> dict[tuple[str, str], dict[int, list[Edge]]]:
    """The edges of each artifact and execution, by kind and direction."""
    found: dict[tuple[str, str], dict[int, list[Edge]]] = {
      (kind, direction): collections.defaultdict(list)
      for kind in (ARTIFACT, EXECUTION)
      for direction in (INPUT, OUTPUT)
    }
    for edge in self.edges:
      found[ARTIFACT, edge.direction][edge.artifact].append(edge)
      found[EXECUTION, edge.direction][edge.execution].append(edge)
    return found

  def inputs(self, execution: int) -> Sequence[Edge]:
    return self._ends[EXECUTION, INPUT].get(execution, ())

  def outputs(self, execution: int) -> Sequence[Edge]:
    return self._ends[EXECUTION, OUTPUT].get(execution, ())

  def takers(self, artifact: int) -> Sequence[Edge]:
    return self._ends[ARTIFACT, INPUT].get(artifact, ())

  def outputs_of(self, record: RunRecord) -> dict[int, str]:
    """What a run made or took from a cache: each artifact's key, by its id."""
    edges = [edge for execution in record.executions for edge in self.outputs(execution.id)]
    return {edge.artifact: edge.key for edge in edges}

  def lineage(self, kind: str, ids: Iterable[int], limit: int) -> Lineage:
    """As metadata.lineage.lineage_of."""
    return walk([(kind, number) for number in ids], limit, steps=self._steps, nodes=self._nodes)

  def _steps(self, kind: str, ids: Sequence[int], upwards: bool) -> list[Edge]:
    if kind == EXECUTION:
      of = self.inputs if upwards else self.outputs
      return [edge for number in ids for edge in of(number)]
    if upwards:
      return [edge for number in ids for edge in self.makers.get(number, ())]
    return [edge for number in ids for edge in self.takers(number)]

  def _nodes(self, keys: Sequence[tuple[str, int]]) -> list[Node]:
    return [self._artifact_node(number) if kind == ARTIFACT else self._execution_node(number) for kind, number in keys]

  def _artifact_node(self, number: int) -> Node:
    found = self.artifacts[number]
    maker = next(iter(self.makers.get(number, ())), None)
    run = self.executions[maker.execution].run if maker else None
    return Node(ARTIFACT, number, found.type, found.name, found.uri, found.state, run[1] if run else '')

  def _execution_node(self, number: int) -> Node:
    found = self.executions[number]
    return Node(EXECUTION, number, found.type, found.step, '', found.state, found.run[1] if found.run else '')


def read_records(store: mlmd.MetadataStore, uri: str) -> Records:
  """Reads all that a store has: a call for each hundred nodes, and one for each thousand executions' events.

  A server without filters in its queries (MLMD 1.21) takes a call for each execution besides that is not of our runs.
  """
  contexts = [context for context in all_contexts(store) if context.type in (PIPELINE_RUN.name, _INTERACTIVE_RUN)]
  executions: dict[int, Execution] = {}
  others: list[mlmd_pb2.Execution] = []
  # The last execution of each of our runs, which tells of it, and the states of all.
  last: dict[RunKey, mlmd_pb2.Execution] = {}
  states: collections.defaultdict[RunKey, list[str]] = collections.defaultdict(list)
  for execution in all_executions(store):
    if not is_ours(execution):
      others.append(execution)
      continue
    key = (PIPELINE_RUN.name, run_id_of(execution))
    executions[execution.id] = _execution(execution, execution.type.removeprefix(OWN), key, {})
    last[key] = execution
    states[key].append(state_name(execution))
  runs = {key: run_of(last.pop(key), states[key]) for key in list(last)}
  pipelines = {}
  found = contexts_of_executions(store, [execution.id for execution in others])
  for execution in others:
    names = {context.type: context for context in found[execution.id]}
    run = names.get(PIPELINE_RUN.name) or names.get(_INTERACTIVE_RUN)
    pipeline = names[PIPELINE.name].name if PIPELINE.name in names else ''
    if run:
      pipelines[run.type, run.name] = pipeline
    of_run = (run.type, run.name) if run else None
    executions[execution.id] = _execution(execution, _step(execution, names, pipeline), of_run, _values(execution))
  executions = dict(sorted(executions.items()))
  artifacts = {artifact.id: _artifact(artifact) for artifact in all_artifacts(store)}
  events = [event for event in events_of_executions(store, list(executions)) if event.artifact_id in artifacts]
  cached = {execution.id for execution in executions.values() if execution.state == 'CACHED'}
  makers: collections.defaultdict[int, list[Edge]] = collections.defaultdict(list)
  for edge in edges_of(making(events, cached)):
    makers[edge.artifact].append(edge)
  records = _records(contexts, runs, pipelines, executions)
  return Records(uri, records, executions, artifacts, edges_of(events), makers)


def _records(
  contexts: Sequence[mlmd_pb2.Context],
  runs: Mapping[RunKey, Run],
  pipelines: Mapping[RunKey, str],
  executions: Mapping[int, Execution],
) -> list[RunRecord]:
  of_run: collections.defaultdict[RunKey | None, list[Execution]] = collections.defaultdict(list)
  for execution in executions.values():
    of_run[execution.run].append(execution)
  found = []
  for context in contexts:
    key = (context.type, context.name)
    steps = tuple(of_run[key])
    run = runs.get(key) or _run_of_tfx(context, pipelines.get(key, ''), steps)
    found.append(RunRecord(key, run, steps))
  # Of those of the same second, what was recorded last comes first.
  found.reverse()
  return sorted(found, key=lambda record: record.run.started, reverse=True)


def _run_of_tfx(context: mlmd_pb2.Context, pipeline: str, steps: Sequence[Execution]) -> Run:
  properties = _values(context)
  started = min((step.started for step in steps), default=_time(context.create_time_since_epoch))
  ended = max((step.started.timestamp() + step.seconds for step in steps), default=started.timestamp())
  state = state_of([step.state for step in steps])
  return Run(
    run_id=str(properties.get('run_id', context.name)),
    pipeline_name=pipeline or str(properties.get('pipeline_name', '')),
    state=state,
    folder='',
    started=started,
    seconds=ended - started.timestamp() if steps and state not in ('RUNNING', UNKNOWN) else None,
    rows=None,
    properties=properties,
  )


def _execution(
  execution: mlmd_pb2.Execution, step: str, run: RunKey | None, properties: Mapping[str, Value]
) -> Execution:
  took = execution.last_update_time_since_epoch - execution.create_time_since_epoch
  return Execution(
    id=execution.id,
    type=sys.intern(execution.type),
    step=sys.intern(step),
    state=sys.intern(state_name(execution)),
    started=_time(execution.create_time_since_epoch),
    seconds=max(0, took) / 1000,
    run=run,
    properties=properties,
  )


def _step(execution: mlmd_pb2.Execution, contexts: Mapping[str, mlmd_pb2.Context], pipeline: str) -> str:
  """A node's id, where its context tells it, else the last part of its type."""
  for kind in _STEPS:
    if context := contexts.get(kind):
      component = context.properties['component_id'].string_value if 'component_id' in context.properties else ''
      return component or str(context.name).removeprefix(f'{pipeline}.')
  return str(execution.type).rpartition('.')[2]


def _artifact(artifact: mlmd_pb2.Artifact) -> Artifact:
  state = mlmd_pb2.Artifact.State.Name(artifact.state) if artifact.state else ''
  created = _time(artifact.create_time_since_epoch)
  return Artifact(
    artifact.id, sys.intern(artifact.type), artifact.name, artifact.uri, state, created, _values(artifact)
  )


def _values(node: mlmd_pb2.Artifact | mlmd_pb2.Execution | mlmd_pb2.Context) -> dict[str, Value]:
  """Both kinds of properties, as plain values."""
  found = {}
  for properties in (node.properties, node.custom_properties):
    for name in sorted(properties):
      found[sys.intern(name)] = _plain(properties[name])
  return found


def _plain(value: mlmd_pb2.Value) -> Value:
  kind = value.WhichOneof('value')
  if kind in ('int_value', 'double_value', 'string_value'):
    plain: Value = getattr(value, kind)
    return plain
  if kind == 'bool_value':
    return str(value.bool_value).lower()
  return json_format.MessageToJson(getattr(value, kind), indent=None) if kind else ''


def _time(milliseconds: int) -> datetime.datetime:
  return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc)
