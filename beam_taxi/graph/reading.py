"""From file patterns to typed rows: matching, planning, both passes over the input. Wiring only."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import AsSingleton, PCollection, TaggedOutput

from beam_taxi.artifacts.manifest import RunFolder, WrittenFile
from beam_taxi.errors import UserError
from beam_taxi.examples.blocks import pieces
from beam_taxi.graph.coders import RowsCoder
from beam_taxi.inputs.csv import scan_ahead
from beam_taxi.inputs.csv.bad_rows import BadRow, count_reasons
from beam_taxi.inputs.csv.decode import decode
from beam_taxi.inputs.csv.files import InputFile, match_files
from beam_taxi.inputs.csv.findings import Findings, located, merge_findings, refusal_of, refusal_of_row
from beam_taxi.inputs.csv.layout import InputPlan, Layout
from beam_taxi.inputs.csv.quarantine import QuarantineWriter
from beam_taxi.inputs.csv.ranges import ByteRange, RecordRange, Shard, plan_ranges
from beam_taxi.inputs.csv.records import Block, read_records
from beam_taxi.inputs.csv.scan import RangeScan, scan_range, scan_records, settle
from beam_taxi.runners.counters import StepCounters
from beam_taxi.settings.config import RunConfig


class MatchFiles(beam.PTransform):
  """Nothing -> the input's files, as one list."""

  def __init__(self, config: RunConfig):
    super().__init__()
    self._config = config

  def expand(self, root: Any) -> PCollection[list[InputFile]]:
    patterns = root | 'Patterns' >> beam.Create([self._config.input])
    return patterns | 'Match' >> beam.Map(match_files, self._config.input_settings)


class PlanRanges(beam.PTransform):
  """The list of files -> ByteRanges, spread over all workers."""

  def __init__(self, config: RunConfig):
    super().__init__()
    self._config = config

  def expand(self, files: PCollection[list[InputFile]]) -> PCollection[ByteRange]:
    return (
      files
      | 'Plan' >> beam.FlatMap(plan_ranges, self._config.block_size, self._config.shard_size, self._config.num_shards)
      | 'SpreadRanges' >> beam.Reshuffle()
    )


@dataclasses.dataclass(frozen=True)
class Scanned:
  """Pass 1's results: one Findings for the whole input, and every shard's RecordRanges, keyed by the shard's index."""

  findings: PCollection[Findings]
  records: PCollection[tuple[int, RecordRange]]


class ScanRanges(beam.PTransform):
  """Pass 1: ByteRanges -> Scanned. Ends the run where a file cannot be read or has bad rows that it does not stand."""

  def __init__(self, config: RunConfig, plan: PCollection[InputPlan]):
    super().__init__()
    self._config = config
    self._plan = plan

  def expand(self, ranges: PCollection[ByteRange]) -> Any:  # Scanned; Beam takes a hint only of a PCollection.
    plan = AsSingleton(self._plan)
    settled = (
      ranges
      | 'Scan' >> beam.ParDo(_ScanRange(self._config), plan)
      | 'RangesOfFile' >> beam.GroupByKey()
      | 'Settle' >> beam.ParDo(_Settle()).with_outputs('unsure', 'findings', main='records')
    )
    again = (
      settled.unsure | 'SpreadUnsure' >> beam.Reshuffle() | 'ScanAgain' >> beam.ParDo(_ScanRecords(self._config), plan)
    )
    findings = (
      (settled.findings, again)
      | 'AllFindings' >> beam.Flatten()
      | 'MergeFindings' >> beam.CombineGlobally(merge_findings)
      | 'RejectBadRows' >> beam.Map(_accepted, self._config)
    )
    return Scanned(findings, settled.records)


class _ScanRange(beam.DoFn):
  def __init__(self, config: RunConfig):
    self._block_size = config.block_size
    self._counters = StepCounters('ScanRanges')

  def process(self, part: ByteRange, plan: InputPlan) -> Iterator[tuple[int, RangeScan]]:
    if ahead := scan_ahead.take(part, plan, self._block_size):
      scan, seconds = ahead
      self._counters.add('msecs', round(1000 * seconds))
    else:
      with self._counters.timed():
        scan = scan_range(part, plan, self._block_size)
    self._counters.add('bytes', part.end - part.start)
    yield part.file.index, scan


class _Settle(beam.DoFn):
  def process(self, scans_of_file: tuple[int, Iterable[RangeScan]]) -> Iterator[Any]:
    settled = settle(scans_of_file[1])
    for records in settled.records:
      yield records.shard.index, records
    for records in settled.unsure:
      yield TaggedOutput('unsure', records)
    yield TaggedOutput('findings', settled.findings)


