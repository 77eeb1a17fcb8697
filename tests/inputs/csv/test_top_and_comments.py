"""What stands above a header or between rows and is none: skipped lines, sep=, comments."""

import csv
import gzip
import io
import pathlib
from collections.abc import Iterator

import pytest
from csv_files import match_files, plan_input
from fuzzing import fuzzed
from hypothesis import example, given
from hypothesis import strategies as st
from reader import read

from beam_taxi.errors import UserError
from beam_taxi.inputs import ranges
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv import boundaries
from beam_taxi.inputs.csv.comments import WithoutComments
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.header import read_header

COMMENTS = Dialect(comment_char='#')


@pytest.fixture(scope='module', autouse=True)
def ranges_of_any_size() -> Iterator[None]:
  """Lets ranges be as small as a block."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(ranges, 'SMALLEST_RANGE', 1)
    patch.setattr(ranges, 'FEWEST', 1)
    patch.setattr(boundaries, 'PIECE', 3)
    yield


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  return tmp_path_factory.mktemp('top')


def without_comments(data: bytes) -> bytes:
  """Character by character: a # where a line begins outside quotes makes it blank."""
  kept, inside, in_comment, line_begins, cell_begins = bytearray(), False, False, True, True
  for place, byte in enumerate(data):
    character = bytes([byte])
    if character in (b'\r', b'\n'):
      in_comment = False
      kept += character
      line_begins = cell_begins = True
      continue
    if line_begins and not inside and character == b'#':
      in_comment = True
    if not in_comment:
      kept += character
      if character == b'"' and inside:
        inside = False
        # A doubled quote, or text behind a quote that has ended: the next quote opens only in the first case.
        cell_begins = data[place + 1 : place + 2] == b'"'
      elif character == b'"' and cell_begins:
        inside, cell_begins = True, False
      else:
        cell_begins = character == b',' and not inside
    line_begins = False
  return bytes(kept)


@fuzzed(300)
@given(st.text('#",\n\ra', max_size=60), st.integers(1, 20))
@example('a,b\n# a "\n1,2\n', 3)
@example('"a\n#b",c\n#"\n', 1)
@example('#', 1)
@example('#\r\n#\r#"\n"#\n', 2)
def test_comments_become_blank_lines_and_their_quotes_mean_nothing(text: str, size: int) -> None:
  stream = WithoutComments(io.BytesIO(text.encode()), COMMENTS)
  pieces = iter(lambda: stream.read(size), b'')

  assert b''.join(pieces) == without_comments(text.encode())


@fuzzed(60)
@given(st.lists(st.sampled_from(['1,2', '"x\n#y",3', '# a "comment', '#', '4,"#"', '', '"#""",5']), max_size=12))
def test_rows_among_comments_are_those_that_python_finds(folder: pathlib.Path, lines: list[str]) -> None:
  text = '\n'.join(['# top "', 'a,b', *lines, '']).encode()
  (folder / 'a.csv').write_bytes(text)

  found = read([folder / 'a.csv'], 7, COMMENTS, {'a': ColumnType.STRING, 'b': ColumnType.STRING})

  _, *rows = [row for row in csv.reader(io.StringIO(without_comments(text).decode(), newline='')) if row]
  assert found.findings.rows == len(rows)
  assert found.rows.to_pylist() == [{'a': a.encode(), 'b': b.encode()} for a, b in rows]


@pytest.mark.parametrize('ending', ['\n', '\r\n', '\r'], ids=['LF', 'CRLF', 'CR'])
@pytest.mark.parametrize('mark', [b'', b'\xef\xbb\xbf'], ids=['', 'mark'])
@pytest.mark.parametrize('form', ['plain', 'gzip', 'utf-16'])
def test_lines_above_the_header_are_skipped_whatever_they_hold(
  folder: pathlib.Path, ending: str, mark: bytes, form: str
) -> None:
  text = ending.join(['Report, "of"', 'made on "2024', '', 'a,b', '1,"x', 'y"', '2', '3,z', '']).encode()
  stored = {'plain': mark + text, 'gzip': gzip.compress(mark + text), 'utf-16': text.decode().encode('utf-16')}
  path = folder / ('a.csv.gz' if form == 'gzip' else 'a.csv')
  path.write_bytes(stored[form])
  dialect = Dialect(skip_lines=3, encoding='utf-16' if form == 'utf-16' else 'utf-8')

  # The lines above are in the first range.
  found = read([path], 40, dialect)
  path.unlink()

  assert found.rows.column_names == ['a', 'b']
  assert found.cells()[0] == [1, 3]
  assert (found.findings.rows, dict(found.findings.bad_rows)) == (3, {'wrong_number_of_cells': 1})
  assert found.findings.first_bad_row
  assert 'line 7 (byte' in found.findings.first_bad_row.message
  [(block, row)] = found.bad
  assert block.lines + row.lines + 1 == 7


