"""Data to judge, drawn from distributions, with the statistics that a run makes of it."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from beam_taxi.analysis.accumulator_bytes import to_bytes
from beam_taxi.analysis.accumulators import Accumulator
from beam_taxi.analysis.feature_statistics import dataset_of_all_rows
from beam_taxi.analysis.statistics_proto import to_statistics
from beam_taxi.validation.split_data import SplitData


def data_of(columns: Mapping[str, Sequence[object]], *, ours: bool = True) -> SplitData:
  """A split with these columns: of strings, of ints or of floats. Without `ours`, as another tool's statistics."""
  arrays = {}
  for name, values in columns.items():
    array = pa.array(values)
    kinds = {pa.float64(): pa.float32(), pa.string(): pa.binary()}
    arrays[name] = array.cast(kinds.get(array.type, array.type))
  accumulator = Accumulator()
  accumulator.add(pa.RecordBatch.from_pydict(arrays), empty_is_missing=False)
  dataset = dataset_of_all_rows(to_statistics(accumulator))
  assert dataset is not None
  accumulator.compact()
  return SplitData.of(dataset, to_bytes(accumulator) if ours else b'')
