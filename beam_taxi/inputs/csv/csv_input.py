"""CSV as an input: what each step of both passes does with it."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from beam_taxi.artifacts.listing import ListedFile
from beam_taxi.inputs.column_form import ColumnForm
from beam_taxi.inputs.csv.bad_rows import BadRow, located
from beam_taxi.inputs.csv.by_name import all_columns, columns_of_files, completed, layout_in
from beam_taxi.inputs.csv.decode import decode
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.files import input_files
from beam_taxi.inputs.csv.header import read_header
from beam_taxi.inputs.csv.records import Block, read_records
from beam_taxi.inputs.csv.sample import sample_files
from beam_taxi.inputs.csv.scan import RangeScan, Settled, scan_range, scan_records, settle
from beam_taxi.inputs.findings import Findings
from beam_taxi.inputs.input_files import InputFile
from beam_taxi.inputs.layout import InputPlan, Layout, layout_of
from beam_taxi.inputs.quarantine import BadRecord
from beam_taxi.inputs.ranges import ByteRange, RecordRange, plan_ranges, text_bytes
from beam_taxi.inputs.reader import ReadBlock
from beam_taxi.inputs.shard_sizes import Sizes

# A bucket takes a while for each, whatever its size.
_HEADERS_AT_ONCE = 32


@dataclasses.dataclass(frozen=True)
class CsvInput:
  """Reads CSV that is written in a dialect; see reader.InputReader for what each method does."""

  dialect: Dialect

  def plan(self, listed: Sequence[ListedFile], columns: ColumnForm) -> InputPlan:
    """The plan of an input, whose `own` is the header of its first file. Raises UserError as read_header does."""
    files = input_files(listed, self.dialect)
    header = read_header(files[0], self.dialect)
    headers, names, where = [header], header.columns, header.path
    if self.dialect.columns_by == 'name':
      with ThreadPoolExecutor(_HEADERS_AT_ONCE) as pool:
        headers += pool.map(lambda file: read_header(file, self.dialect), files[1:])
      names, where = all_columns(headers), f'{header.path} with the other files' if len(files) > 1 else header.path
    unwanted = {name for each in headers for name in each.unnamed} if self.dialect.unnamed_columns == 'drop' else ()
    layout = layout_of(self.dialect, names, columns, where, unwanted)
    if self.dialect.columns_by == 'name':
      layout = dataclasses.replace(layout, of_files=columns_of_files(headers, names))
    doubts = []
    [name, *others] = header.columns
    if not others and any(mark in name for mark in ',;\t|'):
      doubts.append(f'{header.path}: has one column, {name!r}; is --delimiter right? "sniff" shows what is in a file')
    if header.says_sep:
      doubts.append(f'{header.path}: line 1 tells Excel the delimiter, and is skipped')
    if others:  # Of a single column, a cell may well be what the header is.
      layout = dataclasses.replace(layout, header=header.row)
    return InputPlan(len(files), sum(file.size for file in files), text_bytes(files), layout, tuple(doubts), header)

  def ranges(self, listed: Sequence[ListedFile], sizes: Sizes) -> list[ByteRange]:
    """Bytes of the files, not aligned to records."""
    return plan_ranges(input_files(listed, self.dialect), sizes)

  def scan(self, part: ByteRange, plan: InputPlan, block_size: int) -> RangeScan:
    """See scan.scan_range."""
    return scan_range(part, plan, block_size)

  def settle(self, scans: Iterable[RangeScan]) -> Settled:
    """See scan.settle."""
    return settle(scans)

  def scan_again(self, records: RecordRange, layout: Layout, block_size: int) -> Findings:
    """See scan.scan_records."""
    return scan_records(records, layout, block_size)

  def read(self, records: RecordRange, layout: Layout, block_size: int) -> Iterator[ReadBlock]:
    """Typed rows, as decode gives them."""
    own = layout_in(layout, records.file.index)
    for block in read_records(records, self.dialect, block_size):
      found = decode(block.data, own)
      bad = tuple(bad_record(row, records.file, block) for row in found.bad)
      yield ReadBlock(completed(found.rows, layout), bad, len(block.data), found.counts)

  def no_rows(self, layout: Layout) -> pa.RecordBatch:
    """A RecordBatch without rows."""
    return decode(b'', layout).rows

  def sample(self, listed: Sequence[ListedFile], size: int) -> Iterator[tuple[str, bytes]]:
    """See sample.sample_files."""
    return sample_files(listed, self.dialect, size)


def bad_record(row: BadRow, file: InputFile, block: Block) -> BadRecord:
  """A bad row of a block, as it is set aside or refused."""
  return BadRecord(
    file.path,
    block.lines + row.lines + 1,
    block.offset + row.offset,
    row.reason,
    row.detail,
    row.data,
    located(file, row.problem.behind(block.offset, block.lines)),
  )
