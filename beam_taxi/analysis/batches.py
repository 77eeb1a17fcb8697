"""RecordBatches as TFDV wants them: each column a list a row, as tf.Examples decode to."""

from typing import Literal

import numpy as np
import pyarrow as pa


def to_list_columns(batch: pa.RecordBatch, empty_cells: Literal['empty', 'missing']) -> pa.RecordBatch:
  """One value a row -> a list of one value or none.

  Args:
    batch: columns of int64, float32, binary or null.
    empty_cells: whether a null becomes an empty list, which TFDV counts as present, or a missing one.

  Returns:
    Columns of large_list; a column of type null stays one, and TFDV counts it as missing.
  """
  arrays = []
  for column in batch.columns:
    if pa.types.is_null(column.type):
      arrays.append(column)
      continue
    valid = np.asarray(column.is_valid())
    offsets = np.zeros(len(column) + 1, np.int64)
    np.cumsum(valid, out=offsets[1:])
    starts = pa.array(offsets)
    if empty_cells == 'missing' and column.null_count:
      # A null offset makes a null list; the last offset only ends the last list.
      starts = pa.array(offsets, mask=np.append(~valid, False))
    arrays.append(pa.LargeListArray.from_arrays(starts, column.drop_null()))
  return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
