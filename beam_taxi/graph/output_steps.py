"""From typed rows to what a run leaves behind: Examples, shards, a curated schema, manifest. Wiring only."""

import collections
import dataclasses
import itertools
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import AsList, PCollection

from beam_taxi.analysis.schema import write_curated_schema
from beam_taxi.artifacts.manifest import (
  InputSummary,
  Manifest,
  RunFolder,
  Value,
  WrittenFile,
  package_versions,
  total_bytes,
)
from beam_taxi.errors import UserError, hide_secrets, mishap_in
from beam_taxi.examples.blocks import SplitBlock, encode_block
from beam_taxi.examples.output_form import OutputForm
from beam_taxi.examples.shards import ShardWriter, open_shard
from beam_taxi.examples.shuffling import shuffle
from beam_taxi.graph.block_order import BlockOrder
from beam_taxi.graph.coders import RowsCoder
from beam_taxi.graph.input_steps import Known, ShardBlock
from beam_taxi.inputs.bad_row_policy import too_many
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.fingerprint import fingerprint_text
from beam_taxi.inputs.matching import absolute
from beam_taxi.inputs.shard_sizes import Shard
from beam_taxi.kernel.library import kernel
from beam_taxi.process.stopped import unless_stopped
from beam_taxi.record.reuse import cache_key
from beam_taxi.runners.counters import StepCounters
from beam_taxi.settings.config import RunConfig
from beam_taxi.storage import write_bytes

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class EncodedBlock:
  """A ShardBlock's records and rows by split, in the splits' order of the form that made them."""

  shard: Shard
  number: int
  last: bool
  encoded: SplitBlock
  form: OutputForm

  @property
  def nbytes(self) -> int:
    return sum(records.nbytes for records in self.encoded.records)

  def rows(self, split: int) -> pa.RecordBatch:
    """The rows of a split's records. Columns are int64, float32, binary or null; a null is an empty cell."""
    return self.encoded.rows(split)


beam.coders.registry.register_coder(EncodedBlock, RowsCoder)


class EncodeExamples(beam.PTransform):
  """ShardBlocks -> EncodedBlocks, which WriteExamples and GenerateStatistics take."""

  def __init__(self, form: OutputForm):
    """`form` says which splits there are, and how rows become their records."""
    super().__init__()
    self._form = form

  def expand(self, blocks: PCollection[ShardBlock]) -> PCollection[EncodedBlock]:
    encoded = blocks | 'Encode' >> beam.ParDo(_EncodeBlock(self._form))
    encoded.element_type = EncodedBlock
    return encoded


class _EncodeBlock(beam.DoFn):
  def __init__(self, form: OutputForm):
    self._form = form
    self._counters = StepCounters('EncodeExamples')

  def process(self, block: ShardBlock) -> Iterator[EncodedBlock]:
    rows, seed = block.rows, self._form.shuffle_seed
    with self._counters.timed():
      if seed is not None:
        rows = shuffle(rows, seed, block.shard.index, block.number)
      encoded = encode_block(rows, self._form)
    self._counters.add('bytes', encoded.bytes)
    for split, records in zip(self._form.splits, encoded.records, strict=True):
      self._counters.add(f'records.{split.name}', len(records))
    yield EncodedBlock(block.shard, block.number, block.last, encoded, self._form)


class WriteExamples(beam.PTransform):
  """EncodedBlocks -> the WrittenFiles, one a shard and split, under the names that TFX gives them.

  A shard's blocks must come in the order of their numbers and in one bundle. So they do where one element gives all of
  them, as one does in ReadRows and ShardBatches, and nothing between that and this step shuffles, drops or adds blocks.
  Files of the same names are replaced. The folder should have no shards of another number, for they stay.
  """

  def __init__(self, folder: RunFolder):
    super().__init__()
    self._folder = _absolute(folder)

  def expand(self, blocks: PCollection[EncodedBlock]) -> PCollection[WrittenFile]:
    return blocks | 'Write' >> beam.ParDo(_WriteShard(self._folder))


def _absolute(folder: RunFolder) -> RunFolder:
  return RunFolder(absolute(folder.uri))


