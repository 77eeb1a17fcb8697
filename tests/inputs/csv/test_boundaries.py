"""Quotes, record ends and states of a range, each by a case worked out by hand."""

import itertools

import pytest

from beam_taxi.inputs.csv.boundaries import (
  Place,
  count_lines,
  enter,
  first_record_end,
  last_record_end,
  line_ends,
  next_cut,
  open_quote,
  quote_edges,
)
from beam_taxi.inputs.csv.dialect import Dialect

DIALECT = Dialect()

# Data, and the same with '^' where quoted text begins or ends.
EDGES = {
  'no_quotes': (b'a,b\n1,2\n', b'a,b\n1,2\n'),
  'quoted_cell': (b'a,"b",c\n', b'a,^b^,c\n'),
  'quote_at_the_beginning': (b'"a",b\n', b'^a^,b\n'),
  'doubled_quotes': (b'"a""b"\n', b'^a^^b^\n'),
  'only_a_doubled_quote': (b'""""\n', b'^^^^\n'),
  'empty_quoted_cell': (b'"",""\n', b'^^,^^\n'),
  'stray_quote': (b'a"b,c\n', b'a"b,c\n'),
  'stray_quote_and_a_quoted_cell': (b'a"b,"c"\n', b'a"b,^c^\n'),
  'two_stray_quotes_around_a_delimiter': (b'a"b,c"d\n', b'a"b,c"d\n'),
  'stray_quote_behind_a_quoted_part': (b'"a"b"c,"d"\n', b'^a^b"c,^d^\n'),
  'quote_behind_a_blank': (b'a, "b"\n', b'a, "b"\n'),
  'inches': (b'6",7"\n8",9"\n', b'6",7"\n8",9"\n'),
  'behind_crlf': (b'a\r\n"b\r\n"\r\n', b'a\r\n^b\r\n^\r\n'),
  'left_open': (b'a,"b', b'a,^b'),
}


@pytest.mark.parametrize(('data', 'marked'), EDGES.values(), ids=EDGES)
def test_quoted_text_begins_and_ends_where_a_reader_says(data: bytes, marked: bytes) -> None:
  expected = [position for position, byte in enumerate(marked) if byte == ord('^')]

  assert quote_edges(data, DIALECT).tolist() == expected


def test_a_quote_at_the_first_byte_is_a_character_where_no_field_begins() -> None:
  assert quote_edges(b'"a,"b"', DIALECT, at_field=False).tolist() == [3, 5]


def test_data_that_begins_inside_quotes_begins_with_an_end() -> None:
  assert quote_edges(b'a","b"', DIALECT, inside=True).tolist() == [1, 3, 5]


def test_another_quote_and_delimiter_are_followed() -> None:
  assert quote_edges(b"a;'b;\"';'c'", Dialect(';', "'")).tolist() == [2, 6, 8, 10]


RECORDS = {
  'lf': ([b'a,b\n', b'1,2\n'], b''),
  'crlf': ([b'a,b\r\n', b'1,2\r\n'], b''),
  'unfinished': ([b'a,b\n'], b'1,2'),
  'quoted_newline': ([b'"a\n",b\n', b'1,"\n\n2"\n'], b''),
  'newline_behind_a_stray_quote': ([b'a"\n', b'b"\n'], b''),
  'doubled_quote_before_a_newline': ([b'"a""\n"\n', b'b\n'], b'c'),
  'blank_lines': ([b'\n', b'a\n', b'\r\n'], b''),
  'cr': ([b'a,b\r', b'1,2\r'], b'c'),
  'cr_lf_and_crlf': ([b'a\r', b'b\r\n', b'c\n', b'\r', b'\r\n', b'd\r'], b''),
  'quoted_cr': ([b'"a\r\n\r",b\r', b'1\r'], b'"2\r'),
  'unfinished_inside_quotes': ([b'a\n'], b'"b\nc\n'),
  'nothing_whole': ([], b'"a\nb'),
  'nothing': ([], b''),
}


@pytest.mark.parametrize(('records', 'rest'), RECORDS.values(), ids=RECORDS)
def test_the_first_record_ends_behind_its_newline(records: list[bytes], rest: bytes) -> None:
  expected = len(records[0]) if records else None

  assert first_record_end(b''.join(records) + rest, DIALECT) == expected


@pytest.mark.parametrize(('records', 'rest'), RECORDS.values(), ids=RECORDS)
def test_the_last_whole_record_ends_before_the_rest(records: list[bytes], rest: bytes) -> None:
  assert last_record_end(b''.join(records) + rest, DIALECT) == sum(map(len, records))


@pytest.mark.parametrize(
  ('data', 'expected'),
  [(b'a,"b\n', 2), (b'"a","b""', 4 + 3), (b'a,"b"\n', None), (b'a"b\n', None)],
  ids=['left_open', 'behind_a_doubled_quote', 'closed', 'stray'],
)
def test_an_open_quote_is_found_where_it_opened(data: bytes, expected: int | None) -> None:
  assert open_quote(data, DIALECT) == expected


