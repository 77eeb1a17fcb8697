"""A run's statistics: how they are made, and the files that hold them."""

import hashlib

from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beam_taxi.artifacts.manifest import WrittenFile
from beam_taxi.process import native_stderr
from beam_taxi.storage import write_bytes

with native_stderr.withheld():
  import tensorflow_data_validation as tfdv


def generate_statistics() -> tfdv.GenerateStatistics:
  """TFDV's transform, RecordBatches -> one DatasetFeatureStatisticsList, with the defaults that StatisticsGen uses."""
  return tfdv.GenerateStatistics(tfdv.StatsOptions())


def write_statistics(statistics: DatasetFeatureStatisticsList, path: str, split: str) -> WrittenFile:
  """Writes a split's statistics as a binary proto, as TFX's StatisticsGen does."""
  data = statistics.SerializeToString(deterministic=True)
  write_bytes(path, data)
  return WrittenFile(path, hashlib.sha256(data).hexdigest(), split)
