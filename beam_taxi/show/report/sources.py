"""What a report is of: a run, by its folder or by a store, or statistics by themselves."""

import dataclasses
import datetime
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0.schema_pb2 import Schema
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beam_taxi import storage
from beam_taxi.analysis.feature_statistics import DatasetStatistics, by_slice, of_all_rows, read_statistics
from beam_taxi.analysis.schema import read_schema
from beam_taxi.artifacts.manifest import Manifest, RunFolder, Value, read_manifest
from beam_taxi.errors import UserError
from beam_taxi.show.report.lineage_picture import Picture, picture_of_manifest
from beam_taxi.validation.findings import Finding, from_json

if TYPE_CHECKING:  # Workers, which draw reports too, need no ML Metadata.
  from beam_taxi.metadata.runs import Run

_STATISTICS = 'FeatureStats.pb'
_SPLIT = 'Split-'


@dataclasses.dataclass(frozen=True)
class Source:
  """Something to report of.

  Attributes:
    name: the run's id, or what names the statistics.
    datasets: the statistics, by split.
    schema: the schema, and in `curated` the file that gave it, where statistics did not make it.
    manifest: what a run made; None where it made nothing, and of statistics alone.
    state: the run's, as its store has it; COMPLETE by a manifest; '' of statistics alone.
    folder: where the run's artifacts are.
    started, seconds: when the run began, and how long it took, where that is known.
    properties: what else is recorded of it.
    picture: its lineage.
    findings: what is wrong with the data, the worst first; None where nobody looked.
  """

  name: str
  datasets: Mapping[str, DatasetStatistics]
  schema: Schema | None = None
  curated: str = ''
  manifest: Manifest | None = None
  state: str = ''
  pipeline: str = ''
  folder: str = ''
  started: datetime.datetime | None = None
  seconds: float | None = None
  properties: Mapping[str, Value] = dataclasses.field(default_factory=dict)
  picture: Picture | None = None
  findings: tuple[Finding, ...] | None = None


def source_of_manifest(manifest: Manifest, folder: RunFolder) -> Source:
  """A finished run, by what it wrote.

  Raises:
    UserError: a file of its is not there or not what it should be.
  """
  started = manifest.provenance.get('started')
  began = float(started) if isinstance(started, int | float) else None
  # A folder that was copied elsewhere has the paths of where it was made.
  statistics = {file.split: _of_this(file.path, folder.statistics_file(file.split)) for file in manifest.statistics}
  return Source(
    name=manifest.run_id,
    datasets={split: found for split, path in statistics.items() if (found := of_all_rows(read_statistics(path)))},
    schema=read_schema(_of_this(manifest.schema.path, folder.schema_file)),
    curated=str(manifest.provenance.get('curated_schema', '')),
    manifest=manifest,
    state='COMPLETE',
    pipeline=manifest.pipeline_name,
    folder=folder.uri,
    started=None if began is None else datetime.datetime.fromtimestamp(began, datetime.timezone.utc),
    seconds=None if began is None else manifest.finished - began,
    properties=manifest.provenance,
    picture=picture_of_manifest(manifest, folder),
    findings=_findings(manifest, folder),
  )


def source_of_record(run: 'Run', folder: RunFolder) -> Source:
  """A run as its store has it, complete or not, with what is in the folder of what it made or took.

  Raises:
    UserError: a file that the folder's manifest names is not there or not what it should be.
  """
  manifest = read_manifest(folder)
  return dataclasses.replace(
    source_of_manifest(manifest, folder) if manifest else Source(run.run_id, {}),
    name=run.run_id,
    state=run.state,
    pipeline=run.pipeline_name,
    folder=folder.uri,
    started=run.started,
    seconds=run.seconds,
    properties=run.properties,
  )


def source_of_path(path: str) -> Source:
  """A run's folder, a folder of Split-NAME/FeatureStats.pb, or such a file.

  Raises:
    UserError: it is none of these, or cannot be read.
  """
  where = os.path.abspath(path) if storage.is_local(path) else path.rstrip('/')
  if where.endswith('.pb'):
    parts = where.split('/')
    split = parts[-2].removeprefix(_SPLIT) if len(parts) > 1 and parts[-2].startswith(_SPLIT) else ''
    return source_of_statistics(read_statistics(where), path, split)
  folder = RunFolder(where)
  if manifest := read_manifest(folder):
    return source_of_manifest(manifest, folder)
  files = storage.match(storage.join(where, f'{_SPLIT}*', _STATISTICS))
  if not files:
    raise UserError(f'{path}: no run folder (manifest.json), and no statistics (FeatureStats.pb, or folders with it)')
  datasets = {}
  for file in sorted(name for name, _ in files):
    if found := of_all_rows(read_statistics(file)):
      datasets[file.split('/')[-2].removeprefix(_SPLIT)] = found
  return Source(path, datasets)


def source_of_statistics(statistics: DatasetFeatureStatisticsList, name: str, split: str = '') -> Source:
  """Statistics by themselves; where the list has several datasets, they stand for splits."""
  return Source(name, by_slice(statistics, split))


def partners(first: Source, second: Source) -> dict[str, str]:
  """Which split of one source is compared with which of another: those of one name, or, where none agree, in order."""
  same = {split: split for split in first.datasets if split in second.datasets}
  return same or dict(zip(first.datasets, second.datasets, strict=False))


def _findings(manifest: Manifest, folder: RunFolder) -> tuple[Finding, ...] | None:
  if not manifest.verdict:
    return None
  path = _of_this(manifest.files('findings')[0].path, folder.findings)
  return from_json(storage.read_bytes(path), path)


def _of_this(recorded: str, here: str) -> str:
  return recorded if storage.exists(recorded) else here
