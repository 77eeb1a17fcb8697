"""Pass 1 in this process: all that can be said of an input before a run, and which cell forced each column's type."""

import collections
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.advice import Advice, advise
from beam_taxi.inputs.csv.arrow_parsing import one_chunk, parse, parse_bytes
from beam_taxi.inputs.csv.bad_rows import count_reasons, located
from beam_taxi.inputs.csv.boundaries import count_lines
from beam_taxi.inputs.csv.by_name import layout_in
from beam_taxi.inputs.csv.column_types import type_of_cell
from beam_taxi.inputs.csv.decode import decode
from beam_taxi.inputs.csv.records import Block, read_records
from beam_taxi.inputs.csv.rows import find_rows
from beam_taxi.inputs.csv.scan import RangeScan, Settled, scan_range, scan_records, settle
from beam_taxi.inputs.findings import Findings, merge_findings
from beam_taxi.inputs.input_files import InputFile
from beam_taxi.inputs.layout import InputPlan, Layout
from beam_taxi.inputs.ranges import ByteRange, RecordRange, plan_ranges
from beam_taxi.inputs.shard_sizes import Sizes
from beam_taxi.parsing import MIB

BLOCK_SIZE = 4 * MIB


@dataclasses.dataclass(frozen=True)
class Cell:
  """A cell, and the file and line (from 1) at which its row begins."""

  file: str
  line: int
  text: str


@dataclasses.dataclass(frozen=True)
class Survey:
  """What an input is.

  Attributes:
    findings: of the whole of it.
    layout: its rows', with all types.
    forced_by: of each column the first cell of the column's type; None where the type was given or is UNKNOWN.
    first_rows: the first good rows, of the columns that are not skipped; an empty cell is None.
    bad_at_end: whether all bad rows are the last rows of their files.
    advice: on columns whose types were not given, by the first rows of which there are many; and what shows it.
  """

  findings: Findings
  layout: Layout
  forced_by: tuple[Cell | None, ...]
  first_rows: tuple[tuple[str | None, ...], ...]
  bad_at_end: bool = False
  advice: tuple[tuple[Advice, Cell], ...] = ()


def survey(
  files: Sequence[InputFile], plan: InputPlan, workers: int, rows: int, scanned: Callable[[int], None]
) -> Survey:
  """Reads an input once, and once more what tells which cells forced the types.

  Args:
    files: the input's files.
    plan: what is known of them.
    workers: how many threads read.
    rows: how many first rows to return, at most.
    scanned: is told of each range, when it has been read, how many bytes it has. Any thread calls it.

  Raises:
    UserError: a file is not what it was when it was matched.
  """

  def scan(part: ByteRange) -> RangeScan:
    found = scan_range(part, plan, BLOCK_SIZE)
    scanned(part.end - part.start)
    return found

  settled: dict[int, list[RangeScan]] = {}
  with ThreadPoolExecutor(workers) as pool:
    for found in pool.map(scan, plan_ranges(files, Sizes(BLOCK_SIZE, BLOCK_SIZE))):
      settled.setdefault(found.part.file.index, []).append(found)
    of_files = [settle(scans) for _, scans in sorted(settled.items())]
    unsure = [records for file in of_files for records in file.unsure]
    again = pool.map(lambda records: scan_records(records, plan.layout, BLOCK_SIZE), unsure)
    findings = merge_findings([*(file.findings for file in of_files), *again])
    if plan.layout.has_all_types:
      # Pass 1 has looked for rows alone.
      ranges = [records for file in of_files for records in file.records]
      findings = merge_findings([findings, *pool.map(lambda records: _bad_rows(records, plan.layout), ranges)])
  layout = findings.settle_types(plan.layout)
  if findings.fault:
    return Survey(findings, layout, (None,) * len(layout.columns), ())
  return Survey(
    findings,
    layout,
    _forcing_cells(of_files, plan.layout, layout),
    _first_rows(of_files, layout, rows),
    bool(findings.bad_rows) and sum(findings.bad_rows.values()) == sum(_ends_badly(file, layout) for file in of_files),
    _advice(of_files, plan.layout, layout),
  )


def _bad_rows(records: RecordRange, layout: Layout) -> Findings:
  """The bad rows among records, where all types are given."""
  parts = []
  for block in read_records(records, layout.settings, BLOCK_SIZE):
    bad = decode(block.data, layout_in(layout, records.file.index)).bad
    if bad:
      first = located(records.file, bad[0].problem.behind(block.offset, block.lines))
      parts.append(Findings(bad_rows=count_reasons(bad), first_bad_row=first))
  return merge_findings(parts)


