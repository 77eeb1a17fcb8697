"""Whole records of a file, a block at a time."""

import dataclasses
import itertools
from collections.abc import Iterator

from beam_taxi.inputs.csv.bad_rows import RowProblem
from beam_taxi.inputs.csv.boundaries import count_lines, last_record_end, open_quote
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.files import open_csv, read_some
from beam_taxi.inputs.input_files import InputFile, changed, changed_within, check_unchanged, read_exactly
from beam_taxi.inputs.ranges import RecordRange
from beam_taxi.kernel.crc32c import crc32c


class UnclosedQuoteError(ValueError):
  """A file ends inside quotes."""

  def __init__(self, problem: RowProblem):
    super().__init__(problem.what)
    self.problem = problem


@dataclasses.dataclass(frozen=True)
class Block:
  """Whole records, with the offset in the file's CSV bytes and the lines that end before it."""

  data: bytes
  offset: int
  lines: int


def read_records(records: RecordRange, dialect: Dialect, block_size: int) -> Iterator[Block]:
  """The records of a range, in blocks that hold whole ones: one block, or many where the file is a stream.

  Args:
    records: the range.
    dialect: how the file is written.
    block_size: bytes of a stream that are read at a time; where the range has checksums, as many as in pass 1.

  Raises:
    UserError: the file is not what it was when the run began, or its bytes are not those that pass 1 read.
    UnclosedQuoteError: a stream ends inside quotes.
  """
  if records.end in (None, records.file.size):
    check_unchanged(records.file)
  if records.checksums is None:
    yield from _blocks_of(records, dialect, block_size)
    return
  offset = records.start
  try:
    for block, checksum in itertools.zip_longest(_blocks_of(records, dialect, block_size), records.checksums):
      if block is None:
        raise changed_within(records.file, f'its text ends at byte {offset:,}')
      end = offset + len(block.data)
      if crc32c(block.data) != checksum:
        of_text = ' of its text' if records.file.is_stream else ''
        raise changed_within(records.file, f'bytes {offset:,} to {end:,}{of_text} are not what they were')
      yield block
      offset = end
  except UnclosedQuoteError as error:
    raise changed_within(records.file, 'it ends inside quotes') from error


def _blocks_of(records: RecordRange, dialect: Dialect, block_size: int) -> Iterator[Block]:
  """read_records, whatever the checksums are."""
  if records.end is None:
    yield from read_blocks(records.file, records.start, dialect, block_size, again=records.checksums is not None)
  elif records.end > records.start:
    with open_csv(records.file, (records.start, records.end)) as stream:
      stream.seek(records.start)
      data = read_exactly(stream, records.end - records.start, records.file)
      if records.end == records.file.size and stream.read(1):
        raise changed(records.file, 'longer')
    yield Block(data, records.start, records.line - 1)


def read_blocks(
  file: InputFile, start: int, dialect: Dialect, block_size: int, *, again: bool = False
) -> Iterator[Block]:
  """Streams a file from a record's beginning to its end, about `block_size` bytes at a time.

  `again` is open_csv's.

  Raises:
    UserError: the file is not what it was when the run began.
    UnclosedQuoteError: the file ends inside quotes.
  """
  with open_csv(file, again=again) as stream:
    lines = count_lines(read_exactly(stream, start, file))
    offset = start
    rest = b''
    while chunk := read_some(stream, max(block_size, len(rest))):
      rest += chunk
      if whole := last_record_end(rest, dialect):
        yield Block(rest[:whole], offset, lines)
        lines += count_lines(rest, 0, whole)
        offset += whole
        rest = rest[whole:]
    quote = open_quote(rest, dialect)
    if quote is not None:
      raise UnclosedQuoteError(unclosed_quote(offset + quote, lines + count_lines(rest, 0, quote)))
    if rest:
      yield Block(rest, offset, lines)


def unclosed_quote(offset: int, lines: int) -> RowProblem:
  """The problem of a file that ends inside quotes, told at the place where they opened."""
  return RowProblem(
    offset, lines, 'a quote opens here and is never closed; close it, or give the --quote_char that the file has'
  )
