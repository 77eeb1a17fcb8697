"""From statistics and a schema to anomalies, findings and a verdict. Wiring only."""

import collections
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsList, PCollection, TaggedOutput

from beam_taxi.analysis.feature_statistics import dataset_of_all_rows
from beam_taxi.artifacts.manifest import RunFolder, WrittenFile, write_file
from beam_taxi.graph.statistics_steps import SplitStatistics
from beam_taxi.record.expectations import expectations_of
from beam_taxi.settings.config import RunConfig
from beam_taxi.storage import read_bytes
from beam_taxi.validation.findings import to_json
from beam_taxi.validation.split_data import SplitData
from beam_taxi.validation.validating import judge

_FINDINGS = 'findings'


class ValidateExamples(beam.PTransform):
  """The statistics of all splits -> the WrittenFiles of their anomalies, and the one of all findings."""

  def __init__(self, config: RunConfig, schema: PCollection[WrittenFile], others: Sequence[PCollection[WrittenFile]]):
    """`schema` is the file that holds the schema, and `others` are those of accumulators and of rows set aside."""
    super().__init__()
    self._config = config
    self._schema = schema
    self._others = others

  def expand(self, statistics: Any) -> Any:  # Tuples of PCollections, for which Beam has no hint.
    others = tuple(self._others) | 'Others' >> beam.Flatten()
    of_splits = statistics | 'AllStatistics' >> beam.Flatten()
    judged = beam.FlatMap(_judge, AsList(self._schema), AsList(others), AsList(of_splits))
    config = self._schema.pipeline | 'Config' >> beam.Create([self._config])
    found = config | 'Judge' >> judged.with_outputs(_FINDINGS, main='anomalies')
    return found.anomalies, found[_FINDINGS]


def _judge(
  config: RunConfig,
  schema: Sequence[WrittenFile],
  others: Sequence[WrittenFile],
  statistics: Sequence[SplitStatistics],
) -> Iterator[Any]:
  folder = RunFolder.of(config.output, config.run_id)
  by_split, written = dict(statistics), {file.path for file in others}
  bad_rows: collections.Counter[str] = collections.Counter()
  for file in others:
    bad_rows.update(file.counts)
  found = judge(
    {split.name: _data_of(split.name, by_split[split.name], folder, written) for split in config.splits},
    expectations_of(config, schema[0].path, [split.name for split in config.splits]),
    dict(sorted(bad_rows.items())),
  )
  for split, anomalies in found.anomalies.items():
    wrong = len(anomalies.anomaly_info) + anomalies.HasField('dataset_anomaly_info')
    data = anomalies.SerializeToString(deterministic=True)
    yield _counted(write_file(folder.anomalies_file(split), data, split), {'anomalies': wrong} if wrong else {})
  data = json.dumps(to_json(found.findings), indent=1).encode() + b'\n'
  severities = collections.Counter[str](each.severity for each in found.findings)
  yield TaggedOutput(_FINDINGS, _counted(write_file(folder.findings, data, mime_type='application/json'), severities))


def _data_of(split: str, statistics: Any, folder: RunFolder, written: Collection[str]) -> SplitData:
  path = folder.accumulator_file(split)
  return SplitData.of(dataset_of_all_rows(statistics), read_bytes(path) if path in written else b'')


def _counted(file: WrittenFile, counts: Mapping[str, int]) -> WrittenFile:
  return WrittenFile(file.path, file.sha256, file.split, file.bytes, counts=dict(counts))
