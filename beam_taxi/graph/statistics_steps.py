"""From encoded blocks to statistics and an inferred schema. Wiring only."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import AsList, PCollection, TaggedOutput
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beam_taxi.analysis.accumulator_bytes import to_bytes
from beam_taxi.analysis.gathering import Gathering
from beam_taxi.analysis.schema import write_inferred_schema
from beam_taxi.analysis.statistics import StatisticsBy, tfdv_transform, write_statistics
from beam_taxi.analysis.statistics_proto import to_statistics
from beam_taxi.artifacts.manifest import RunFolder, WrittenFile, write_file
from beam_taxi.errors import UserError
from beam_taxi.examples.list_columns import to_list_columns
from beam_taxi.examples.output_form import OutputForm
from beam_taxi.examples.splits import Split
from beam_taxi.graph.block_order import BlockOrder
from beam_taxi.graph.coders import use_for_batches
from beam_taxi.graph.output_steps import EncodedBlock
from beam_taxi.inputs.matching import absolute
from beam_taxi.inputs.shard_sizes import Shard
from beam_taxi.runners.counters import StepCounters

SplitStatistics = tuple[str, DatasetFeatureStatisticsList]

_STEP = 'GenerateStatistics'
_ACCUMULATORS = 'accumulators'


class GenerateStatistics(beam.PTransform):
  """EncodedBlocks -> the statistics of each split, as (the split's name, its DatasetFeatureStatisticsList).

  They are those of tfdv.GenerateStatistics with its defaults, feature by feature, but for two things: features are in
  the columns' order, and strings with very many distinct values are counted approximately, which their feature says.
  Blocks have to come as WriteExamples wants them. Each shard gives an accumulator a split, or the rows where they are
  smaller, which is all that is shuffled; they are merged in the shards' order, so the statistics are the same bytes
  however the pipeline is run.
  """

  def __init__(self, form: OutputForm, by: StatisticsBy = 'shard'):
    """`form` is the one of EncodeExamples. `by='tfdv'` takes tfdv.GenerateStatistics itself, once a split."""
    super().__init__()
    if by not in get_args(StatisticsBy):
      raise UserError(f'GenerateStatistics: by is {by!r}; give one of {", ".join(get_args(StatisticsBy))}')
    self._form = form
    self._by = by

  def expand(self, blocks: PCollection[EncodedBlock]) -> PCollection[SplitStatistics]:
    if self._by == 'tfdv':
      return _generate_by_tfdv(blocks, self._form)
    statistics, _ = _accumulate(blocks, self._form)
    return statistics


class GenerateStatisticsOfRun(GenerateStatistics):
  """EncodedBlocks -> as GenerateStatistics, and the WrittenFiles that hold the accumulators, if there are any."""

  def __init__(self, form: OutputForm, by: StatisticsBy, folder: RunFolder):
    super().__init__(form, by)
    self._folder = RunFolder(absolute(folder.uri))

  def expand(self, blocks: PCollection[EncodedBlock]) -> Any:  # A tuple, for which Beam has no hint.
    if self._by == 'tfdv':
      return _generate_by_tfdv(blocks, self._form), None
    statistics, accumulators = _accumulate(blocks, self._form)
    return statistics, accumulators | 'WriteAccumulators' >> beam.Map(_write_accumulator, self._folder)


def _accumulate(
  blocks: PCollection[EncodedBlock], form: OutputForm
) -> tuple[PCollection[SplitStatistics], PCollection[tuple[str, bytes]]]:
  """The statistics of each split, and the bytes of the accumulator that they are made of."""
  found = (
    blocks
    | 'Accumulate' >> beam.ParDo(_AccumulateShard(form))
    | 'AccumulatorsOfShards' >> beam.GroupByKey()
    | 'MergeShards' >> beam.ParDo(_MergeShards(form))
    | 'PartsOfSplit' >> beam.GroupByKey()
    | 'Merge' >> beam.ParDo(_MergeParts(form)).with_outputs(_ACCUMULATORS, main='statistics')
  )
  found.statistics.element_type = SplitStatistics
  found[_ACCUMULATORS].element_type = tuple[str, bytes]
  return found.statistics, found[_ACCUMULATORS]


def _write_accumulator(accumulator: tuple[str, bytes], folder: RunFolder) -> WrittenFile:
  split, data = accumulator
  return write_file(folder.accumulator_file(split), data, split)


# A split, and which of its parts: a part is so many shards one after the other; None where there is only one.
_Part = tuple[str, int | None]
# A Gathering's bytes behind its place.
_Placed = tuple[int, bytes]

# So many shards need no parts.
_SHARDS_AT_ONCE = 16


class _AccumulateShard(beam.DoFn):
  """A shard's blocks -> with its last one, a Gathering of each split."""

  def __init__(self, form: OutputForm):
    self._form = form
    self._counters = StepCounters(_STEP)
    self._order = BlockOrder()
    self._gatherings: list[Gathering] = []

  def start_bundle(self) -> None:
    self._order = BlockOrder()

  def process(self, block: EncodedBlock) -> Iterator[tuple[_Part, _Placed]]:
    _check_form(block, self._form)
    with self._counters.timed():
      if self._order.begins_with(block.shard, block.number, block.last):
        self._gatherings = [_new_gathering(self._form) for _ in self._form.splits]
      for index, gathering in enumerate(self._gatherings):
        gathering.add(block.rows(index))
      done = [gathering.to_bytes() for gathering in self._gatherings] if block.last else []
    if block.last:
      self._gatherings = []
    part = _part_of(block.shard)
    for split, data in zip(self._form.splits, done, strict=bool(done)):
      self._counters.add('bytes', len(data))
      yield (split.name, part), (block.shard.index, data)

  def finish_bundle(self) -> None:
    self._order.end()


def _new_gathering(form: OutputForm) -> Gathering:
  return Gathering(empty_is_missing=form.empty_cells == 'missing')


def _part_of(shard: Shard) -> int | None:
  """A shard's part. Neither merge has more than about the root of all shards to merge, which a worker has in memory."""
  if shard.count <= _SHARDS_AT_ONCE:
    return None
  return shard.index // max(_SHARDS_AT_ONCE, math.isqrt(shard.count))


def _check_form(block: EncodedBlock, form: OutputForm) -> None:
  if (block.form.splits, block.form.empty_cells) != (form.splits, form.empty_cells):
    raise UserError('GenerateStatistics: its form has other splits or empty_cells than that of EncodeExamples')


class _MergeShards(beam.DoFn):
  def __init__(self, form: OutputForm):
    self._form = form
    self._counters = StepCounters(_STEP)

  def process(self, shards_of_part: tuple[_Part, Iterable[_Placed]]) -> Iterator[tuple[str, _Placed]]:
    (split, part), placed = shards_of_part
    if part is None:
      yield from ((split, each) for each in placed)
      return
    with self._counters.timed():
      data = _merged(placed, self._form).to_bytes()
    yield split, (part, data)


class _MergeParts(beam.DoFn):
  def __init__(self, form: OutputForm):
    self._form = form
    self._counters = StepCounters(_STEP)

  def process(self, parts_of_split: tuple[str, Iterable[_Placed]]) -> Iterator[Any]:
    split, placed = parts_of_split
    with self._counters.timed():
      accumulator = _merged(placed, self._form).accumulator()
      statistics = to_statistics(accumulator)
      accumulator.compact()
      data = to_bytes(accumulator)
    yield split, statistics
    yield TaggedOutput(_ACCUMULATORS, (split, data))


def _merged(placed: Iterable[_Placed], form: OutputForm) -> Gathering:
  """The sum of Gatherings, in the order of their places."""
  merged = _new_gathering(form)
  for _, data in sorted(placed):
    merged.add_bytes(data)
  return merged


def _generate_by_tfdv(blocks: PCollection[EncodedBlock], form: OutputForm) -> PCollection[SplitStatistics]:
  tags = {split.name: _tag_of(split) for split in form.splits}
  generate = {name: tfdv_transform() for name in tags}
  use_for_batches()
  rows = blocks | 'RowsOfSplits' >> beam.ParDo(_RowsOfSplits(form)).with_outputs(*tags.values())
  found = []
  for name, tag in tags.items():
    rows[tag].element_type = pa.RecordBatch
    statistics = rows[tag] | f'Generate[{name}]' >> generate[name]
    named = statistics | f'Name[{name}]' >> beam.Map(_with_name, name)
    named.element_type = SplitStatistics
    found.append(named)
  return tuple(found) | 'AllSplits' >> beam.Flatten()


def _tag_of(split: Split) -> str:
  return f'rows_of_{split.name}'


def _with_name(statistics: DatasetFeatureStatisticsList, split: str) -> SplitStatistics:
  return split, statistics


class _RowsOfSplits(beam.DoFn):
  """EncodedBlocks -> each split's rows, as TFDV takes them, under its tag."""

  def __init__(self, form: OutputForm):
    self._form = form
    self._counters = StepCounters(_STEP)

  def process(self, block: EncodedBlock) -> Iterator[Any]:
    _check_form(block, self._form)
    for index, split in enumerate(self._form.splits):
      with self._counters.timed():
        rows = block.rows(index)
        if rows.num_rows:
          # TFDV takes the rows in while this step waits for it to do so.
          yield TaggedOutput(_tag_of(split), to_list_columns(rows, self._form.empty_cells))


class WriteStatistics(beam.PTransform):
  """The statistics of splits -> the WrittenFiles that hold them, one a split."""

  def __init__(self, folder: RunFolder):
    super().__init__()
    self._folder = RunFolder(absolute(folder.uri))

  def expand(self, statistics: PCollection[SplitStatistics]) -> PCollection[WrittenFile]:
    return statistics | 'Write' >> beam.Map(_write, self._folder)


def _write(statistics: SplitStatistics, folder: RunFolder) -> WrittenFile:
  split, found = statistics
  return write_statistics(found, folder.statistics_file(split), split)


class InferSchema(beam.PTransform):
  """The statistics of all splits, in one PCollection or a tuple of several -> the WrittenFile that holds the schema."""

  def __init__(self, folder: RunFolder, splits: Sequence[Split]):
    """The schema is inferred from the first of `splits` that has records, and widened by each of the others."""
    super().__init__()
    self._path = RunFolder(absolute(folder.uri)).schema_file
    self._splits = [split.name for split in splits]

  def expand(self, statistics: Any) -> PCollection[WrittenFile]:  # Beam takes a hint only of one PCollection.
    parts = statistics if isinstance(statistics, tuple) else (statistics,)
    root = parts[0].pipeline | 'Path' >> beam.Create([self._path])
    return root | 'Infer' >> beam.Map(_infer, self._splits, *(AsList(part) for part in parts))


def _infer(path: str, splits: Sequence[str], *parts: Sequence[SplitStatistics]) -> WrittenFile:
  by_split = {split: statistics for part in parts for split, statistics in part}
  return write_inferred_schema(path, *(by_split[split] for split in splits))