def test_files_without_a_header_have_lines_above_their_first_row(folder: pathlib.Path) -> None:
  (folder / 'a.csv').write_text('Report\n\n1,2\n3,4\n')

  found = read([folder / 'a.csv'], 10, Dialect(columns=('a', 'b'), skip_lines=2))

  assert found.cells() == [[1, 3], [2, 4]]


def test_what_tells_excel_the_delimiter_is_skipped_and_said_once(folder: pathlib.Path) -> None:
  (folder / 'a.csv').write_text('sep=;\r\na;b\r\n1;2\r\n')
  (folder / 'b.csv').write_text('a;b\r\n3;4\r\n')

  found = read([folder / 'a.csv', folder / 'b.csv'], 10, Dialect(';'))
  counted = read([folder / 'a.csv'], 10, Dialect(';', skip_lines=1))

  assert found.cells() == [[1, 3], [2, 4]]
  assert found.plan.doubts == (f'{folder}/a.csv: line 1 tells Excel the delimiter, and is skipped',)
  assert counted.cells() == [[1], [2]]
  (folder / 'b.csv').unlink()


REFUSED = {
  'another delimiter': (
    b'sep=;\na;b\n',
    Dialect(),
    "a.csv: line 1: says that the delimiter is ';'; give --delimiter ';'",
  ),
  'too few lines': (
    b'a,b\n1,2\n',
    Dialect(skip_lines=3),
    'a.csv: has 2 whole lines, of which --skip_lines 3 leaves nothing',
  ),
  'a fault below': (b'top\na,a\n', Dialect(skip_lines=1), "a.csv: line 2: two columns are named 'a'"),
  'nothing below': (b'top\n', Dialect(skip_lines=1), 'a.csv: line 2: has no header'),
  'nothing but comments': (b'#a\n#b\n', COMMENTS, 'a.csv: line 3: has no header'),
}


@pytest.mark.parametrize(('data', 'dialect', 'why'), REFUSED.values(), ids=REFUSED)
def test_a_top_that_cannot_be_is_refused(folder: pathlib.Path, data: bytes, dialect: Dialect, why: str) -> None:
  (folder / 'a.csv').write_bytes(data)
  [file] = match_files([f'{folder}/a.csv'], dialect)

  with pytest.raises(UserError) as raised:
    read_header(file, dialect)

  assert why in str(raised.value)


def test_a_top_that_is_longer_than_a_range_is_refused(folder: pathlib.Path) -> None:
  (folder / 'a.csv').write_text('"top\n' * 9 + 'a,b\n1,2\n')

  found = read([folder / 'a.csv'], 10, Dialect(skip_lines=9))

  assert found.findings.fault
  assert 'has 45 bytes above its header' in found.findings.fault.message


@pytest.mark.parametrize(
  ('settings', 'why'),
  [
    ({'comment_char': '##'}, 'one ASCII character'),
    ({'comment_char': ','}, 'they must differ'),
    ({'comment_char': '"'}, 'they must differ'),
    ({'comment_char': '#', 'skip_blank_lines': False}, 'comments are read as blank lines'),
    ({'skip_lines': -1}, '0 or more'),
  ],
  ids=str,
)
def test_settings_that_cannot_be_are_refused(settings: dict, why: str) -> None:
  with pytest.raises(UserError, match=why):
    Dialect(**settings)


def test_a_plan_has_the_columns_below_the_top(folder: pathlib.Path) -> None:
  (folder / 'a.csv').write_text('# top\n\na,b\n1,2\n')
  plan = plan_input(match_files([f'{folder}/a.csv'], COMMENTS), COMMENTS, {}, '')

  assert plan.layout.columns == ('a', 'b')