class _WriteShard(beam.DoFn):
  """Appends a shard's blocks to its files."""

  def __init__(self, folder: RunFolder):
    self._folder = folder
    self._counters = StepCounters('WriteShards')
    self._writers: list[ShardWriter] = []
    self._order = BlockOrder()

  def start_bundle(self) -> None:
    self._give_up()

  def process(self, block: EncodedBlock) -> Iterator[WrittenFile]:
    with self._counters.timed():
      if self._order.begins_with(block.shard, block.number, block.last):
        self._open(block.shard, block.form)
      for writer, records in zip(self._writers, block.encoded.records, strict=True):
        writer.append(records)
      files = [writer.finish() for writer in self._writers] if block.last else []
    for file in files:
      self._counters.add('bytes', total_bytes([file]))
      yield file
    if block.last:
      self._writers = []

  def finish_bundle(self) -> None:
    self._order.end()

  def teardown(self) -> None:
    self._give_up()

  def _open(self, shard: Shard, form: OutputForm) -> None:
    for split in form.splits:
      self._writers.append(open_shard(self._folder, form, split.name, shard.index, shard.count))

  def _give_up(self) -> None:
    for writer in self._writers:
      writer.discard()
    self._writers = []
    self._order = BlockOrder()


class ImportSchema(beam.PTransform):
  """The curated schema -> the WrittenFile that holds it as the run's schema."""

  def __init__(self, config: RunConfig):
    super().__init__()
    self._path = RunFolder.of(config.output, config.run_id).schema_file
    self._source = config.schema

  def expand(self, root: Any) -> PCollection[WrittenFile]:
    return root | 'Path' >> beam.Create([self._path]) | 'Import' >> beam.Map(write_curated_schema, self._source)


@dataclasses.dataclass(frozen=True)
class SourceSummary:
  """What was read from the source in this place among all, and the type of each of its columns."""

  source: int
  files: int
  bytes: int
  rows: int
  fingerprint: int
  columns: tuple[tuple[str, ColumnType], ...]


class SummarizeInput(beam.PTransform):
  """What is Known of the source in this place among all -> its SourceSummary."""

  def __init__(self, source: int):
    super().__init__()
    self._source = source

  def expand(self, known: PCollection[Known]) -> PCollection[SourceSummary]:
    return known | 'Summarize' >> beam.Map(_summarize, self._source)


def _summarize(known: Known, source: int) -> SourceSummary:
  plan, findings, columns = known.plan, known.findings, tuple(known.layout.fields)
  return SourceSummary(source, plan.files, plan.bytes, findings.rows, findings.fingerprint, columns)


@dataclasses.dataclass(frozen=True)
class Made:
  """What a graph makes on its way to the manifest, with its key: what it read of each source, each artifact's files."""

  parts: list[tuple[str, PCollection]] = dataclasses.field(default_factory=list)

  def add(self, key: str, made: PCollection[SourceSummary] | PCollection[WrittenFile]) -> None:
    """Adds summaries of sources, as 'input', or files of the artifact with this key."""
    self.parts.append((key, made))


class WriteManifest(beam.PTransform):
  """All that was found and written -> the Manifest, written last of all, and before it the report.

  Checks that every row is somewhere.
  """

  def __init__(self, config: RunConfig, made: Made, provenance: Mapping[str, Value]):
    super().__init__()
    self._config = config
    self._made = made
    self._provenance = provenance

  def expand(self, root: Any) -> PCollection[Manifest]:
    parts = enumerate(self._made.parts)
    named = tuple(made | f'{key.capitalize()}[{number}]' >> beam.Map(_with_key, key) for number, (key, made) in parts)
    keys = list(dict.fromkeys(key for key, _ in self._made.parts))
    return (
      root
      | 'Config' >> beam.Create([self._config])
      # All of it as one side input, for runners take trouble over each.
      | 'Sum' >> beam.Map(_sum_up, self._provenance, keys, AsList(named | 'AllMade' >> beam.Flatten()))
      | 'WriteReport' >> beam.Map(_write_report, self._config)
      | 'Write' >> beam.Map(_write_manifest, self._config)
    )


def _with_key(made: Any, key: str) -> tuple[str, Any]:
  return key, made


