r"""RecordBatch -> serialized tf.Examples, byte for byte as protobuf's deterministic serialization writes them.

No protobuf message is built. A serialized tf.Example is a concatenation of pieces, and nearly all of a piece is known
from the column alone:

    Example      0A len  Features
    Features     for each feature, in feature_order:  0A len  0A len NAME  12 len  Feature
    Feature      bytes_list 0A len (0A len VALUE)*, float_list 12 len (0A len VALUES), int64_list 1A len (0A len VALUES)

where ints are varints and floats little-endian. So each column becomes an array of values and one of what stands before
them, which follows from their lengths; and one call of Arrow joins all these, row by row, into one buffer.
(Source: tensorflow/core/example/{example,feature}.proto and protobuf's encoding guide.)

This is what is right, and what is used where the kernel (kernel/source/examples.cc) is not compiled.
"""

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_taxi.examples.feature_order import FeatureOrder, feature_order

EmptyCells = Literal['empty', 'missing']

Numbers = npt.NDArray[np.int64]

_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 0x0A, 0x12, 0x1A
# What stands for the length of a value that is not there.
_NULL = -1
# Up to this span, numbers are counted to see which occur; beyond it they are sorted.
_LONGEST_TABLE = 4096
_LARGEST_BUFFER = 2**31 - 1

# (what a Feature begins with, how many bytes of it follow) -> all that comes before what follows.
_Wrap = Callable[[bytes, int], bytes]


@dataclasses.dataclass(frozen=True)
class _Pieces:
  """What a column adds to each row: `pieces` side by side, a null adding nothing; `sizes` bytes together."""

  pieces: tuple[pa.Array | pa.Scalar, ...]
  sizes: Numbers | int


def encode_examples(
  batch: pa.RecordBatch,
  empty_cells: EmptyCells,
  before: Callable[[int], bytes] = lambda size: b'',
  after: bytes = b'',
  order: FeatureOrder = 'upb',
) -> pa.BinaryArray:
  """One serialized tf.Example a row.

  Args:
    batch: columns of int64, float32 or binary, of lists of these, or, where no row has a value, of null.
    empty_cells: what a null becomes in a column that is not of lists: 'empty', a feature of the column's kind with no
      values, or, in a column of type null, one of no kind; 'missing', no feature. In a column of lists an empty list is
      the one and a null the other.
    before: makes of an Example's size in bytes what to put before it.
    after: what to put behind each Example.
    order: in which order its features stand.

  Returns:
    Serialized tf.Examples, in the rows' order, side by side in one buffer.

  Raises:
    TypeError: a column is of none of these types.
    ValueError: a list has a null in it, or the Examples would take 2 GiB or more: give fewer rows.
  """
  sizes = np.zeros(batch.num_rows, np.int64)
  pieces: list[pa.Array | pa.Scalar] = []
  names = batch.schema.names
  for index in feature_order(names, order):
    column = _pieces_of(batch.column(index), _entry_of(names[index]), empty_cells)
    pieces += column.pieces
    sizes += column.sizes
  heads, head_sizes = by_number(sizes, lambda size: before(1 + len(varint(size)) + size) + b'\x0a' + varint(size))
  total = int(np.sum(sizes + head_sizes + len(after)))
  return _join(total, heads, *pieces, pa.scalar(after, pa.binary()))


def encode_features(column: pa.Array, empty_cells: EmptyCells) -> pa.BinaryArray:
  """The serialized Feature that each row's tf.Example has of a column; arguments and errors are encode_examples'."""
  nothing = pa.repeat(pa.scalar(b'', pa.binary()), len(column))
  feature = _pieces_of(column, lambda head, _: head, empty_cells)
  return _join(int(np.sum(feature.sizes)), nothing, *feature.pieces)


def estimated_size(batch: pa.RecordBatch) -> int:
  """About how many bytes the Examples of flat columns take, from their names and values."""
  names = sum(len(name.encode()) + 16 for name in batch.schema.names)
  return int(batch.nbytes + batch.num_rows * names)


def varint(number: int) -> bytes:
  """A non-negative number as protobuf's varint: seven bits a byte, the lowest first."""
  out = bytearray()
  while number > 0x7F:
    out.append(number & 0x7F | 0x80)
    number >>= 7
  out.append(number)
  return bytes(out)


