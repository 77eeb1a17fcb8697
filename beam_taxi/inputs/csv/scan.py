"""Pass 1 over the bytes: each range read once, on a guess; then what all ranges together say is true.

`scan_range` reads a range for both states that a reader can enter it in, guesses one, and infers column types from the
records that begin in it under that guess. `settle` puts the ranges of a file in order, follows the true state from the
file's beginning and keeps what was guessed right; `scan_records` looks again at the few ranges where it was not.
"""

import bisect
import dataclasses
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from beam_taxi.errors import UserError
from beam_taxi.inputs.checksum import Stretch, checksum_of_file, joined, stretches
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.bad_rows import RowProblem, located
from beam_taxi.inputs.csv.boundaries import (
  Entered,
  Outcome,
  Place,
  count_lines,
  enter,
  first_record_end,
  next_cut,
  open_quote,
)
from beam_taxi.inputs.csv.by_name import layout_in, types_in_all
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.examine import Examined, Piece, examine
from beam_taxi.inputs.csv.files import open_csv, read_some
from beam_taxi.inputs.csv.header import Header, header_difference, read_header
from beam_taxi.inputs.csv.records import UnclosedQuoteError, read_blocks, read_records, unclosed_quote
from beam_taxi.inputs.findings import Findings, Problem, merge_findings
from beam_taxi.inputs.fingerprint import fingerprint_of_file
from beam_taxi.inputs.input_files import InputFile, changed, check_unchanged, read_exactly
from beam_taxi.inputs.layout import InputPlan, Layout
from beam_taxi.inputs.ranges import ByteRange, RecordRange
from beam_taxi.kernel.crc32c import crc32c

_LOOKAHEAD = 64 * 1024


@dataclasses.dataclass(frozen=True)
class RangeScan:
  """One range, read once.

  Attributes:
    part: the range.
    begin: offset in the file of the first byte that was looked at; the offsets in `outside` and `inside` count from it.
    outside: what the range does to a reader that enters it outside quotes.
    inside: the same for one that enters it inside them.
    guess: the state, True for inside, for which `rows` holds; None where no guess was followed.
    rows: what was found in the records that begin in the range. Offsets count from `begin`.
    lines: how many lines end from `begin` to the range's end.
    stretches: the CRC-32Cs of the range's bytes, cut where records may begin; of a stream that of the file as it is
      stored.
    blocks: of a stream, the CRC-32C of each block of its text behind the header.
    header_end, header_lines: in a file's first range, where its header ends, and how many lines end up to there.
    lines_above: in a file's first range, how many of these are before `begin`.
    fault: what keeps the file from being read, in its first range: a header, or an unclosed quote of a stream.
  """

  part: ByteRange
  begin: int
  outside: Outcome
  inside: Outcome
  guess: bool | None = None
  rows: Examined = dataclasses.field(default_factory=Examined)
  lines: int = 0
  stretches: tuple[Stretch, ...] = ()
  blocks: tuple[int, ...] = ()
  header_end: int = 0
  header_lines: int = 0
  lines_above: int = 0
  fault: Problem | None = None


@dataclasses.dataclass(frozen=True)
class Settled:
  """A file whose records are known.

  Attributes:
    records: one RecordRange for each of its ranges; () where the file has a fault.
    types: of each of them the columns' types; None where it was guessed wrong, () where it has no good row.
    unsure: those that were guessed wrong and must be scanned again.
    findings: what the others found.
  """

  records: tuple[RecordRange, ...]
  types: tuple[tuple[ColumnType, ...] | None, ...]
  unsure: tuple[RecordRange, ...]
  findings: Findings


_NOTHING = Outcome(first_record=None, first_end=0, last_end=0, ends_inside=False, open_quote=None, plausible=True)


def scan_range(part: ByteRange, plan: InputPlan, block_size: int) -> RangeScan:
  """Reads one range.

  Args:
    part: the range.
    plan: the input that it is of. The header of each file must agree with that of the first.
    block_size: bytes of a stream that are parsed at a time, as in pass 2; also, how far behind the range the end of its
      last record is looked for before the guess is given up.

  Raises:
    UserError: the file is not what it was when the run began.
  """
  header = None
  if part.start == 0:
    check_unchanged(part.file)
    try:
      header = read_header(part.file, plan.layout.settings)
      fault = _wrong_header(header, part, plan) or _too_far_down(header, part)
    except UserError as error:
      fault = str(error)
    if fault:
      return RangeScan(part, 0, _NOTHING, _NOTHING, fault=Problem(part.file.index, 0, fault))
  if part.file.is_stream:
    assert header
    return _scan_stream(part, header, plan.layout, block_size)
  return scan_bytes(part, header, plan.layout, block_size)


def _wrong_header(header: Header, part: ByteRange, plan: InputPlan) -> str:
  """What is wrong where a file's header is not the first file's or, where files are read by name, not what it was."""
  if not plan.layout.of_files:
    return header_difference(plan.own, header)
  if header.columns == layout_in(plan.layout, part.file.index).columns:
    return ''
  return f'{header.path}: its header is not what it was when the run began; run again when nothing writes to it'


