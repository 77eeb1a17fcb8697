"""ML Metadata: connecting to a store, the types that are written, recording a run, asking about runs.

Plain functions over a store and small frozen values. Nothing here knows of Beam, of CSV or of tf.Examples. What a
notebook asks with is here by name:

    store = connect('sqlite:///out/metadata.sqlite', create=False)
    run = list_runs(store, state='COMPLETE', limit=1)[0]
    artifacts_of(store, run), lineage_of(store, run.run_id)
"""

from beam_taxi.metadata.lineage import Edge, Lineage, Node, lineage_of
from beam_taxi.metadata.recording import record_manifest
from beam_taxi.metadata.runs import RecordedArtifact, Run, artifacts_of, find_run, list_runs
from beam_taxi.metadata.store import connect

__all__ = [
  'Edge',
  'Lineage',
  'Node',
  'RecordedArtifact',
  'Run',
  'artifacts_of',
  'connect',
  'find_run',
  'lineage_of',
  'list_runs',
  'record_manifest',
]
