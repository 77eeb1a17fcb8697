"""The kernel encodes and splits rows exactly as the Python does that it stands for."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pytest
from fuzzing import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from beam_taxi.examples.encoding import EmptyCells
from beam_taxi.examples.feature_order import feature_order
from beam_taxi.examples.splits import Split
from beam_taxi.examples.splitting import assign_splits, limits
from beam_taxi.examples.tfrecord import encode_records
from beam_taxi.kernel.examples import encode
from beam_taxi.kernel.library import library

WITH_INSTRUCTIONS, PORTABLE = 1, 0
SPLITS = (Split('train', 2), Split('eval', 1))


@pytest.fixture(params=[WITH_INSTRUCTIONS, PORTABLE], ids=['instructions', 'portable'], autouse=True)
def instructions(request: pytest.FixtureRequest) -> Iterator[None]:
  """The processor's instructions, where it has them, and the code for processors that have not."""
  loaded = library()
  assert loaded
  loaded.beam_taxi_use_instructions(request.param)
  yield
  loaded.beam_taxi_use_instructions(WITH_INSTRUCTIONS)


def check(batch: pa.RecordBatch, empty_cells: EmptyCells, splits: Sequence[Split]) -> None:
  """Compares the two."""
  chosen = np.zeros(0, np.int32)

  def choose(examples: list[bytes]) -> None:
    nonlocal chosen
    chosen = np.append(chosen, assign_splits(examples, splits))

  expected = encode_records(batch, empty_cells, choose)
  order, missing = feature_order(batch.schema.names, 'upb'), empty_cells == 'missing'

  records, found = encode(batch, order, missing=missing, limits=limits(splits))
  given_records, _ = encode(batch, order, missing=missing, limits=limits(splits), chosen=chosen)
  none, found_alone = encode(batch, order, missing=missing, limits=limits(splits), keep=False)

  assert len(records) == len(splits)
  if len(splits) == 1:
    assert found is None
    chosen = np.zeros(batch.num_rows, np.int32)
  else:
    assert found is not None
    assert found_alone is not None
    np.testing.assert_array_equal(found, chosen)
    np.testing.assert_array_equal(found_alone, chosen)
  assert none == []
  for index, each in enumerate(records):
    each.validate(full=True)
    assert each.equals(expected.filter(pa.array(chosen == index)))
    assert given_records[index].equals(each)


_VALUES = {
  pa.int64(): st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300),
  pa.float32(): st.floats(width=32),
  pa.binary(): st.binary(max_size=20) | st.sampled_from([119, 127, 128, 129, 300, 20_000]).map(bytes),
  pa.null(): st.none(),
}
for flat in list(_VALUES)[:3]:
  _VALUES[pa.list_(flat)] = _VALUES[pa.large_list(flat)] = st.lists(_VALUES[flat], max_size=5)


@st.composite
def batches(draw: st.DrawFn) -> pa.RecordBatch:
  """Any columns; parts of a longer batch, so that buffers begin elsewhere than rows do."""
  rows, before, behind = draw(st.integers(0, 8)), draw(st.integers(0, 9)), draw(st.integers(0, 2))
  names = draw(st.lists(st.sampled_from(['a', 'ab', 'é', 'a\0b', '', 'n' * 62, 'n' * 200]), max_size=5, unique=True))
  columns = []
  for _ in names:
    kind = draw(st.sampled_from(list(_VALUES)))
    values = _VALUES[kind] if draw(st.booleans()) else st.none() | _VALUES[kind]
    total = before + rows + behind
    columns.append(pa.array(draw(st.lists(values, min_size=total, max_size=total)), kind).slice(before, rows))
  return pa.RecordBatch.from_arrays(columns or [pa.nulls(rows)], names=names or ['x'])


@given(
  batches(),
  st.sampled_from(['empty', 'missing']),
  st.lists(st.integers(1, 2**29), min_size=1, max_size=7) | st.just([2, 1]),
)
@fuzzed(300)
def test_random_batches_are_encoded_and_split_as_by_python(
  batch: pa.RecordBatch, empty_cells: EmptyCells, buckets: list[int]
) -> None:
  check(batch, empty_cells, [Split(f's{number}', size) for number, size in enumerate(buckets)])


@pytest.mark.parametrize('size', [*range(40, 70), *range(100, 135), 1000, 70_000])
def test_examples_of_any_length_are_hashed_right(size: int) -> None:
  batch = pa.RecordBatch.from_arrays(
    [pa.array([bytes(n % 256 for n in range(size - k)) for k in range(3)])], names=['a']
  )

  check(batch, 'empty', [Split('a', 1000), Split('b', 1001), Split('c', 999)])


def test_a_list_with_a_null_in_it_is_refused() -> None:
  batch = pa.RecordBatch.from_arrays([pa.array([[1, None]])], names=['a'])

  with pytest.raises(ValueError, match='a list with a null in it'):
    encode(batch, [0], missing=False, limits=[1])


@pytest.mark.parametrize('kind', [pa.float64(), pa.string(), pa.list_(pa.null())], ids=str)
def test_a_column_of_another_type_is_refused(kind: pa.DataType) -> None:
  batch = pa.RecordBatch.from_arrays([pa.array([None], kind)], names=['a'])

  with pytest.raises(TypeError, match='has no place in a tf.Example'):
    encode(batch, [0], missing=False, limits=[1])


@pytest.mark.parametrize('instructions', [WITH_INSTRUCTIONS], indirect=True, ids=['instructions'])
def test_records_of_2_gib_are_refused_and_shorter_ones_are_not() -> None:
  rows = 1024
  # A column without a value has records of this length, but for its name.
  around = len(encode(with_name(2**20), [0], missing=False, limits=[1])[0][0][0].as_py()) - 2**20
  longest = (2**31 - 1) // rows - around

  [records], _ = encode(with_name(longest, rows), [0], missing=False, limits=[1])

  assert pa.compute.sum(pa.compute.binary_length(records)).as_py() == rows * (longest + around)
  with pytest.raises(ValueError, match='encode fewer rows at a time'):
    encode(with_name(longest + 1, rows), [0], missing=False, limits=[1])


def with_name(length: int, rows: int = 1) -> pa.RecordBatch:
  return pa.RecordBatch.from_arrays([pa.nulls(rows)], names=['n' * length])


def test_what_other_threads_do_with_memory_does_not_matter() -> None:
  batch = pa.RecordBatch.from_arrays([pa.array(range(50_000))], names=['number'])
  expected = assign_splits(
    [each.as_py()[12:-4] for each in encode(batch, [0], missing=False, limits=[3])[0][0]], SPLITS
  )
  ended = threading.Event()

  def allocate() -> None:
    while not ended.is_set():
      # Of the size of the kernel's limits.
      np.full(len(SPLITS), 2**31, np.uint64)

  with ThreadPoolExecutor(1) as pool:
    pool.submit(allocate)
    found = [encode(batch, [0], missing=False, limits=limits(SPLITS))[1] for _ in range(10)]
    ended.set()

  for chosen in found:
    np.testing.assert_array_equal(chosen, expected)


def test_records_outlive_the_rows_that_they_were_made_of() -> None:
  batch = pa.RecordBatch.from_arrays([pa.array([bytes([n]) * 1000 for n in range(250)])], names=['a'])
  expected = encode_records(batch, 'empty').to_pylist()

  [records], _ = encode(batch, [0], missing=False, limits=[1])
  del batch
  others = [np.full(1000, 7) for _ in range(1000)]

  assert records.to_pylist() == expected
  assert len(others) == 1000
