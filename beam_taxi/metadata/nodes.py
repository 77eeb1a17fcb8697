"""Executions and events of a store by ids, however many: a store on a server answers each call in one message."""

from collections.abc import Iterator, Sequence

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

# Ids in one call. MySQL parses a list of these in no time.
_BATCH = 1000


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
