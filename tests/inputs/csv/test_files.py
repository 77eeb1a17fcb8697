"""Matching files, reading headers, and noticing files that are not what was planned."""

import bz2
import gzip
import os
import pathlib
from collections.abc import Callable

import pyarrow as pa
import pytest
from csv_files import match_files, plan_input

from beam_taxi.artifacts.listing import ListedFile
from beam_taxi.errors import UserError
from beam_taxi.inputs.compression import compression_of
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.files import input_file, open_csv
from beam_taxi.inputs.csv.header import Header, header_difference, read_header
from beam_taxi.inputs.input_files import InputFile, read_exactly


def header_of(path: pathlib.Path, data: bytes, dialect: Dialect | None = None) -> Header:
  path.write_bytes(data)
  dialect = dialect or Dialect()
  return read_header(input_file(ListedFile(str(path), len(data)), 0, dialect), dialect)


def test_files_are_sorted_by_path_and_numbered_whatever_the_patterns_order(tmp_path: pathlib.Path) -> None:
  for name in ('b.csv', 'a.csv', 'sub/c.csv'):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(name.encode())

  files = match_files([f'{tmp_path}/sub/*.csv', f'{tmp_path}/*.csv'], Dialect())

  assert [(file.path, file.size, file.index) for file in files] == [
    (f'{tmp_path}/a.csv', 5, 0),
    (f'{tmp_path}/b.csv', 5, 1),
    (f'{tmp_path}/sub/c.csv', 9, 2),
  ]