def _too_far_down(header: Header, part: ByteRange) -> str:
  """What is wrong where the lines above a header do not all stand in the first range of a file."""
  if part.file.is_stream or not header.lines or header.begin <= part.end:
    return ''
  return f'{header.path}: has {header.begin:,} bytes above its header, which are too many; cut them off'


def scan_bytes(part: ByteRange, header: Header | None, layout: Layout, patience: int) -> RangeScan:
  """scan_range for a range of a file that is no stream. Only the file's first range is given its header."""
  dialect = layout.settings
  with open_csv(part.file, (max(part.start - 1, 0), part.end + _LOOKAHEAD)) as stream:
    window = _read_window(stream, part, dialect)
    begin = header.begin if header else 0
    body = window.body[begin:]
    entered = enter(body, dialect, window.previous)
    guess = entered.inside.plausible and not entered.outside.plausible
    guessed = entered.inside if guess else entered.outside
    scan = RangeScan(
      part,
      window.offset + begin,
      entered.outside,
      entered.inside,
      guess=guess,
      lines=entered.lines,
      stretches=stretches(window.body, window.offset, _places(entered, window.offset + begin, header)),
    )
    start = guessed.first_record or Place(len(body), entered.lines)
    if header:
      length = header.end - header.begin
      start = Place(length, count_lines(body, 0, length))
      above = header.lines
      scan = dataclasses.replace(scan, header_end=header.end, header_lines=above + start.lines, lines_above=above)
    if start.offset >= len(body):
      return scan
    whole = max(guessed.last_end, start.offset)
    tail = _record_at(stream, body[whole:] + window.behind, dialect, patience) if whole < len(body) else b''
    if tail is None:
      return dataclasses.replace(scan, guess=None)
  pieces = [Piece(body, start.offset, whole), Piece.whole(tail)]
  return dataclasses.replace(scan, rows=_examine(pieces, layout, part.file, start.offset, start.lines))


def _places(entered: Entered, begin: int, header: Header | None) -> list[int]:
  """Where records may begin in a range, as offsets in the file; those in `entered` count from `begin`."""
  firsts = [state.first_record for state in (entered.outside, entered.inside)]
  return [*([header.end] if header else []), *(begin + first.offset for first in firsts if first)]


@dataclasses.dataclass(frozen=True)
class _Window:
  """A range's bytes, cut as `next_cut` says, and what is around them.

  Attributes:
    body: the bytes.
    offset: that of the body in the file.
    previous: the byte before it, or b'' at the file's beginning.
    behind: the bytes behind it that have been read already.
  """

  body: bytes
  offset: int
  previous: bytes
  behind: bytes


def _read_window(stream: BinaryIO, part: ByteRange, dialect: Dialect) -> _Window:
  """Reads a range, the byte before it, and as much behind it as its cut needs."""
  stream.seek(max(part.start - 1, 0))
  previous = read_exactly(stream, 1, part.file) if part.start else b''
  buffer = read_exactly(stream, part.end - part.start, part.file)
  end = len(buffer)
  if part.end == part.file.size:
    if stream.read(1):
      raise changed(part.file, 'longer')
  elif buffer.endswith((dialect.quote_char.encode() or b'\r', b'\r')):
    while (cut := next_cut(buffer, end, dialect)) is None and (more := stream.read(max(_LOOKAHEAD, len(buffer)))):
      buffer += more
    end = len(buffer) if cut is None else cut
  begin = 0
  if previous in (dialect.quote_char.encode(), b'\r') and previous:
    cut = next_cut(previous + buffer, 1, dialect)
    begin = end if cut is None else min(cut - 1, end)
  return _Window(buffer[begin:end], part.start + begin, buffer[begin - 1 : begin] or previous, buffer[end:])


def _record_at(stream: BinaryIO, data: bytes, dialect: Dialect, patience: int) -> bytes | None:
  """The record that begins with `data` and goes on in the stream.

  Returns:
    The record; b'' where the file ends inside its quotes; None where it is longer than `patience` bytes, as it seems to
    be to a reader that guessed wrong.
  """
  while (length := first_record_end(data, dialect)) is None:
    if len(data) > patience:
      return None
    more = read_some(stream, max(_LOOKAHEAD, len(data)))
    if not more:
      return b'' if open_quote(data, dialect) is not None else data
    data += more
  return data[:length]


def _scan_stream(part: ByteRange, header: Header, layout: Layout, block_size: int) -> RangeScan:
  """scan_range for a file that is a stream, whose one range begins at its beginning: nothing has to be guessed."""
  found = Findings()
  scan = RangeScan(part, 0, _NOTHING, _NOTHING, guess=False, header_end=header.end)
  first: RowProblem | None = None
  checksums = []
  try:
    for block in read_blocks(part.file, header.end, layout.settings, block_size):
      checksums.append(crc32c(block.data))
      rows = _examine([Piece.whole(block.data)], layout, part.file, block.offset, block.lines)
      found = merge_findings([found, Findings(rows.types, rows.count, rows.bad)])
      first = first or rows.first_bad_row
  except UnclosedQuoteError as error:
    scan = dataclasses.replace(scan, fault=located(part.file, error.problem))
  rows = Examined(found.types, found.rows, found.bad_rows, first)
  stored = Stretch(part.end, checksum_of_file(part.file.stored))
  return dataclasses.replace(scan, rows=rows, stretches=(stored,), blocks=tuple(checksums))


