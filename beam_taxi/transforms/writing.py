"""From typed rows to what a run leaves behind: Examples, shards, statistics, schema, manifest. Wiring only."""

import collections
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import AsList, AsSingleton, PCollection, TaggedOutput
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beam_taxi.analysis.batches import to_list_columns
from beam_taxi.analysis.schema import write_curated_schema, write_inferred_schema
from beam_taxi.analysis.statistics import write_statistics
from beam_taxi.artifacts import (
  InputSummary,
  Manifest,
  QuarantineFile,
  RunFolder,
  ShardFile,
  WrittenFile,
  package_versions,
)
from beam_taxi.config import RunConfig, Split
from beam_taxi.counters import StepCounters
from beam_taxi.csv_input.bad_rows import too_many
from beam_taxi.csv_input.findings import Findings
from beam_taxi.csv_input.layout import InputPlan
from beam_taxi.csv_input.ranges import Shard
from beam_taxi.errors import UserError
from beam_taxi.examples.shards import ShardWriter
from beam_taxi.examples.splitting import assign_splits
from beam_taxi.examples.tfrecord import encode_records
from beam_taxi.storage import write_bytes
from beam_taxi.transforms.coders import RowsCoder
from beam_taxi.transforms.reading import ShardBlock


@dataclasses.dataclass(frozen=True)
class EncodedBlock:
  """A ShardBlock's framed tf.Examples, one array a split, in the splits' order."""

  shard: Shard
  number: int
  last: bool
  records: tuple[pa.BinaryArray, ...]

  @property
  def nbytes(self) -> int:
    return sum(records.nbytes for records in self.records)


beam.coders.registry.register_coder(EncodedBlock, RowsCoder)


class EncodeExamples(beam.PTransform):
  """ShardBlocks -> EncodedBlocks, and beside them each split's rows for its statistics.

  Returns a dict: 'examples', and one named by `rows_of` for each split.
  """

  def __init__(self, config: RunConfig):
    super().__init__()
    self._config = config

  def expand(self, blocks: PCollection[ShardBlock]) -> Any:  # A dict; Beam takes a hint only of a PCollection.
    tags = [rows_of(split) for split in self._config.splits]
    outputs = blocks | 'Encode' >> beam.ParDo(_EncodeBlock(self._config)).with_outputs(*tags, main='examples')
    outputs.examples.element_type = EncodedBlock
    for tag in tags:
      outputs[tag].element_type = pa.RecordBatch
    return {tag: outputs[tag] for tag in ('examples', *tags)}


def rows_of(split: Split) -> str:
  """The name of the output of EncodeExamples that has a split's rows."""
  return f'rows_of_{split.name}'


class _EncodeBlock(beam.DoFn):
  def __init__(self, config: RunConfig):
    self._splits = config.splits
    self._empty_cells = config.empty_cells
    self._counters = StepCounters('EncodeExamples')
    self._statistics = StepCounters('GenerateStatistics')

  def process(self, block: ShardBlock) -> Iterator[Any]:
    with self._counters.timed():
      records, examples = encode_records(block.rows, self._empty_cells)
      chosen = assign_splits(examples, self._splits)
      masks = [pa.array(chosen == index) for index in range(len(self._splits))]
      split_records = tuple(records.filter(mask) for mask in masks)
    self._counters.add('bytes', sum(map(len, examples)))
    yield EncodedBlock(block.shard, block.number, block.last, split_records)
    for split, mask, written in zip(self._splits, masks, split_records, strict=True):
      self._counters.add(f'records.{split.name}', len(written))
      if len(written):
        with self._statistics.timed():
          # GenerateStatistics takes the rows in while this step waits for it to do so.
          yield TaggedOutput(rows_of(split), to_list_columns(block.rows.filter(mask), self._empty_cells))


class WriteShards(beam.PTransform):
  """EncodedBlocks -> the ShardFiles that were written, one a shard and split."""

  def __init__(self, config: RunConfig):
    super().__init__()
    self._config = config

  def expand(self, blocks: PCollection[EncodedBlock]) -> PCollection[ShardFile]:
    return blocks | 'Write' >> beam.ParDo(_WriteShard(self._config))


class _WriteShard(beam.DoFn):
  """Appends a shard's blocks to its files.

  The blocks of a shard come from one element of ReadCsv, through steps that every runner fuses, so they arrive in order
  and in one bundle. Should a runner ever do otherwise, the run fails here instead of writing a wrong shard.
  """

  def __init__(self, config: RunConfig):
    self._folder = RunFolder.of(config.output, config.run_id)
    self._splits = config.splits
    self._counters = StepCounters('WriteShards')
    self._writers: list[ShardWriter] = []
    self._shard: Shard | None = None
    self._next = 0

  def start_bundle(self) -> None:
    self._give_up()

  def process(self, block: EncodedBlock) -> Iterator[ShardFile]:
    with self._counters.timed():
      if block.number == 0 and self._shard is None:
        self._open(block.shard)
      if block.shard != self._shard or block.number != self._next:
        raise RuntimeError(
          f'block {block.number} of {block.shard} came where block {self._next} of {self._shard} was due: this runner '
          'does not keep the steps from ReadCsv to WriteShards in one stage'
        )
      self._next += 1
      for writer, records in zip(self._writers, block.records, strict=True):
        writer.append(records)
      files = [writer.finish() for writer in self._writers] if block.last else []
    for file in files:
      self._counters.add('bytes', file.bytes)
      yield file
    if block.last:
      self._shard, self._writers = None, []

  def finish_bundle(self) -> None:
    if self._shard is not None:
      raise RuntimeError(f'the bundle ended within {self._shard}: this runner splits what one element gives')

  def teardown(self) -> None:
    self._give_up()

  def _open(self, shard: Shard) -> None:
    self._shard, self._next = shard, 0
    for split in self._splits:
      path = self._folder.shard_file(split.name, shard.index, shard.count)
      self._writers.append(ShardWriter(split.name, path))

  def _give_up(self) -> None:
    for writer in self._writers:
      writer.discard()
    self._shard, self._writers = None, []