def _sum_up(
  config: RunConfig,
  provenance: Mapping[str, Value],
  keys: Sequence[str],
  made: Sequence[tuple[str, Any]],
) -> Manifest:
  files: dict[str, list[Any]] = {key: [each for its_key, each in made if its_key == key] for key in keys}
  # A side input is in no order.
  inputs: list[SourceSummary] = sorted(files.pop('input'), key=lambda source: source.source)
  rows = sum(source.rows for source in inputs)
  splits = [split.name for split in config.splits]
  records = {split: sum(file.records for file in files['examples'] if file.split == split) for split in splits}
  bad_rows: collections.Counter[str] = collections.Counter()
  for bad in files['quarantine']:
    bad_rows.update(bad.counts)
  if sum(records.values()) + bad_rows.total() != rows:
    raise RuntimeError(
      f'{rows:,} rows were read, but {sum(records.values()):,} Examples written and {bad_rows.total():,} rows '
      'set aside: a file changed while it was read, or this is a defect, which please report'
    )
  # Where all types are given, bad rows are not known before.
  if refusal := too_many(bad_rows.total(), rows, config.max_bad_rows):
    folder = RunFolder.of(config.output, config.run_id).quarantine
    raise UserError(f'{refusal}; they are in {folder}')
  fingerprint = fingerprint_text(source.fingerprint for source in inputs)
  columns: dict[str, ColumnType] = {}
  for name, kind in itertools.chain.from_iterable(source.columns for source in inputs):
    columns[name] = max(kind, columns.get(name, kind))
  manifest = Manifest(
    run_id=config.run_id,
    pipeline_name=config.pipeline_name,
    input=InputSummary(
      tuple(map(hide_secrets, config.input)),
      sum(source.files for source in inputs),
      sum(source.bytes for source in inputs),
      rows,
      fingerprint,
    ),
    columns={name: kind.name for name, kind in columns.items()},
    splits=records,
    artifacts={key: _in_order(some, splits) for key, some in files.items()},
    versions=package_versions(),
    # That of the worker that this step runs on; all have the same image.
    provenance={**provenance, 'kernel': kernel()},
    finished=time.time(),
    # A curated schema may be another one by now.
    cache_key=cache_key(config, fingerprint, files['schema'][0].sha256),
    output_format=config.output_format,
    bad_rows=dict(sorted(bad_rows.items())),
  )
  return dataclasses.replace(manifest, held=config.on_anomalies == 'fail' and manifest.verdict == 'error')


def _in_order(files: Sequence[WrittenFile], splits: Sequence[str]) -> tuple[WrittenFile, ...]:
  """Files in the splits' order, those of a split by their names."""
  return tuple(sorted(files, key=lambda file: (splits.index(file.split) if file.split else -1, file.path)))


def _write_report(manifest: Manifest, config: RunConfig) -> Manifest:
  """Draws and writes the report. A run is good without: what goes wrong with it is only said."""
  from beam_taxi.show.report.run_report import write_report  # Jinja2 need not be there before.

  try:
    page = write_report(manifest, RunFolder.of(config.output, config.run_id))
    return dataclasses.replace(manifest, artifacts={**manifest.artifacts, 'report': (page,)})
  except Exception as error:
    mishap = mishap_in(error)
    _LOG.warning('%s has no report: %s', config.run_id, mishap or 'drawing it failed', exc_info=not mishap)
    return manifest


def _write_manifest(manifest: Manifest, config: RunConfig) -> Manifest:
  folder = RunFolder.of(config.output, config.run_id)
  with unless_stopped(folder.uri, manifest.provenance.get('started')):
    write_bytes(folder.manifest, manifest.to_json().encode(), durable=True)
  return manifest


class RecordRun(beam.PTransform):
  """The Manifest -> itself, once the run is recorded as complete, on whichever worker this happens."""

  def __init__(self, config: RunConfig):
    super().__init__()
    self._config = config

  def expand(self, manifest: PCollection[Manifest]) -> PCollection[Manifest]:
    return manifest | 'Record' >> beam.Map(_record, self._config)


def _record(manifest: Manifest, config: RunConfig) -> Manifest:
  from beam_taxi.metadata.recording import record_manifest  # Not every run records here, nor needs MLMD on its workers.

  record_manifest(config.metadata, manifest, RunFolder.of(config.output, config.run_id))
  return manifest
