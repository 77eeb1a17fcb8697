"""A run's folder: where each artifact lies in it, and the manifest that says that the run finished."""

import contextlib
import dataclasses
import importlib.metadata
import json
from collections.abc import Mapping
from typing import Any

from beam_taxi import __version__, storage
from beam_taxi.errors import UserError

MANIFEST_VERSION = 1

_ENDINGS = {'tfrecord': '.gz', 'parquet': '.parquet'}

# What a property or a counter may be.
Value = int | float | str

_PACKAGES = ('apache-beam', 'tensorflow-data-validation', 'tensorflow', 'ml-metadata', 'pyarrow')
# What a package is installed as where it is not under its own name: the image has TensorFlow without GPUs.
_OTHER_NAMES = {'tensorflow': 'tensorflow-cpu'}


@dataclasses.dataclass(frozen=True)
class RunFolder:
  """OUTPUT/runs/RUN_ID, laid out as TFX lays out the artifacts in it."""

  uri: str

  @classmethod
  def of(cls, output: str, run_id: str) -> 'RunFolder':
    return cls(storage.join(output, 'runs', run_id))

  @property
  def examples(self) -> str:
    return storage.join(self.uri, 'examples')

  @property
  def statistics(self) -> str:
    return storage.join(self.uri, 'statistics')

  @property
  def schema(self) -> str:
    return storage.join(self.uri, 'schema')

  @property
  def quarantine(self) -> str:
    return storage.join(self.uri, 'quarantine')

  def quarantine_file(self, shard: int, shards: int, input_split: str = '') -> str:
    """The bad rows of a shard, where it has any. Input that comes in splits has shards of its own in each."""
    folder = storage.join(self.quarantine, f'Split-{input_split}') if input_split else self.quarantine
    return storage.join(folder, f'rows-{shard:05d}-of-{shards:05d}.jsonl')

  @property
  def manifest(self) -> str:
    return storage.join(self.uri, 'manifest.json')

  def shard_file(self, split: str, shard: int, shards: int, output_format: str = 'tfrecord') -> str:
    """A split's shard, named as Beam's WriteToTFRecord and WriteToParquet name the ones that TFX writes."""
    name = f'data_{output_format}-{shard:05d}-of-{shards:05d}{_ENDINGS[output_format]}'
    return storage.join(self.examples, f'Split-{split}', name)

  def statistics_file(self, split: str) -> str:
    return storage.join(self.statistics, f'Split-{split}', 'FeatureStats.pb')

  @property
  def schema_file(self) -> str:
    return storage.join(self.schema, 'schema.pbtxt')

  @property
  def report(self) -> str:
    return storage.join(self.uri, 'report', 'index.html')


@dataclasses.dataclass(frozen=True)
class InputSummary:
  """What was read. `fingerprint` changes with any file's path, size or content, and with nothing else.

  `rows` are all rows of the files, those that were set aside included.
  """

  patterns: tuple[str, ...]
  files: int
  bytes: int
  rows: int
  fingerprint: str


@dataclasses.dataclass(frozen=True)
class ShardFile:
  """One written shard of one split. `bytes` and `sha256` are of the file as it is stored."""

  split: str
  path: str
  records: int
  bytes: int
  sha256: str


@dataclasses.dataclass(frozen=True)
class WrittenFile:
  """One written file of an artifact. Statistics have a split, the schema and the report have none."""

  path: str
  sha256: str
  split: str = ''


@dataclasses.dataclass(frozen=True)
class QuarantineFile:
  """One written file of bad rows: how many it has for each reason."""

  path: str
  rows: dict[str, int]
  sha256: str


@dataclasses.dataclass(frozen=True)
class Manifest:
  """What a finished run made. It is written last, so a folder without it is a run that did not finish.

  Attributes:
    bad_rows: the rows that were set aside, by reason.
    provenance: how the run was begun: by what, where, when. Recorded with it.
    finished: when it was written, in seconds since 1970.
    cache_key: the same for runs that make the same of the same input; see reuse.cache_key.
    report: the page to look at; None where it could not be drawn, and of runs from before there was one.
  """

  run_id: str
  pipeline_name: str
  input: InputSummary
  columns: dict[str, str]
  splits: dict[str, int]
  examples: tuple[ShardFile, ...]
  statistics: tuple[WrittenFile, ...]
  schema: WrittenFile
  versions: dict[str, str]
  output_format: str = 'tfrecord'
  bad_rows: dict[str, int] = dataclasses.field(default_factory=dict)
  quarantine: tuple[QuarantineFile, ...] = ()
  provenance: Mapping[str, Value] = dataclasses.field(default_factory=dict)
  finished: float = 0.0
  cache_key: str = ''
  report: WrittenFile | None = None
  version: int = MANIFEST_VERSION

  def to_json(self) -> str:
    return json.dumps(dataclasses.asdict(self), indent=1) + '\n'

  @classmethod
  def from_json(cls, text: str | bytes) -> 'Manifest':
    fields: dict[str, Any] = json.loads(text)
    if fields['version'] != MANIFEST_VERSION:
      raise UserError(
        f'a manifest of version {fields["version"]} was found, this beam_taxi reads {MANIFEST_VERSION}: use the '
        'release that wrote it'
      )
    return cls(
      **{
        **fields,
        'input': InputSummary(**{**fields['input'], 'patterns': tuple(fields['input']['patterns'])}),
        'examples': tuple(ShardFile(**shard) for shard in fields['examples']),
        'statistics': tuple(WrittenFile(**file) for file in fields['statistics']),
        'schema': WrittenFile(**fields['schema']),
        'report': WrittenFile(**fields['report']) if fields.get('report') else None,
        'quarantine': tuple(QuarantineFile(**file) for file in fields.get('quarantine', ())),
      }
    )


def read_manifest(folder: RunFolder) -> Manifest | None:
  """The run's manifest, or None where the run has not finished."""
  if not storage.exists(folder.manifest):
    return None
  return Manifest.from_json(storage.read_bytes(folder.manifest))


def package_versions() -> dict[str, str]:
  """The versions of the packages that a run's results depend on; '' where one is there under another name."""
  return {'beam_taxi': __version__, **{name: _installed(name, _OTHER_NAMES.get(name, name)) for name in _PACKAGES}}


def _installed(*names: str) -> str:
  for name in names:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
      return importlib.metadata.version(name)
  return ''