def by_number(numbers: Numbers, entry: Callable[[int], bytes]) -> tuple[pa.BinaryArray, Numbers]:
  """`entry(number)` for each of many numbers, computed once for each that occurs.

  Args:
    numbers: any integers from -1 on.
    entry: makes bytes of a number.

  Returns:
    The entries, and how many bytes each of them has.
  """
  if not numbers.size:
    return pa.array([], pa.binary()), numbers
  if numbers.max() < _LONGEST_TABLE:
    index = numbers + 1
    table = [b''] * (int(index.max()) + 1)
    for place in np.flatnonzero(np.bincount(index)).tolist():
      table[place] = entry(place - 1)
  else:
    occurring, index = np.unique(numbers, return_inverse=True)
    table = [entry(number) for number in occurring.tolist()]
  sizes = np.array([len(item) for item in table], np.int64)
  return pa.array(table, pa.binary()).take(pa.array(index)), sizes[index]


def _entry_of(name: str) -> _Wrap:
  """Wraps a Feature into an entry of the map Features.feature."""
  key = name.encode()
  key = b'\x0a' + varint(len(key)) + key + b'\x12'

  def entry(feature: bytes, rest: int) -> bytes:
    size = len(feature) + rest
    beginning = key + varint(size)
    return b'\x0a' + varint(len(beginning) + size) + beginning + feature

  return entry


def _pieces_of(column: pa.Array, wrap: _Wrap, empty_cells: EmptyCells) -> _Pieces:
  """A column's pieces, each row's Feature wrapped by `wrap`."""
  if pa.types.is_null(column.type):
    feature = wrap(b'', 0) if empty_cells == 'empty' else b''
    return _Pieces((pa.scalar(feature, pa.binary()),), len(feature))
  if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
    return _pieces_of_lists(column, wrap)
  kind = _kind(column.type)
  empty = wrap(bytes([kind, 0]), 0) if empty_cells == 'empty' else b''
  valid = _valid(column)
  if kind == _BYTES_LIST:
    values, lengths = column, np.diff(_offsets(column)).astype(np.int64)
  else:
    data, some_lengths = _packed(kind, np.asarray(column if valid is None else column.drop_null()))
    lengths = some_lengths if valid is None else _spread(some_lengths, valid)
    values = _binary(data, lengths)
  return _with_heads(values, lengths, valid, lambda length: wrap(_head_of_one(kind, length), length), empty)


def _pieces_of_lists(column: pa.Array, wrap: _Wrap) -> _Pieces:
  kind = _kind(column.type.value_type)
  if column.values.null_count:
    raise ValueError('a list with a null in it has no place in a tf.Example')
  if kind == _BYTES_LIST:
    items = column.values
    lengths = np.diff(_offsets(items)).astype(np.int64)
    heads, head_sizes = by_number(lengths, lambda length: b'\x0a' + varint(length))
    joined = _join(int(np.sum(lengths + head_sizes)), heads, items)
    data, ends = joined.buffers()[2], _offsets(joined).astype(np.int64)
    head = _head_of_list
  else:
    data, item_lengths = _packed(kind, np.asarray(column.values))
    ends = np.concatenate([[0], np.cumsum(item_lengths)])
    head = _head_of_packed
  offsets = ends[np.asarray(column.offsets)]
  valid = _valid(column)
  validity = None if valid is None else pa.array(valid).buffers()[1]
  values = _from_buffers(len(column), validity, offsets, data)
  return _with_heads(values, np.diff(offsets), valid, lambda length: wrap(head(kind, length), length), b'')


def _with_heads(
  values: pa.BinaryArray,
  lengths: Numbers,
  valid: npt.NDArray[np.bool_] | None,
  head: Callable[[int], bytes],
  absent: bytes,
) -> _Pieces:
  """Values and what comes before them; `absent` where there is none."""
  if valid is not None:
    lengths = np.where(valid, lengths, _NULL)
  heads, sizes = by_number(lengths, lambda length: absent if length == _NULL else head(length))
  return _Pieces((heads, values), sizes + np.maximum(lengths, 0))


def _head_of_one(kind: int, length: int) -> bytes:
  """All of a Feature with one value that comes before the value's `length` bytes."""
  value = b'\x0a' + varint(length)
  return bytes([kind]) + varint(len(value) + length) + value


