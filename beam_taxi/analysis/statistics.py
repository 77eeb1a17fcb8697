"""A run's statistics: what makes them, and the files that hold them."""

from typing import Any, Literal

from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beam_taxi.analysis.tfdv import tfdv
from beam_taxi.artifacts.manifest import WrittenFile, write_file

# By accumulators of each shard, or by tfdv.GenerateStatistics.
StatisticsBy = Literal['shard', 'tfdv']


def tfdv_transform() -> Any:
  """TFDV's transform, RecordBatches -> one DatasetFeatureStatisticsList, with the defaults that StatisticsGen uses."""
  return tfdv().GenerateStatistics(tfdv().StatsOptions())


def write_statistics(statistics: DatasetFeatureStatisticsList, path: str, split: str) -> WrittenFile:
  """Writes a split's statistics as a binary proto, as TFX's StatisticsGen does."""
  return write_file(path, statistics.SerializeToString(deterministic=True), split)
