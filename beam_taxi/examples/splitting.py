"""Which split an Example goes to: by a hash, as TFX's ExampleGen decides.

TFX takes int(sha256(key)) modulo the sum of all hash buckets; the splits' buckets lie side by side in that range. The
key is the serialized Example or, with a partition feature, that one serialized Feature.
(Source: tfx/components/example_gen/base_example_gen_executor.py, _PartitionFn and _GeneratePartitionKey.)
"""

import hashlib
import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from beam_taxi.errors import UserError
from beam_taxi.examples.encoding import EmptyCells, encode_features
from beam_taxi.examples.splits import Split
from beam_taxi.kernel.examples import Chosen

_WORD = 2**32


def limits(splits: Sequence[Split]) -> list[int]:
  """Of each split, how many hash buckets it and those before it have."""
  return list(itertools.accumulate(split.buckets for split in splits))


def assign_splits(keys: Sequence[bytes], splits: Sequence[Split]) -> Chosen:
  """The index of each record's split.

  Args:
    keys: what is hashed of each record.
    splits: the splits and their hash buckets, fewer than splits.MOST_BUCKETS in all.

  Returns:
    One index into `splits` a record.
  """
  sha256 = hashlib.sha256
  digests = b''.join([sha256(key).digest() for key in keys])
  ends = np.array(limits(splits))
  words = np.frombuffer(digests, '>u4').reshape(-1, 8).astype(np.uint64)
  buckets = np.zeros(len(words), np.uint64)
  for place in range(words.shape[1]):
    buckets = (buckets * np.uint64(_WORD) + words[:, place]) % np.uint64(ends[-1])
  return np.searchsorted(ends, buckets.astype(np.int64), side='right').astype(np.int32)


def assign_splits_by_feature(
  rows: pa.RecordBatch, feature: str, splits: Sequence[Split], empty_cells: EmptyCells
) -> Chosen:
  """The index of each row's split, where one feature alone decides: rows with the same value go to the same split.

  Args:
    rows: columns as for encode_examples.
    feature: the name of one of them.
    splits, empty_cells: as for assign_splits and encode_examples.

  Raises:
    UserError: there is no such column, or rows in it that TFX would not take for this either: floats, no value in any
      row, or no feature where a cell is empty.
  """
  check_feature(feature, rows.schema.names)
  column = rows.column(rows.schema.names.index(feature))
  if not len(column):
    return np.zeros(0, np.int32)
  if pa.types.is_null(column.type):
    raise UserError(f'--partition_feature {feature}: no row has a value in this column; choose another')
  if pa.types.is_float32(column.type):
    raise UserError(f'--partition_feature {feature}: is FLOAT, and splits are made by INT and STRING columns only')
  if empty_cells == 'missing' and column.null_count:
    raise UserError(
      f'--partition_feature {feature}: some rows have no value there, and with --empty_cells missing no feature to '
      'decide by; choose another column, or --empty_cells empty'
    )
  values = column.dictionary_encode(null_encoding='encode')
  chosen = assign_splits(encode_features(values.dictionary, empty_cells).to_pylist(), splits)
  found: Chosen = chosen[np.asarray(values.indices)]
  return found


def check_feature(feature: str, columns: Sequence[str]) -> None:
  """Raises UserError where no column is the partition feature."""
  if feature not in columns:
    raise UserError(f'--partition_feature {feature}: no such column; there are {", ".join(columns)}')
