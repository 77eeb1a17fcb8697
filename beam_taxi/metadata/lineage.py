"""What an artifact or a run was made from, and what was made from it: MLMD's events, followed both ways.

Works on the runs of any pipeline in a store, TFX's too, for it asks for nothing but MLMD's own artifacts, executions,
events and TFX's `pipeline_run` contexts. MLMD's get_lineage_subgraph walks as well, but silently begins at no more than
about 100 nodes, ends after 100 steps, and cannot tell what made an artifact from what merely took it from a cache.
"""

import collections
import dataclasses
import fnmatch
import functools
import json
import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import ml_metadata as mlmd
from google.protobuf import text_format
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

from beam_taxi import storage
from beam_taxi.artifacts.manifest import Value
from beam_taxi.errors import UserError
from beam_taxi.metadata.nodes import (
  batches,
  contexts_of_executions,
  events_of_artifacts,
  events_of_executions,
  executions_by_id,
)
from beam_taxi.metadata.runs import values_of
from beam_taxi.metadata.types import PIPELINE_RUN
from beam_taxi.steps import CSV_INPUT

ARTIFACT = 'artifact'
EXECUTION = 'execution'
INPUT = 'input'
OUTPUT = 'output'

_Event = mlmd_pb2.Event
_INPUTS = (_Event.INPUT, _Event.DECLARED_INPUT, _Event.INTERNAL_INPUT)
_OUTPUTS = (_Event.OUTPUT, _Event.DECLARED_OUTPUT, _Event.INTERNAL_OUTPUT)

# Of an id, which MLMD keeps in 64 bits.
_MOST_DIGITS = 18

# What names a node in a store: its kind, and the id, which only its kind does not repeat.
Key = tuple[str, int]


@dataclasses.dataclass(frozen=True)
class Node:
  """An artifact or an execution.

  Attributes:
    kind: ARTIFACT or EXECUTION.
    id: its MLMD id, which an artifact and an execution may have in common.
    type: its MLMD type's name.
    name: its MLMD name; '' where it has none.
    uri: where an artifact is; '' for an execution.
    state: its MLMD state's name, as in 'LIVE' or 'COMPLETE'; '' where none is recorded.
    run_id: the run that an execution was part of, and the one that made an artifact; '' where none is recorded.
  """

  kind: str
  id: int
  type: str
  name: str
  uri: str
  state: str
  run_id: str

  @property
  def key(self) -> str:
    """As in 'artifact:12', which lineage_of takes."""
    return f'{self.kind}:{self.id}'


@dataclasses.dataclass(frozen=True)
class Edge:
  """An artifact that an execution took (INPUT) or gave (OUTPUT), by their ids.

  `key` is the first step of the event's path, as in 'examples'; '' where it has none.
  """

  artifact: int
  execution: int
  direction: str
  key: str


@dataclasses.dataclass(frozen=True)
class Lineage:
  """What was found.

  Attributes:
    start: what was asked about.
    nodes: all artifacts, then all executions, each by id.
    edges: between these nodes, in the order of their ids.
    left_out: how many nodes next to these were left out for the limit; what lies behind those is not counted.
  """

  start: tuple[Node, ...]
  nodes: tuple[Node, ...]
  edges: tuple[Edge, ...]
  left_out: int = 0

  def up(self, node: Node) -> tuple[tuple[Edge, Node], ...]:
    """One step towards what it was made from: an artifact's makers, or an execution's inputs."""
    return self._next(node, OUTPUT if node.kind == ARTIFACT else INPUT)

  def down(self, node: Node) -> tuple[tuple[Edge, Node], ...]:
    """One step towards what was made from it: what took an artifact, or an execution's outputs."""
    return self._next(node, INPUT if node.kind == ARTIFACT else OUTPUT)

  def _next(self, node: Node, direction: str) -> tuple[tuple[Edge, Node], ...]:
    return tuple(
      (edge, self._by_key[_other((node.kind, node.id), edge)])
      for edge in self._edges_of[node.kind, node.id]
      if edge.direction == direction
    )

  @functools.cached_property
  def _by_key(self) -> dict[Key, Node]:
    return {(node.kind, node.id): node for node in self.nodes}

  @functools.cached_property
  def _edges_of(self) -> defaultdict[Key, list[Edge]]:
    found: defaultdict[Key, list[Edge]] = defaultdict(list)
    for edge in self.edges:
      found[ARTIFACT, edge.artifact].append(edge)
      found[EXECUTION, edge.execution].append(edge)
    return found


