"""A run's folder: where each artifact lies in it, and the manifest that says that the run finished."""

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from beam_taxi import storage
from beam_taxi.errors import MishapError, UserError
from beam_taxi.version import __version__

MANIFEST_VERSION = 2

_ENDINGS = {'tfrecord': '.gz', 'parquet': '.parquet'}

_Kind = TypeVar('_Kind')

# What a property or a counter may be.
Value = int | float | str

_PACKAGES = ('apache-beam', 'tensorflow-data-validation', 'tensorflow', 'ml-metadata', 'pyarrow', 'zlib-ng')
# What a package is installed as where it is not under its own name: the image has TensorFlow without GPUs.
_OTHER_NAMES = {'tensorflow': 'tensorflow-cpu'}


@dataclasses.dataclass(frozen=True)
class RunFolder:
  """OUTPUT/runs/RUN_ID, laid out as TFX lays out the artifacts in it."""

  uri: str

  @classmethod
  def of(cls, output: str, run_id: str) -> 'RunFolder':
    return cls(storage.join(output, 'runs', run_id))

  def artifact(self, key: str) -> str:
    """An artifact's own folder, as in OUTPUT/runs/RUN_ID/examples."""
    return storage.join(self.uri, key)

  def split_file(self, key: str, split: str, name: str) -> str:
    """A split's file of an artifact, where TFX looks for it."""
    return storage.join(self.artifact(key), f'Split-{split}', name)

  @property
  def examples(self) -> str:
    return self.artifact('examples')

  @property
  def statistics(self) -> str:
    return self.artifact('statistics')

  @property
  def schema(self) -> str:
    return self.artifact('schema')

  @property
  def quarantine(self) -> str:
    return self.artifact('quarantine')

  def quarantine_of(self, input_split: str = '') -> str:
    """The folder of bad rows. Input that comes in splits has shards of its own in each."""
    return storage.join(self.quarantine, f'Split-{input_split}') if input_split else self.quarantine

  @property
  def listing(self) -> str:
    return storage.join(self.uri, 'input.json')

  @property
  def manifest(self) -> str:
    return storage.join(self.uri, 'manifest.json')

  def shard_file(self, split: str, shard: int, shards: int, output_format: str = 'tfrecord') -> str:
    """A split's shard, named as Beam's WriteToTFRecord and WriteToParquet name the ones that TFX writes."""
    name = f'data_{output_format}-{shard:05d}-of-{shards:05d}{_ENDINGS[output_format]}'
    return self.split_file('examples', split, name)

  def statistics_file(self, split: str) -> str:
    return self.split_file('statistics', split, 'FeatureStats.pb')

  def accumulator_file(self, split: str) -> str:
    return self.split_file('accumulators', split, 'accumulator.arrow')

  @property
  def schema_file(self) -> str:
    return storage.join(self.schema, 'schema.pbtxt')

  def anomalies_file(self, split: str) -> str:
    return self.split_file('anomalies', split, 'SchemaDiff.pb')

  @property
  def findings(self) -> str:
    return storage.join(self.artifact('findings'), 'findings.json')

  @property
  def report(self) -> str:
    return storage.join(self.artifact('report'), 'index.html')


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
class WrittenFile:
  """A file of an artifact. `sha256` and `bytes` are of the file as it is stored.

  Attributes:
    split: the split that it is of; '' where it is of all.
    bytes: its size; None where a manifest of version 1 does not say.
    records: how many Examples are in it.
    counts: what else is in it, by kind, as bad rows by their reasons.
    record_bytes: of a TFRecord shard, the size of its serialized Examples, without their frames.
    records_crc32c: of a TFRecord shard, the CRC-32C of its content before compression, as eight hexadecimal digits: of
      the framed records as they lie. Equal records in the same order have the same one, whatever compressed them. ''
      where it is not known: of other files, and in manifests that were written before there was one.
  """

  path: str
  sha256: str
  split: str = ''
  bytes: int | None = None
  records: int = 0
  counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
  record_bytes: int | None = None
  records_crc32c: str = ''


def total_bytes(files: Iterable[WrittenFile]) -> int:
  """The size of files, as far as it is known."""
  return sum(file.bytes or 0 for file in files)


def write_file(path: str, data: bytes, split: str = '', mime_type: str = 'application/octet-stream') -> WrittenFile:
  """Writes a whole small file of an artifact."""
  storage.write_bytes(path, data, mime_type, durable=True)
  return WrittenFile(path, hashlib.sha256(data).hexdigest(), split, len(data))


