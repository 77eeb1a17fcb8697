"""Accumulators as bytes, for a shuffle and for a file: version 1.

They are an Arrow IPC stream of one RecordBatch with a row for each feature, in the features' order; its buffers are
compressed with Zstandard. The schema's metadata has the version, under VERSION_KEY, and how many rows were seen, under
'rows'. What a feature does not have is null.

| column | is |
| --- | --- |
| name, type | the feature's; type is INT, FLOAT, STRING or '' |
| present, values | rows that have it, and its values |
| zeros, nan, infinite, min, max, finite_min, finite_max | of numbers; `infinite` counts +inf |
| count, mean, variance | of the numbers that are not NaN |
| levels, points, point_counts | the quantiles' sketch: of each point its level, its value and how many it stands for |
| bytes, not_utf8 | of strings |
| strings, string_counts | the strings that are counted, and how often each occurs |
| error, hashes | of strings of which not all are counted; `hashes` is null where all are |
| most_strings, most_bytes | the limits up to which all are counted |
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from beam_taxi.analysis.accumulators import Accumulator, Feature, Moments, Numbers, Strings
from beam_taxi.analysis.quantile_sketch import QuantileSketch, Summary
from beam_taxi.analysis.string_counts import Counted, Limits, StringCounts
from beam_taxi.errors import UserError

VERSION = 1
VERSION_KEY = 'beam_taxi.statistics'

_NUMBERS = ('zeros', 'nan', 'infinite', 'min', 'max', 'finite_min', 'finite_max')
_MOMENTS = ('count', 'mean', 'variance')
_STRINGS = ('bytes', 'not_utf8')
_WHOLE = {'present', 'values', 'zeros', 'nan', 'infinite', 'count', 'bytes', 'not_utf8', 'error'}
_WHOLE |= {'most_strings', 'most_bytes'}


def to_bytes(accumulator: Accumulator) -> bytes:
  """An accumulator as bytes, the same of the same."""
  features = list(accumulator.features.values())
  numbers = [feature.numbers for feature in features]
  strings = [feature.strings for feature in features]
  counts = [each and each.counts for each in strings]
  columns = {
    'name': pa.array(list(accumulator.features), pa.string()),
    'type': pa.array([feature.type for feature in features], pa.string()),
    **_fields(('present', 'values'), features),
    **_fields(_NUMBERS, numbers),
    **_fields(_MOMENTS, [each and each.moments for each in numbers]),
    **_points(numbers),
    **_fields(_STRINGS, strings),
    'strings': _lists([each and each.counted.strings for each in counts], pa.large_binary()),
    'string_counts': _lists([each and each.counted.counts for each in counts], pa.int64()),
    'hashes': _lists([each and each.hashes for each in counts], pa.uint64()),
    **_fields(('error',), counts),
    'most_strings': pa.array([each and each.limits.strings for each in counts], pa.int64()),
    'most_bytes': pa.array([each and each.limits.bytes for each in counts], pa.int64()),
  }
  batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
  batch = batch.replace_schema_metadata({VERSION_KEY: str(VERSION), 'rows': str(accumulator.rows)})
  sink = pa.BufferOutputStream()
  with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression='zstd')) as writer:
    writer.write_batch(batch)
  return bytes(sink.getvalue())


def from_bytes(data: bytes) -> Accumulator:
  """The accumulator that these bytes are. Raises UserError where they are none, or of another version."""
  try:
    with pa.ipc.open_stream(data) as reader:
      metadata = {key.decode(): value.decode() for key, value in (reader.schema.metadata or {}).items()}
      version = metadata.get(VERSION_KEY, '')
      if version != str(VERSION):
        known = f'of version {version}' if version else 'without a version'
        raise UserError(f'these partial statistics are {known}, and only version {VERSION} can be read')
      [batch] = reader
  except (pa.ArrowInvalid, OSError, ValueError) as error:
    raise UserError('these are no partial statistics, or they are damaged') from error
  columns = {name: _values(column) for name, column in zip(batch.schema.names, batch.columns, strict=True)}
  rows = ({name: column[row] for name, column in columns.items()} for row in range(batch.num_rows))
  return Accumulator(int(metadata['rows']), {row['name']: _feature(row) for row in rows})


def _feature(row: dict[str, Any]) -> Feature:
  feature = Feature(row['type'], row['present'], row['values'])
  if row['zeros'] is not None:
    moments = Moments(*(row[name] for name in _MOMENTS))
    sketch = _sketch(row['levels'], row['points'], row['point_counts'])
    feature.numbers = Numbers(**{name: row[name] for name in _NUMBERS}, moments=moments, sketch=sketch)
  if row['bytes'] is not None:
    limits = Limits(row['most_strings'], row['most_bytes'])
    counted = Counted(row['strings'], np.array(row['string_counts']))
    hashes = None if row['hashes'] is None else np.array(row['hashes'])
    feature.strings = Strings(row['bytes'], row['not_utf8'], StringCounts(limits, counted, row['error'], hashes))
  return feature


def _sketch(levels: pa.Array, points: pa.Array, counts: pa.Array) -> QuantileSketch:
  number, values, weights = np.array(levels), np.array(points), np.array(counts)
  ends = np.searchsorted(number, np.arange(number[-1] + 2 if len(number) else 1))
  parts = (Summary(values[start:end], weights[start:end]) for start, end in itertools.pairwise(ends))
  return QuantileSketch([part if len(part) else None for part in parts])


def _fields(names: Iterable[str], parts: Sequence[Any]) -> dict[str, pa.Array]:
  """A column for each attribute of what a feature may have."""
  return {
    name: pa.array([part and getattr(part, name) for part in parts], pa.int64() if name in _WHOLE else pa.float64())
    for name in names
  }


def _points(numbers: Sequence[Numbers | None]) -> dict[str, pa.Array]:
  parts = [each and each.sketch.parts() for each in numbers]
  kinds = {'levels': pa.int32(), 'points': pa.float64(), 'point_counts': pa.int64()}
  return {
    name: _lists([part and part[place] for part in parts], kind) for place, (name, kind) in enumerate(kinds.items())
  }


def _lists(parts: Sequence[Any], kind: pa.DataType) -> pa.LargeListArray:
  """One list a feature, of an array of Arrow's or numpy's; null of one that has none."""
  lengths = np.array([0 if part is None else len(part) for part in parts], np.int64)
  offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
  # A null offset makes a null list; the last only ends the last list.
  missing = np.array([*(part is None for part in parts), False])
  found = [part if isinstance(part, pa.Array) else pa.array(part, kind) for part in parts if part is not None]
  content = pa.concat_arrays(found) if found else pa.array([], kind)
  return pa.LargeListArray.from_arrays(pa.array(offsets, mask=missing), content)


def _values(column: pa.Array) -> Sequence[Any]:
  """A column's values, of which lists stay arrays."""
  if not pa.types.is_large_list(column.type):
    return list(column.to_pylist())
  offsets, content = np.asarray(column.offsets), column.values
  valid = np.asarray(column.is_valid())
  return [
    content.slice(start, end - start) if there else None
    for (start, end), there in zip(itertools.pairwise(offsets.tolist()), valid, strict=True)
  ]
