"""RecordBatches as TFDV wants them: each column a list a row, as tf.Examples decode to."""

import numpy as np
import pyarrow as pa

from beam_taxi.examples.encoding import EmptyCells


def to_list_columns(batch: pa.RecordBatch, empty_cells: EmptyCells) -> pa.RecordBatch:
  """One value a row -> a list of one value or none.

  Args:
    batch: columns of int64, float32, binary or null.
    empty_cells: whether a null becomes an empty list, which TFDV counts as present, or a missing one.

  Returns:
    Columns of large_list; a column of type null stays one, and TFDV counts it as missing.
  """
  columns = [column if pa.types.is_null(column.type) else to_lists(column, empty_cells) for column in batch.columns]
  return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def to_lists(column: pa.Array, empty_cells: EmptyCells) -> pa.LargeListArray:
  """to_list_columns for one column that is not of type null."""
  valid = np.asarray(column.is_valid())
  offsets = np.zeros(len(column) + 1, np.int64)
  np.cumsum(valid, out=offsets[1:])
  starts = pa.array(offsets)
  if empty_cells == 'missing' and column.null_count:
    # A null offset makes a null list; the last offset only ends the last list.
    starts = pa.array(offsets, mask=np.append(~valid, False))
  return pa.LargeListArray.from_arrays(starts, column.drop_null())
