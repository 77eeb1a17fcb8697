"""Every Example is byte for byte what protobuf's deterministic serialization writes."""

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_taxi.examples.encoding import EmptyCells, encode_examples, varint

Column = tuple[pa.DataType, list[int | float | bytes | None]]

# Lengths at which the varint of a value, or of a message around it, takes another byte.
LENGTHS = [0, 1, 2, 100, 110, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 255, 4095, 4096]
LONG_LENGTHS = [16_370, 16_375, 16_376, 16_377, 16_378, 16_383, 16_384, 70_000, 2_097_152]


def serialized(columns: dict[str, Column], row: int, empty_cells: EmptyCells) -> bytes:
  """One row, by protobuf."""
  example = tf.train.Example()
  example.features.SetInParent()
  for name, (kind, values) in columns.items():
    value = values[row]
    if value is None and empty_cells == 'missing':
      continue
    feature = example.features.feature[name]
    if pa.types.is_null(kind):
      continue
    field = 'bytes_list' if pa.types.is_binary(kind) else 'int64_list' if pa.types.is_int64(kind) else 'float_list'
    getattr(feature, field).SetInParent()
    if value is not None:
      getattr(feature, field).value.append(value)
  return example.SerializeToString(deterministic=True)


def check(columns: dict[str, Column], empty_cells: EmptyCells) -> None:
  arrays = [pa.array(values, kind) for kind, values in columns.values()]
  batch = pa.RecordBatch.from_arrays(arrays, names=list(columns))
  expected = [serialized(columns, row, empty_cells) for row in range(batch.num_rows)]

  found = encode_examples(batch, empty_cells)

  assert found.type == pa.binary()
  assert found.to_pylist() == expected
  # A batch that is a part of another has offsets of its own.
  assert encode_examples(batch.slice(1), empty_cells).to_pylist() == expected[1:]


_VALUES = {
  pa.int64(): st.integers(-(2**63), 2**63 - 1)
  | st.sampled_from([bits for width in range(7, 63, 7) for bits in (2**width - 1, 2**width)]),
  pa.float32(): st.floats(width=32),
  pa.binary(): st.binary(max_size=20) | st.sampled_from(LENGTHS).map(bytes),
  pa.null(): st.none(),
}


@st.composite
def _columns(draw: st.DrawFn) -> dict[str, Column]:
  rows = draw(st.integers(0, 6))
  names = draw(
    st.lists(st.text(min_size=1, max_size=8) | st.sampled_from(['é', 'ﬁ', '𝟙', 'a', 'ab', 'a' * 128]), unique=True)
  )
  columns: dict[str, Column] = {}
  for name in names[:4]:
    try:
      name.encode()
    except UnicodeEncodeError:
      continue
    kind = draw(st.sampled_from(list(_VALUES)))
    values = st.lists(draw(st.sampled_from([_VALUES[kind], st.none() | _VALUES[kind]])), min_size=rows, max_size=rows)
    columns[name] = (kind, draw(values))
  return columns or {'a': (pa.null(), [None] * rows)}


@pytest.mark.parametrize('empty_cells', ['empty', 'missing'])
@settings(max_examples=150, deadline=None)
@given(columns=_columns())
def test_any_batch_is_encoded_as_protobuf_does(columns: dict[str, Column], empty_cells: EmptyCells) -> None:
  check(columns, empty_cells)


NUMBERS: dict[str, Column] = {
  'ints': (pa.int64(), [0, 1, -1, 127, 128, -128, 2**63 - 1, -(2**63), *(2**width for width in range(63))]),
  'floats': (pa.float32(), [0.0, -0.0, float('inf'), float('-inf'), float('nan'), 1e-45, 3.4028234663852886e38]),
  'small_ints': (pa.int64(), [5, 6, None, 7]),
}


@pytest.mark.parametrize('empty_cells', ['empty', 'missing'])
@pytest.mark.parametrize('column', NUMBERS.values(), ids=NUMBERS)
def test_every_kind_of_number_is_encoded_as_protobuf_does(column: Column, empty_cells: EmptyCells) -> None:
  check({'number': column}, empty_cells)


@pytest.mark.parametrize('name', ['a', 'é' * 63, 'a' * 127, 'b' * 128], ids=['short', '126', '127', '128'])
@pytest.mark.parametrize('lengths', [LENGTHS, LENGTHS + LONG_LENGTHS], ids=['short', 'long'])
def test_values_of_any_length_are_encoded_as_protobuf_does(lengths: list[int], name: str) -> None:
  values: list[int | float | bytes | None] = [b'x' * length for length in lengths]
  check({name: (pa.binary(), [*values, None])}, 'empty')


@pytest.mark.parametrize('payload', [0x7FC00001, 0xFFC00000, 0x7F800001], ids=['payload', 'negative', 'signalling'])
def test_the_bits_of_a_nan_are_kept(payload: int) -> None:
  column = pa.array(np.array([payload], np.uint32).view(np.float32))

  [found] = encode_examples(pa.RecordBatch.from_arrays([column], names=['f']), 'empty').to_pylist()

  assert found.endswith(payload.to_bytes(4, 'little'))


ORDERS = {
  'bytes': ['b', 'B', 'a', 'é'],
  # U+FF5E comes before U+1D7D9 by code point and by UTF-8, and after it by UTF-16.
  'utf8': ['～', '𝟙', 'é'],
  'beginnings_of_others': ['trip', 'trip_start', 'tri', 'trip_end', 'trip_', ''],
}


@pytest.mark.parametrize('names', ORDERS.values(), ids=ORDERS)
def test_features_are_in_the_order_that_protobuf_gives_them(names: list[str]) -> None:
  check({name: (pa.int64(), [number]) for number, name in enumerate(names)}, 'empty')


@pytest.mark.parametrize('empty_cells', ['empty', 'missing'])
def test_a_batch_without_rows_has_no_examples(empty_cells: EmptyCells) -> None:
  check({kind: (kind_type, []) for kind, kind_type in zip('ifbn', _VALUES, strict=True)}, empty_cells)


@pytest.mark.parametrize('empty_cells', ['empty', 'missing'])
def test_rows_of_nulls_alone_are_encoded_as_protobuf_does(empty_cells: EmptyCells) -> None:
  check({kind: (kind_type, [None, None]) for kind, kind_type in zip('ifbn', _VALUES, strict=True)}, empty_cells)


def test_a_column_of_another_type_is_refused_by_its_type() -> None:
  batch = pa.RecordBatch.from_arrays([pa.array([True])], names=['b'])

  with pytest.raises(TypeError, match='bool'):
    encode_examples(batch, 'empty')


@pytest.mark.parametrize(
  ('number', 'expected'),
  [(0, b'\x00'), (127, b'\x7f'), (128, b'\x80\x01'), (300, b'\xac\x02'), (2**64 - 1, b'\xff' * 9 + b'\x01')],
)
def test_a_varint_is_as_protobufs_encoding_guide_has_it(number: int, expected: bytes) -> None:
  assert varint(number) == expected
