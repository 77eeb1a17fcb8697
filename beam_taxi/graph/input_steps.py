"""From the input to typed rows: listing, planning, both passes over the input. Wiring only."""

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import AsList, AsSingleton, PCollection, TaggedOutput

from beam_taxi.artifacts.listing import ListedSource, Listing, read_listing, write_listing
from beam_taxi.artifacts.manifest import RunFolder, WrittenFile
from beam_taxi.errors import UserError
from beam_taxi.examples.blocks import pieces
from beam_taxi.graph.coders import RowsCoder
from beam_taxi.inputs import scan_ahead
from beam_taxi.inputs.bad_row_policy import BadRowLimit, BadRowPolicy, too_many
from beam_taxi.inputs.column_form import ColumnForm, Derived, GivenType
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.findings import Findings, merge_findings, refusal_of, refusal_of_row
from beam_taxi.inputs.input_form import InputForm
from beam_taxi.inputs.kinds import reader_of
from beam_taxi.inputs.layout import InputPlan, Layout
from beam_taxi.inputs.matching import absolute, list_input
from beam_taxi.inputs.quarantine import BadRecord, QuarantineWriter, quarantine_file
from beam_taxi.inputs.reader import Range, Records, Scan
from beam_taxi.inputs.shard_sizes import Shard, Sizes
from beam_taxi.record.resolving import list_sources
from beam_taxi.runners.counters import StepCounters
from beam_taxi.settings.config import RunConfig


class ListInput(beam.PTransform):
  """Nothing -> the Listing of all that the run reads.

  Whoever began the run has listed its input and written input.json, or else that happens here, when the graph runs. The
  graph itself holds no list of files: one of 100,000 is larger than services allow the description of a job to be.
  """

  def __init__(self, config: RunConfig, *, listed: bool):
    super().__init__()
    self._config = config
    self._listed = listed

  def expand(self, root: Any) -> PCollection[Listing]:
    folders = root | 'Folder' >> beam.Create([RunFolder.of(self._config.output, self._config.run_id)])
    if self._listed:
      return folders | 'Read' >> beam.Map(read_listing)
    # What is shuffled is kept: a step behind that is tried again does not list again.
    return folders | 'List' >> beam.Map(_list_and_write, self._config) | 'Keep' >> beam.Reshuffle()


def _list_and_write(folder: RunFolder, config: RunConfig) -> Listing:
  listing = list_sources(config)
  write_listing(folder, listing)
  return listing


class ListFiles(beam.PTransform):
  """Nothing -> the Listing of what patterns name, as of one source; of no run, and written nowhere."""

  def __init__(self, patterns: tuple[str, ...]):
    super().__init__()
    self._patterns = patterns

  def expand(self, root: Any) -> PCollection[Listing]:
    return root | 'Patterns' >> beam.Create([self._patterns]) | 'List' >> beam.Map(_list) | 'Keep' >> beam.Reshuffle()


def _list(patterns: tuple[str, ...]) -> Listing:
  return list_input([('', patterns)])


class PlanInput(beam.PTransform):
  """The Listing -> the InputPlan of one of its sources."""

  def __init__(self, form: InputForm, source: int):
    super().__init__()
    self._form = form
    self._source = source

  def expand(self, listing: PCollection[Listing]) -> PCollection[InputPlan]:
    return listing | 'Source' >> beam.Map(_source, self._source) | 'Plan' >> beam.Map(self._form.plan)


class PlanRanges(beam.PTransform):
  """The Listing -> the Ranges of one of its sources, spread over all workers."""

  def __init__(self, form: InputForm, source: int):
    super().__init__()
    self._form = form
    self._source = source

  def expand(self, listing: PCollection[Listing]) -> PCollection[Range]:
    return (
      listing
      | 'Source' >> beam.Map(_source, self._source)
      | 'Plan' >> beam.FlatMap(self._form.ranges)
      | 'SpreadRanges' >> beam.Reshuffle()
    )


def _source(listing: Listing, number: int) -> ListedSource:
  return listing.sources[number]


