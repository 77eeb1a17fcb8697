"""A block of typed rows to each split's records, and which rows they are."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_taxi.examples.encoding import estimated_size
from beam_taxi.examples.output_form import OutputForm
from beam_taxi.examples.splitting import assign_splits, assign_splits_by_feature
from beam_taxi.examples.tfrecord import encode_records

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
  by_example = len(form.splits) > 1 and not form.partition_feature
  parts: list[npt.NDArray[np.intp]] = [np.zeros(0, np.intp)]

  def choose(examples: list[bytes]) -> None:
    if by_example:
      parts.append(assign_splits(examples, form.splits))

  records = rows
  if form.output_format == 'tfrecord' or by_example:
    framed = encode_records(rows, form.empty_cells, choose)
    records = framed if form.output_format == 'tfrecord' else rows
  if len(form.splits) == 1:
    return SplitBlock((records,), records.nbytes, rows, ())
  chosen = np.concatenate(parts)
  if form.partition_feature:
    chosen = assign_splits_by_feature(rows, form.partition_feature, form.splits, form.empty_cells)
  masks = tuple(pa.array(chosen == index) for index in range(len(form.splits)))
  return SplitBlock(tuple(records.filter(mask) for mask in masks), records.nbytes, rows, masks)


def pieces(rows: pa.RecordBatch, block_size: int) -> Iterator[pa.RecordBatch]:
  """A block's rows in pieces whose Examples take no more memory than eight blocks, or one row's where that is more."""
  size = max(1, _LARGEST_GROWTH * block_size * rows.num_rows // max(1, estimated_size(rows)))
  for start in range(0, rows.num_rows, size):
    yield rows.slice(start, size)