def lineage_of(store: mlmd.MetadataStore, what: str | int, limit: int = 1000) -> Lineage:
  """What an artifact or a run was made from, all the way up, and what was made from it, all the way down.

  The ways do not mix: what else was made from an input of a run has nothing to do with the run. Where an execution took
  an artifact from a cache, the way up from the artifact leads to the execution that made it.

  Args:
    store: an open store.
    what: an artifact's id, as a number or as in 'artifact:12'; its URI, or a path inside that; 'execution:12'; or a
      run's id, which stands for all executions of the run.
    limit: how many nodes at most each way, besides what was asked about. Those with the fewest steps to it come first,
      and among these what was recorded last.

  Returns:
    What was found. It takes a few calls to the store for each step and for each thousand nodes.

  Raises:
    UserError: the store has nothing of the kind.
  """
  return walk(
    _starts(store, what),
    limit,
    steps=lambda kind, ids, upwards: _steps(store, kind, ids, upwards),
    nodes=lambda keys: _nodes(store, keys),
  )


def walk(
  starts: Sequence[Key],
  limit: int,
  *,
  steps: Callable[[str, Sequence[int], bool], Iterable[Edge]],
  nodes: Callable[[Sequence[Key]], Iterable[Node]],
) -> Lineage:
  """The lineage of some nodes of one kind, as lineage_of gives it, wherever events are kept.

  Args:
    starts: the nodes.
    limit: how many nodes at most each way, besides these.
    steps: of a kind of nodes, their ids and whether it goes upwards, the edges that lead one step on; those that are
      followed first come first.
    nodes: the nodes of these keys, which are sorted, in their order.
  """
  above, left_out_above = _walk(steps, starts, True, limit)
  below, left_out_below = _walk(steps, starts, False, limit)
  edges = sorted({*above, *below}, key=lambda edge: (edge.artifact, edge.execution, edge.direction, edge.key))
  keys = {
    *starts,
    *((ARTIFACT, edge.artifact) for edge in edges),
    *((EXECUTION, edge.execution) for edge in edges),
  }
  found = tuple(nodes(sorted(keys)))
  asked = set(starts)
  start = tuple(node for node in found if (node.kind, node.id) in asked)
  return Lineage(start, found, tuple(edges), left_out_above + left_out_below)


def _starts(store: mlmd.MetadataStore, what: str | int) -> list[Key]:
  """What is asked about. Raises UserError where the store has nothing of the kind."""
  text = str(what)
  kind, _, number = text.rpartition(':')
  if number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS:
    if kind in ('', ARTIFACT) and store.get_artifacts_by_id([int(number)]):
      return [(ARTIFACT, int(number))]
    if kind == EXECUTION and store.get_executions_by_id([int(number)]):
      return [(EXECUTION, int(number))]
  run = store.get_context_by_type_and_name('pipeline_run', text)
  if run and (executions := store.get_executions_by_context(run.id)):
    return sorted((EXECUTION, execution.id) for execution in executions)
  for uri in _uris(text):
    if artifacts := store.get_artifacts_by_uri(uri):
      return sorted((ARTIFACT, artifact.id) for artifact in artifacts)
  if inputs := _inputs_with(store, _spellings(text)):
    return inputs
  raise UserError(
    f'{text}: the store has no run of this id, no artifact of this id or URI, and none that has such a file in it; '
    '`runs` lists the runs, and `show RUN` the artifacts of one'
  )


