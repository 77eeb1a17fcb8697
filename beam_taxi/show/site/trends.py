"""What the statistics of runs say of their features, run by run.

Files are read of a store's newest runs only, those that can be read.
"""

import concurrent.futures
import dataclasses
import functools
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence

from beam_taxi import storage
from beam_taxi.analysis.feature_statistics import DatasetStatistics, of_all_rows, read_statistics
from beam_taxi.analysis.figures import COUNT, FIGURES, SHARE, Figure, Value, figures_of
from beam_taxi.errors import UserError
from beam_taxi.show.site.charts import Sparkline, sparkline
from beam_taxi.show.site.store_contents import Artifact, Records, RunRecord
from beam_taxi.steps import STATISTICS

# The trends of a feature by the keys of their figures, each the first of these that applies to the feature; and what a
# run's page has of each feature.
TRENDS = (('missing',), ('mean', 'unique'))
OF_RUN = ('missing', 'mean', 'min', 'max', 'unique', 'common')

_READ = tuple(dict.fromkeys([*itertools.chain.from_iterable(TRENDS), *OF_RUN]))

# Files that are read at a time, most of whose time may be a network's.
_READERS = 16


@dataclasses.dataclass(frozen=True)
class Feature:
  """A feature in a split.

  Attributes:
    kind: TFDV's name of its type, as in 'INT', 'FLOAT' or 'STRING'.
    figures: by key, those that apply to it; None where there is no number.
  """

  kind: str
  figures: Mapping[str, Value]


@dataclasses.dataclass(frozen=True)
class SplitStatistics:
  """A split's rows and features, by name and in the order of the statistics."""

  rows: int
  features: Mapping[str, Feature]

  @property
  def by_name(self) -> dict[str, Feature]:
    """The features in the order of the alphabet."""
    return dict(sorted(self.features.items(), key=_alphabetical))


# The statistics of a run, by split.
RunStatistics = Mapping[str, SplitStatistics]


def read_records_statistics(records: Records, newest: int) -> dict[tuple[str, str], RunStatistics]:
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
  return next((artifact for artifact in artifacts if artifact.type == STATISTICS.name), None)


def _read(artifact: Artifact) -> RunStatistics:
  found = {}
  for split in _splits(artifact):
    try:
      dataset = of_all_rows(read_statistics(storage.join(artifact.uri, f'Split-{split}', 'FeatureStats.pb')))
    # Whatever a file system or Beam raises for what is gone, is another machine's, or may not be read.
    except (OSError, ValueError, RuntimeError, UserError, ImportError):
      continue
    if dataset:
      found[split] = summary_of(dataset)
  return found


def _splits(artifact: Artifact) -> Sequence[str]:
  try:
    names = json.loads(str(artifact.properties.get('split_names') or '[]'))
  except ValueError:
    return ()
  return [name for name in names if isinstance(name, str)] if isinstance(names, list) else ()


def summary_of(dataset: DatasetStatistics) -> SplitStatistics:
  """What is shown of a split's statistics."""
  return SplitStatistics(
    dataset.rows,
    {
      name: Feature(feature.type, {key: _known(key, value) for key, value in figures_of(feature, _READ).items()})
      for name, feature in dataset.features.items()
    },
  )


def _known(key: str, value: Value) -> Value:
  """A figure that can be drawn: what there is none of counts 0, and what is not finite is None."""
  if value is None and FIGURES[key].unit == COUNT:
    return 0
  return None if isinstance(value, float) and not math.isfinite(value) else value


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


@dataclasses.dataclass(frozen=True)
class Trend:
  """A figure of a feature run by run, and its line."""

  figure: Figure
  values: Sequence[float | None]

  @property
  def title(self) -> str:
    name = self.figure.name
    return f'{name} share' if self.figure.unit == SHARE and not name.endswith('share') else name

  @property
  def noun(self) -> str:
    """What follows a number that counts something: ' distinct'."""
    return f' {self.figure.name.lower()}' if self.figure.unit == COUNT else ''

  @functools.cached_property
  def line(self) -> Sparkline | None:
    return sparkline(self.values)


@dataclasses.dataclass(frozen=True)
class FeatureTrends:
  """A feature's trends: for each of TRENDS one, or None where no figure of it applies."""

  name: str
  kind: str
  trends: Sequence[Trend | None]


def headings() -> list[str]:
  """The names of TRENDS, as in 'Mean or distinct'."""
  names = [[FIGURES[key].name for key in keys] for keys in TRENDS]
  return [' or '.join([first, *(name.lower() for name in others)]) for first, *others in names]


def trends_of(read: Sequence[RunStatistics], split: str) -> list[FeatureTrends]:
  """The trends of a split's features over runs, the newest of which is last; by name."""
  of_runs = [statistics[split].features if split in statistics else {} for statistics in read]
  newest = {name: feature for features in of_runs for name, feature in features.items()}
  return [
    FeatureTrends(
      name, feature.kind, [_trend(keys, feature, [features.get(name) for features in of_runs]) for keys in TRENDS]
    )
    for name, feature in sorted(newest.items(), key=_alphabetical)
  ]


def _trend(keys: Sequence[str], newest: Feature, of_runs: Sequence[Feature | None]) -> Trend | None:
  key = next((key for key in keys if key in newest.figures), '')
  if not key:
    return None
  values = [feature.figures.get(key) if feature else None for feature in of_runs]
  return Trend(FIGURES[key], [None if isinstance(value, str) else value for value in values])


def _alphabetical(item: tuple[str, Feature]) -> tuple[str, str]:
  return item[0].casefold(), item[0]