@dataclasses.dataclass(frozen=True)
class Known:
  """What is known of a source before its rows are read for good: its plan, and what pass 1 found."""

  plan: InputPlan
  findings: Findings

  @property
  def layout(self) -> Layout:
    """With the types of all rows."""
    return self.findings.settle_types(self.plan.layout)


class Scanned(NamedTuple):
  """Pass 1's results: what is Known of the whole input, and every shard's Records, keyed by the shard's index."""

  known: PCollection[Known]
  records: PCollection[tuple[int, Records]]


class ScanRanges(beam.PTransform):
  """Pass 1: Ranges -> Scanned. Ends the run where a file cannot be read or has bad rows that it does not stand."""

  def __init__(self, form: InputForm, plan: PCollection[InputPlan]):
    super().__init__()
    self._form = form
    self._plan = plan

  def expand(self, ranges: PCollection[Range]) -> Any:  # Scanned; Beam takes a hint only of a PCollection.
    plan = AsSingleton(self._plan)
    settled = (
      ranges
      | 'Scan' >> beam.ParDo(_ScanRange(self._form), plan)
      | 'RangesOfFile' >> beam.GroupByKey()
      | 'Settle' >> beam.ParDo(_Settle(self._form)).with_outputs('unsure', 'findings', main='records')
    )
    again = (
      settled.unsure | 'SpreadUnsure' >> beam.Reshuffle() | 'ScanAgain' >> beam.ParDo(_ScanRecords(self._form), plan)
    )
    known = (
      (settled.findings, again)
      | 'AllFindings' >> beam.Flatten()
      # Each file gives some, so there is no need for what defaults take.
      | 'MergeFindings' >> beam.CombineGlobally(merge_findings).without_defaults()
      | 'RejectBadRows' >> beam.Map(_accepted, self._form, plan)
    )
    return Scanned(known, settled.records)


class _ScanRange(beam.DoFn):
  def __init__(self, form: InputForm):
    self._reader = reader_of(form.settings)
    self._block_size = form.sizes.block_size
    self._counters = StepCounters('ScanRanges')

  def process(self, part: Range, plan: InputPlan) -> Iterator[tuple[int, Scan]]:
    if ahead := scan_ahead.take(part, plan, self._block_size):
      scan, seconds = ahead
      self._counters.add('msecs', round(1000 * seconds))
    else:
      with self._counters.timed():
        scan = self._reader.scan(part, plan, self._block_size)
    self._counters.add('bytes', part.end - part.start)
    yield part.file.index, scan


class _Settle(beam.DoFn):
  def __init__(self, form: InputForm):
    self._reader = reader_of(form.settings)

  def process(self, scans_of_file: tuple[int, Iterable[Scan]]) -> Iterator[Any]:
    settled = self._reader.settle(scans_of_file[1])
    for records in settled.records:
      yield records.shard.index, records
    for records in settled.unsure:
      yield TaggedOutput('unsure', records)
    yield TaggedOutput('findings', settled.findings)


class _ScanRecords(beam.DoFn):
  def __init__(self, form: InputForm):
    self._reader = reader_of(form.settings)
    self._block_size = form.sizes.block_size
    self._counters = StepCounters('ScanRanges')

  def process(self, records: Records, plan: InputPlan) -> Iterator[Findings]:
    with self._counters.timed():
      findings = self._reader.scan_again(records, plan.layout, self._block_size)
    self._counters.add('ranges_scanned_again', 1)
    yield findings


def _accepted(findings: Findings, form: InputForm, plan: InputPlan) -> Known:
  """What is known; raises UserError where the findings say that the run cannot go on."""
  if refusal := refusal_of(findings, form.bad_rows, form.max_bad_rows):
    raise UserError(refusal)
  return Known(plan, findings)


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


class Read(NamedTuple):
  """Rows that were read.

  Attributes:
    blocks: the shards' ShardBlocks, each shard's in the files' order.
    quarantine: the files of bad rows, where these are set aside.
  """

  blocks: PCollection[ShardBlock]
  quarantine: PCollection[WrittenFile]