def test_a_file_that_two_patterns_name_is_read_once(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.csv').write_bytes(b'a\n')

  assert len(match_files([f'{tmp_path}/a.csv', f'{tmp_path}/*.csv'], Dialect())) == 1


def test_a_path_with_brackets_is_a_path_where_there_is_such_a_file(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a[1].csv').write_bytes(b'a\n')

  assert [file.path for file in match_files([f'{tmp_path}/a[1].csv'], Dialect())] == [f'{tmp_path}/a[1].csv']


def test_a_pattern_that_names_no_file_is_refused_by_name(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.csv').write_bytes(b'a\n')

  with pytest.raises(UserError, match=r'none\*.csv: no file matches; check the path'):
    match_files([f'{tmp_path}/a.csv', f'{tmp_path}/none*.csv'], Dialect())


def test_a_folder_stands_for_the_files_in_it_but_not_for_hidden_ones(tmp_path: pathlib.Path) -> None:
  for name in ('b.csv', 'a', '.hidden.csv', '_SUCCESS', 'deeper/c.csv'):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b'a\n')

  assert [file.path for file in match_files([f'{tmp_path}/'], Dialect())] == [f'{tmp_path}/a', f'{tmp_path}/b.csv']


def test_two_stars_go_through_any_number_of_folders(tmp_path: pathlib.Path) -> None:
  for name in ('a.csv', '1/b.csv', '1/2/c.csv', '1/2/d.txt'):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b'a\n')

  files = match_files([f'{tmp_path}/**/*.csv'], Dialect())

  assert [file.path.removeprefix(f'{tmp_path}/') for file in files] == ['1/2/c.csv', '1/b.csv', 'a.csv']


def test_an_empty_folder_names_no_file(tmp_path: pathlib.Path) -> None:
  with pytest.raises(UserError, match='no file matches'):
    match_files([str(tmp_path)], Dialect())


@pytest.mark.parametrize(
  ('name', 'codec'),
  [('a.csv', None), ('a.csv.gz', 'gzip'), ('a.bz2', 'bzip2'), ('a.csv.zst', 'zstd'), ('gz.csv', None)],
)
def test_the_ending_of_a_name_says_how_a_file_is_compressed(name: str, codec: str | None) -> None:
  assert compression_of(name, 'auto') == codec


@pytest.mark.parametrize('name', ['a.csv', 'a.csv.gz'])
@pytest.mark.parametrize(('flag', 'codec'), [('none', None), ('gzip', 'gzip'), ('bzip2', 'bzip2'), ('zstd', 'zstd')])
def test_what_is_said_of_the_compression_comes_before_the_ending(name: str, flag: str, codec: str | None) -> None:
  assert compression_of(name, flag) == codec


HEADERS = {
  'lf': (b'a,b\n1,2\n', ('a', 'b'), 0, 4),
  'crlf': (b'a,b\r\n1,2\r\n', ('a', 'b'), 0, 5),
  'nothing_behind': (b'a,b', ('a', 'b'), 0, 3),
  'byte_order_mark': (b'\xef\xbb\xbfa,b\n1,2\n', ('a', 'b'), 3, 7),
  'mark_and_quotes': (b'\xef\xbb\xbf"a",b\n', ('a', 'b'), 3, 9),
  'quoted_newline': (b'"a\n1",b\n1,2\n', ('a\n1', 'b'), 0, 8),
  'doubled_quote': (b'"a""1","b,2"\n', ('a"1', 'b,2'), 0, 13),
  'blanks_are_kept': (b' a,b \n', (' a', 'b '), 0, 6),
  'not_ascii': ('größe,高さ\n'.encode(), ('größe', '高さ'), 0, 15),
}


@pytest.mark.parametrize(('data', 'columns', 'begin', 'end'), HEADERS.values(), ids=HEADERS)
def test_a_header_is_the_first_record(
  tmp_path: pathlib.Path, data: bytes, columns: tuple[str, ...], begin: int, end: int
) -> None:
  path = tmp_path / 'a.csv'

  assert header_of(path, data) == Header(str(path), columns, begin, end, data[begin:end].rstrip(b'\r\n'))


def test_a_header_longer_than_one_read_is_read_whole(tmp_path: pathlib.Path) -> None:
  names = tuple(f'column_{number}' for number in range(20_000))
  line = ','.join(names).encode() + b'\n'

  header = header_of(tmp_path / 'a.csv', line + b'1\n')

  assert (header.columns, header.end) == (names, len(line))


def test_a_header_in_another_dialect_is_read_so(tmp_path: pathlib.Path) -> None:
  assert header_of(tmp_path / 'a.csv', b"'a;1';b,2\n", Dialect(';', "'")).columns == ('a;1', 'b,2')


BAD_HEADERS = {
  'empty_file': (b'', 'has no header; the first line must name the columns'),
  'blank_line': (b'\r\na,b\n', 'has no header; the first line must name the columns'),
  'empty_name': (b'a,,c\n', 'column 2 has no name; name every column'),
  'repeated_name': (b'a,b,a\n', "two columns are named 'a'; give each its own name"),
  'not_utf8': (b'a,\xe9\n', 'the header is not UTF-8 at byte 2; give the --encoding'),
  'not_utf8_behind_a_mark': (b'\xef\xbb\xbfa,\xe9\n', 'the header is not UTF-8 at byte 5; give the --encoding'),
  'open_quote': (b'"a,b\n1,2\n', 'is a quote left open'),
}


@pytest.mark.parametrize(('data', 'reason'), BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_header_that_names_no_columns_is_refused_with_the_reason(
  tmp_path: pathlib.Path, data: bytes, reason: str
) -> None:
  path = tmp_path / 'a.csv'

  with pytest.raises(UserError) as raised:
    header_of(path, data)

  assert str(raised.value).startswith(f'{path}: line 1: ')
  assert reason in str(raised.value)


DIFFERENCES = {
  'another_name': (('a', 'c'), "column 2 is 'c' where first.csv has 'b'"),
  'another_order': (('b', 'a'), "column 1 is 'b' where first.csv has 'a'"),
  'fewer': (('a',), '1 column where first.csv has 2'),
  'more': (('a', 'b', 'c'), '3 columns where first.csv has 2'),
}


@pytest.mark.parametrize(('columns', 'what'), DIFFERENCES.values(), ids=DIFFERENCES)
def test_headers_that_differ_are_told_with_what_differs(columns: tuple[str, ...], what: str) -> None:
  first, other = Header('first.csv', ('a', 'b'), 0, 4), Header('other.csv', columns, 0, 4)

  message = header_difference(first, other)

  assert message.startswith(f'other.csv: line 1: headers differ: {what}; ')


def test_headers_of_the_same_names_do_not_differ_by_how_they_are_written() -> None:
  assert header_difference(Header('first.csv', ('a',), 0, 2), Header('other.csv', ('a',), 3, 9)) == ''


def test_a_plan_counts_files_and_stored_bytes_and_has_the_first_files_header(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.csv').write_bytes(b'a,b\n1,2\n')
  (tmp_path / 'b.csv').write_bytes(b'a,b\n')

  plan = plan_input(match_files([f'{tmp_path}/*.csv'], Dialect()), Dialect(), {}, '')

  assert (plan.files, plan.bytes, plan.own.path) == (2, 12, f'{tmp_path}/a.csv')


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
  'gz': gzip.compress,
  'bz2': bz2.compress,
  'zst': lambda data: pa.Codec('zstd').compress(data, asbytes=True),
}


@pytest.mark.parametrize('ending', COMPRESSIONS)
def test_a_compressed_file_is_read_as_what_is_in_it(tmp_path: pathlib.Path, ending: str) -> None:
  path = tmp_path / f'a.csv.{ending}'
  path.write_bytes(COMPRESSIONS[ending](b'a,b\n' * 50_000))

  with open_csv(match_files([str(path)], Dialect())[0]) as stream:
    found = stream.read(7)
    while piece := stream.read(100_000):
      found += piece

  assert found == b'a,b\n' * 50_000


@pytest.mark.parametrize('damage', ['cut', 'no_such_file_format'])
@pytest.mark.parametrize(('ending', 'codec'), [('gz', 'gzip'), ('bz2', 'bzip2'), ('zst', 'zstd')])
def test_a_damaged_compressed_file_is_refused(tmp_path: pathlib.Path, ending: str, codec: str, damage: str) -> None:
  path = tmp_path / f'a.csv.{ending}'
  whole = COMPRESSIONS[ending](bytes(range(256)) * 1000)
  path.write_bytes(whole[: len(whole) // 2] if damage == 'cut' else b'a,b\n1,2\n')
  [file] = match_files([str(path)], Dialect())

  with pytest.raises(UserError, match=f'is not a whole {codec} file'), open_csv(file) as stream:
    stream.read(1_000_000)


def test_a_file_that_is_gone_is_told_so(tmp_path: pathlib.Path) -> None:
  file = InputFile(f'{tmp_path}/a.csv', 4, 0)

  with pytest.raises(UserError, match='a.csv: is gone since the run began'), open_csv(file):
    pass


def test_reading_beyond_the_end_tells_that_the_file_shrank(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'a.csv'
  path.write_bytes(b'12345')
  file = InputFile(str(path), 5, 0)

  with pytest.raises(UserError, match='is shorter now than the 5 bytes'), open_csv(file) as stream:
    read_exactly(stream, 6, file)


WRITTEN_ANEW = {
  'longer': (b'123456', 'a.csv: is longer now than the 5 bytes it had when the run began'),
  'shorter': (b'1234', 'a.csv: is shorter now than the 5 bytes'),
  'as_long': (b'54321', 'a.csv: was written anew since the run began'),
}


@pytest.mark.parametrize(('data', 'message'), WRITTEN_ANEW.values(), ids=WRITTEN_ANEW)
def test_a_file_that_is_not_what_was_listed_is_refused(tmp_path: pathlib.Path, data: bytes, message: str) -> None:
  path = tmp_path / 'a.csv'
  path.write_bytes(b'12345')
  os.utime(path, ns=(0, 0))
  [file] = match_files([str(path)], Dialect())
  path.write_bytes(data)

  with pytest.raises(UserError, match=message), open_csv(file):
    pass