def _head_of_packed(kind: int, length: int) -> bytes:
  """All of a Feature of numbers that comes before their `length` bytes."""
  return _head_of_one(kind, length) if length else _head_of_list(kind, 0)


def _head_of_list(kind: int, length: int) -> bytes:
  """All of a Feature that comes before a list of `length` bytes."""
  return bytes([kind]) + varint(length)


def _kind(kind: pa.DataType) -> int:
  """The field of a Feature that holds values of a type."""
  for is_of, field in ((pa.types.is_binary, _BYTES_LIST), (pa.types.is_float32, _FLOAT_LIST)):
    if is_of(kind):
      return field
  if pa.types.is_int64(kind):
    return _INT64_LIST
  raise TypeError(f'a column of type {kind} has no place in a tf.Example')


def _valid(column: pa.Array) -> npt.NDArray[np.bool_] | None:
  """Which rows are not null; None where all are."""
  return np.asarray(column.is_valid()) if column.null_count else None


def _spread(numbers: Numbers, valid: npt.NDArray[np.bool_]) -> Numbers:
  """The numbers in the places that are valid, and zeros in the others."""
  spread = np.zeros(valid.size, np.int64)
  spread[valid] = numbers
  return spread


def _packed(kind: int, numbers: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.uint8], Numbers]:
  """Numbers as they stand in a list of a Feature, one behind the other, and how many bytes each has."""
  if kind == _FLOAT_LIST:
    return numbers.astype('<f4', copy=False).view(np.uint8), np.full(numbers.size, 4, np.int64)
  return _varints(numbers.view(np.uint64))


def _varints(bits: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.uint8], Numbers]:
  """64-bit numbers as varints, one behind the other; a negative int is its two's complement, so ten bytes."""
  lengths = np.ones(bits.size, np.int64)
  for width in range(1, 10):
    longer = bits >= np.uint64(1 << 7 * width)
    if not longer.any():
      break
    lengths += longer
  # Eight groups of seven bits become the eight bytes of a word, in three halvings; what is left are two bytes more.
  words = bits & np.uint64((1 << 56) - 1)
  for shift, low in ((28, 0x000000000FFFFFFF), (14, 0x00003FFF00003FFF), (7, 0x007F007F007F007F)):
    words = (words & np.uint64(low)) | ((words & np.uint64(low << shift)) << np.uint64(_HALF[shift]))
  longest = int(lengths.max(initial=1))
  out = np.empty((bits.size, max(longest, 8)), np.uint8)
  out[:, :8] = words.astype('<u8', copy=False).view(np.uint8).reshape(-1, 8)
  for place in range(8, longest):
    out[:, place] = (bits >> np.uint64(7 * place)) & np.uint64(0x7F)
  out = out[:, :longest]
  places = np.arange(longest)
  out |= np.where(places < lengths[:, None] - 1, np.uint8(0x80), np.uint8(0))
  return out[places < lengths[:, None]], lengths


# How far the upper half of a word moves when its groups, of so many bits, are set apart.
_HALF = {28: 4, 14: 2, 7: 1}


def _offsets(column: pa.Array) -> npt.NDArray[np.int32]:
  """Where each value begins in the array's buffer, and where the last ends."""
  if not len(column):
    return np.zeros(1, np.int32)
  return np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]


def _binary(data: npt.NDArray[np.uint8], lengths: Numbers) -> pa.BinaryArray:
  """Values that lie one behind the other."""
  return _from_buffers(lengths.size, None, np.concatenate([[0], np.cumsum(lengths)]), data)


def _from_buffers(size: int, validity: pa.Buffer | None, offsets: Numbers, data: object) -> pa.BinaryArray:
  return pa.BinaryArray.from_buffers(
    pa.binary(), size, [validity, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
  )


def _join(size: int, *pieces: pa.Array | pa.Scalar) -> pa.BinaryArray:
  """The pieces side by side, row by row: `size` bytes in all."""
  if size > _LARGEST_BUFFER:
    raise ValueError(f'{size:,} bytes are more than an Arrow array of binary holds: encode fewer rows at a time')
  return pc.binary_join_element_wise(*pieces, pa.scalar(b'', pa.binary()), null_handling='replace', null_replacement='')
