"""The steps of a run: what each reads and makes, as ML Metadata has it and as everything that shows a run shows it.

A step is a node, as TFX has them: one execution in a run's record, whose artifacts have the types and properties that
TFX's component of this name gives them. What a step does is in the graph; what it made is in the manifest, under its
outputs' keys. This is a table of plain values: nothing here imports ML Metadata.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from beam_taxi.artifacts.manifest import Manifest, Value, total_bytes

# What the names of our types in a store begin with; TFX has none for these.
OWN = 'beam_taxi.'


@dataclasses.dataclass(frozen=True)
class ArtifactType:
  """A type of artifacts: TFX's, where it has such, by its name, properties and base type.

  (Source: tfx/types/standard_artifacts.py and system_artifacts.py.)
  """

  name: str
  properties: Mapping[str, type[int] | type[str]] = dataclasses.field(default_factory=dict)
  base: Literal['', 'DATASET', 'STATISTICS'] = ''


@dataclasses.dataclass(frozen=True)
class JsonValue:
  """A property of JSON, as TFX's Artifact.set_json_value_custom_property makes it: a text, or numbers by name."""

  value: str | Mapping[str, float]


Properties = Mapping[str, Value | JsonValue]


def _nothing(_: Manifest) -> Properties:
  return {}


@dataclasses.dataclass(frozen=True)
class Output:
  """An artifact that a step makes. Its files are those that the manifest has under its key, in a folder of that name.

  Attributes:
    key: what events, the manifest and `show` call it.
    type: its type.
    properties: those of its type, and in `custom_properties` all others that are recorded, as TFX's component sets
      them, from the manifest.
    facts: what a report's lineage says of it besides; None stands for the SHA-256 of each file.
  """

  key: str
  type: ArtifactType
  properties: Callable[[Manifest], Properties] = _nothing
  custom_properties: Callable[[Manifest], Properties] = _nothing
  facts: Callable[[Manifest], Mapping[str, Value]] | None = None


@dataclasses.dataclass(frozen=True)
class Step:
  """A step of a run.

  Attributes:
    name: what the run's executions, contexts and artifacts are named by.
    reads: the keys of the artifacts that it reads: INPUT's, or those of steps before it.
    makes: what it makes.
    optional: whether there are runs without it.
  """

  name: str
  reads: tuple[str, ...]
  makes: tuple[Output, ...]
  optional: bool = False

  @property
  def type(self) -> str:
    """Its execution type's name."""
    return f'{OWN}{self.name}'


def _read(manifest: Manifest) -> Mapping[str, Value]:
  data = manifest.input
  return {'files': data.files, 'bytes': data.bytes, 'rows': data.rows, 'fingerprint': data.fingerprint}


def _input(manifest: Manifest) -> Properties:
  return {'patterns': json.dumps(list(manifest.input.patterns)), **_read(manifest)}


def _splits(manifest: Manifest) -> Properties:
  return {'span': 0, 'split_names': json.dumps(list(manifest.splits))}


def _records(manifest: Manifest) -> Mapping[str, Value]:
  return {f'records.{split}': records for split, records in manifest.splits.items()}


# What TFX's components look for before they read Examples, in names that they know
# (tfx/components/util/examples_utils.py).
_FORMATS: Mapping[str, Mapping[str, Value]] = {
  'tfrecord': {'file_format': 'tfrecords_gzip', 'payload_format': 'FORMAT_TF_EXAMPLE'},
  'parquet': {'file_format': 'FILE_FORMAT_PARQUET', 'payload_format': 'FORMAT_PARQUET'},
}


def _examples(manifest: Manifest) -> Properties:
  return {
    **_FORMATS[manifest.output_format],
    'span': 0,
    'input_fingerprint': manifest.input.fingerprint,
    'rows': manifest.input.rows,
    **_records(manifest),
    **{f'bad_rows.{reason}': rows for reason, rows in manifest.bad_rows.items()},
  }


def _shards(manifest: Manifest) -> Mapping[str, Value]:
  return {
    'format': manifest.output_format,
    'shards': len(manifest.examples),
    'bytes': total_bytes(manifest.examples),
    **_records(manifest),
  }


def _statistics(manifest: Manifest) -> Properties:
  return {
    'span': 0,
    'sample_rate_by_split': JsonValue(json.dumps(dict.fromkeys(manifest.splits, 1.0), sort_keys=True)),
    # Of a dashboard that open-source TFX does not have: it leaves this empty.
    'stats_dashboard_link': '',
  }


def _blessed(manifest: Manifest) -> Properties:
  return {'blessed': JsonValue({file.split: float(not file.counts) for file in manifest.files('anomalies')})}


def _verdict(manifest: Manifest) -> Mapping[str, Value]:
  return {'verdict': manifest.verdict}


EXAMPLES = ArtifactType('Examples', {'span': int, 'version': int, 'split_names': str}, 'DATASET')
STATISTICS = ArtifactType('ExampleStatistics', {'span': int, 'split_names': str}, 'STATISTICS')
SCHEMA = ArtifactType('Schema')
ANOMALIES = ArtifactType('ExampleAnomalies', {'span': int, 'split_names': str})

# What a run reads. TFX records no artifact for the files that its CsvExampleGen reads.
CSV_INPUT = ArtifactType(
  f'{OWN}CsvInput', {'patterns': str, 'files': int, 'bytes': int, 'rows': int, 'fingerprint': str}, 'DATASET'
)
INPUT = Output('input', CSV_INPUT, _input, facts=_read)

# In the order in which they are recorded, the one that all others are behind first: runs are told apart by it while a
# store is read backwards.
STEPS = (
  Step(
    'ExampleGen',
    reads=(INPUT.key,),
    makes=(
      Output('examples', EXAMPLES, lambda manifest: {**_splits(manifest), 'version': 0}, _examples, facts=_shards),
    ),
  ),
  Step('StatisticsGen', reads=('examples',), makes=(Output('statistics', STATISTICS, _splits, _statistics),)),
  Step('SchemaGen', reads=('statistics',), makes=(Output('schema', SCHEMA),)),
  Step(
    'ExampleValidator',
    reads=('statistics', 'schema'),
    makes=(Output('anomalies', ANOMALIES, _splits, _blessed, facts=_verdict),),
    optional=True,
  ),
)


def steps_of(*, judged: bool) -> tuple[Step, ...]:
  """The steps of a run; `judged` says whether it has something to judge the data by."""
  return tuple(step for step in STEPS if judged or not step.optional)


def outputs(steps: Sequence[Step] = STEPS) -> Iterator[Output]:
  """All that some steps make, in their order."""
  return (output for step in steps for output in step.makes)


def facts_of(output: Output, manifest: Manifest) -> Mapping[str, Value]:
  """What a report says of an artifact."""
  if output.facts:
    return output.facts(manifest)
  return {f'sha256.{file.split}' if file.split else 'sha256': file.sha256 for file in manifest.files(output.key)}
