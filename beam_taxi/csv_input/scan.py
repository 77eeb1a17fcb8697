"""Pass 1 over the bytes: each range read once, on a guess; then what all ranges together say is true.

`scan_range` reads a range for both states that a reader can enter it in, guesses one, and infers column types from the
records that begin in it under that guess. `settle` puts the ranges of a file in order, follows the true state from the
file's beginning and keeps what was guessed right; `scan_records` looks again at the few ranges where it was not.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import google_crc32c

from beam_taxi.csv_input.boundaries import (
  Outcome,
  cut_after_quotes,
  first_record_end,
  last_record_end,
  open_quote,
  outcome,
)
from beam_taxi.csv_input.checksum import checksum_of_file, join_checksums
from beam_taxi.csv_input.column_types import ColumnType, widest
from beam_taxi.csv_input.decode import BadRowError, RowProblem, infer_types
from beam_taxi.csv_input.dialect import Dialect
from beam_taxi.csv_input.files import (
  Header,
  InputFile,
  changed,
  header_difference,
  open_uncompressed,
  read_exactly,
  read_header,
)
from beam_taxi.csv_input.ranges import ByteRange, RecordRange
from beam_taxi.csv_input.records import read_blocks, read_records, unclosed_quote
from beam_taxi.errors import UserError

_LOOKAHEAD = 64 * 1024


@dataclasses.dataclass(frozen=True)
class Problem:
  """The first bad row of some part of the input, with the file and offset that put it before or after others."""

  file: int
  offset: int
  message: str


@dataclasses.dataclass(frozen=True)
class Findings:
  """What pass 1 knows of some part of the input. Findings of parts merge into those of the whole, in any order.

  Attributes:
    types: one type a column; () where no record was looked at.
    rows: records, blank lines not counted.
    problem: the first bad row, or None.
    fingerprint: the sum, modulo 2**256, of a SHA-256 a file over its path, size and CRC-32C.
  """

  types: tuple[ColumnType, ...] = ()
  rows: int = 0
  problem: Problem | None = None
  fingerprint: int = 0

  def types_of(self, columns: Sequence[str]) -> tuple[ColumnType, ...]:
    """One type a column, UNKNOWN where there was no record at all."""
    return self.types or (ColumnType.UNKNOWN,) * len(columns)


@dataclasses.dataclass(frozen=True)
class RangeScan:
  """One range, read once.

  Attributes:
    part: the range.
    begin: offset in the file of the first byte that was looked at; the offsets in `outside` and `inside` count from it.
    outside: what the range does to a reader that enters it outside quotes.
    inside: the same for one that enters it inside them.
    guess: the state, True for inside, for which `types`, `rows` and `problem` hold; None where no guess was followed.
    types, rows: of the records that begin in the range.
    problem: the first bad row among them; its offset and line count from `begin`.
    newlines: how many there are from `begin` to the range's end.
    checksum: CRC-32C of the range's stored bytes.
    header_end, header_lines: in a file's first range, where its header ends, and how many newlines are in it.
    fault: in a file's first range, what is wrong with its header; else ''.
  """

  part: ByteRange
  begin: int
  outside: Outcome
  inside: Outcome
  guess: bool | None = None
  types: tuple[ColumnType, ...] = ()
  rows: int = 0
  problem: RowProblem | None = None
  newlines: int = 0
  checksum: int = 0
  header_end: int = 0
  header_lines: int = 0
  fault: str = ''


@dataclasses.dataclass(frozen=True)
class Settled:
  """A file whose records are known: one RecordRange for each of its ranges, and those that must be scanned again."""

  records: tuple[RecordRange, ...]
  unsure: tuple[RecordRange, ...]
  findings: Findings


_NOTHING = Outcome(first_record=None, ends_inside=False, open_quote=None, plausible=True)


def merge_findings(findings: Iterable[Findings]) -> Findings:
  """The findings of all parts together."""
  parts = list(findings)
  problems = [part.problem for part in parts if part.problem]
  return Findings(
    types=widest(part.types for part in parts if part.types),
    rows=sum(part.rows for part in parts),
    problem=min(problems, key=lambda problem: (problem.file, problem.offset), default=None),
    fingerprint=sum(part.fingerprint for part in parts) % 2**256,
  )


def scan_range(part: ByteRange, first: Header, dialect: Dialect, block_size: int) -> RangeScan:
  """Reads one range.

  Args:
    part: the range.
    first: the header of the input's first file, with which this file's must agree.
    dialect: how cells are written.
    block_size: bytes of a compressed file that are parsed at a time; also, how far behind the range the end of its last
      record is looked for before the guess is given up.

  Raises:
    UserError: the file is not what it was when the run began.
  """
  header = None
  if part.start == 0:
    try:
      header = read_header(part.file, dialect)
      fault = header_difference(first, header)
    except UserError as error:
      fault = str(error)
    if fault:
      return RangeScan(part, 0, _NOTHING, _NOTHING, fault=fault)
  if part.file.compression:
    assert header
    return _scan_stream(part, header, dialect, block_size)
  return _scan_bytes(part, header, first.columns, dialect, block_size)


def _scan_bytes(
  part: ByteRange, header: Header | None, columns: Sequence[str], dialect: Dialect, patience: int
) -> RangeScan:
  """scan_range for a range of a file that is not compressed. Only the file's first range is given its header."""
  with open_uncompressed(part.file) as stream:
    window = _read_window(stream, part, dialect)
    buffer, end = window.buffer, window.end
    begin = header.begin if header else window.begin
    body = buffer[begin:end]
    previous = buffer[begin - 1 : begin] if part.start else b''
    outside = outcome(body, dialect, inside=False, previous=previous)
    inside = outcome(body, dialect, inside=True, previous=previous)
    guess = inside.plausible and not outside.plausible
    guessed = inside if guess else outside
    scan = RangeScan(
      part,
      window.offset + begin,
      outside,
      inside,
      guess=guess,
      newlines=body.count(b'\n'),
      checksum=window.checksum,
    )
    start = guessed.first_record.offset if guessed.first_record else len(body)
    if header:
      start = header.end - header.begin
      scan = dataclasses.replace(scan, header_end=header.end, header_lines=body.count(b'\n', 0, start))
    if start >= len(body):
      return scan
    records = body[start:]
    whole = last_record_end(records, dialect)
    if whole < len(records):
      tail = _record_at(stream, buffer[begin + start + whole :], dialect, patience)
      if tail is None:
        return dataclasses.replace(scan, guess=None)
      records = records[:whole] + tail
  try:
    types, rows = infer_types(records, columns, dialect)
  except BadRowError as error:
    return dataclasses.replace(scan, problem=error.problem.behind(start, body.count(b'\n', 0, start)))
  return dataclasses.replace(scan, types=types, rows=rows)


