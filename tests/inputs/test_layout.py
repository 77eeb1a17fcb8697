"""What is known of an input before its rows are read: header, dialect, and the types that were given."""

import pathlib

import pytest
from csv_files import layout_of, match_files, plan_input

from beam_taxi.errors import UserError
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.text_encoding import encoding_of_blocks
from beam_taxi.inputs.layout import InputPlan, Layout, types_in_schema

UNKNOWN, INT, FLOAT, STRING, _ = ColumnType

SCHEMA = """\
feature { name: "a" type: INT presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } } }
feature { name: "b" type: BYTES domain: "b" }
feature { name: "z" type: FLOAT }
string_domain { name: "b" value: "x" }
"""


def planned(
  folder: pathlib.Path,
  column_types: dict[str, ColumnType] | None = None,
  schema: str | bytes | None = None,
  dialect: Dialect | None = None,
) -> InputPlan:
  """The plan of a.csv, with columns a, b and c, and of b.csv."""
  dialect = dialect or Dialect()
  (folder / 'a.csv').write_bytes(b'a,b,c\n1,2,3\n')
  (folder / 'b.csv').write_bytes(b'a,b,c\n')
  path = folder / 'schema.pbtxt'
  if schema is not None:
    path.write_bytes(schema.encode() if isinstance(schema, str) else schema)
  files = match_files([f'{folder}/*.csv'], dialect)
  return plan_input(files, dialect, column_types or {}, '' if schema is None else str(path))


def test_the_plan_has_the_files_their_bytes_and_the_header_of_the_first(tmp_path: pathlib.Path) -> None:
  plan = planned(tmp_path)

  assert (plan.files, plan.bytes) == (2, 18)
  assert (plan.own.path, plan.own.columns) == (f'{tmp_path}/a.csv', ('a', 'b', 'c'))
  assert plan.layout == Layout(Dialect(), ('a', 'b', 'c'), (None, None, None), header=b'a,b,c')


TYPES = {
  'nothing_given': ({}, None, (None, None, None)),
  'column_types': ({'b': FLOAT}, None, (None, FLOAT, None)),
  'column_types_in_another_order': ({'c': STRING, 'a': INT}, None, (INT, None, STRING)),
  'schema': ({}, SCHEMA, (INT, STRING, None)),
  'column_types_come_before_the_schema': ({'a': FLOAT}, SCHEMA, (FLOAT, STRING, None)),
  'each_gives_what_the_other_leaves_open': ({'c': FLOAT}, SCHEMA, (INT, STRING, FLOAT)),
  'a_schema_without_features': ({'c': INT}, '', (None, None, INT)),
}


@pytest.mark.parametrize(('column_types', 'schema', 'types'), TYPES.values(), ids=TYPES)
def test_types_are_those_of_column_types_and_then_of_the_schema(
  tmp_path: pathlib.Path,
  column_types: dict[str, ColumnType],
  schema: str | None,
  types: tuple[ColumnType | None, ...],
) -> None:
  assert planned(tmp_path, column_types, schema).layout.types == types


def test_a_type_for_a_column_that_is_not_there_is_refused_with_one_like_it(tmp_path: pathlib.Path) -> None:
  with pytest.raises(UserError, match=r"--column_types: .*a\.csv has no column 'A'; nearest: 'a'"):
    planned(tmp_path, {'a': INT, 'A': INT})


def test_given_columns_are_those_that_types_can_be_given_to(tmp_path: pathlib.Path) -> None:
  dialect = Dialect(columns=('x', 'y', 'z'))

  assert planned(tmp_path, {'y': STRING}, dialect=dialect).layout.types == (None, STRING, None)
  with pytest.raises(UserError, match="has no column 'a'; there are x, y, z"):
    planned(tmp_path, {'a': INT}, dialect=dialect)


def test_a_schema_gives_the_types_of_all_its_features(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'schema.pbtxt').write_text(SCHEMA)

  assert types_in_schema(str(tmp_path / 'schema.pbtxt')) == {'a': INT, 'b': STRING, 'z': FLOAT}


BAD_SCHEMAS = {
  'no_text': (b'\x0a\x0b\xff\xfe', 'is not a schema in text form'),
  'binary_that_is_utf8': (b'\x0a\x05\x0a\x01a\x18\x02', 'is not a schema in text form'),
  'json': (b'{"feature": [{"name": "a"}]}', 'is not a schema in text form'),
  'another_message': (b'datasets { num_examples: 3 }', 'is not a schema in text form'),
  'an_unknown_type': (b'feature { name: "a" type: INTEGER }', 'is not a schema in text form'),
  'struct': (b'feature { name: "a" type: STRUCT }', "feature 'a' is STRUCT; a column can be INT, FLOAT or BYTES"),
  'no_type': (b'feature { name: "a" }', "feature 'a' is TYPE_UNKNOWN; a column can be INT, FLOAT or BYTES"),
}


@pytest.mark.parametrize(('schema', 'reason'), BAD_SCHEMAS.values(), ids=BAD_SCHEMAS)
def test_a_schema_that_cannot_be_used_is_refused_with_the_reason(
  tmp_path: pathlib.Path, schema: bytes, reason: str
) -> None:
  with pytest.raises(UserError) as raised:
    planned(tmp_path, schema=schema)

  message = str(raised.value)
  assert message.startswith(f'--schema {tmp_path}/schema.pbtxt: {reason}')
  assert '\n' not in message


@pytest.mark.parametrize(('name', 'reason'), [('none.pbtxt', 'No such file or directory'), ('', 'Is a directory')])
def test_a_schema_that_cannot_be_read_is_refused_by_name(tmp_path: pathlib.Path, name: str, reason: str) -> None:
  path = f'{tmp_path}/{name}'

  with pytest.raises(UserError) as raised:
    types_in_schema(path)

  assert str(raised.value) == f'--schema {path}: cannot be read ({reason})'


ENCODINGS = {
  'utf-8': 'utf-8',
  'cp1252': 'cp1252',
  'latin-1': 'iso8859-1',
  'shift_jis': 'shift_jis',
  'utf-16': 'utf-8',
  'utf-16-le': 'utf-8',
  'utf-32': 'utf-8',
  'utf-7': 'utf-8',
  'cp037': 'utf-8',
}


@pytest.mark.parametrize(('encoding', 'of_blocks'), ENCODINGS.items(), ids=ENCODINGS)
def test_blocks_are_in_the_files_encoding_or_in_utf8_where_files_are_converted_as_streams(
  encoding: str, of_blocks: str
) -> None:
  assert encoding_of_blocks(Dialect(encoding=encoding)) == of_blocks


def test_a_mark_that_is_part_of_other_characters_has_a_file_converted_as_a_stream() -> None:
  # In Shift JIS, '|' is the second byte of many characters, and ',' of none.
  assert encoding_of_blocks(Dialect(',', encoding='shift_jis')) == 'shift_jis'
  assert encoding_of_blocks(Dialect('|', encoding='shift_jis')) == 'utf-8'


@pytest.mark.parametrize(
  ('types', 'all_types'),
  [((INT, STRING), True), ((UNKNOWN, UNKNOWN), True), ((INT, None), False), ((None, None), False)],
  ids=['given', 'without_values', 'one_open', 'all_open'],
)
def test_a_layout_has_all_types_where_none_is_to_be_inferred(
  types: tuple[ColumnType | None, ...], all_types: bool
) -> None:
  assert layout_of('ab', types).has_all_types is all_types


def test_fields_are_names_with_types() -> None:
  assert layout_of('ab', (INT, UNKNOWN)).fields == [('a', INT), ('b', UNKNOWN)]