class WriteStatistics(beam.PTransform):
  """A split's statistics -> the WrittenFile that holds them."""

  def __init__(self, config: RunConfig, split: Split):
    super().__init__()
    self._path = RunFolder.of(config.output, config.run_id).statistics_file(split.name)
    self._split = split.name

  def expand(self, statistics: PCollection[DatasetFeatureStatisticsList]) -> PCollection[WrittenFile]:
    return statistics | 'Write' >> beam.Map(write_statistics, self._path, self._split)


class InferSchema(beam.PTransform):
  """The statistics of all splits, in the splits' order -> the WrittenFile that holds the schema."""

  def __init__(self, config: RunConfig, statistics: Sequence[PCollection[DatasetFeatureStatisticsList]]):
    super().__init__()
    self._path = RunFolder.of(config.output, config.run_id).schema_file
    self._statistics = statistics

  def expand(self, root: Any) -> PCollection[WrittenFile]:
    splits = [AsSingleton(split) for split in self._statistics]
    return root | 'Path' >> beam.Create([self._path]) | 'Infer' >> beam.Map(write_inferred_schema, *splits)


class ImportSchema(beam.PTransform):
  """The curated schema -> the WrittenFile that holds it as the run's schema."""

  def __init__(self, config: RunConfig):
    super().__init__()
    self._path = RunFolder.of(config.output, config.run_id).schema_file
    self._source = config.schema

  def expand(self, root: Any) -> PCollection[WrittenFile]:
    return root | 'Path' >> beam.Create([self._path]) | 'Import' >> beam.Map(write_curated_schema, self._source)


class WriteManifest(beam.PTransform):
  """All that was found and written -> the Manifest, written last of all. Checks that every row is somewhere."""

  def __init__(
    self,
    config: RunConfig,
    plan: PCollection[InputPlan],
    findings: PCollection[Findings],
    quarantine: PCollection[QuarantineFile],
    examples: PCollection[ShardFile],
    statistics: Sequence[PCollection[WrittenFile]],
    schema: PCollection[WrittenFile],
  ):
    super().__init__()
    self._config = config
    self._inputs = [AsSingleton(plan), AsSingleton(findings), AsList(quarantine), AsList(examples), AsSingleton(schema)]
    self._inputs += [AsSingleton(split) for split in statistics]

  def expand(self, root: Any) -> PCollection[Manifest]:
    return root | 'Config' >> beam.Create([self._config]) | 'Write' >> beam.Map(_write_manifest, *self._inputs)


def _write_manifest(
  config: RunConfig,
  plan: InputPlan,
  findings: Findings,
  quarantine: Sequence[QuarantineFile],
  examples: Sequence[ShardFile],
  schema: WrittenFile,
  *statistics: WrittenFile,
) -> Manifest:
  records = {split.name: sum(file.records for file in examples if file.split == split.name) for split in config.splits}
  bad_rows: collections.Counter[str] = collections.Counter()
  for bad in quarantine:
    bad_rows.update(bad.rows)
  if sum(records.values()) + bad_rows.total() != findings.rows:
    raise RuntimeError(
      f'{findings.rows:,} rows were read, but {sum(records.values()):,} Examples written and {bad_rows.total():,} rows '
      'set aside: a file changed while it was read, or this is a defect, which please report'
    )
  # Where all types are given, bad rows are not known before.
  if refusal := too_many(bad_rows.total(), findings.rows, config.max_bad_rows):
    folder = RunFolder.of(config.output, config.run_id).quarantine
    raise UserError(f'{refusal}; they are in {folder}')
  manifest = Manifest(
    run_id=config.run_id,
    pipeline_name=config.pipeline_name,
    input=InputSummary(config.input, plan.files, plan.bytes, findings.rows, f'sha256-sum:{findings.fingerprint:064x}'),
    columns={name: kind.name for name, kind in findings.settle_types(plan.layout).fields},
    splits=records,
    examples=tuple(sorted(examples, key=lambda file: file.path)),
    statistics=statistics,
    schema=schema,
    versions=package_versions(),
    bad_rows=dict(sorted(bad_rows.items())),
    quarantine=tuple(sorted(quarantine, key=lambda file: file.path)),
  )
  write_bytes(RunFolder.of(config.output, config.run_id).manifest, manifest.to_json().encode())
  return manifest
