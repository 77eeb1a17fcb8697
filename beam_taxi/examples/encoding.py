r"""RecordBatch -> serialized tf.Examples, byte for byte as protobuf's deterministic serialization writes them.

No protobuf message is built. A serialized tf.Example is a concatenation of pieces, and nearly all of a piece is known
from the column alone:

    Example      0A len  Features
    Features     for each feature, in `_order` of its name:  0A len  0A len NAME  12 len  Feature
    Feature      bytes_list 0A len (0A len VALUE), float_list 12 len (0A len VALUES), int64_list 1A len (0A len VALUES)

where ints are varints and floats little-endian. So per column there are two Arrow arrays, one of heads, which follow
from the length of the value, and one of values; one call of Arrow joins those of all columns, row by row.
(Source: tensorflow/core/example/{example,feature}.proto and protobuf's encoding guide.)
"""

import functools
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

EmptyCells = Literal['empty', 'missing']

_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 0x0A, 0x12, 0x1A
_LONGEST_TABLE = 4096

Lengths = npt.NDArray[np.int64]


def encode_examples(batch: pa.RecordBatch, empty_cells: EmptyCells) -> pa.BinaryArray:
  """One serialized tf.Example a row.

  Args:
    batch: columns of int64, float32, binary or, where no cell has a value, null.
    empty_cells: what a null becomes: 'empty', a feature of the column's kind with no values, or, in a column of type
      null, one of no kind; 'missing', no feature.

  Returns:
    Serialized tf.Examples, in the rows' order.
  """
  rows = batch.num_rows
  sizes = np.zeros(rows, np.int64)
  pieces: list[pa.Array] = []
  for name in sorted(batch.schema.names, key=_order):
    column = batch.column(batch.schema.names.index(name))
    kind, values, lengths = _values(column)
    if values is None:
      feature = _feature(name, b'') if empty_cells == 'empty' else b''
      heads = pa.repeat(pa.scalar(feature, pa.binary()), rows)
      sizes += len(feature)
    else:
      null = -1 if column.null_count else None
      if null is not None:
        lengths = np.where(np.asarray(column.is_valid()), lengths, null)
      heads, head_sizes = by_length(lengths, functools.partial(_head, name, kind, empty_cells))
      sizes += head_sizes + np.maximum(lengths, 0)
    pieces += [heads] if values is None else [heads, values]
  outer, _ = by_length(sizes, lambda size: b'\x0a' + varint(size))
  return pc.binary_join_element_wise(outer, *pieces, pa.scalar(b''))


def varint(number: int) -> bytes:
  """A non-negative number as protobuf's varint: seven bits a byte, the lowest first."""
  out = bytearray()
  while number > 0x7F:
    out.append(number & 0x7F | 0x80)
    number >>= 7
  out.append(number)
  return bytes(out)


def by_length(lengths: Lengths, head: Callable[[int], bytes]) -> tuple[pa.BinaryArray, Lengths]:
  """`head(length)` for each of many lengths, computed once for each that occurs.

  Args:
    lengths: any integers from -1 on.
    head: what to put before a value of that length.

  Returns:
    The heads, and how many bytes each of them has.
  """
  if not lengths.size:
    return pa.array([], pa.binary()), lengths
  if lengths.max() < _LONGEST_TABLE:
    index = lengths + 1
    occurring = np.flatnonzero(np.bincount(index))
    table = [b''] * (int(index.max()) + 1)
    for number in occurring:
      table[number] = head(int(number) - 1)
  else:
    occurring, index = np.unique(lengths, return_inverse=True)
    table = [head(int(length)) for length in occurring]
  sizes = np.array([len(entry) for entry in table], np.int64)
  return pa.array(table, pa.binary()).take(pa.array(index)), sizes[index]


def _order(name: str) -> tuple[int, ...]:
  """What protobuf's deterministic serialization sorts names by: their bytes, a name before its own beginning.

  So 'trip_end' comes before 'trip'. (Source: _upb_mapsorter_cmpstr in upb, which is protobuf for Python since 4.21 and
  with which TFX hashes an Example to find its split.)
  """
  return (*name.encode(), 256)


def _feature(name: str, feature: bytes) -> bytes:
  """An entry of the map Features.feature."""
  key = name.encode()
  entry = b'\x0a' + varint(len(key)) + key + b'\x12' + varint(len(feature)) + feature
  return b'\x0a' + varint(len(entry)) + entry


def _head(name: str, kind: int, empty_cells: EmptyCells, length: int) -> bytes:
  """All of a map entry that comes before a value of `length` bytes; the whole entry where there is no value (-1)."""
  if length < 0:
    return _feature(name, bytes([kind, 0])) if empty_cells == 'empty' else b''
  value = bytes(length)
  values = b'\x0a' + varint(length) + value
  entry = _feature(name, bytes([kind]) + varint(len(values)) + values)
  return entry[: len(entry) - length]


def _values(column: pa.Array) -> tuple[int, pa.BinaryArray | None, Lengths]:
  """A column's kind, its values as they stand in the list of a Feature (b'' for a null), and their lengths."""
  if pa.types.is_null(column.type):
    return 0, None, np.empty(0, np.int64)
  if pa.types.is_binary(column.type):
    values = column.fill_null(b'') if column.null_count else column
    return _BYTES_LIST, values, np.asarray(pc.binary_length(values)).astype(np.int64)
  valid = np.asarray(column.is_valid()) if column.null_count else None
  numbers = np.asarray(column.drop_null() if column.null_count else column)
  if pa.types.is_float32(column.type):
    kind, data, lengths = _FLOAT_LIST, numbers.astype('<f4', copy=False).tobytes(), np.full(numbers.size, 4, np.int64)
  elif pa.types.is_int64(column.type):
    kind, (data, lengths) = _INT64_LIST, _varints(numbers)
  else:
    raise TypeError(f'a column of type {column.type} has no place in a tf.Example')
  if valid is not None:
    all_lengths = np.zeros(len(column), np.int64)
    all_lengths[valid] = lengths
    lengths = all_lengths
  offsets = np.zeros(len(column) + 1, np.int32)
  np.cumsum(lengths, out=offsets[1:])
  return (
    kind,
    pa.BinaryArray.from_buffers(pa.binary(), len(column), [None, pa.py_buffer(offsets), pa.py_buffer(data)]),
    lengths,
  )


def _varints(numbers: npt.NDArray[np.int64]) -> tuple[bytes, Lengths]:
  """Int64s as varints, one behind the other; a negative one is its two's complement in 64 bits, so ten bytes."""
  bits = numbers.view(np.uint64)
  lengths = np.ones(bits.size, np.int64)
  for width in range(1, 10):
    wider = bits >= np.uint64(1 << 7 * width)
    if not wider.any():
      break
    lengths += wider
  longest = int(lengths.max(initial=1))
  shifts = np.arange(longest, dtype=np.uint64) * np.uint64(7)
  out = ((bits[:, None] >> shifts) & np.uint64(0x7F)).astype(np.uint8)
  place = np.arange(longest)
  out[place < lengths[:, None] - 1] |= 0x80
  return out[place < lengths[:, None]].tobytes(), lengths