class ReadShards(beam.PTransform):
  """Pass 2: each shard's Records -> Read. Bad rows that are set aside are written to the folder `quarantine`."""

  def __init__(self, form: InputForm, quarantine: str, known: PCollection[Known]):
    super().__init__()
    self._form = form
    self._quarantine = quarantine
    self._known = known

  def expand(self, records: PCollection[tuple[int, Records]]) -> Any:  # Read; see ScanRanges.
    read_shard = _ReadShard(self._form, self._quarantine)
    read = (
      records
      | 'RangesOfShard' >> beam.GroupByKey()
      | 'Read' >> beam.ParDo(read_shard, AsSingleton(self._known)).with_outputs('quarantine', main='blocks')
    )
    read.blocks.element_type = ShardBlock
    read.quarantine.element_type = WrittenFile
    return Read(read.blocks, read.quarantine)


class _ReadShard(beam.DoFn):
  def __init__(self, form: InputForm, quarantine: str):
    self._reader = reader_of(form.settings)
    self._quarantine = quarantine
    self._bad_rows = form.bad_rows
    self._block_size = form.sizes.block_size
    self._counters = StepCounters('ReadRows')

  def process(self, ranges_of_shard: tuple[int, Iterable[Records]], known: Known) -> Iterator[Any]:
    ranges = sorted(ranges_of_shard[1], key=lambda records: (records.file.index, records.start))
    layout, shard = known.layout, ranges[0].shard
    waiting = self._reader.no_rows(layout)
    number = 0
    with QuarantineWriter(quarantine_file(self._quarantine, shard)) as quarantine:
      # One block is held back, so that the last can say that it is. The first is empty: a shard without records has it.
      for rows in self._rows(ranges, layout, quarantine):
        yield ShardBlock(shard, number, last=False, rows=waiting)
        waiting = rows
        number += 1
      written = quarantine.finish()
    if written:
      yield TaggedOutput('quarantine', written)
    yield ShardBlock(shard, number, last=True, rows=waiting)

  def _rows(self, ranges: Sequence[Records], layout: Layout, quarantine: QuarantineWriter) -> Iterator[pa.RecordBatch]:
    for records in ranges:
      blocks = self._reader.read(records, layout, self._block_size)
      while True:
        with self._counters.timed():
          block = next(blocks, None)
          if block is None:
            break
          if block.bad:
            self._set_aside(block.bad, quarantine)
        self._counters.add('bytes', block.bytes)
        self._counters.add('rows', block.rows.num_rows)
        for what, cells in block.counts.items():
          self._counters.add(what, cells)
        yield from pieces(block.rows, self._block_size)

  def _set_aside(self, bad: Sequence[BadRecord], quarantine: QuarantineWriter) -> None:
    if self._bad_rows == 'fail':
      # Where all types are given, this is the first time that anyone looks at the cells.
      raise UserError(refusal_of_row(bad[0].problem))
    quarantine.append(bad)
    for reason, rows in collections.Counter(row.reason for row in bad).items():
      self._counters.add(f'bad_rows.{reason}', rows)


class ReadSource(NamedTuple):
  """A source of the input that was read: what is Known of it besides what Read has."""

  known: PCollection[Known]
  blocks: PCollection[ShardBlock]
  quarantine: PCollection[WrittenFile]


def read_source(
  listing: PCollection[Listing], number: int, form: InputForm, quarantine: str, label: str = ''
) -> ReadSource:
  """Adds both passes over a source of the input.

  Args:
    listing: one Listing.
    number: the source's place in it.
    form: how it is read.
    quarantine: the folder for bad rows that are set aside.
    label: stands behind the name of each step.
  """
  plan = listing | f'PlanInput{label}' >> PlanInput(form, number)
  ranges = listing | f'PlanRanges{label}' >> PlanRanges(form, number)
  scanned: Scanned = ranges | f'ScanRanges{label}' >> ScanRanges(form, plan)
  read: Read = scanned.records | f'ReadRows{label}' >> ReadShards(form, quarantine, scanned.known)
  return ReadSource(scanned.known, read.blocks, read.quarantine)


