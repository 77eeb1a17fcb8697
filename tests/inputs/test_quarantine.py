"""Bad rows are set aside as JSON lines that give back their very bytes, or no file is left."""

import hashlib
import json
import pathlib
from collections.abc import Sequence

import pytest
from csv_files import layout_of
from hypothesis import example, given
from hypothesis import strategies as st
from reader import read

from beam_taxi.artifacts.manifest import WrittenFile
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.bad_rows import BadRow
from beam_taxi.inputs.csv.csv_input import bad_record
from beam_taxi.inputs.csv.decode import decode
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.records import Block
from beam_taxi.inputs.input_files import InputFile
from beam_taxi.inputs.quarantine import BadRecord, QuarantineWriter, escape, unescape

FILE = InputFile('/data/größe.csv', 1000, 0)


def records(rows: Sequence[BadRow], file: InputFile, block: Block) -> list[BadRecord]:
  return [bad_record(row, file, block) for row in rows]


def lines_of(path: pathlib.Path) -> list[dict[str, object]]:
  return [json.loads(line) for line in path.read_bytes().split(b'\n')[:-1]]


def test_a_bad_row_is_a_line_that_says_where_it_stands_in_the_file_and_why_it_is_bad(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'bad.jsonl'
  block = Block(b'1,2\n3\n4,"5\n6",7\n', 100, 20)
  rows = [
    BadRow(4, 1, 'wrong_number_of_cells', '1 cell where 2 are expected', b'3'),
    BadRow(6, 2, 'wrong_type', "'é' in column 'n' is not INT", '4,"é\n\\",7'.encode()),
  ]

  with QuarantineWriter(str(path)) as writer:
    writer.append(records(rows, FILE, block))
    writer.finish()

  assert lines_of(path) == [
    {
      'file': '/data/größe.csv',
      'line': 22,
      'offset': 104,
      'reason': 'wrong_number_of_cells',
      'detail': '1 cell where 2 are expected',
      'row': '3',
    },
    {
      'file': '/data/größe.csv',
      'line': 23,
      'offset': 106,
      'reason': 'wrong_type',
      'detail': "'é' in column 'n' is not INT",
      'row': '4,"é\n\\\\",7',
    },
  ]
  assert path.read_bytes().count(b'\n') == 2
  assert list(lines_of(path)[0]) == ['file', 'line', 'offset', 'reason', 'detail', 'row']


def test_text_that_is_not_ascii_can_be_read_in_the_file(tmp_path: pathlib.Path) -> None:
  with QuarantineWriter(str(tmp_path / 'bad.jsonl')) as writer:
    writer.append(records([BadRow(0, 0, 'wrong_encoding', 'x', '東京,'.encode() + b'\xff')], FILE, Block(b'', 0, 0)))
    writer.finish()

  assert '"row": "東京,\\\\xff"' in (tmp_path / 'bad.jsonl').read_text('utf-8')


def test_the_finished_file_is_told_with_its_reasons_and_checksum(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'deeper' / 'bad.jsonl'
  cells, kind = (BadRow(0, 0, reason, '', b'x') for reason in ('wrong_number_of_cells', 'wrong_type'))

  with QuarantineWriter(str(path)) as writer:
    writer.append(records([kind, cells], FILE, Block(b'', 0, 0)))
    writer.append(records([], FILE, Block(b'', 50, 5)))
    writer.append(records([cells], FILE, Block(b'', 90, 9)))
    found = writer.finish()

  data = path.read_bytes()
  reasons = {'wrong_number_of_cells': 2, 'wrong_type': 1}
  assert found == WrittenFile(str(path), hashlib.sha256(data).hexdigest(), bytes=len(data), counts=reasons)
  assert [line['line'] for line in lines_of(path)] == [1, 1, 10]


def test_without_bad_rows_there_is_no_file(tmp_path: pathlib.Path) -> None:
  with QuarantineWriter(str(tmp_path / 'deeper' / 'bad.jsonl')) as writer:
    writer.append(records([], FILE, Block(b'1,2\n', 0, 0)))
    found = writer.finish()

  assert found is None
  assert list(tmp_path.iterdir()) == []


def test_a_file_appears_only_when_it_is_finished(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'bad.jsonl'

  with QuarantineWriter(str(path)) as writer:
    writer.append(records([BadRow(0, 0, 'wrong_type', '', b'x')], FILE, Block(b'', 0, 0)))
    before = path.exists()
    writer.finish()

  assert (before, path.exists()) == (False, True)


@pytest.mark.parametrize('error', [KeyError, KeyboardInterrupt])
def test_nothing_is_left_where_the_block_raises(tmp_path: pathlib.Path, error: type[BaseException]) -> None:
  def write() -> None:
    with QuarantineWriter(str(tmp_path / 'bad.jsonl')) as writer:
      writer.append(records([BadRow(0, 0, 'wrong_type', '', b'x')], FILE, Block(b'', 0, 0)))
      raise error

  with pytest.raises(error):
    write()

  assert list(tmp_path.iterdir()) == []


def test_a_file_of_an_earlier_try_stays_where_a_later_one_fails(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'bad.jsonl'
  path.write_text('earlier\n')

  def write() -> None:
    with QuarantineWriter(str(path)) as writer:
      writer.append(records([BadRow(0, 0, 'wrong_type', '', b'x')], FILE, Block(b'', 0, 0)))
      raise KeyError

  with pytest.raises(KeyError):
    write()

  assert [file.name for file in tmp_path.iterdir()] == ['bad.jsonl']
  assert path.read_text() == 'earlier\n'


@pytest.mark.parametrize('encoding', ['utf-8', 'cp1252'])
@pytest.mark.parametrize('block_size', [1, 7, 1000])
def test_what_is_set_aside_is_found_again_in_the_file_at_its_line_and_offset(
  tmp_path: pathlib.Path, block_size: int, encoding: str
) -> None:
  data = b'a,b\n1,"x\ny"\n\r\n\x81,\\x41\r\n2,3\n\n"4\r\n5",6,7\n8'
  source = tmp_path / 'source.csv'
  source.write_bytes(data)
  found = read([source], block_size, Dialect(encoding=encoding))

  with QuarantineWriter(str(tmp_path / 'bad.jsonl')) as writer:
    for block, row in found.bad:
      writer.append(records([row], InputFile(str(source), len(data), 0), block))
    writer.finish()

  lines = lines_of(tmp_path / 'bad.jsonl')
  assert [unescape(str(line['row'])) for line in lines] == [b'\x81,\\x41', b'"4\r\n5",6,7', b'8']
  for line in lines:
    offset = int(str(line['offset']))
    assert data[offset:].startswith(unescape(str(line['row'])))
    assert line['line'] == data.count(b'\n', 0, offset) + 1


def test_a_row_of_a_block_is_written_with_the_bytes_that_it_has_there(tmp_path: pathlib.Path) -> None:
  block = Block(b'1\nx\xff\n2\n', 10, 3)
  [bad] = decode(block.data, layout_of(['n'], [ColumnType.INT])).bad

  with QuarantineWriter(str(tmp_path / 'bad.jsonl')) as writer:
    writer.append(records([bad], FILE, block))
    writer.finish()

  [line] = lines_of(tmp_path / 'bad.jsonl')
  assert (line['line'], line['offset'], line['reason'], line['row']) == (5, 12, 'wrong_encoding', 'x\\xff')


ESCAPED = {
  'nothing': (b'', ''),
  'ascii': (b'a,"b"\t\r\n\0', 'a,"b"\t\r\n\0'),
  'utf8': ('é東😀'.encode(), 'é東😀'),
  'a_byte_that_is_not_utf8': (b'caf\xe9,1', 'caf\\xe9,1'),
  'a_backslash': (b'C:\\new', 'C:\\\\new'),
  'what_looks_like_an_escaped_byte': (b'\\xe9', '\\\\xe9'),
  'a_backslash_before_a_byte_that_is_not_utf8': (b'\\\xe9', '\\\\\\xe9'),
  'a_character_that_is_cut_off': ('東'.encode()[:2], '\\xe6\\x9d'),
  'a_surrogate': (b'\xed\xa0\x80', '\\xed\\xa0\\x80'),
  'a_replacement_character': ('\ufffd'.encode(), '\ufffd'),
}


@pytest.mark.parametrize(('data', 'text'), ESCAPED.values(), ids=ESCAPED)
def test_bytes_are_escaped_where_they_are_no_text(data: bytes, text: str) -> None:
  assert escape(data) == text
  assert unescape(text) == data


@given(
  data=st.one_of(st.binary(), st.lists(st.sampled_from([b'\\', b'x', b'4', b'f', b'\xff', b'\xc3\xa9'])).map(b''.join))
)
@example(data=b'\\\\x41\\')
def test_any_bytes_come_back_from_their_text_and_through_json(data: bytes) -> None:
  assert unescape(escape(data)) == data
  assert unescape(json.loads(json.dumps(escape(data), ensure_ascii=False).encode())) == data
