"""Blocks of whole records, from a plain file at once and from a compressed one as it streams."""

import gzip
import pathlib

import pytest
from csv_files import match_files

from beam_taxi.errors import UserError
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.records import Block, UnclosedQuoteError, read_blocks, read_records
from beam_taxi.inputs.input_files import InputFile
from beam_taxi.inputs.ranges import RecordRange
from beam_taxi.inputs.shard_sizes import Shard

SHARD = Shard(0, 1)


def write(path: pathlib.Path, data: bytes) -> InputFile:
  path.write_bytes(gzip.compress(data) if path.suffix == '.gz' else data)
  [file] = match_files([str(path)], Dialect())
  return file


def test_a_plain_files_records_are_one_block_of_any_size(tmp_path: pathlib.Path) -> None:
  file = write(tmp_path / 'a.csv', b'a\n1\n2\n3\n')

  blocks = list(read_records(RecordRange(file, 4, 8, 3, SHARD), Dialect(), 1))

  assert blocks == [Block(b'2\n3\n', 4, 2)]


def test_a_range_in_which_no_record_begins_has_no_block(tmp_path: pathlib.Path) -> None:
  file = write(tmp_path / 'a.csv', b'a\n1\n')

  assert list(read_records(RecordRange(file, 4, 4, 3, SHARD), Dialect(), 100)) == []


@pytest.mark.parametrize('block_size', [1, 2, 5, 9, 1000])
def test_a_streams_blocks_hold_whole_records(tmp_path: pathlib.Path, block_size: int) -> None:
  records = [b'1\n', b'"2\n2"\n', b'\n', b'"""\n3"\r\n', b'4']
  data = b'a\n' + b''.join(records)
  file = write(tmp_path / 'a.csv.gz', data)

  blocks = list(read_blocks(file, 2, Dialect(), block_size))

  ends = {2 + sum(map(len, records[:count])) for count in range(1, len(records) + 1)}
  assert b''.join(block.data for block in blocks) == data[2:]
  assert {block.offset + len(block.data) for block in blocks} <= ends
  assert [block.lines for block in blocks] == [data.count(b'\n', 0, block.offset) for block in blocks]


def test_a_stream_that_ends_inside_quotes_tells_where_they_opened(tmp_path: pathlib.Path) -> None:
  file = write(tmp_path / 'a.csv.gz', b'a\n"1\n1"\n2,"x\ny\n')

  with pytest.raises(UnclosedQuoteError) as raised:
    list(read_blocks(file, 2, Dialect(), 3))

  assert (raised.value.problem.offset, raised.value.problem.lines) == (10, 3)


@pytest.mark.parametrize(('now', 'how'), [(b'a\n1\n2\n3\n', 'longer'), (b'a\n1\n', 'shorter')], ids=['grew', 'shrank'])
def test_a_plain_file_of_another_size_is_refused(tmp_path: pathlib.Path, now: bytes, how: str) -> None:
  file = write(tmp_path / 'a.csv', b'a\n1\n2\n')
  write(tmp_path / 'a.csv', now)

  with pytest.raises(UserError, match=f'is {how} now than the 6 bytes'):
    list(read_records(RecordRange(file, 2, 6, 2, SHARD), Dialect(), 100))


def test_a_compressed_file_of_another_size_is_refused(tmp_path: pathlib.Path) -> None:
  file = write(tmp_path / 'a.csv.gz', b'a\n1\n2\n')
  write(tmp_path / 'a.csv.gz', b'a\n1\n2\n' * 1000)

  with pytest.raises(UserError, match='is longer now than the'):
    list(read_records(RecordRange(file, 2, None, 2, SHARD), Dialect(), 100))
