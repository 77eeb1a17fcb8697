"""How a file is written is guessed from its beginning, and what is known is never overridden."""

import bz2
import codecs
import gzip
import pathlib
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from csv_files import match_files, plan_input

from beam_taxi.errors import UserError
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.guess import Guess, guess_dialect


def guess_of(path: pathlib.Path, data: bytes, **given: Any) -> Guess:
  path.write_bytes(data)
  return guess_dialect(str(path), len(data), given)


MARKS = {
  'comma': (b'a,b,c\n1,2,3\n', ',', '"'),
  'semicolon': (b'a;b\n1;2\n', ';', '"'),
  'semicolon_and_decimal_commas': (b'a;b;c\n1,5;2,5;x\n3,25;4,0;y\n', ';', '"'),
  'tab': (b'a\tb\n1\tx, y; z\n', '\t', '"'),
  'pipe': (b'a|b\n1|2\n', '|', '"'),
  'comma_and_quoted_semicolons': (b'a,b\n"1;2;3",4\n"5;6",7\n', ',', '"'),
  'semicolon_and_quoted_semicolons': (b'a;b\n"1;2";3\n4;"5;6;7"\n', ';', '"'),
  'pipe_and_quoted_pipes': (b'a|b\n"1|2"|3\n', '|', '"'),
  'comma_and_quoted_newlines': (b'a,b\n"1\n2\n3",4\n5,"6\n,7"\n', ',', '"'),
  'a_quoted_header_behind_a_mark': (b'\xef\xbb\xbf"a,x",b\n"1,2",3\n4,5\n6,7\n', ',', '"'),
  'single_quotes': (b"a,b\n'1,2',3\n4,'5,6'\n", ',', "'"),
  'single_quotes_and_semicolons': (b"a;b\n'1;2';3,5\n", ';', "'"),
  'apostrophes_in_words': (b"a,b\nit's,isn't\no'er,x\n", ',', '"'),
  'inches_at_the_end_of_cells': (b'a,b\n5",6"\n7",x\n', ',', '"'),
  'quotes_of_both_kinds_that_open_cells_and_close_none': (b'a,b\n"x,1\ny,"z\n\'x,1\ny,\'z\n', ',', ''),
  'one_column': (b'a\n1\n2\n', ',', '"'),
  'one_column_of_text_with_commas': (b'text\nfirst, second\nthird\n', ',', '"'),
  'a_header_only': (b'a;b;c\n', ';', '"'),
  'a_header_only_without_a_line_end': (b'a|b', '|', '"'),
  'one_word': (b'a', ',', '"'),
}


@pytest.mark.parametrize(('data', 'delimiter', 'quote_char'), MARKS.values(), ids=MARKS)
def test_the_delimiter_and_quote_are_those_that_read_the_rows_alike(
  tmp_path: pathlib.Path, data: bytes, delimiter: str, quote_char: str
) -> None:
  found = guess_of(tmp_path / 'a.csv', data)

  assert found.dialect == Dialect(delimiter, quote_char)
  assert [note for note in found.notes if 'they are taken as text' not in note] == []
  assert bool(found.notes) == (not quote_char and b'"' in data)


def test_a_bad_row_among_many_does_not_change_the_delimiter(tmp_path: pathlib.Path) -> None:
  data = b'a;b\n' + b'1;2,5\n' * 20 + b'1;2;3\n' + b'4\n'

  assert guess_of(tmp_path / 'a.csv', data).dialect.delimiter == ';'


def test_a_record_that_the_sample_cuts_off_says_nothing(tmp_path: pathlib.Path) -> None:
  # As far as the sample goes, the last row has one cell with ';' and two with ','.
  data = b'a,x;b\n1;2\n3,' + b'y' * 2**20 + b';4\n'

  assert guess_of(tmp_path / 'a.csv', data).dialect == Dialect(';')


TEXT = 'name,n\nZürich,1\n' * 3
ENCODINGS = {
  'ascii': (b'a,b\n1,2\n', 'utf-8', False),
  'utf8': (TEXT.encode(), 'utf-8', False),
  'utf8_with_a_mark': (codecs.BOM_UTF8 + TEXT.encode(), 'utf-8', True),
  'cp1252': ('name,n\nZürich,5 €\n'.encode('cp1252'), 'cp1252', False),
  'latin1_where_cp1252_has_no_character': (b'name,n\nZ\xfcrich,\x81\n', 'iso8859-1', False),
  'utf16_le_with_a_mark': (codecs.BOM_UTF16_LE + TEXT.encode('utf-16-le'), 'utf-16', True),
  'utf16_be_with_a_mark': (codecs.BOM_UTF16_BE + TEXT.encode('utf-16-be'), 'utf-16', True),
  'utf16_le_without_a_mark': (TEXT.encode('utf-16-le'), 'utf-16-le', False),
  'utf16_be_without_a_mark': (TEXT.encode('utf-16-be'), 'utf-16-be', False),
  'utf32_with_a_mark': (TEXT.encode('utf-32'), 'utf-32', True),
}


