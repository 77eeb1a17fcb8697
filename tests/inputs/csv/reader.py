"""Both passes over CSV files, in this process: what the tests of this room read with."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import pyarrow as pa
from csv_files import match_files, plan_input

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.bad_rows import BadRow
from beam_taxi.inputs.csv.decode import decode
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.records import Block, read_records
from beam_taxi.inputs.csv.scan import Settled, scan_range, scan_records, settle
from beam_taxi.inputs.findings import Findings, merge_findings
from beam_taxi.inputs.layout import InputPlan
from beam_taxi.inputs.ranges import plan_ranges
from beam_taxi.inputs.shard_sizes import Sizes


@dataclasses.dataclass(frozen=True)
class Reading:
  """What both passes make of some files."""

  plan: InputPlan
  settled: tuple[Settled, ...]
  findings: Findings
  blocks: tuple[Block, ...]
  rows: pa.Table
  bad: tuple[tuple[Block, BadRow], ...]

  def cells(self) -> list[list[object]]:
    """The good rows' cells, a list a column."""
    return [column.to_pylist() for column in self.rows.columns]


def read(
  paths: Sequence[pathlib.Path],
  block_size: int,
  dialect: Dialect | None = None,
  column_types: Mapping[str, ColumnType] | None = None,
) -> Reading:
  """Reads files as a run does. The ranges of a file are settled in the reverse of their order."""
  dialect = dialect or Dialect()
  files = match_files([str(path) for path in paths], dialect)
  plan = plan_input(files, dialect, column_types or {}, '')
  scans = [scan_range(part, plan, block_size) for part in plan_ranges(files, Sizes(block_size, 1024))]
  settled = tuple(settle([scan for scan in scans if scan.part.file == file][::-1]) for file in files)
  again = [scan_records(records, plan.layout, block_size) for file in settled for records in file.unsure]
  findings = merge_findings([*(file.findings for file in settled), *again])
  layout = findings.settle_types(plan.layout)
  blocks = tuple(
    block for file in settled for records in file.records for block in read_records(records, dialect, block_size)
  )
  decoded = [decode(block.data, layout) for block in blocks]
  empty = decode(b'', layout).rows
  return Reading(
    plan,
    settled,
    findings,
    blocks,
    pa.Table.from_batches([empty, *(found.rows for found in decoded)]),
    tuple((block, row) for block, found in zip(blocks, decoded, strict=True) for row in found.bad),
  )
