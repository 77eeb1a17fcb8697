"""The types that a run records: TFX's artifact and context types, and this project's own of input and executions.

Artifact types have TFX's names, properties and base types, so that TFX finds and takes our artifacts as its own.
(Source: tfx/types/standard_artifacts.py and system_artifacts.py.)
"""

from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

EXAMPLES = mlmd_pb2.ArtifactType(
  name='Examples',
  properties={'span': mlmd_pb2.INT, 'version': mlmd_pb2.INT, 'split_names': mlmd_pb2.STRING},
  base_type=mlmd_pb2.ArtifactType.DATASET,
)
EXAMPLE_STATISTICS = mlmd_pb2.ArtifactType(
  name='ExampleStatistics',
  properties={'span': mlmd_pb2.INT, 'split_names': mlmd_pb2.STRING},
  base_type=mlmd_pb2.ArtifactType.STATISTICS,
)
SCHEMA = mlmd_pb2.ArtifactType(name='Schema')

# What a run reads. TFX records no artifact for the files that its CsvExampleGen reads.
CSV_INPUT = mlmd_pb2.ArtifactType(
  name='beam_taxi.CsvInput',
  properties={
    'patterns': mlmd_pb2.STRING,
    'files': mlmd_pb2.INT,
    'bytes': mlmd_pb2.INT,
    'rows': mlmd_pb2.INT,
    'fingerprint': mlmd_pb2.STRING,
  },
  base_type=mlmd_pb2.ArtifactType.DATASET,
)

PIPELINE = mlmd_pb2.ContextType(name='pipeline')
PIPELINE_RUN = mlmd_pb2.ContextType(name='pipeline_run')
NODE = mlmd_pb2.ContextType(name='node')

# In the order in which they are recorded: the state of the last is the run's.
EXECUTION_TYPES = {
  node: mlmd_pb2.ExecutionType(name=f'beam_taxi.{node}', base_type=mlmd_pb2.ExecutionType.PROCESS)
  for node in ('ExampleGen', 'StatisticsGen', 'SchemaGen')
}

LAST_NODE = next(reversed(EXECUTION_TYPES))
