"""What a store has, of whatever kind it is: counted through MLMD's own client."""

import itertools
from collections.abc import Sequence

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb


def rows(store: mlmd.MetadataStore) -> dict[str, int]:
  """How many rows each of the store's tables has, by MLMD's names of the tables.

  Of the types and their properties those that MLMD itself makes are not counted: no client shows them.
  """
  artifacts, executions, contexts = store.get_artifacts(), store.get_executions(), store.get_contexts()
  types = [*store.get_artifact_types(), *store.get_execution_types(), *store.get_context_types()]
  events = store.get_events_by_execution_ids([execution.id for execution in executions]) if executions else []
  ids = [context.id for context in contexts]
  return {
    'Artifact': len(artifacts),
    'ArtifactProperty': _properties(artifacts),
    'Association': sum(len(store.get_executions_by_context(id_)) for id_ in ids),
    'Attribution': sum(len(store.get_artifacts_by_context(id_)) for id_ in ids),
    'Context': len(contexts),
    'ContextProperty': _properties(contexts),
    'Event': len(events),
    'EventPath': sum(len(event.path.steps) for event in events),
    'Execution': len(executions),
    'ExecutionProperty': _properties(executions),
    'ParentContext': sum(len(store.get_parent_contexts_by_context(id_)) for id_ in ids),
    'ParentType': sum(type_.base_type != 0 for type_ in types if hasattr(type_, 'base_type')),
    'Type': len(types),
    'TypeProperty': sum(len(type_.properties) for type_ in types),
  }


def _properties(nodes: Sequence[pb.Artifact | pb.Execution | pb.Context]) -> int:
  return sum(
    len(values) for values in itertools.chain.from_iterable((n.properties, n.custom_properties) for n in nodes)
  )
