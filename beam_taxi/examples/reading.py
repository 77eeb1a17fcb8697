"""Reading a run's Examples back, for notebooks and trainers: RecordBatches, a tf.data.Dataset, a pandas DataFrame."""

import dataclasses
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_taxi import storage
from beam_taxi.artifacts.manifest import Manifest, RunFolder, WrittenFile, read_manifest
from beam_taxi.errors import UserError
from beam_taxi.examples.list_columns import to_lists
from beam_taxi.examples.tfrecord import read_records

if TYPE_CHECKING:
  import pandas as pd
  import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class SplitExamples:
  """A split of a finished run.

  Attributes:
    shards: its files, in order, where they are now.
    schema_file: the run's schema.
    columns: the names of the CSV's columns, in order.
  """

  shards: tuple[WrittenFile, ...]
  schema_file: str
  columns: tuple[str, ...]

  def record_batches(self, batch_size: int = 8192) -> Iterator[pa.RecordBatch]:
    """The Examples as tfx_bsl decodes them: a large_list a row of int64, float or large_binary, one column a feature.

    Args:
      batch_size: rows of a batch, at most. Memory grows with it, and not with the split.

    Raises:
      UserError: a shard is damaged, or is not the one that the run wrote.
    """
    decoder = self._decoder()
    for shard in self.shards:
      records = 0
      for batch in self._batches_of(shard, decoder, batch_size):
        records += batch.num_rows
        yield batch
      if records != shard.records:
        raise UserError(f'{shard.path}: has {records:,} records, and the run wrote {shard.records:,}; copy it again')

  def dataset(self, batch_size: int = 1024) -> 'tf.data.Dataset':
    """Batches of Examples, parsed by the run's schema: a dict of tensors, one a feature.

    A feature whose shape the schema knows, as where every row has one value, is dense, [batch, 1]; any other is sparse,
    and so is one that the schema calls DEPRECATED, for a split has none of it.

    Args:
      batch_size: Examples of a batch; the last has fewer.
    """
    import tensorflow as tf
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx_bsl.tfxio import tensor_adapter
    from tfx_bsl.tfxio import tensor_representation_util as representations

    schema = self._schema()
    tensors = dict(representations.InferTensorRepresentationsFromMixedSchema(schema))
    for feature in schema.feature:
      if feature.name not in tensors:  # It is DEPRECATED.
        representation = schema_pb2.TensorRepresentation()
        representation.varlen_sparse_tensor.column_name = feature.name
        tensors[feature.name] = representation
    if not _is_parquet(self.shards[0]):
      parsers = {
        feature.name: representations.CreateTfExampleParserConfig(tensors[feature.name], feature.type)
        for feature in schema.feature
      }
      batches = tf.data.TFRecordDataset([shard.path for shard in self.shards], 'GZIP').batch(batch_size)
      return batches.map(lambda serialized: tf.io.parse_example(serialized, parsers), tf.data.AUTOTUNE)
    config = tensor_adapter.TensorAdapterConfig(self._decoder().ArrowSchema(), tensors)
    adapter = tensor_adapter.TensorAdapter(config)
    return tf.data.Dataset.from_generator(
      lambda: map(adapter.ToBatchTensors, self.record_batches(batch_size)), output_signature=adapter.TypeSpecs()
    )

  def dataframe(self) -> 'pd.DataFrame':
    """The whole split: a row an Example, a column a column of the CSV.

    Ints are Int64, floats float32, text str; what is empty is <NA>, NaN or None. A feature that has more than one value
    in some Example is a column of lists.
    """
    import pandas as pd

    table = pa.Table.from_batches(self.record_batches(), self._decoder().ArrowSchema())
    return pd.DataFrame({name: _series(table[name]) for name in self.columns if name in table.column_names})

  def _schema(self) -> Any:
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    schema = text_format.Parse(storage.read_bytes(self.schema_file), schema_pb2.Schema())
    if not schema.feature and not any(shard.records for shard in self.shards):
      # No split has a record. TFDV takes a column that has no value for BYTES, if others have some.
      for name in self.columns:
        schema.feature.add(name=name, type=schema_pb2.BYTES)
    return schema

  def _decoder(self) -> Any:
    from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

    return ExamplesToRecordBatchDecoder(self._schema().SerializeToString())

  def _batches_of(self, shard: WrittenFile, decoder: Any, batch_size: int) -> Iterator[pa.RecordBatch]:
    if not _is_parquet(shard):
      for records in read_records(shard.path, batch_size):
        yield decoder.DecodeBatch(records)
      return
    import pyarrow.parquet as pq

    target = decoder.ArrowSchema()
    with storage.open_for_reading(shard.path) as stream:
      try:
        file = pq.ParquetFile(stream)
        for rows in file.iter_batches(batch_size):
          yield pa.RecordBatch.from_arrays([_lists(rows, field) for field in target], names=target.names)
      except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f'{shard.path}: is damaged ({" ".join(str(error).split())}); copy it again') from error