@pytest.mark.parametrize(
  ('data', 'position', 'expected'),
  [
    (b'ab"c', 2, 2),
    (b'ab"c', 3, 4),
    (b'a"""b', 2, 5),
    (b'a""', 2, None),
    (b'abc', 1, 1),
    (b'a\r\nb', 2, 3),
    (b'a\r\rb', 2, 2),
    (b'a"\r\n"bc', 2, 4),
    (b'a\r', 2, None),
    (b'a' + b'"' * 200_000 + b'b', 2, 200_002),
  ],
  ids=[
    'before_a_quote',
    'behind_a_quote',
    'behind_several',
    'to_the_end',
    'no_quotes',
    'within_crlf',
    'between_crs',
    'mixed',
    'behind_a_cr_at_the_end',
    'behind_very_many',
  ],
)
def test_a_cut_neither_follows_a_quote_nor_splits_a_line_end(data: bytes, position: int, expected: int | None) -> None:
  assert next_cut(data, position, DIALECT) == expected


def test_a_range_entered_outside_quotes_has_its_first_record_behind_the_first_newline() -> None:
  found = enter(b'2\n3,4\n', DIALECT, b',').outside

  assert (found.first_record, found.ends_inside, found.open_quote) == (Place(2, 1), False, None)


@pytest.mark.parametrize('previous', [b'', b'\n'], ids=['file', 'record'])
def test_a_range_entered_where_a_record_begins_has_it_at_once(previous: bytes) -> None:
  assert enter(b'3,4\n', DIALECT, previous).outside.first_record == Place(0, 0)


def test_a_range_entered_inside_quotes_has_its_first_record_behind_their_end() -> None:
  found = enter(b'x\ny",2\n3,"4', DIALECT, b'\n').inside

  assert (found.first_record, found.ends_inside, found.open_quote) == (Place(7, 2), True, Place(9, 2))


def test_a_range_all_inside_quotes_has_no_record_and_no_quote() -> None:
  found = enter(b'1,2\n3,4\n', DIALECT, b'\n').inside

  assert (found.first_record, found.ends_inside, found.open_quote) == (None, True, None)


def test_a_record_that_begins_with_the_next_range_is_not_this_ones() -> None:
  assert enter(b'1,2\n', DIALECT, b',').outside.first_record is None


@pytest.mark.parametrize(('inside', 'plausible'), [(False, False), (True, True)], ids=['outside', 'inside'])
def test_a_state_in_which_a_quote_opens_within_a_field_is_not_plausible(inside: bool, plausible: bool) -> None:
  # The end of a quoted cell: read from outside, its closing quote would open a cell behind the 'y'.
  assert enter(b'x\ny",2\n3,4\n', DIALECT, b'a')[inside].plausible is plausible


@pytest.mark.parametrize(
  'data',
  [b'1,"a\n,""b""\n",2\n3,4\n"c""",5\n', b'a"b,"c\n"\n""\n"d"e"\nf\n', b'\n\n"\n"\n\n'],
  ids=['doubled', 'stray', 'blank'],
)
def test_ranges_that_follow_each_other_say_what_the_whole_says(data: bytes) -> None:
  starts = [0, *(end for end in range(1, len(data)) if next_cut(data, end, DIALECT) == end)]
  # Every record's beginning, found one record at a time.
  records, position = [0], 0
  while length := first_record_end(data[position:], DIALECT):
    position += length
    records.append(position)

  inside, found = False, []
  for start, end in itertools.pairwise([*starts, len(data)]):
    state = enter(data[start:end], DIALECT, data[max(start - 1, 0) : start])[inside]
    inside = state.ends_inside
    if state.first_record:
      found.append(start + state.first_record.offset)
      assert state.first_record.lines == data.count(b'\n', start, found[-1])

  # Ranges of a byte each begin at every record but those that a cut behind a quote joined to the range before.
  assert inside is False
  assert set(found) <= set(records)
  assert set(records) - {len(data)} - set(found) <= {record for record in records if record not in starts}


def test_without_a_quote_character_a_quote_is_a_character() -> None:
  dialect = Dialect(quote_char='')

  assert quote_edges(b'"a,"b\n"', dialect).tolist() == []
  assert first_record_end(b'"a\nb"\n', dialect) == 3
  assert next_cut(b'a"b', 2, dialect) == 2


@pytest.mark.parametrize('data', [b'', b'\r', b'\n', b'\r\n', b'\n\r', b'a\r\rb\r\nc\n\n"\r"\r'], ids=repr)
def test_lines_end_where_python_says(data: bytes) -> None:
  ends = [len(b''.join(data.splitlines(keepends=True)[: count + 1])) - 1 for count in range(len(data.splitlines()))]
  expected = [end for end in ends if data[end : end + 1] in (b'\r', b'\n')]

  assert line_ends(data).tolist() == expected
  assert count_lines(data) == len(expected)