class _ScanRecords(beam.DoFn):
  def __init__(self, config: RunConfig):
    self._block_size = config.block_size
    self._counters = StepCounters('ScanRanges')

  def process(self, records: RecordRange, plan: InputPlan) -> Iterator[Findings]:
    with self._counters.timed():
      findings = scan_records(records, plan.layout, self._block_size)
    self._counters.add('ranges_scanned_again', 1)
    yield findings


def _accepted(findings: Findings, config: RunConfig) -> Findings:
  """The findings; raises UserError where they say that the run cannot go on."""
  if refusal := refusal_of(findings, config.bad_rows, config.max_bad_rows):
    raise UserError(refusal)
  return findings


@dataclasses.dataclass(frozen=True)
class ShardBlock:
  """Rows of a shard: its block `number`, counted from 0, and whether it is the last."""

  shard: Shard
  number: int
  last: bool
  rows: pa.RecordBatch

  @property
  def nbytes(self) -> int:
    return int(self.rows.nbytes)


beam.coders.registry.register_coder(ShardBlock, RowsCoder)


@dataclasses.dataclass(frozen=True)
class Read:
  """Pass 2's results: the shards' ShardBlocks, each shard's in the files' order, and the files of bad rows."""

  blocks: PCollection[ShardBlock]
  quarantine: PCollection[WrittenFile]


class ReadCsv(beam.PTransform):
  """Pass 2: each shard's RecordRanges -> Read."""

  def __init__(self, config: RunConfig, plan: PCollection[InputPlan], findings: PCollection[Findings]):
    super().__init__()
    self._config = config
    self._plan = plan
    self._findings = findings

  def expand(self, records: PCollection[tuple[int, RecordRange]]) -> Any:  # Read; see ScanRanges.
    read = (
      records
      | 'RangesOfShard' >> beam.GroupByKey()
      | 'Read'
      >> beam.ParDo(_ReadShard(self._config), AsSingleton(self._plan), AsSingleton(self._findings)).with_outputs(
        'quarantine', main='blocks'
      )
    )
    read.blocks.element_type = ShardBlock
    return Read(read.blocks, read.quarantine)


class _ReadShard(beam.DoFn):
  def __init__(self, config: RunConfig):
    self._folder = RunFolder.of(config.output, config.run_id)
    self._input_split = config.splits[0].name if config.input_splits else ''
    self._bad_rows = config.bad_rows
    self._block_size = config.block_size
    self._counters = StepCounters('ReadCsv')

  def process(
    self, ranges_of_shard: tuple[int, Iterable[RecordRange]], plan: InputPlan, findings: Findings
  ) -> Iterator[Any]:
    ranges = sorted(ranges_of_shard[1], key=lambda records: (records.file.index, records.start))
    layout = findings.settle_types(plan.layout)
    shard = ranges[0].shard
    waiting = decode(b'', layout).rows
    number = 0
    with QuarantineWriter(self._folder.quarantine_file(shard.index, shard.count, self._input_split)) as quarantine:
      # One block is held back, so that the last can say that it is. The first is empty: a shard without records has it.
      for rows in self._rows(ranges, layout, quarantine):
        yield ShardBlock(shard, number, last=False, rows=waiting)
        waiting = rows
        number += 1
      written = quarantine.finish()
    if written:
      yield TaggedOutput('quarantine', written)
    yield ShardBlock(shard, number, last=True, rows=waiting)

  def _rows(
    self, ranges: Sequence[RecordRange], layout: Layout, quarantine: QuarantineWriter
  ) -> Iterator[pa.RecordBatch]:
    for records in ranges:
      blocks = read_records(records, layout.dialect, self._block_size)
      while True:
        with self._counters.timed():
          block = next(blocks, None)
          if block is None:
            break
          decoded = decode(block.data, layout)
          if decoded.bad:
            self._set_aside(decoded.bad, records.file, block, quarantine)
        self._counters.add('bytes', len(block.data))
        self._counters.add('rows', decoded.rows.num_rows)
        yield from pieces(decoded.rows, self._block_size)

  def _set_aside(self, bad: Sequence[BadRow], file: InputFile, block: Block, quarantine: QuarantineWriter) -> None:
    if self._bad_rows == 'fail':
      # Where all types are given, this is the first time that anyone looks at the cells.
      raise UserError(refusal_of_row(located(file, bad[0].problem.behind(block.offset, block.lines))))
    quarantine.append(bad, file, block)
    for reason, rows in count_reasons(bad).items():
      self._counters.add(f'bad_rows.{reason}', rows)
