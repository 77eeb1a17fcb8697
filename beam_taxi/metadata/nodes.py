"""Nodes and events of a store, however many: a store on a server answers each call in one message."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

# Ids in one call. MySQL parses a list of these in no time.
_BATCH = 1000

# Nodes that are read at a time with all their properties.
_PAGE = 100

# MLMD drops, without a word, starting nodes of a subgraph beyond about so many.
_SUBGRAPH_STARTS = 100

_Node = TypeVar('_Node', mlmd_pb2.Artifact, mlmd_pb2.Execution, mlmd_pb2.Context)


def all_artifacts(store: mlmd.MetadataStore) -> Iterator[mlmd_pb2.Artifact]:
  """All artifacts of a store, by their ids."""
  return _all(store.get_artifacts, store.get_artifacts_by_id)


def all_executions(store: mlmd.MetadataStore) -> Iterator[mlmd_pb2.Execution]:
  """All executions of a store, by their ids."""
  return _all(store.get_executions, store.get_executions_by_id)


def all_contexts(store: mlmd.MetadataStore) -> Iterator[mlmd_pb2.Context]:
  """All contexts of a store, by their ids."""
  return _all(store.get_contexts, store.get_contexts_by_id)


def _all(
  listed: Callable[[mlmd.ListOptions], Sequence[_Node]], by_id: Callable[[Sequence[int]], Sequence[_Node]]
) -> Iterator[_Node]:
  """Nodes by their ids, which MLMD counts up, with gaps where a server gave one up."""
  newest = listed(mlmd.ListOptions(limit=1, order_by=mlmd.OrderByField.ID, is_asc=False))
  for ids in batches(range(1, newest[0].id + 1 if newest else 1), _PAGE):
    yield from sorted(by_id(ids), key=lambda node: node.id)


def executions_by_id(store: mlmd.MetadataStore, ids: Sequence[int]) -> Iterator[mlmd_pb2.Execution]:
  """The executions of these ids, in no order; ids that no execution has are passed over."""
  for some in batches(ids):
    yield from store.get_executions_by_id(some)


def events_of_executions(store: mlmd.MetadataStore, ids: Sequence[int]) -> Iterator[mlmd_pb2.Event]:
  """The events of the executions of these ids, in no order."""
  for some in batches(ids):
    yield from store.get_events_by_execution_ids(some)


def events_of_artifacts(store: mlmd.MetadataStore, ids: Sequence[int]) -> Iterator[mlmd_pb2.Event]:
  """The events of the artifacts of these ids, in no order."""
  for some in batches(ids):
    yield from store.get_events_by_artifact_ids(some)


def batches(ids: Sequence[int], size: int = _BATCH) -> Iterator[Sequence[int]]:
  """Ids in groups of `size`, the last one smaller."""
  return (ids[begin : begin + size] for begin in range(0, len(ids), size))


def contexts_of_executions(
  store: mlmd.MetadataStore, executions: Sequence[int]
) -> defaultdict[int, list[mlmd_pb2.Context]]:
  """The contexts that each execution is in.

  As subgraphs without a step: MLMD's only call that gives the contexts of many executions at once.
  """
  found: defaultdict[int, list[mlmd_pb2.Context]] = defaultdict(list)
  try:
    for ids in batches(executions, _SUBGRAPH_STARTS):
      options = mlmd_pb2.LineageSubgraphQueryOptions(max_num_hops=0)
      options.starting_executions.filter_query = f'id IN ({", ".join(map(str, ids))})'
      graph = store.get_lineage_subgraph(options, ['contexts', 'associations'])
      contexts = {context.id: context for context in graph.contexts}
      for association in graph.associations:
        found[association.execution_id].append(contexts[association.context_id])
  except mlmd.errors.UnimplementedError:  # MLMD 1.21 has no filters any more, and then it is a call each.
    for number in executions:
      with contextlib.suppress(mlmd.errors.NotFoundError):  # Which it says of one that has none.
        found[number] = list(store.get_contexts_by_execution(number))
  return found