@dataclasses.dataclass(frozen=True)
class Manifest:
  """What a finished run made. It is written last, so a folder without it is a run that did not finish.

  Attributes:
    artifacts: the files of each artifact, by its key: of what the steps of a run make (see steps.STEPS), and 'report'
      and 'quarantine', where there are any.
    bad_rows: the rows that were set aside, by reason.
    held: whether its Examples are held back until somebody accepts them, for the data is wrong.
    provenance: how the run was begun: by what, where, when. Recorded with it.
    finished: when it was written, in seconds since 1970.
    cache_key: the same for runs that make the same of the same input; see reuse.cache_key.
  """

  run_id: str
  pipeline_name: str
  input: InputSummary
  columns: dict[str, str]
  splits: dict[str, int]
  artifacts: Mapping[str, tuple[WrittenFile, ...]]
  versions: dict[str, str]
  output_format: str = 'tfrecord'
  bad_rows: dict[str, int] = dataclasses.field(default_factory=dict)
  held: bool = False
  provenance: Mapping[str, Value] = dataclasses.field(default_factory=dict)
  finished: float = 0.0
  cache_key: str = ''
  version: int = MANIFEST_VERSION

  def files(self, key: str) -> tuple[WrittenFile, ...]:
    """An artifact's files; none where there is no such artifact."""
    return self.artifacts.get(key, ())

  @property
  def examples(self) -> tuple[WrittenFile, ...]:
    return self.files('examples')

  @property
  def statistics(self) -> tuple[WrittenFile, ...]:
    """One file a split, in the splits' order."""
    return self.files('statistics')

  @property
  def schema(self) -> WrittenFile:
    [file] = self.files('schema')
    return file

  @property
  def report(self) -> WrittenFile | None:
    """The page to look at; None where it could not be drawn, and of runs from before there was one."""
    return next(iter(self.files('report')), None)

  @property
  def quarantine(self) -> tuple[WrittenFile, ...]:
    return self.files('quarantine')

  @property
  def verdict(self) -> str:
    """'ok', 'warning' or 'error', by what is wrong with the data; '' where nobody looked."""
    for file in self.files('findings'):
      return next((severity for severity in ('error', 'warning') if file.counts.get(severity)), 'ok')
    return ''

  def to_json(self) -> str:
    fields = dataclasses.asdict(self)
    fields['artifacts'] = {key: [_said_of(file) for file in files] for key, files in fields['artifacts'].items()}
    return json.dumps(fields, indent=1) + '\n'

  @classmethod
  def from_json(cls, text: str | bytes) -> 'Manifest':
    """A manifest from its text. What a later release has added to this version is passed over."""
    fields: dict[str, Any] = json.loads(text)
    version = fields.pop('version')
    if version not in (1, MANIFEST_VERSION):
      raise UserError(
        f'a manifest of version {version} was found, this beam_taxi reads 1 to {MANIFEST_VERSION}: use the release '
        'that wrote it'
      )
    artifacts = _artifacts_of_version_1(fields) if version == 1 else fields['artifacts']
    source = {**fields['input'], 'patterns': tuple(fields['input']['patterns'])}
    manifest = _made_of(
      cls,
      {
        **fields,
        'input': _made_of(InputSummary, source),
        'artifacts': {key: tuple(_made_of(WrittenFile, file) for file in files) for key, files in artifacts.items()},
      },
    )
    if manifest.output_format not in _ENDINGS:
      raise ValueError(f'output_format is {manifest.output_format!r}')
    return manifest


def _made_of(kind: type[_Kind], fields: Mapping[str, Any]) -> _Kind:
  """A dataclass from its fields, of others' less. Raises TypeError where one is missing or of another type."""
  hints = typing.get_type_hints(kind)
  known = {name: value for name, value in fields.items() if name in hints}
  for name, value in known.items():
    if not _fits(value, hints[name]):
      raise TypeError(f'{name} is {value!r}')
  return kind(**known)


def _fits(value: Any, hint: Any) -> bool:
  """Whether a value is of a type: a class, a union of some, a dict of texts to something, or a tuple of something."""
  origin, arguments = typing.get_origin(hint), typing.get_args(hint)
  if origin is types.UnionType:
    return any(_fits(value, each) for each in arguments)
  if origin is tuple:
    return isinstance(value, tuple) and all(_fits(each, arguments[0]) for each in value)
  if origin:
    return isinstance(value, Mapping) and all(
      isinstance(key, str) and _fits(each, arguments[1]) for key, each in value.items()
    )
  return isinstance(value, int | float if hint is float else hint)


# What is not said of a file that has none of it.
_NOT_SAID: Mapping[str, Any] = {
  'split': '',
  'bytes': None,
  'records': 0,
  'counts': {},
  'record_bytes': None,
  'records_crc32c': '',
}


def _said_of(file: Mapping[str, Any]) -> dict[str, Any]:
  return {name: value for name, value in file.items() if name not in _NOT_SAID or value != _NOT_SAID[name]}


def _artifacts_of_version_1(fields: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
  """Takes the artifacts out of a manifest that has a field for each, and three kinds of files."""
  report, bad_rows = fields.pop('report', None), fields.pop('quarantine', ())
  return {
    'examples': fields.pop('examples'),
    'statistics': fields.pop('statistics'),
    'schema': [fields.pop('schema')],
    **({'report': [report]} if report else {}),
    **({'quarantine': [_file_of_bad_rows(**file) for file in bad_rows]} if bad_rows else {}),
  }


def _file_of_bad_rows(path: str, rows: dict[str, int], sha256: str) -> dict[str, Any]:
  return {'path': path, 'sha256': sha256, 'counts': rows}


def read_manifest(folder: RunFolder) -> Manifest | None:
  """The run's manifest, or None where the run has not finished. Raises UserError where it cannot be read."""
  try:
    if not storage.exists(folder.manifest):
      return None
    data = storage.read_bytes(folder.manifest)
  except MishapError as error:
    raise UserError(str(error)) from error
  except OSError as error:
    raise UserError(f'{folder.manifest}: cannot be read ({storage.why(error)})') from error
  try:
    return Manifest.from_json(data)
  except UserError as error:
    raise UserError(f'{folder.manifest}: {error}') from error
  except (ValueError, KeyError, TypeError, AttributeError) as error:
    raise UserError(
      f'{folder.manifest}: is no manifest ({type(error).__name__}: {error}); make the run again'
    ) from error


def package_versions() -> dict[str, str]:
  """The versions of the packages that a run's results depend on; '' where one is there under no name that is known."""
  return {'beam_taxi': __version__, **{name: _installed(name, _OTHER_NAMES.get(name, name)) for name in _PACKAGES}}


def _installed(*names: str) -> str:
  for name in names:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
      return importlib.metadata.version(name)
  return ''
