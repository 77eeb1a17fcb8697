"""What is known of a split's data: its statistics and, of our own runs, the sketches of its numbers."""

import dataclasses
from collections.abc import Mapping

from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics

from beam_taxi.analysis.accumulator_bytes import from_bytes
from beam_taxi.analysis.feature_statistics import DatasetStatistics, statistics_of
from beam_taxi.analysis.quantile_sketch import Summary


@dataclasses.dataclass(frozen=True)
class SplitData:
  """A split's data.

  Attributes:
    dataset: its statistics, as TFDV takes them.
    statistics: the same, to be read.
    numbers: the sketches of those of its features that are numbers, by name; none of statistics of other tools.
  """

  dataset: DatasetFeatureStatistics
  statistics: DatasetStatistics
  numbers: Mapping[str, Summary] = dataclasses.field(default_factory=dict)

  @classmethod
  def of(cls, dataset: DatasetFeatureStatistics, accumulator: bytes = b'') -> 'SplitData':
    """Of a split's statistics and the bytes of its accumulator. Raises UserError where these are damaged."""
    features = from_bytes(accumulator).features if accumulator else {}
    numbers = {name: feature.numbers.sketch.summary() for name, feature in features.items() if feature.numbers}
    return cls(dataset, statistics_of(dataset), numbers)