def _uris(path: str) -> Iterator[str]:
  """The URIs that an artifact with this path in it may have, the longest first."""
  spellings = _spellings(path)
  yield from spellings
  # A run's id that is misspelled is not a file of whatever the current folder belongs to.
  if '/' not in path.rstrip('/') and not os.path.lexists(path):
    return
  for spelling in spellings:
    scheme, separator, rest = spelling.rpartition('://')
    while '/' in rest.lstrip('/'):
      rest = rest.rpartition('/')[0]
      yield scheme + separator + rest


def _spellings(path: str) -> Sequence[str]:
  """The ways to write a path: as it is, absolute, and relative to the current folder where it is in that."""
  path = path.rstrip('/')
  spellings = [path]
  if path and storage.is_local(path):
    relative = os.path.relpath(path)
    spellings += [os.path.abspath(path), *([] if relative.startswith('..') else [relative])]
  return list(dict.fromkeys(spellings))


def _inputs_with(store: mlmd.MetadataStore, paths: Sequence[str]) -> list[Key]:
  """The inputs of runs whose patterns match one of these paths. (As in fnmatch, where a star also matches slashes.)"""
  try:
    inputs = store.get_artifacts_by_type(CSV_INPUT.name)
  except mlmd.errors.NotFoundError:
    return []
  return sorted(
    (ARTIFACT, artifact.id)
    for artifact in inputs
    for patterns in [json.loads(artifact.properties['patterns'].string_value)]
    if any(fnmatch.fnmatchcase(path, form) for path in paths for given in patterns for form in (given, f'{given}/*'))
  )


def _walk(
  steps: Callable[[str, Sequence[int], bool], Iterable[Edge]], starts: Sequence[Key], upwards: bool, limit: int
) -> tuple[list[Edge], int]:
  """The edges on all ways from the starts, and how many nodes were left out."""
  seen = set(starts)
  left_out: set[Key] = set()
  edges: list[Edge] = []
  level = list(starts)
  # The nodes of a level are of one kind: from artifacts one step leads to executions, and from these to artifacts.
  while level and not left_out:
    kind = level[0][0]
    reached: list[Key] = []
    for edge in steps(kind, [number for _, number in level], upwards):
      other = _other((kind, edge.artifact if kind == ARTIFACT else edge.execution), edge)
      if other not in seen:
        if len(seen) - len(starts) >= limit:
          left_out.add(other)
          continue
        seen.add(other)
        reached.append(other)
      edges.append(edge)
    level = reached
  return edges, len(left_out)


def _steps(store: mlmd.MetadataStore, kind: str, ids: Sequence[int], upwards: bool) -> list[Edge]:
  """The edges that lead one step on from nodes of one kind, those that were recorded last first."""
  if kind == EXECUTION:
    kinds = _INPUTS if upwards else _OUTPUTS
    events = [event for event in events_of_executions(store, ids) if event.type in kinds]
  elif upwards:
    events = _making(store, ids)
  else:
    events = [event for event in events_of_artifacts(store, ids) if event.type in _INPUTS]
  return edges_of(events)


def edges_of(events: Iterable[mlmd_pb2.Event]) -> list[Edge]:
  """Events as edges, those that were recorded last first."""
  newest = sorted(events, key=lambda event: (-event.milliseconds_since_epoch, -event.execution_id, -event.artifact_id))
  return list(dict.fromkeys(map(_edge, newest)))


def _making(store: mlmd.MetadataStore, artifacts: Sequence[int]) -> list[mlmd_pb2.Event]:
  """The events by which artifacts came to be."""
  events = [event for event in events_of_artifacts(store, artifacts) if event.type in _OUTPUTS]
  outputs = collections.Counter(event.artifact_id for event in events)
  doubtful = {event.execution_id for event in events if outputs[event.artifact_id] > 1}
  cached = {
    execution.id
    for execution in executions_by_id(store, sorted(doubtful))
    if execution.last_known_state == mlmd_pb2.Execution.CACHED
  }
  return making(events, cached)


