"""Rows to framed tf.Examples and their splits, by the compiled kernel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_taxi.kernel.library import KINDS, NO_MEMORY, TOO_LARGE, Column, Records, library, owned

_ONE_SPLIT, _BY_HASH, _GIVEN = range(3)

# The index of each row's split.
Chosen = npt.NDArray[np.int32]


def encode(
  rows: pa.RecordBatch,
  order: Sequence[int],
  *,
  missing: bool,
  limits: Sequence[int],
  chosen: Chosen | None = None,
  keep: bool = True,
) -> tuple[list[pa.BinaryArray], Chosen | None]:
  """Encodes rows and finds the split of each.

  Args:
    rows: as for encode_examples.
    order: the places of the columns, in the order in which an Example has them.
    missing: whether an empty cell is no feature.
    limits: of each split, how many hash buckets it and those before it have.
    chosen: the split of each row, where it is known.
    keep: whether the records are wanted, or only the splits.

  Returns:
    Each split's framed records, and the split of each row, which is None where there is one split only.

  Raises:
    TypeError: a column is of another type.
    ValueError: a list has a null in it, or a split's records would take 2 GiB or more.
  """
  loaded = library()
  assert loaded
  # Arrow makes the list of names anew each time.
  names = rows.schema.names
  columns = (Column * len(order))(*(_column(names[place], rows.column(place)) for place in order))
  splitting = _ONE_SPLIT if len(limits) == 1 else _BY_HASH if chosen is None else _GIVEN
  if splitting == _BY_HASH:
    chosen = np.empty(rows.num_rows, np.int32)
  elif splitting == _ONE_SPLIT:
    chosen = None
  records = (Records * len(limits))() if keep else None
  # An address alone keeps nothing alive.
  ends = np.array(limits, np.uint64)
  status = loaded.beam_taxi_encode(
    columns,
    len(columns),
    rows.num_rows,
    missing,
    splitting,
    ends.ctypes.data,
    len(limits),
    None if chosen is None else chosen.ctypes.data,
    records,
  )
  if status == TOO_LARGE:
    raise ValueError('the Examples take more bytes than an Arrow array of binary holds: encode fewer rows at a time')
  if status == NO_MEMORY:
    raise MemoryError
  return [_array(each) for each in records or ()], chosen


def _array(records: Records) -> pa.BinaryArray:
  ends = owned(records.ends, 4 * (records.records + 1))
  size = int(np.frombuffer(ends, np.int32)[-1])
  data = owned(records.data, size) if size else pa.py_buffer(b'')
  return pa.BinaryArray.from_buffers(pa.binary(), records.records, [None, ends, data])


def _column(name: str, column: pa.Array) -> Column:
  """A column as the kernel takes it. Its buffers must live as long as that."""
  encoded = name.encode()
  kind, items = column.type, column
  list_width = 4 if pa.types.is_list(kind) else 8 if pa.types.is_large_list(kind) else 0
  if list_width:
    # Unlike flatten(), it leaves the items of null rows where they are.
    kind, items = kind.value_type, column.values
    if items.null_count:
      raise ValueError('a list with a null in it has no place in a tf.Example')
  if kind not in KINDS or (list_width and pa.types.is_null(kind)):
    raise TypeError(f'a column of type {kind} has no place in a tf.Example')
  buffers = column.buffers()
  values = buffers[2:] if list_width else buffers
  return Column(
    name=encoded,
    name_size=len(encoded),
    kind=KINDS[kind],
    list_width=list_width,
    offset=column.offset,
    item_offset=items.offset if list_width else 0,
    validity=_address(buffers[0]) if column.null_count else None,
    lists=_address(buffers[1]) if list_width else None,
    ends=_address(values[1]) if pa.types.is_binary(kind) else None,
    data=_address(values[-1]) if not pa.types.is_null(kind) else None,
  )


def _address(buffer: Any) -> int | None:
  return buffer.address if buffer is not None else None
