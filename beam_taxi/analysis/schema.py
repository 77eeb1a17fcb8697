"""The schema of a run, inferred from its statistics as TFX's SchemaGen infers it, or given; and its file."""

from collections.abc import Sequence

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from beam_taxi.analysis.tfdv import tfdv
from beam_taxi.artifacts.manifest import WrittenFile, write_file
from beam_taxi.storage import read_bytes


def infer_schema(statistics: Sequence[statistics_pb2.DatasetFeatureStatisticsList]) -> schema_pb2.Schema:
  """One schema for all splits: inferred from the first, widened by each of the others.

  (Source: tfx/components/schema_gen/executor.py, with its default of infer_feature_shape=True.)

  Args:
    statistics: each split's, in the splits' order. A split without records says nothing about the schema.

  Returns:
    The schema; an empty one where no split has records.
  """
  schema = None
  for split in statistics:
    if not split.datasets or not split.datasets[0].num_examples:
      continue
    if schema is None:
      schema = tfdv().infer_schema(split, infer_feature_shape=True)
    else:
      schema = tfdv().update_schema(schema, split, infer_feature_shape=True)
  return schema or schema_pb2.Schema()


def write_curated_schema(path: str, source: str) -> WrittenFile:
  """Writes a schema that was given, as it is, comments and all, as TFX's ImportSchemaGen does."""
  return write_file(path, read_bytes(source))


def write_inferred_schema(path: str, *statistics: statistics_pb2.DatasetFeatureStatisticsList) -> WrittenFile:
  """Infers a schema and writes it as text, as schema.pbtxt."""
  return write_file(path, text_format.MessageToString(infer_schema(statistics)).encode())
