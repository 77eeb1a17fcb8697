"""The schema of a run, inferred from its statistics as TFX's SchemaGen infers it, or given; and its file."""

from collections.abc import Sequence

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from beam_taxi.analysis.tfdv import compiled, tfdv
from beam_taxi.artifacts.manifest import WrittenFile, write_file
from beam_taxi.errors import UserError
from beam_taxi.storage import read_bytes

# A string feature with more values than these has no domain. (Source: the default of tfdv.infer_schema.)
_LARGEST_DOMAIN = 100


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
    schema = _inferred(split) if schema is None else _updated(schema, split)
  return schema or schema_pb2.Schema()


def _inferred(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> schema_pb2.Schema:
  """What tfdv.infer_schema gives, without its import where that can be spared."""
  if rules := compiled():
    dataset = statistics.datasets[0].SerializeToString()
    return schema_pb2.Schema.FromString(rules.InferSchema(dataset, _LARGEST_DOMAIN, True))
  return tfdv().infer_schema(statistics, infer_feature_shape=True)


def _updated(schema: schema_pb2.Schema, statistics: statistics_pb2.DatasetFeatureStatisticsList) -> schema_pb2.Schema:
  """What tfdv.update_schema gives, likewise."""
  if rules := compiled():
    dataset = statistics.datasets[0].SerializeToString()
    return schema_pb2.Schema.FromString(rules.UpdateSchema(schema.SerializeToString(), dataset, _LARGEST_DOMAIN))
  return tfdv().update_schema(schema, statistics, infer_feature_shape=True)


def read_schema(path: str) -> schema_pb2.Schema:
  """A schema.pbtxt. Raises UserError where it cannot be read, or is no schema."""
  try:
    return text_format.Parse(read_bytes(path).decode(), schema_pb2.Schema())
  except OSError as error:
    raise UserError(f'{path}: cannot be read ({error.strerror or error})') from error
  except (text_format.ParseError, UnicodeDecodeError) as error:
    raise UserError(f'{path}: is not a schema in text form ({" ".join(str(error).split())})') from error


def write_curated_schema(path: str, source: str) -> WrittenFile:
  """Writes a schema that was given, as it is, comments and all, as TFX's ImportSchemaGen does."""
  return write_file(path, read_bytes(source))


def write_inferred_schema(path: str, *statistics: statistics_pb2.DatasetFeatureStatisticsList) -> WrittenFile:
  """Infers a schema and writes it as text, as schema.pbtxt."""
  return write_file(path, text_format.MessageToString(infer_schema(statistics)).encode())
