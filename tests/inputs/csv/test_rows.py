"""Rows, their spans and their numbers of cells, against Python's csv module."""

import csv
import io

import pytest
from fuzzing import fuzzed
from hypothesis import example, given
from hypothesis import strategies as st

from beam_taxi.inputs.csv import boundaries
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.rows import count_rows, find_rows, has_too_wide_row

MARKS = {'rfc': (',', '"'), 'single_quotes': (';', "'"), 'tab': ('\t', '"'), 'no_quotes': ('|', '')}


def rows_of(data: bytes, dialect: Dialect) -> list[list[str]]:
  """Python's reading of CSV bytes. A blank line is a row of one empty cell, or none."""
  reader = csv.reader(
    io.StringIO(data.decode('latin-1'), newline=''),
    delimiter=dialect.delimiter,
    quotechar=dialect.quote_char or None,
    quoting=csv.QUOTE_MINIMAL if dialect.quote_char else csv.QUOTE_NONE,
  )
  return [row or [''] for row in reader if row or not dialect.skip_blank_lines]


def spans_of(data: bytes, dialect: Dialect) -> list[bytes]:
  found = find_rows(data, dialect)
  return [data[begin:end] for begin, end in zip(found.begins, found.ends, strict=True)]


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, Dialect]:
  """Any bytes, most of them marks of the dialect and line ends; quotes may stand anywhere and stay open."""
  delimiter, quote = draw(st.sampled_from(list(MARKS.values())))
  dialect = Dialect(delimiter, quote, skip_blank_lines=draw(st.booleans()))
  pieces = st.sampled_from([delimiter, delimiter, quote, quote, '"', "'", 'a', 'é', ' ', '\n', '\r', '\r\n', '\n\n'])
  return ''.join(draw(st.lists(pieces, max_size=30))).encode('latin-1'), dialect


@fuzzed(500)
@given(file=files())
@example(file=(b'', Dialect()))
@example(file=(b'', Dialect(skip_blank_lines=False)))
@example(file=(b'\r\n', Dialect(skip_blank_lines=False)))
@example(file=(b'\r\r\n\n', Dialect(skip_blank_lines=False)))
@example(file=(b'"a\r\n,b"c"d,"\r""e"', Dialect()))
def test_rows_and_their_cells_are_those_of_pythons_csv_reader(file: tuple[bytes, Dialect]) -> None:
  data, dialect = file
  expected = rows_of(data, dialect)

  found = find_rows(data, dialect)

  assert found.cells.tolist() == [len(row) for row in expected]
  assert count_rows(data, dialect) == len(expected)
  assert [rows_of(row, dialect) or [['']] for row in spans_of(data, dialect)] == [[row] for row in expected]


@fuzzed(300)
@given(file=files(), piece=st.integers(1, 20), long=st.booleans())
def test_a_too_wide_row_is_found_in_whichever_piece_it_stands(
  file: tuple[bytes, Dialect], piece: int, long: bool
) -> None:
  data, dialect = file
  if long:
    # As many cells as a byte cannot count.
    data += dialect.delimiter.encode() * 256
  widest = max([len(row) for row in rows_of(data, dialect)], default=0)

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(boundaries, 'PIECE', piece)
    wide = [has_too_wide_row(data, columns, dialect) for columns in (widest, widest - 1)]

  assert wide == [False, widest > 0]


@fuzzed(200)
@given(file=files())
def test_between_rows_there_are_only_line_ends(file: tuple[bytes, Dialect]) -> None:
  data, dialect = file

  found = find_rows(data, dialect)

  edges = [0, *(place for span in zip(found.begins, found.ends, strict=True) for place in span), len(data)]
  assert edges == sorted(edges)
  between = [data[begin:end] for begin, end in zip(edges[::2], edges[1::2], strict=True)]
  assert b''.join(between).strip(b'\r\n') == b''


ROWS = {
  'lf': (b'a,b\n1,2\n', Dialect(), [b'a,b', b'1,2'], [2, 2]),
  'crlf': (b'a,b\r\n1,2\r\n', Dialect(), [b'a,b', b'1,2'], [2, 2]),
  'cr': (b'a,b\r1,2\r', Dialect(), [b'a,b', b'1,2'], [2, 2]),
  'no_last_line_end': (b'a\n1,2,', Dialect(), [b'a', b'1,2,'], [1, 3]),
  'blank_lines_skipped': (b'\n\r\na,b\n\n\r1,2\n\n', Dialect(), [b'a,b', b'1,2'], [2, 2]),
  'blank_lines_kept': (b'\na,b\r\n\r\n', Dialect(skip_blank_lines=False), [b'', b'a,b', b''], [1, 2, 1]),
  'a_quoted_empty_cell_is_no_blank_line': (b'""\n\n" "\n', Dialect(), [b'""', b'" "'], [1, 1]),
  'quoted_delimiters_and_line_ends': (b'"a,\n""b\r\n",2\n', Dialect(), [b'"a,\n""b\r\n",2'], [2]),
  'quotes_within_a_cell': (b'5" x 7",2\n3",4\n', Dialect(), [b'5" x 7",2', b'3",4'], [2, 2]),
  'no_quote_character': (b'"a,b"\n"c,d\n', Dialect(quote_char=''), [b'"a,b"', b'"c,d'], [2, 2]),
  'another_delimiter': (b"'a;b';c,d\n", Dialect(';', "'"), [b"'a;b';c,d"], [2]),
  'nothing': (b'', Dialect(), [], []),
}


@pytest.mark.parametrize(('data', 'dialect', 'rows', 'cells'), ROWS.values(), ids=ROWS)
def test_a_row_is_its_bytes_without_the_line_end(
  data: bytes, dialect: Dialect, rows: list[bytes], cells: list[int]
) -> None:
  assert spans_of(data, dialect) == rows
  assert find_rows(data, dialect).cells.tolist() == cells
  assert count_rows(data, dialect) == len(rows)
