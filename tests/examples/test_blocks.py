"""A block's records go to the same splits in either format, and a block that grows a lot is taken in pieces."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from beam_taxi.examples.blocks import encode_block, pieces
from beam_taxi.examples.splits import Split
from beam_taxi.examples.tfrecord import encode_records
from beam_taxi.settings.config import RunConfig

ROWS = pa.RecordBatch.from_arrays(
  [pa.array([None if n % 5 == 0 else n for n in range(300)]), pa.array([b'%d' % (n % 7) for n in range(300)])],
  names=['number', 'name'],
)


def config(**changed: Any) -> RunConfig:
  return RunConfig(('a.csv',), 'out', 'run', **changed)


@pytest.mark.parametrize('partition_feature', ['', 'name'])
def test_rows_and_records_of_a_split_are_the_same_ones_in_either_format(partition_feature: str) -> None:
  framed = encode_block(ROWS, config(partition_feature=partition_feature).form)
  plain = encode_block(ROWS, config(partition_feature=partition_feature, output_format='parquet').form)

  for split in range(2):
    rows = framed.rows(split)
    assert 0 < rows.num_rows < ROWS.num_rows
    assert framed.records[split] == encode_records(rows, 'empty')
    assert plain.rows(split) == plain.records[split] == rows


@pytest.mark.parametrize('output_format', ['tfrecord', 'parquet'])
def test_the_only_split_has_all_rows(output_format: str) -> None:
  found = encode_block(ROWS, config(splits=(Split('all', 1),), output_format=output_format).form)

  assert [len(records) for records in found.records] == [300]
  assert found.rows(0) == ROWS


def test_a_block_that_does_not_grow_much_is_one_piece() -> None:
  assert [piece.num_rows for piece in pieces(ROWS, block_size=5000)] == [300]


def test_pieces_have_all_rows_in_order_and_examples_of_a_bounded_size() -> None:
  found = list(pieces(ROWS, block_size=100))

  assert pa.Table.from_batches(found).combine_chunks() == pa.Table.from_batches([ROWS])
  assert max(encode_records(piece, 'empty').nbytes for piece in found) <= 8 * 100
  assert len(found) < 300


def test_a_row_that_is_larger_than_a_piece_is_one() -> None:
  long = pa.RecordBatch.from_arrays([pa.array([b'x' * 10_000] * 3)], names=['a'])

  assert [piece.num_rows for piece in pieces(long, block_size=10)] == [1, 1, 1]


def test_no_rows_are_no_piece() -> None:
  assert list(pieces(ROWS.slice(0, 0), block_size=10)) == []


def test_columns_without_a_value_are_counted_by_their_names() -> None:
  nothing = pa.RecordBatch.from_arrays([pa.nulls(1000), pa.array(np.zeros(1000, np.float32))], names=['n' * 500, 'f'])

  assert len(list(pieces(nothing, block_size=6_000))) > 10
