"""Stores to build sites of: runs as main.py records them, and nodes as TFX records its own."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList, FeatureNameStatistics

from beam_taxi.artifacts.manifest import InputSummary, Manifest, RunFolder, Value, WrittenFile
from beam_taxi.metadata.recording import (
  RecordedRun,
  record_completion,
  record_failure,
  record_reuse,
  record_start,
)

STARTED = 1_767_268_800.0  # 2026-01-01 12:00 UTC


def run_of(folder: pathlib.Path, run_id: str, pipeline: str = 'taxi') -> RecordedRun:
  return RecordedRun(run_id, pipeline, RunFolder.of(str(folder), run_id))


def manifest_of(run: RecordedRun, rows: int = 30, fingerprint: str = 'sha256-sum:ab') -> Manifest:
  return Manifest(
    run_id=run.run_id,
    pipeline_name=run.pipeline_name,
    input=InputSummary(('trips.csv',), 1, 1000, rows, fingerprint),
    columns={'fare': 'FLOAT', 'company': 'STRING'},
    splits={'train': rows - 10, 'eval': 10},
    artifacts={'examples': (), 'statistics': (), 'schema': (WrittenFile(run.folder.schema_file, ''),)},
    versions={},
  )


def complete(
  store: mlmd.MetadataStore, run: RecordedRun, rows: int = 30, number: int = 0, fingerprint: str = 'sha256-sum:ab'
) -> dict[str, int]:
  """Records a run that is complete; the higher its number, the later it began."""
  record_start(store, run, {'started': STARTED + 60 * number})
  return record_completion(store, run, manifest_of(run, rows, fingerprint), {'seconds': 3.5})


def fail(store: mlmd.MetadataStore, run: RecordedRun, error: str, number: int = 0, canceled: bool = False) -> None:
  record_start(store, run, {'started': STARTED + 60 * number})
  record_failure(store, run, error, canceled=canceled)


def reuse(store: mlmd.MetadataStore, run: RecordedRun, earlier: RecordedRun, number: int = 0) -> None:
  record_reuse(store, run, manifest_of(earlier), {'started': STARTED + 60 * number, 'seconds': 0.1})


@dataclasses.dataclass(frozen=True)
class Feature:
  """A feature of statistics: numbers with a mean, or strings with a most common one."""

  name: str
  values: int
  mean: float = 0.0
  common: str = ''


def statistics_of(rows: int, features: Sequence[Feature]) -> DatasetFeatureStatisticsList:
  found = DatasetFeatureStatisticsList()
  dataset = found.datasets.add(num_examples=rows)
  for each in features:
    feature = dataset.features.add()
    feature.path.step.append(each.name)
    if each.common:
      feature.type = FeatureNameStatistics.STRING
      feature.string_stats.unique = 2
      feature.string_stats.top_values.add(value=each.common, frequency=each.values)
      common = feature.string_stats.common_stats
    else:
      feature.type = FeatureNameStatistics.FLOAT
      feature.num_stats.mean, feature.num_stats.min, feature.num_stats.max = each.mean, each.mean - 1, each.mean + 1
      common = feature.num_stats.common_stats
    common.tot_num_values, common.max_num_values = each.values, 1
    common.num_non_missing = rows
  return found


def write_statistics(folder: str, of_splits: Mapping[str, DatasetFeatureStatisticsList]) -> None:
  """Writes statistics where StatisticsGen does."""
  for split, statistics in of_splits.items():
    path = pathlib.Path(folder, f'Split-{split}', 'FeatureStats.pb')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(statistics.SerializeToString())


def values(properties: Mapping[str, Value]) -> dict[str, pb.Value]:
  return {
    name: pb.Value(string_value=value) if isinstance(value, str) else pb.Value(int_value=int(value))
    for name, value in properties.items()
  }


class TfxRun:
  """A run as TFX's LocalDagRunner records it: contexts say whose its executions are, whose names say nothing.

  (Source: tfx/orchestration/portable/mlmd/; the types are in tests/metadata/test_what_tfx_records.py.)
  """

  def __init__(self, store: mlmd.MetadataStore, run_id: str, pipeline: str = 'peer'):
    self._store = store
    self._names = {'pipeline': pipeline, 'pipeline_run': run_id}
    self._pipeline = pipeline

  def step(
    self,
    node: str,
    kind: str,
    state: 'pb.Execution.State' = pb.Execution.COMPLETE,
    inputs: Mapping[str, pb.Artifact] | None = None,
    outputs: Mapping[str, pb.Artifact] | None = None,
  ) -> None:
    """Records an execution; each artifact that it made gets its id."""
    store = self._store
    execution = pb.Execution(
      type_id=store.put_execution_type(pb.ExecutionType(name=kind)),
      name=f'{self._names["pipeline_run"]}-{node}-0e1f',
      last_known_state=state,
      custom_properties=values({'exclude_splits': '[]'}),
    )
    given = [*((inputs or {}).items()), *((outputs or {}).items())]
    kinds = [pb.Event.INPUT] * len(inputs or {}) + [pb.Event.OUTPUT] * len(outputs or {})
    pairs = []
    for (key, artifact), event_kind in zip(given, kinds, strict=True):
      event = pb.Event(type=event_kind)
      event.path.steps.add().key = key
      event.path.steps.add().index = 0
      pairs.append((artifact, event))
    names = {**self._names, 'node': f'{self._pipeline}.{node}', 'execution_cache': f'{execution.name}-cache'}
    contexts = [
      pb.Context(type_id=store.put_context_type(pb.ContextType(name=kind)), name=name) for kind, name in names.items()
    ]
    _, ids, _ = store.put_execution(execution, pairs, contexts, reuse_context_if_already_exist=True)
    for (_, artifact), number in zip(given, ids, strict=True):
      artifact.id = number


def artifact(store: mlmd.MetadataStore, kind: str, uri: str, **properties: str) -> pb.Artifact:
  """A new artifact of TFX: without a name, and with strings as its properties."""
  known = pb.ArtifactType(name=kind, properties=dict.fromkeys(properties, pb.STRING))
  type_id = store.put_artifact_type(known, can_add_fields=True, can_omit_fields=True)
  return pb.Artifact(type_id=type_id, uri=uri, state=pb.Artifact.LIVE, properties=values(properties))


def tfx_run(store: mlmd.MetadataStore, folder: pathlib.Path, run_id: str) -> TfxRun:
  """CsvExampleGen and StatisticsGen of TFX, with statistics of 30 rows."""
  run = TfxRun(store, run_id)
  splits = {'split_names': '["train", "eval"]'}
  examples = artifact(store, 'Examples', str(folder / run_id / 'examples'), **splits)
  statistics = artifact(store, 'ExampleStatistics', str(folder / run_id / 'statistics'), **splits)
  run.step(
    'CsvExampleGen',
    'tfx.components.example_gen.csv_example_gen.component.CsvExampleGen',
    outputs={'examples': examples},
  )
  run.step(
    'StatisticsGen',
    'tfx.components.statistics_gen.component.StatisticsGen',
    inputs={'examples': examples},
    outputs={'statistics': statistics},
  )
  write_statistics(
    statistics.uri,
    {'train': statistics_of(20, [Feature('fare', 15, 12.5)]), 'eval': statistics_of(10, [Feature('fare', 10, 11.0)])},
  )
  return run


def fill(store: mlmd.MetadataStore, folder: pathlib.Path) -> None:
  """120 runs of two pipelines in all states, most with statistics, and two of TFX."""
  earlier = None
  for number in range(120):
    run = run_of(folder, f'run-{number:04d}', 'taxi_daily' if number % 3 else 'taxi_hourly')
    rows = 15_000 + 40 * (number % 17)
    if number % 15 == 11 or number % 60 == 9:
      fail(store, run, 'trips.csv, line 7 (byte 1,234): 17 cells where 18 are expected', number, number % 60 == 41)
    elif number % 20 == 8 and earlier:
      reuse(store, run, earlier, number)
    else:
      complete(store, run, rows, number, f'sha256-sum:{number // 4}')
      write_statistics(run.folder.statistics, {split: _trips(rows, number, split) for split in ('train', 'eval')})
      earlier = run
  for name in ('2026-01-01T12:00:00.500000', '2026-01-02T12:00:00.500000'):
    tfx_run(store, folder, name)


def _trips(rows: int, number: int, split: str) -> DatasetFeatureStatisticsList:
  part = rows * 2 // 3 if split == 'train' else rows // 3
  moved = number > 90
  return statistics_of(
    part,
    [
      Feature('fare', part - number % 5, 11.5 + 0.05 * (number % 7) + 3 * moved),
      Feature('trip_miles', part - part // 50, 2.9 + 0.02 * (number % 11)),
      Feature('tips', part, 1.05),
      Feature('company', part // 2 if moved else part - part // 20, common='Taxi Affiliation Services'),
      Feature('pickup_census_tract', 0),
    ],
  )


def fill_with(store: mlmd.MetadataStore, folder: pathlib.Path, text: str) -> None:
  """Runs, pipelines, inputs, features, values and errors that are all called the same, as far as that goes."""
  fail(store, run_of(folder, f'{text}2', text), text)
  ids = complete(store, run_of(folder, text, text), 30, 1, text)
  [statistics] = store.get_artifacts_by_id([ids['statistics']])
  write_statistics(
    statistics.uri, {'train': statistics_of(20, [Feature(text, 15, 12.5), Feature(f'{text}s', 20, common=text)])}
  )
