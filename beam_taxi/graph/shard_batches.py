"""RecordBatches of any origin into shards, for a pipeline of one's own."""

import itertools
import operator
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import PCollection

from beam_taxi.errors import UserError
from beam_taxi.examples.blocks import pieces
from beam_taxi.graph.coders import use_for_batches
from beam_taxi.graph.input_steps import ShardBlock
from beam_taxi.inputs.columns import fault_in_names
from beam_taxi.inputs.shard_sizes import Shard, Sizes

_COLUMN_TYPES = (pa.int64(), pa.float32(), pa.binary(), pa.null())


class ShardBatches(beam.PTransform):
  """RecordBatches of any origin, each with a key, as (key, RecordBatch) -> ShardBlocks.

  A key is a number or a text. Number n goes to shard n % num_shards, a text to the one of its CRC-32; within a shard
  batches stand in the order of their keys, numbers first. So the shards are the same however the pipeline is run and
  whatever is tried again, if each batch has a key of its own that depends on nothing else. Two of one key raise
  UserError, and a batch with other columns than the schema's, whose nullability and metadata do not matter. Batches are
  shuffled once, and a shard's are held in memory by one worker.
  """

  def __init__(self, schema: pa.Schema, num_shards: int):
    """Raises UserError where a column has the name of another or another type, or there is no shard.

    Args:
      schema: of all batches. Columns are int64, float32, binary or, without any value, null.
      num_shards: how many shards there are, of which some may have no batch.
    """
    super().__init__()
    if num_shards < 1:
      raise UserError(f'ShardBatches: num_shards is {num_shards}; give at least 1')
    if fault := fault_in_names(schema.names):
      raise UserError(f'ShardBatches: {fault}')
    for field in schema:
      if field.type not in _COLUMN_TYPES:
        raise UserError(f'ShardBatches: column {field.name!r} is {field.type}; cast it to int64, float32 or binary')
    self._schema = _plain(schema)
    self._num_shards = num_shards

  def expand(self, batches: PCollection[tuple[int | str, pa.RecordBatch]]) -> PCollection[ShardBlock]:
    use_for_batches()
    # A shard that no batch goes to has its files, too.
    empty = batches.pipeline | 'Shards' >> beam.Create([(index, None) for index in range(self._num_shards)])
    keyed = batches | 'ShardOf' >> beam.Map(_by_shard, self._num_shards)
    blocks = (
      (empty, keyed)
      | 'All' >> beam.Flatten()
      | 'BatchesOfShard' >> beam.GroupByKey()
      | 'Order' >> beam.FlatMap(_blocks_of_shard, self._schema, self._num_shards)
    )
    blocks.element_type = ShardBlock
    return blocks


def _plain(schema: pa.Schema) -> pa.Schema:
  """A schema's names and types alone."""
  return pa.schema(list(zip(schema.names, schema.types, strict=True)))


def _by_shard(keyed: tuple[int | str, pa.RecordBatch], num_shards: int) -> Any:
  key, batch = keyed
  # A number of numpy's would be another key to Beam than Python's.
  number = zlib.crc32(key.encode()) if isinstance(key, str) else operator.index(key)
  # A slice would be pickled with all that it is of (seen with Arrow 10).
  whole = pa.ipc.read_record_batch(batch.serialize(), batch.schema)
  return number % num_shards, (key, whole)


def _blocks_of_shard(shard: tuple[int, Iterable[Any]], schema: pa.Schema, num_shards: int) -> Iterator[ShardBlock]:
  index, keyed = shard
  ordered = sorted(filter(None, keyed), key=lambda each: (isinstance(each[0], str), each[0]))
  for (key, _), (following, _) in itertools.pairwise(ordered):
    if key == following:
      raise UserError(f'ShardBatches: two batches have the key {key!r}; each needs one of its own')
  for key, batch in ordered:
    if _plain(batch.schema) != schema:
      columns, wanted = (', '.join(f'{field.name}: {field.type}' for field in each) for each in (batch.schema, schema))
      raise UserError(f'ShardBatches: batch {key!r} has the columns {columns}; all need {wanted}')
  empty = pa.RecordBatch.from_arrays([pa.array([], kind) for kind in schema.types], schema=schema)
  plain = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for _, batch in ordered)
  rows = [empty, *(piece for batch in plain for piece in pieces(batch, Sizes.block_size))]
  for number, each in enumerate(rows):
    yield ShardBlock(Shard(index, num_shards), number, number == len(rows) - 1, each)