def settle(scans: Iterable[RangeScan]) -> Settled:
  """Follows the true state through all ranges of one file.

  Args:
    scans: every range of the file, in any order.

  Returns:
    Where the records of each range are, which ranges were guessed wrong, and what the others found.
  """
  scans = sorted(scans, key=lambda scan: scan.part.start)
  file = scans[0].part.file
  if scans[0].fault:
    return Settled((), (), (), Findings(fault=scans[0].fault))
  header_end = scans[0].header_end
  limits = [scan.begin for scan in scans[1:]] + [file.size]
  inside = False
  lines = scans[0].lines_above
  opened = RowProblem(0, 0, '')
  starts: list[tuple[int, int] | None] = []
  trusted: list[bool] = []
  parts: list[Findings] = []
  for scan, limit in zip(scans, limits, strict=True):
    true = scan.inside if inside else scan.outside
    first = true.first_record
    # Where ranges are tiny, a header spans several: its first range then has the records behind it.
    if scan.part.start == 0:
      starts.append((header_end, scan.header_lines))
      sure = header_end <= limit or file.is_stream
    else:
      behind = first and scan.begin + first.offset >= header_end
      starts.append((scan.begin + first.offset, lines + first.lines) if first and behind else None)
      sure = scan.begin >= header_end
    trusted.append(sure and scan.guess is inside)
    if trusted[-1]:
      parts.append(_findings(file, scan.rows, scan.begin, lines))
    if true.open_quote:
      opened = unclosed_quote(scan.begin + true.open_quote.offset, lines + true.open_quote.lines)
    inside = true.ends_inside
    lines += scan.lines
  if inside:
    return Settled((), (), (), merge_findings([*parts, Findings(fault=located(file, opened))]))
  records = _record_ranges(scans, starts)
  unsure = [found for found, sure in zip(records, trusted, strict=True) if not sure and found.end != found.start]
  types = tuple(scan.rows.types if sure else None for scan, sure in zip(scans, trusted, strict=True))
  parts.append(Findings(fingerprint=_fingerprint(scans)))
  return Settled(tuple(records), types, tuple(unsure), merge_findings(parts))


def scan_records(records: RecordRange, layout: Layout, block_size: int) -> Findings:
  """Pass 1 again, over a range whose records are known."""
  blocks = read_records(records, layout.settings, block_size)
  return merge_findings(
    _findings(records.file, _examine([Piece.whole(block.data)], layout, records.file, block.offset, block.lines), 0, 0)
    for block in blocks
  )


def _examine(pieces: Sequence[Piece], layout: Layout, file: InputFile, offset: int, lines: int) -> Examined:
  """See examine.examine; the types are of all columns of the input."""
  found = examine(pieces, layout_in(layout, file.index), offset, lines)
  return dataclasses.replace(found, types=types_in_all(found.types, layout, file.index))


def _findings(file: InputFile, rows: Examined, offset: int, lines: int) -> Findings:
  """What was found in rows of a file; `offset` bytes and `lines` lines are before the place that they count from."""
  first = located(file, rows.first_bad_row.behind(offset, lines)) if rows.first_bad_row else None
  return Findings(rows.types, rows.count, rows.bad, first)


def _record_ranges(scans: Sequence[RangeScan], starts: Sequence[tuple[int, int] | None]) -> list[RecordRange]:
  """Each range's records: from its first one to the first one of the next range that has any."""
  file = scans[0].part.file
  end: int | None = None if file.is_stream else file.size
  read = [stretch for scan in scans for stretch in scan.stretches]
  found = []
  for scan, start in zip(reversed(scans), reversed(starts), strict=True):
    offset, lines = start or (end or 0, 0)
    checksums = scan.blocks if end is None else _checksums(read, offset, end)
    found.append(RecordRange(file, offset, end, lines + 1, scan.part.shard, checksums))
    end = offset
  return found[::-1]


def _checksums(read: Sequence[Stretch], start: int, end: int) -> tuple[int, ...]:
  """The CRC-32C of a file's bytes [start, end), at both of which stretches end; none where there are no bytes."""
  first, last = (bisect.bisect_right(read, place, key=lambda stretch: stretch.end) for place in (start, end))
  return (joined(read[first:last], start),) if start < end else ()


def _fingerprint(scans: Sequence[RangeScan]) -> int:
  """A file's fingerprint, its checksum joined from those of its ranges."""
  file = scans[0].part.file
  checksum = joined([stretch for scan in scans for stretch in scan.stretches], 0)
  return fingerprint_of_file(file.path, file.size, checksum)
