"""What a store has, of whatever kind it is: counted through MLMD's own client."""

import itertools
from collections.abc import Sequence

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from beam_taxi.artifacts.manifest import InputSummary, Manifest, RunFolder, WrittenFile
from beam_taxi.metadata.recording import RecordedRun
from beam_taxi.steps import outputs, steps_of

# The steps of a run whose data is not judged.
ALWAYS = steps_of(judged=False)

RUN = RecordedRun('run-1', 'taxi', RunFolder.of('/out', 'run-1'))
MANIFEST = Manifest(
  run_id='run-1',
  pipeline_name='taxi',
  input=InputSummary(('*.csv',), 1, 1000, 30, 'sha256-sum:ab'),
  columns={'fare': 'FLOAT'},
  splits={'train': 20, 'eval': 10},
  artifacts={
    'examples': (WrittenFile('a.gz', 'aa', 'train', 100, 20),),
    'statistics': (WrittenFile('s.pb', 'cc', 'train'),),
    'schema': (WrittenFile('schema.pbtxt', 'ee'),),
  },
  versions={'x': '1.2'},
)


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


def rows_of_runs(count: int) -> dict[str, int]:
  """How many rows each table has of so many finished runs of one input, which share a pipeline and its nodes."""
  events = sum(len(step.reads) + len(step.makes) for step in ALWAYS)
  return {
    'Execution': count * len(ALWAYS),
    'Artifact': 1 + count * len(list(outputs(ALWAYS))),
    'Context': count + 1 + len(ALWAYS),
    'Event': count * events,
    # Of each execution with the pipeline, the run and the node.
    'Association': count * 3 * len(ALWAYS),
    'ParentContext': count,
  }