def _forcing_cells(files: Sequence[Settled], pending: Layout, layout: Layout) -> tuple[Cell | None, ...]:
  found: dict[int, Cell] = {}
  open_columns = {
    column
    for column, (given, kind) in enumerate(zip(pending.types, layout.types, strict=True))
    if given is None and kind is not ColumnType.UNKNOWN
  }
  for records, types in _ranges(files):
    # Of a range that was guessed wrong the types are not at hand.
    wanted = [column for column in open_columns if types is None or (types and types[column] == layout.types[column])]
    for block in read_records(records, layout.settings, BLOCK_SIZE) if wanted else ():
      found.update(_forcing_cells_of(block, records.file, pending, layout, open_columns & set(wanted)))
      open_columns -= found.keys()
  return tuple(found.get(column) for column in range(len(layout.columns)))


def _forcing_cells_of(
  block: Block, file: InputFile, pending: Layout, layout: Layout, wanted: set[int]
) -> Iterator[tuple[int, Cell]]:
  """The first cell of its column's type, for each column that has one in the block."""
  own = layout_in(pending, file.index)
  parsed = parse(block.data, own)
  begins = find_rows(block.data, layout.settings).begins
  begins = np.setdiff1d(begins, [row.offset for row in parsed.bad])
  for column in wanted:
    if layout.columns[column] not in own.columns:
      continue
    cells = one_chunk(parse_bytes(parsed.text, own, (layout.columns[column],)).column(0)).to_pylist()
    for place, cell in enumerate(cells):
      if cell is not None and type_of_cell(cell) == layout.types[column]:
        line = block.lines + count_lines(block.data, 0, int(begins[place])) + 1
        yield column, Cell(file.path, line, cell.decode())
        break


def _first_rows(files: Sequence[Settled], layout: Layout, rows: int) -> tuple[tuple[str | None, ...], ...]:
  found: list[tuple[str | None, ...]] = []
  names = tuple(name for _, name in layout.read_columns)
  for records, _ in _ranges(files):
    own = layout_in(layout, records.file.index)
    here = tuple(name for name in names if name in own.columns)
    for block in read_records(records, layout.settings, BLOCK_SIZE):
      table = parse_bytes(parse(block.data, own).text, own, here).slice(0, rows - len(found))
      columns = {name: [cell and cell.decode() for cell in table[name].to_pylist()] for name in here}
      found += zip(*(columns.get(name, [None] * table.num_rows) for name in names), strict=True)
      if len(found) == rows:
        return tuple(found)
  return tuple(found)


def _advice(files: Sequence[Settled], pending: Layout, layout: Layout) -> tuple[tuple[Advice, Cell], ...]:
  """Advice by the first block that has good rows."""
  for records, _ in _ranges(files):
    own = layout_in(layout, records.file.index)
    for block in read_records(records, layout.settings, BLOCK_SIZE):
      parsed = parse(block.data, own)
      table = parse_bytes(parsed.text, own, tuple(name for _, name in own.read_columns))
      if not table.num_rows:
        continue
      begins = np.setdiff1d(find_rows(block.data, layout.settings).begins, [row.offset for row in parsed.bad])
      open_columns = [
        (name, kind, one_chunk(table[name]))
        for name, kind, given in zip(layout.columns, layout.types, pending.types, strict=True)
        if given is None and kind is not None and name in own.columns
      ]
      found = []
      for advice in advise(open_columns):
        line = block.lines + count_lines(block.data, 0, int(begins[advice.row])) + 1
        cell = table[advice.column][advice.row].as_py() or b''
        found.append((advice, Cell(records.file.path, line, cell.decode())))
      return tuple(found)
  return ()


def _ends_badly(file: Settled, layout: Layout) -> bool:
  """Whether the last row of a file is a bad one."""
  last = [records for records in file.records if records.end is None or records.end > records.start][-1:]
  for records in last:
    blocks = collections.deque(read_records(records, layout.settings, BLOCK_SIZE), maxlen=1)
    for block in blocks:
      begins = find_rows(block.data, layout.settings).begins
      bad = decode(block.data, layout_in(layout, records.file.index)).bad
      return bool(bad and begins.size and bad[-1].offset == begins[-1])
  return False


def _ranges(files: Sequence[Settled]) -> Iterator[tuple[RecordRange, tuple[ColumnType, ...] | None]]:
  for file in files:
    yield from zip(file.records, file.types, strict=True)