class ReadCsv(beam.PTransform):
  """Nothing -> the typed rows of CSV files, as `Read`: `.blocks` of ShardBlocks and `.quarantine` of WrittenFiles.

  Both passes over the input, as a run makes them: which shard a row goes to follows from the files' names and sizes, a
  column's type from all rows. Nothing is written but bad rows, where they are set aside. The pipeline fails with a
  UserError where no file matches, one cannot be read or, by the end, more rows are bad than `max_bad_rows`.

      rows = pipeline | ReadCsv('gs://bucket/trips/*.csv')
      examples = rows.blocks | EncodeExamples(OutputForm())
  """

  def __init__(
    self,
    patterns: str | Sequence[str],
    dialect: Dialect = Dialect(),
    *,
    column_types: Mapping[str, GivenType] | None = None,
    schema: str = '',
    select_columns: Sequence[str] = (),
    drop_columns: Sequence[str] = (),
    rename_columns: Mapping[str, str] | None = None,
    derive_features: Mapping[str, Derived] | None = None,
    quarantine: str = '',
    max_bad_rows: BadRowLimit | None = None,
    block_size: int = Sizes.block_size,
    shard_size: int = Sizes.shard_size,
    num_shards: int | None = None,
  ):
    """Raises UserError where a setting is wrong; RunConfig says what each means.

    Args:
      patterns: files, folders or glob patterns. All files need the same header.
      dialect: how the files are written.
      column_types: types that are not to be inferred, by column.
      schema: a curated schema.pbtxt, which gives the types of other features.
      select_columns: those that become features, in this order.
      drop_columns: those that do not, instead.
      rename_columns: names of features, by column.
      derive_features: features that are parts of times, by name.
      quarantine: the folder that rows are written to which cannot be read; without it the first of them ends the
        pipeline. It should be empty: files of other shards stay.
      max_bad_rows: how many rows are set aside there at most.
      block_size: bytes that are parsed at a time: a block is of about so many.
      shard_size: uncompressed bytes that go into a shard.
      num_shards: how many shards there are, instead.
    """
    super().__init__()
    self._patterns = tuple(map(absolute, [patterns] if isinstance(patterns, str) else patterns))
    if not self._patterns:
      raise UserError('ReadCsv: there is no pattern; give at least one')
    sizes = Sizes(block_size, shard_size, num_shards)
    bad_rows: BadRowPolicy = 'quarantine' if quarantine else 'fail'
    if max_bad_rows is not None and not quarantine:
      raise UserError('ReadCsv: max_bad_rows says how many rows are set aside; give quarantine, a folder for them')
    columns = ColumnForm(
      dict(column_types or {}),
      absolute(schema),
      tuple(select_columns),
      tuple(drop_columns),
      dict(rename_columns or {}),
      dict(derive_features or {}),
    )
    self._form = InputForm(dialect, columns, bad_rows, max_bad_rows, sizes)
    self._quarantine = absolute(quarantine)

  def expand(self, root: Any) -> Any:  # Read; see ScanRanges.
    listing = root | 'ListInput' >> ListFiles(self._patterns)
    read = read_source(listing, 0, self._form, self._quarantine)
    # Where all types are given, bad rows are not known before they are read.
    held = read.known | 'RejectBadRows' >> beam.FlatMap(
      _not_too_many, self._form.max_bad_rows, self._quarantine, AsList(read.quarantine)
    )
    held.element_type = WrittenFile
    return Read(read.blocks, held)


def _not_too_many(
  known: Known, limit: BadRowLimit | None, folder: str, files: Sequence[WrittenFile]
) -> Sequence[WrittenFile]:
  """The files of bad rows; raises UserError where too many rows are in them."""
  bad = sum(sum(file.counts.values()) for file in files)
  if refusal := too_many(bad, known.findings.rows, limit):
    raise UserError(f'{refusal}; they are in {folder}')
  return files