@dataclasses.dataclass(frozen=True)
class _Window:
  """A range's bytes and some around them: the range, cut where no quote stands just before, is buffer[begin:end].

  `offset` is that of the buffer in the file, `checksum` that of the range as planned.
  """

  buffer: bytes
  begin: int
  end: int
  offset: int
  checksum: int


def _read_window(stream: BinaryIO, part: ByteRange, dialect: Dialect) -> _Window:
  """Reads a range, the byte before it, and as much behind it as its cut needs."""
  lead = 1 if part.start else 0
  stream.seek(part.start - lead)
  buffer = read_exactly(stream, lead + part.end - part.start, part.file)
  checksum = google_crc32c.value(buffer[lead:])
  end = len(buffer)
  if part.end == part.file.size:
    if stream.read(1):
      raise changed(part.file, 'longer')
  else:
    while (end := cut_after_quotes(buffer, end, dialect)) == len(buffer):
      more = stream.read(_LOOKAHEAD)
      if not more:
        break
      buffer += more
  begin = cut_after_quotes(buffer, lead, dialect) if lead else 0
  return _Window(buffer, min(begin, end), end, part.start - lead, checksum)


def _record_at(stream: BinaryIO, data: bytes, dialect: Dialect, patience: int) -> bytes | None:
  """The record that begins with `data` and goes on in the stream.

  Returns:
    The record; b'' where the file ends inside its quotes; None where it is longer than `patience` bytes, as it seems to
    be to a reader that guessed wrong.
  """
  while (length := first_record_end(data, dialect)) is None:
    if len(data) > patience:
      return None
    more = stream.read(max(_LOOKAHEAD, len(data)))
    if not more:
      return b'' if open_quote(data, dialect) is not None else data
    data += more
  return data[:length]


