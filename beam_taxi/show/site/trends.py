"""What the statistics of runs say of their features, run by run.

Files are read of a store's newest runs only, those that can be read; TFDV is not needed for it.
"""

import concurrent.futures
import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0.statistics_pb2 import (
  CommonStatistics,
  DatasetFeatureStatistics,
  DatasetFeatureStatisticsList,
  FeatureNameStatistics,
)

from beam_taxi import storage
from beam_taxi.metadata.types import EXAMPLE_STATISTICS
from beam_taxi.show.site.store_contents import Artifact, Records, RunRecord

# Files that are read at a time, most of whose time may be a network's.
_READERS = 16

_NUMBERS = (FeatureNameStatistics.INT, FeatureNameStatistics.FLOAT)
_NAMES = {number: name for name, number in FeatureNameStatistics.Type.items()}


@dataclasses.dataclass(frozen=True)
class Feature:
  """A feature in a split.

  Attributes:
    kind: TFDV's name of its type, as in 'INT', 'FLOAT' or 'STRING'.
    missing: the share of rows without a value; None without rows.
    mean, least, largest: of numbers that are finite; None where there are none.
    distinct: how many strings there are; None for numbers.
    common: the most common string; '' for numbers.
  """

  kind: str
  missing: float | None
  mean: float | None
  least: float | None
  largest: float | None
  distinct: int | None
  common: str


@dataclasses.dataclass(frozen=True)
class SplitStatistics:
  """A split's rows and features, by name and in the order of the statistics."""

  rows: int
  features: Mapping[str, Feature]


# The statistics of a run, by split.
RunStatistics = Mapping[str, SplitStatistics]


def read_statistics(records: Records, newest: int) -> dict[tuple[str, str], RunStatistics]:
  """The statistics of each pipeline's newest runs, by the runs' keys; of those runs whose files can be read.

  Args:
    records: a store.
    newest: how many runs of each pipeline at most.
  """
  wanted = {
    record.key: artifact
    for runs in records.pipelines.values()
    for record in runs[:newest]
    if (artifact := statistics_artifact(records, record))
  }
  # Many runs may have taken what one made.
  different = {artifact.id: artifact for artifact in wanted.values()}
  with concurrent.futures.ThreadPoolExecutor(_READERS) as pool:
    read = dict(zip(different, pool.map(_read, different.values()), strict=True))
  return {key: read[artifact.id] for key, artifact in wanted.items() if read[artifact.id]}


def statistics_artifact(records: Records, record: RunRecord) -> Artifact | None:
  """The statistics that a run made or took; the first, where there are several."""
  artifacts = (records.artifacts[number] for number in records.outputs_of(record))
  return next((artifact for artifact in artifacts if artifact.type == EXAMPLE_STATISTICS.name), None)


def _read(artifact: Artifact) -> RunStatistics:
  found = {}
  for split in _splits(artifact):
    try:
      data = storage.read_bytes(storage.join(artifact.uri, f'Split-{split}', 'FeatureStats.pb'))
      statistics = DatasetFeatureStatisticsList.FromString(data)
    # Whatever a file system or Beam raises for what is gone, is another machine's, or may not be read.
    except (OSError, ValueError, RuntimeError, DecodeError, ImportError):
      continue
    if statistics.datasets:
      found[split] = summary_of(statistics.datasets[0])
  return found


def _splits(artifact: Artifact) -> Sequence[str]:
  try:
    names = json.loads(str(artifact.properties.get('split_names') or '[]'))
  except ValueError:
    return ()
  return [name for name in names if isinstance(name, str)] if isinstance(names, list) else ()


def summary_of(dataset: DatasetFeatureStatistics) -> SplitStatistics:
  """What is shown of a split's statistics."""
  rows = int(dataset.num_examples)
  return SplitStatistics(rows, {_name(feature): _feature(feature, rows) for feature in dataset.features})


def _name(feature: FeatureNameStatistics) -> str:
  return '.'.join(feature.path.step) if feature.HasField('path') else str(feature.name)


def _feature(feature: FeatureNameStatistics, rows: int) -> Feature:
  numbers, strings = feature.num_stats, feature.string_stats
  is_number = feature.type in _NUMBERS
  kind = feature.WhichOneof('stats')
  common_stats = getattr(feature, kind).common_stats if kind else CommonStatistics()
  values = int(common_stats.tot_num_values)
  # An empty list is a value to TFDV; where no row has more than one, the rows without one are counted exactly.
  missing = rows - values if common_stats.max_num_values <= 1 else int(common_stats.num_missing)
  if is_number and values:
    mean, least, largest = _finite(numbers.mean), _finite(numbers.min), _finite(numbers.max)
  else:
    mean = least = largest = None
  return Feature(
    kind=_NAMES.get(feature.type, ''),
    missing=missing / rows if rows else None,
    mean=mean,
    least=least,
    largest=largest,
    distinct=int(strings.unique) if kind == 'string_stats' else None,
    common=strings.top_values[0].value if strings.top_values else '',
  )


def _finite(value: float) -> float | None:
  return float(value) if math.isfinite(value) else None


def rows_of(statistics: RunStatistics) -> int:
  """The rows of all splits."""
  return sum(split.rows for split in statistics.values())


def splits_of(several: Iterable[RunStatistics]) -> list[str]:
  """The splits of several runs, that with the most rows first."""
  rows: dict[str, int] = {}
  for statistics in several:
    for name, split in statistics.items():
      rows[name] = max(rows.get(name, 0), split.rows)
  return sorted(rows, key=lambda name: (-rows[name], name))
