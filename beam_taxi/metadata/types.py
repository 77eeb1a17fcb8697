"""The types that a run records, as MLMD has them: those of the step table, and TFX's contexts.

Types of artifacts have TFX's names, properties and base types, so that TFX finds and takes our artifacts as its own.
"""

from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

from beam_taxi import steps

PIPELINE = mlmd_pb2.ContextType(name='pipeline')
PIPELINE_RUN = mlmd_pb2.ContextType(name='pipeline_run')
NODE = mlmd_pb2.ContextType(name='node')

_PROPERTIES = {int: mlmd_pb2.INT, str: mlmd_pb2.STRING}


def artifact_type(kind: steps.ArtifactType) -> mlmd_pb2.ArtifactType:
  """A type of artifacts, as it is registered."""
  found = mlmd_pb2.ArtifactType(
    name=kind.name, properties={name: _PROPERTIES[value] for name, value in kind.properties.items()}
  )
  if kind.base:
    found.base_type = mlmd_pb2.ArtifactType.SystemDefinedBaseType.Value(kind.base)
  return found


def execution_type(step: steps.Step) -> mlmd_pb2.ExecutionType:
  """A step's type of executions, as it is registered."""
  return mlmd_pb2.ExecutionType(name=step.type, base_type=mlmd_pb2.ExecutionType.PROCESS)
