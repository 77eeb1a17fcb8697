"""Every Example is byte for byte what protobuf's deterministic serialization writes."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from fuzzing import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from beam_taxi.examples.encoding import EmptyCells, encode_examples, encode_features, estimated_size, varint

Value = int | float | bytes
Column = tuple[pa.DataType, list[Value | list[Value] | None]]

# Lengths at which the varint of a value, or of a message around it, takes another byte.
LENGTHS = [0, 1, 2, 100, 110, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 255, 4095, 4096]
LONG_LENGTHS = [16_370, 16_375, 16_376, 16_377, 16_378, 16_383, 16_384, 70_000, 2_097_152]


def serialized(columns: dict[str, Column], row: int, empty_cells: EmptyCells) -> bytes:
  """One row, by protobuf."""
  example = tf.train.Example()
  example.features.SetInParent()
  for name, (kind, values) in columns.items():
    value = values[row]
    if value is None and (empty_cells == 'missing' or is_list(kind)):
      continue
    feature = example.features.feature[name]
    if pa.types.is_null(kind):
      continue
    kind = kind.value_type if is_list(kind) else kind
    field = 'bytes_list' if pa.types.is_binary(kind) else 'int64_list' if pa.types.is_int64(kind) else 'float_list'
    getattr(feature, field).SetInParent()
    if value is not None:
      getattr(feature, field).value.extend(value if isinstance(value, list) else [value])
  return example.SerializeToString(deterministic=True)


def is_list(kind: pa.DataType) -> bool:
  return pa.types.is_list(kind) or pa.types.is_large_list(kind)


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
_FLAT = list(_VALUES)
for kind in _FLAT[:3]:
  _VALUES[pa.list_(kind)] = _VALUES[pa.large_list(kind)] = st.lists(_VALUES[kind], max_size=5)


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
@fuzzed(150)
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
  values: list[Value | list[Value] | None] = [b'x' * length for length in lengths]
  check({name: (pa.binary(), [*values, None])}, 'empty')


LISTS: dict[str, Column] = {
  'ints': (pa.int64(), [list(range(-70, 200)), [], None, [2**63 - 1] * 2000, [1]]),
  'floats': (pa.float32(), [[0.5] * 32, [0.25] * 31, [], None, [1.5] * 5000]),
  'bytes': (pa.binary(), [[b''], [], None, [b'', b'a' * 127, b'b' * 128, b'c' * 70_000], [b'd'] * 300]),
}


@pytest.mark.parametrize('list_of', [pa.list_, pa.large_list], ids=['list', 'large_list'])
@pytest.mark.parametrize('column', LISTS.values(), ids=LISTS)
def test_lists_of_any_length_are_encoded_as_protobuf_does(column: Column, list_of: Callable[..., pa.DataType]) -> None:
  check({'list': (list_of(column[0]), column[1])}, 'empty')


@pytest.mark.parametrize('kind', [pa.int64(), pa.binary()], ids=['ints', 'bytes'])
def test_what_lies_below_a_null_in_arrows_buffers_is_not_encoded(kind: pa.DataType) -> None:
  values = [b'a', b'bc', b'def'] if pa.types.is_binary(kind) else [1, 300, 70_000]
  lists = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), pa.array(values, kind))
  # The second row's list, and in the other column its value, is still in the buffer.
  validity = pa.py_buffer(b'\x05')
  hidden = pa.Array.from_buffers(lists.type, 3, [validity, lists.buffers()[1]], children=[lists.values])
  flat = pa.Array.from_buffers(kind, 3, [validity, *lists.values.buffers()[1:]])

  found = encode_examples(pa.RecordBatch.from_arrays([hidden, flat], names=['l', 'f']), 'missing').to_pylist()

  columns: dict[str, Column] = {
    'l': (pa.list_(kind), [[values[0]], None, [values[2]]]),
    'f': (kind, [values[0], None, values[2]]),
  }
  assert found == [serialized(columns, row, 'missing') for row in range(3)]


@pytest.mark.parametrize('rows', [10, 5000], ids=['few_rows', 'many_rows'])
@pytest.mark.parametrize('lowest', [0, -3, 2**62, -(2**63)])
def test_ints_that_lie_close_together_are_encoded_as_protobuf_does(lowest: int, rows: int) -> None:
  numbers: list[Value | list[Value] | None] = [None if row % 7 == 0 else lowest + row % 50 for row in range(rows)]
  check({'few': (pa.int64(), numbers)}, 'empty')


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
  check({kind: (kind_type, []) for kind, kind_type in zip('ifbnIJFGBC', _VALUES, strict=True)}, empty_cells)


@pytest.mark.parametrize('empty_cells', ['empty', 'missing'])
def test_rows_of_nulls_alone_are_encoded_as_protobuf_does(empty_cells: EmptyCells) -> None:
  check({kind: (kind_type, [None, None]) for kind, kind_type in zip('ifbnIJFGBC', _VALUES, strict=True)}, empty_cells)


def test_a_null_within_a_list_is_refused() -> None:
  batch = pa.RecordBatch.from_arrays([pa.array([[1, None]], pa.list_(pa.int64()))], names=['l'])

  with pytest.raises(ValueError, match='null'):
    encode_examples(batch, 'empty')


def test_more_than_2_gib_of_examples_are_refused_before_memory_is_taken() -> None:
  batch = pa.RecordBatch.from_arrays([pa.nulls(2100)], names=['n' * 2**20])

  with pytest.raises(ValueError, match='encode fewer rows'):
    encode_examples(batch, 'empty')


@pytest.mark.parametrize('empty_cells', ['empty', 'missing'])
@fuzzed(50)
@given(columns=_columns())
def test_a_column_alone_gives_the_features_of_its_examples(columns: dict[str, Column], empty_cells: EmptyCells) -> None:
  for name, (kind, values) in columns.items():
    found = encode_features(pa.array(values, kind), empty_cells).to_pylist()
    for row, feature in enumerate(found):
      example = tf.train.Example.FromString(serialized({name: (kind, values)}, row, empty_cells))
      expected = example.features.feature[name] if name in example.features.feature else tf.train.Feature()
      assert feature == expected.SerializeToString(deterministic=True)


def test_what_stands_before_and_after_an_example_follows_from_its_size() -> None:
  batch = pa.RecordBatch.from_arrays([pa.array([b'', b'x' * 200, None], pa.binary())], names=['b'])
  plain = encode_examples(batch, 'missing').to_pylist()

  framed = encode_examples(batch, 'missing', lambda size: b'<%d>' % size, b'|').to_pylist()

  assert framed == [b'<%d>%s|' % (len(example), example) for example in plain]


def test_the_size_of_examples_is_estimated_from_names_and_values() -> None:
  values = pa.array([b'x' * (row % 50) for row in range(1000)], pa.binary())
  numbers = pa.array(np.arange(1000, dtype=np.float32))
  batch = pa.RecordBatch.from_arrays([values, numbers], names=['a_long_name_of_a_column', 'b'])

  size = sum(map(len, encode_examples(batch, 'empty').to_pylist()))

  assert size <= estimated_size(batch) <= 2 * size


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