def _scan_stream(part: ByteRange, header: Header, dialect: Dialect, block_size: int) -> RangeScan:
  """scan_range for a compressed file, whose one range begins at its beginning: nothing has to be guessed."""
  types: tuple[ColumnType, ...] = ()
  rows = 0
  scan = RangeScan(part, 0, _NOTHING, _NOTHING, guess=False, header_end=header.end)
  try:
    for block in read_blocks(part.file, header.end, dialect, block_size):
      try:
        found, count = infer_types(block.data, header.columns, dialect)
      except BadRowError as error:
        raise BadRowError(error.problem.behind(block.offset, block.lines)) from error
      types = widest([types, found]) if types else found
      rows += count
  except BadRowError as error:
    return dataclasses.replace(scan, problem=error.problem)
  return dataclasses.replace(scan, types=types, rows=rows, checksum=checksum_of_file(part.file.path))


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
    return Settled((), (), Findings(problem=Problem(file.index, 0, scans[0].fault)))
  header_end = scans[0].header_end
  limits = [scan.begin for scan in scans[1:]] + [file.size]
  inside = False
  lines = 0
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
      sure = header_end <= limit or file.compression is not None
    else:
      behind = first and scan.begin + first.offset >= header_end
      starts.append((scan.begin + first.offset, lines + first.newlines) if first and behind else None)
      sure = scan.begin >= header_end
    trusted.append(sure and scan.guess is inside)
    if trusted[-1]:
      problem = located(file, scan.problem.behind(scan.begin, lines)) if scan.problem else None
      parts.append(Findings(scan.types, scan.rows, problem))
    if true.open_quote:
      opened = unclosed_quote(scan.begin + true.open_quote.offset, lines + true.open_quote.newlines)
    inside = true.ends_inside
    lines += scan.newlines
  if inside:
    return Settled((), (), merge_findings([*parts, Findings(problem=located(file, opened))]))
  records = _record_ranges(scans, starts)
  unsure = [found for found, sure in zip(records, trusted, strict=True) if not sure and found.end != found.start]
  parts.append(Findings(fingerprint=_fingerprint(scans)))
  return Settled(tuple(records), tuple(unsure), merge_findings(parts))


def scan_records(records: RecordRange, columns: Sequence[str], dialect: Dialect, block_size: int) -> Findings:
  """Pass 1 again, over a range whose records are known."""
  parts = []
  try:
    for block in read_records(records, dialect, block_size):
      try:
        types, rows = infer_types(block.data, columns, dialect)
      except BadRowError as error:
        raise BadRowError(error.problem.behind(block.offset, block.lines)) from error
      parts.append(Findings(types, rows))
  except BadRowError as error:
    parts.append(Findings(problem=located(records.file, error.problem)))
  return merge_findings(parts)


def _record_ranges(scans: Sequence[RangeScan], starts: Sequence[tuple[int, int] | None]) -> list[RecordRange]:
  """Each range's records: from its first one to the first one of the next range that has any."""
  file = scans[0].part.file
  end: int | None = None if file.compression else file.size
  found = []
  for scan, start in zip(reversed(scans), reversed(starts), strict=True):
    offset, lines = start or (end or 0, 0)
    found.append(RecordRange(file, offset, end, lines + 1, scan.part.shard))
    end = offset
  return found[::-1]


def located(file: InputFile, problem: RowProblem) -> Problem:
  """A problem as the user reads it."""
  return Problem(
    file.index,
    problem.offset,
    f'{file.path}: line {problem.lines + 1} (byte {problem.offset:,}): {problem.reason}; mend or remove that row and '
    'run again',
  )


def _fingerprint(scans: Sequence[RangeScan]) -> int:
  """A SHA-256 over a file's path, size and CRC-32C."""
  file = scans[0].part.file
  checksum = 0
  for scan in scans:
    checksum = join_checksums(checksum, scan.checksum, scan.part.end - scan.part.start)
  identity = f'{file.path}\0{file.size}\0{checksum:08x}'
  return int.from_bytes(hashlib.sha256(identity.encode()).digest(), 'big')
