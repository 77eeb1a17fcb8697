"""Batches as TFDV's own decoder makes them of the same Examples."""

import pyarrow as pa
import pytest

from beam_taxi.examples.list_columns import to_list_columns

BATCH = pa.RecordBatch.from_pydict(
  {
    'i': pa.array([1, None, 3], pa.int64()),
    'f': pa.array([None, None, 0.5], pa.float32()),
    'b': pa.array([b'x', b'', b'y'], pa.binary()),
    'n': pa.nulls(3),
  }
)


@pytest.mark.parametrize(('empty_cells', 'none'), [('empty', []), ('missing', None)], ids=['empty', 'missing'])
def test_each_value_is_a_list_and_each_null_what_was_asked_for(empty_cells: str, none: list[int] | None) -> None:
  found = to_list_columns(BATCH, empty_cells)

  assert found.to_pydict() == {
    'i': [[1], none, [3]],
    'f': [none, none, [0.5]],
    'b': [[b'x'], [b''], [b'y']],
    'n': [None, None, None],
  }
  assert found.schema.types == [
    pa.large_list(pa.int64()),
    pa.large_list(pa.float32()),
    pa.large_list(pa.binary()),
    pa.null(),
  ]


@pytest.mark.parametrize('empty_cells', ['empty', 'missing'])
def test_a_part_of_a_batch_is_what_that_part_of_the_whole_is(empty_cells: str) -> None:
  whole = to_list_columns(BATCH, empty_cells)

  assert to_list_columns(BATCH.slice(1, 2), empty_cells).to_pydict() == whole.slice(1, 2).to_pydict()


@pytest.mark.parametrize('empty_cells', ['empty', 'missing'])
def test_a_batch_without_rows_stays_one(empty_cells: str) -> None:
  found = to_list_columns(BATCH.slice(0, 0), empty_cells)

  assert (found.num_rows, found.schema.names) == (0, ['i', 'f', 'b', 'n'])


@pytest.mark.parametrize('empty_cells', ['empty', 'missing'])
def test_every_list_is_valid_arrow(empty_cells: str) -> None:
  to_list_columns(BATCH, empty_cells).validate(full=True)
