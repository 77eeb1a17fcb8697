"""A block of typed rows to each split's records, and which rows they are."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from beam_taxi.examples.encoding import estimated_size
from beam_taxi.examples.feature_order import feature_order
from beam_taxi.examples.output_form import OutputForm
from beam_taxi.examples.splitting import assign_splits, assign_splits_by_feature, limits
from beam_taxi.examples.tfrecord import encode_records
from beam_taxi.kernel import examples
from beam_taxi.kernel.examples import Chosen
from beam_taxi.kernel.library import kernel

# Examples are encoded in pieces of about so many times the block size: long names make short rows grow a lot.
_LARGEST_GROWTH = 8


@dataclasses.dataclass(frozen=True)
class SplitBlock:
  """A block's records by split.

  Attributes:
    records: what a shard's writer takes, framed tf.Examples or rows for Parquet, one a split in the splits' order.
    bytes: of all records together.
  """

  records: tuple[pa.BinaryArray | pa.RecordBatch, ...]
  bytes: int
  _rows: pa.RecordBatch
  _masks: tuple[pa.BooleanArray, ...]

  def rows(self, split: int) -> pa.RecordBatch:
    """The rows of a split's records."""
    return self._rows.filter(self._masks[split]) if self._masks else self._rows


def encode_block(rows: pa.RecordBatch, form: OutputForm) -> SplitBlock:
  """Encodes rows and finds the split of each.

  The splits of Parquet are those that the Examples would have, so these are encoded for it as well, to be hashed.

  Raises:
    UserError: the partition feature cannot decide.
  """
  chosen = None
  if len(form.splits) > 1 and form.partition_feature:
    chosen = assign_splits_by_feature(rows, form.partition_feature, form.splits, form.empty_cells)
  records: Sequence[pa.BinaryArray | pa.RecordBatch] = ()
  if form.output_format == 'tfrecord' or (len(form.splits) > 1 and chosen is None):
    records, chosen = (_encode if kernel() == 'compiled' else _encode_in_python)(rows, form, chosen)
  masks = () if chosen is None else tuple(pa.array(chosen == index) for index in range(len(form.splits)))
  if form.output_format == 'parquet':
    records = [rows.filter(mask) for mask in masks] or [rows]
  return SplitBlock(tuple(records), sum(each.nbytes for each in records), rows, masks)


def _encode(
  rows: pa.RecordBatch, form: OutputForm, chosen: Chosen | None
) -> tuple[list[pa.BinaryArray], Chosen | None]:
  """Each split's framed Examples and, where there are several, the split of each row, if that is not known already."""
  return examples.encode(
    rows,
    feature_order(rows.schema.names, form.feature_order),
    missing=form.empty_cells == 'missing',
    limits=limits(form.splits),
    chosen=chosen,
    keep=form.output_format == 'tfrecord',
  )


def _encode_in_python(
  rows: pa.RecordBatch, form: OutputForm, chosen: Chosen | None
) -> tuple[list[pa.BinaryArray], Chosen | None]:
  """_encode without the kernel."""
  if len(form.splits) == 1:
    return [encode_records(rows, form.empty_cells, order=form.feature_order)], None
  parts = [np.zeros(0, np.int32)]
  hashing = chosen is None

  def choose(examples: list[bytes]) -> None:
    if hashing:
      parts.append(assign_splits(examples, form.splits))

  records = encode_records(rows, form.empty_cells, choose, form.feature_order)
  if chosen is None:
    chosen = np.concatenate(parts)
  return [records.filter(pa.array(chosen == index)) for index in range(len(form.splits))], chosen


def pieces(rows: pa.RecordBatch, block_size: int) -> Iterator[pa.RecordBatch]:
  """A block's rows in pieces whose Examples take no more memory than eight blocks, or one row's where that is more."""
  size = max(1, _LARGEST_GROWTH * block_size * rows.num_rows // max(1, estimated_size(rows)))
  for start in range(0, rows.num_rows, size):
    yield rows.slice(start, size)