@pytest.mark.parametrize(('data', 'encoding', 'mark'), ENCODINGS.values(), ids=ENCODINGS)
def test_the_encoding_is_that_of_the_mark_or_the_first_that_fits(
  tmp_path: pathlib.Path, data: bytes, encoding: str, mark: bool
) -> None:
  found = guess_of(tmp_path / 'a.csv', data)

  assert (found.dialect, found.byte_order_mark) == (Dialect(encoding=encoding), mark)
  assert found.line_ends == 'LF'


@pytest.mark.parametrize('data', [value[0] for value in ENCODINGS.values()], ids=ENCODINGS)
def test_what_is_guessed_reads_the_header(tmp_path: pathlib.Path, data: bytes) -> None:
  path = tmp_path / 'a.csv'
  dialect = guess_of(path, data).dialect

  columns = plan_input(match_files([str(path)], dialect), dialect, {}, '').own.columns

  assert columns in (('name', 'n'), ('a', 'b'))


def test_a_character_that_the_sample_cuts_in_two_is_no_reason_against_utf8(tmp_path: pathlib.Path) -> None:
  # The first byte of the last character in the first MiB is at an odd place, its second one behind the sample.
  data = b'a,bc\n' + 'é'.encode() * 2**20

  assert guess_of(tmp_path / 'a.csv', data).dialect.encoding == 'utf-8'


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
  'none': bytes,
  'gzip': gzip.compress,
  'bzip2': bz2.compress,
  'zstd': lambda data: pa.Codec('zstd').compress(data, asbytes=True),
}
ENDINGS = {'.csv': 'none', '.gz': 'gzip', '.bz2': 'bzip2', '.zst': 'zstd'}


@pytest.mark.parametrize('ending', ENDINGS)
@pytest.mark.parametrize('compression', COMPRESS)
def test_the_first_bytes_tell_the_compression_where_the_name_is_wrong(
  tmp_path: pathlib.Path, compression: str, ending: str
) -> None:
  data = COMPRESS[compression](b'a;b\n1;2\n')

  found = guess_of(tmp_path / f'a{ending}', data)

  assert found.dialect == Dialect(';', compression='auto' if ENDINGS[ending] == compression else compression)


def test_a_broken_compressed_file_is_refused(tmp_path: pathlib.Path) -> None:
  with pytest.raises(UserError, match=r'a\.csv: is not a whole gzip file'):
    guess_of(tmp_path / 'a.csv', gzip.compress(b'a,b\n1,2\n' * 100)[:-9])


HEADERS = {
  'repeated_names': (b'a,b,a\n1,2,3\n', 3, "The first row is taken for data: as a header, two columns are named 'a'."),
  'empty_name': (b'1,,c\n1,2,3\n', 3, 'The first row is taken for data: as a header, column 2 has no name.'),
  'repeated_numbers': (b'1|1\n2|2\n', 2, "The first row is taken for data: as a header, two columns are named '1'."),
}


@pytest.mark.parametrize(('data', 'columns', 'note'), HEADERS.values(), ids=HEADERS)
def test_a_first_row_that_cannot_be_a_header_is_data_and_a_note_says_so(
  tmp_path: pathlib.Path, data: bytes, columns: int, note: str
) -> None:
  found = guess_of(tmp_path / 'a.csv', data)

  assert found.dialect.columns == ('column_1', 'column_2', 'column_3')[:columns]
  assert found.notes == (note,)


NUMBERS = {
  'ints': (b'1,2\n3,4\n', '(1, 2)'),
  'one_float': (b'name, 2.5\nx,1\n', '( 2.5)'),
  'many': (b'1,2,3,4,5\n1,2,3,4,5\n', '(1, 2, 3)'),
}


@pytest.mark.parametrize(('data', 'shown'), NUMBERS.values(), ids=NUMBERS)
def test_a_header_with_numbers_stays_one_with_a_note(tmp_path: pathlib.Path, data: bytes, shown: str) -> None:
  found = guess_of(tmp_path / 'a.csv', data)

  assert found.dialect.columns == ()
  assert found.notes == (f'The first row has numbers {shown}: if it is data, give --no_header and --columns.',)


