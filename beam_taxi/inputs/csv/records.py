"""Whole records of a file, a block at a time."""

import dataclasses
from collections.abc import Iterator

from beam_taxi.inputs.csv.bad_rows import RowProblem
from beam_taxi.inputs.csv.boundaries import count_lines, last_record_end, open_quote
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.files import open_csv, read_some
from beam_taxi.inputs.input_files import InputFile, changed, check_unchanged, read_exactly
from beam_taxi.inputs.ranges import RecordRange


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

  Raises:
    UserError: the file is not what it was when the run began.
    UnclosedQuoteError: a stream ends inside quotes.
  """
  if records.end in (None, records.file.size):
    check_unchanged(records.file)
  if records.end is None:
    yield from read_blocks(records.file, records.start, dialect, block_size)
  elif records.end > records.start:
    with open_csv(records.file) as stream:
      stream.seek(records.start)
      data = read_exactly(stream, records.end - records.start, records.file)
      if records.end == records.file.size and stream.read(1):
        raise changed(records.file, 'longer')
    yield Block(data, records.start, records.line - 1)


def read_blocks(file: InputFile, start: int, dialect: Dialect, block_size: int) -> Iterator[Block]:
  """Streams a file from a record's beginning to its end, about `block_size` bytes at a time.

  Raises:
    UserError: the file is not what it was when the run began.
    UnclosedQuoteError: the file ends inside quotes.
  """
  with open_csv(file) as stream:
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