def read(run: 'str | os.PathLike[str] | Manifest', split: str) -> SplitExamples:
  """A split of a finished run, to be read.

  Args:
    run: the run's folder, OUTPUT/runs/RUN_ID, here or at the URI of a file system that Beam reads, wherever it has been
      moved to; or its manifest, for the files where the run wrote them.
    split: the split's name.

  Raises:
    UserError: this is not the folder of a finished run, there is no such split, or one of its files is gone.
  """
  if isinstance(run, Manifest):
    manifest, folder = run, None
  else:
    folder = RunFolder(os.fspath(run))
    found = read_manifest(folder)
    if not found:
      raise UserError(f'{folder.uri}: has no manifest.json; give the folder of a finished run, OUTPUT/runs/RUN_ID')
    manifest = found
  if split not in manifest.splits:
    raise UserError(f'{manifest.run_id} has no split {split!r}; there are {", ".join(manifest.splits)}')
  shards = [shard for shard in manifest.examples if shard.split == split]
  schema_file = manifest.schema.path
  if folder:
    shards = [dataclasses.replace(shard, path=_moved(shard.path, folder.examples, 2)) for shard in shards]
    schema_file = _moved(schema_file, folder.schema, 1)
  for path in (schema_file, *(shard.path for shard in shards)):
    if not storage.exists(path):
      raise UserError(f'{path}: is missing; the run wrote it, so copy it again')
  return SplitExamples(tuple(shards), schema_file, tuple(manifest.columns))


def _moved(path: str, folder: str, parts: int) -> str:
  """A path's last parts within a folder: a run can have been moved or downloaded since its manifest was written."""
  return storage.join(folder, *path.split('/')[-parts:])


def _is_parquet(shard: WrittenFile) -> bool:
  return shard.path.endswith('.parquet')


def _lists(rows: pa.RecordBatch, field: pa.Field) -> pa.Array:
  """A column of Parquet as Examples decode to it; of nulls where it has no value, or a curated schema alone has it."""
  column = rows.column(rows.schema.names.index(field.name)) if field.name in rows.schema.names else pa.nulls(0)
  if pa.types.is_null(column.type):
    return pa.nulls(rows.num_rows, field.type)
  if pa.types.is_string(column.type):
    column = column.cast(pa.binary())
  return to_lists(column.cast(field.type.value_type), 'empty')


def _series(chunks: pa.ChunkedArray) -> Any:
  """A column of lists as pandas has it."""
  import pandas as pd

  column = pa.concat_arrays(chunks.chunks) if chunks.num_chunks else pa.array([], chunks.type)
  kind = column.type.value_type
  lengths = np.asarray(pc.list_value_length(column).fill_null(0))
  if lengths.max(initial=0) > 1:
    lists = column.cast(pa.large_list(pa.large_string())) if pa.types.is_large_binary(kind) else column
    return pd.Series(lists.to_pylist())
  values, present = column.flatten(), lengths > 0
  if pa.types.is_floating(kind):
    floats = np.full(len(column), np.nan, np.float32)
    floats[present] = np.asarray(values)
    return pd.Series(floats)
  if pa.types.is_integer(kind):
    ints = np.zeros(len(column), np.int64)
    ints[present] = np.asarray(values)
    return pd.Series(pd.arrays.IntegerArray(ints, ~present))
  texts = np.full(len(column), None, object)
  texts[present] = values.cast(pa.large_string()).to_pylist()
  return pd.Series(texts, dtype=object)