GIVEN: dict[str, dict[str, Any]] = {
  'delimiter': {'delimiter': ';'},
  'delimiter_that_is_no_candidate': {'delimiter': ':'},
  'quote_char': {'quote_char': "'"},
  'no_quote_char': {'quote_char': ''},
  'columns': {'columns': ('x', 'y')},
  'encoding': {'encoding': 'cp437'},
  'null_values': {'null_values': ('NA',)},
  'blank_lines': {'skip_blank_lines': False},
  'everything': {
    'delimiter': '|',
    'quote_char': '',
    'columns': ('x',),
    'null_values': ('-',),
    'skip_blank_lines': False,
    'encoding': 'utf-8',
    'compression': 'none',
  },
}


@pytest.mark.parametrize('given', GIVEN.values(), ids=GIVEN)
def test_what_is_given_is_never_overridden(tmp_path: pathlib.Path, given: dict[str, Any]) -> None:
  found = guess_of(tmp_path / 'a.csv', b'a,b\n"1,2",\x81\n3,4\n', **given)

  assert {name: getattr(found.dialect, name) for name in given} == given


def test_a_compression_that_is_given_comes_before_the_first_bytes(tmp_path: pathlib.Path) -> None:
  with pytest.raises(UserError, match='is not a whole gzip file'):
    guess_of(tmp_path / 'a.csv', b'a,b\n1,2\n', compression='gzip')


def test_columns_that_are_given_leave_nothing_to_note_of_the_first_row(tmp_path: pathlib.Path) -> None:
  assert guess_of(tmp_path / 'a.csv', b'1,1\n2,2\n', columns=('x', 'y')).notes == ()


LINE_ENDS = {
  'lf': (b'a,b\n1,2\n', 'LF'),
  'crlf': (b'a,b\r\n1,2\r\n', 'CRLF'),
  'cr': (b'a,b\r1,2\r', 'CR'),
  'lf_and_crlf': (b'a,b\r\n1,2\n', 'mixed'),
  'cr_and_lf': (b'a,b\r1,2\n', 'mixed'),
  'cr_and_crlf': (b'a,b\r1,2\r\n', 'mixed'),
  'none': (b'a,b', 'none'),
  'one_between_two_rows': (b'a,b\r\n1,2', 'CRLF'),
  'utf16': ('a,b\r\n1,2\r\n'.encode('utf-16'), 'CRLF'),
}


@pytest.mark.parametrize(('data', 'kind'), LINE_ENDS.values(), ids=LINE_ENDS)
def test_the_line_ends_are_named(tmp_path: pathlib.Path, data: bytes, kind: str) -> None:
  assert guess_of(tmp_path / 'a.csv', data).line_ends == kind


NOTHING = {
  'no_bytes': b'',
  'a_blank_line': b'\n',
  'a_mark': codecs.BOM_UTF8,
  'a_blank_line_before_the_header': b'\r\na,b\n1,2\n',
  'compressed_nothing': gzip.compress(b''),
}


@pytest.mark.parametrize('data', NOTHING.values(), ids=NOTHING)
def test_a_file_whose_first_line_is_empty_is_refused(tmp_path: pathlib.Path, data: bytes) -> None:
  with pytest.raises(UserError, match=r'a\.csv: line 1: has no header'):
    guess_of(tmp_path / 'a.csv', data)


QUOTES_AND_APOSTROPHES = {
  'equally_many_quoted_delimiters_in_each_row': (b'"a,x",b\n"1,2",3\n', '"'),
  'every_cell_in_one_pair_of_quotes': (b'"place, country"\n"Berlin, DE"\n', '"'),
  'quotes_that_close_nothing': (b'a,b\n"x,1\ny,"z\n', ''),
  'an_open_quote_behind_single_quotes': (b"a;b\n'x;y';\"\n", "'"),
  'single_quotes_without_delimiters_in_them': (b"'a','b'\n'1','2'\n", "'"),
  'apostrophes': (b"a,b\nit's,1\n'tis,2\n", '"'),
}


@pytest.mark.parametrize(('data', 'quote'), QUOTES_AND_APOSTROPHES.values(), ids=QUOTES_AND_APOSTROPHES)
def test_quotes_are_told_from_apostrophes_and_from_text(tmp_path: pathlib.Path, data: bytes, quote: str) -> None:
  assert guess_of(tmp_path / 'a.csv', data).dialect.quote_char == quote


def test_a_sample_that_ends_within_a_line_end_has_one_kind_of_them(tmp_path: pathlib.Path) -> None:
  data = b'a,b\r\n1,' + b'x' * (2**20 - 8) + b'\r\n1,2\r\n'

  assert guess_of(tmp_path / 'a.csv', data).line_ends == 'CRLF'


def test_text_that_begins_like_bzip2_is_text(tmp_path: pathlib.Path) -> None:
  assert guess_of(tmp_path / 'a.csv', b'BZh9,b\n1,2\n').dialect.compression == 'auto'