def making(events: Iterable[mlmd_pb2.Event], cached: Collection[int]) -> list[mlmd_pb2.Event]:
  """Of all events of some artifacts, those by which they came to be.

  An execution that took an artifact from a cache has an OUTPUT event too, and TFX's resolvers have an INTERNAL_OUTPUT
  event for what they found. These count only where nothing else is known of an artifact, and then the first.

  Args:
    events: the events, of any kind.
    cached: the ids of executions that took what they gave from a cache.
  """
  outputs: defaultdict[int, list[mlmd_pb2.Event]] = defaultdict(list)
  for event in events:
    if event.type in _OUTPUTS:
      outputs[event.artifact_id].append(event)
  found: list[mlmd_pb2.Event] = []
  for several in outputs.values():
    made = [event for event in several if event.type != _Event.INTERNAL_OUTPUT and event.execution_id not in cached]
    found += made or [min(several, key=lambda event: (event.milliseconds_since_epoch, event.execution_id))]
  return found


def _edge(event: mlmd_pb2.Event) -> Edge:
  step = event.path.steps[0] if event.path.steps else mlmd_pb2.Event.Path.Step()
  key = str(step.index) if step.HasField('index') else step.key
  return Edge(event.artifact_id, event.execution_id, INPUT if event.type in _INPUTS else OUTPUT, key)


def _other(end: Key, edge: Edge) -> Key:
  """An edge's other end."""
  return (EXECUTION, edge.execution) if end[0] == ARTIFACT else (ARTIFACT, edge.artifact)


def _nodes(store: mlmd.MetadataStore, keys: Sequence[Key]) -> tuple[Node, ...]:
  """The nodes of these keys: all artifacts, then all executions, each by id."""
  artifact_ids = [number for kind, number in keys if kind == ARTIFACT]
  execution_ids = [number for kind, number in keys if kind == EXECUTION]
  makers = {event.artifact_id: event.execution_id for event in _making(store, artifact_ids)}
  runs = {
    number: context.name
    for number, contexts in contexts_of_executions(store, sorted({*execution_ids, *makers.values()})).items()
    for context in contexts
    if context.type == PIPELINE_RUN.name
  }
  artifacts = [artifact for ids in batches(artifact_ids) for artifact in store.get_artifacts_by_id(ids)]
  nodes = [
    Node(
      ARTIFACT,
      artifact.id,
      artifact.type,
      artifact.name,
      artifact.uri,
      _state(artifact.state, mlmd_pb2.Artifact.State.Name(artifact.state)),
      runs.get(makers.get(artifact.id, 0), ''),
    )
    for artifact in sorted(artifacts, key=lambda artifact: artifact.id)
  ]
  nodes += [
    Node(
      EXECUTION,
      execution.id,
      execution.type,
      execution.name,
      '',
      _state(execution.last_known_state, mlmd_pb2.Execution.State.Name(execution.last_known_state)),
      runs.get(execution.id, ''),
    )
    for execution in sorted(executions_by_id(store, execution_ids), key=lambda execution: execution.id)
  ]
  return tuple(nodes)


def _state(number: int, name: str) -> str:
  return name if number else ''


def properties_of(store: mlmd.MetadataStore, nodes: Sequence[Node]) -> dict[str, dict[str, Value]]:
  """All that is recorded of some nodes, by their keys: properties of their type and their own; messages as text."""
  found: dict[str, dict[str, Value]] = {}
  asks = ((ARTIFACT, store.get_artifacts_by_id), (EXECUTION, store.get_executions_by_id))
  for kind, ask in asks:
    for some in batches([node.id for node in nodes if node.kind == kind]):
      for each in ask(some):
        values = {**values_of(each.properties), **values_of(each.custom_properties)}
        found[f'{kind}:{each.id}'] = {
          name: value if isinstance(value, int | float | str) else text_format.MessageToString(value, as_one_line=True)
          for name, value in values.items()
        }
  return {node.key: found.get(node.key, {}) for node in nodes}
