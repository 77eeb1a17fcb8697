"""What users say of columns: how it is typed, and what it makes of those that there are."""

import re
from typing import Any

import pytest

from beam_taxi.errors import UserError
from beam_taxi.inputs.column_form import (
  ColumnForm,
  Derived,
  GivenType,
  parse_column_types,
  parse_derived,
  parse_renamed,
  type_text,
)
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.layout import layout_of
from beam_taxi.inputs.written import PartOf, Picture, Timestamp

UNKNOWN, INT, FLOAT, STRING, SKIPPED = ColumnType
PORTAL = Timestamp('%m/%d/%Y %I:%M:%S %p')

TYPES: dict[str, dict[str, GivenType]] = {
  'a:INT': {'a': INT},
  'a:int,b:String': {'a': INT, 'b': STRING},
  '"a,b:INT",c:d:FLOAT': {'a,b': INT, 'c:d': FLOAT},
  'at:TIMESTAMP': {'at': Timestamp()},
  'at:timestamp(%m/%d/%Y %I:%M:%S %p)': {'at': PORTAL},
  'at:TIMESTAMP(%H:%M, %d %Y in America/Chicago),n:INT': {'at': Timestamp('%H:%M, %d %Y', 'America/Chicago'), 'n': INT},
  'at:TIMESTAMP(in America/Chicago)': {'at': Timestamp('iso', 'America/Chicago')},
  'a:FLOAT($1,234.5),b:INT(1,234),c:FLOAT': {'a': Picture(FLOAT, '$1,234.5'), 'b': Picture(INT, '1,234'), 'c': FLOAT},
}


@pytest.mark.parametrize(('text', 'types'), TYPES.items(), ids=TYPES)
def test_types_are_typed(text: str, types: dict[str, GivenType]) -> None:
  assert parse_column_types(text) == types


@pytest.mark.parametrize('types', TYPES.values(), ids=TYPES)
def test_what_a_type_is_shown_as_can_be_typed(types: dict[str, GivenType]) -> None:
  for name, kind in types.items():
    assert parse_column_types(f'"{name}:{type_text(kind)}"') == {name: kind}


@pytest.mark.parametrize('text', ['a', ':INT', 'a:DATE', 'a:INT,b', 'a:STRING(x)', 'a:SKIPPED', 'a:UNKNOWN'])
def test_what_is_no_type_is_refused(text: str) -> None:
  with pytest.raises(UserError, match=r'INT, FLOAT, STRING'):
    parse_column_types(text)


def test_names_and_parts_are_typed() -> None:
  assert parse_renamed('Trip Miles:miles,"a,b:c",d:e:f') == {'Trip Miles': 'miles', 'a,b': 'c', 'd:e': 'f'}
  assert parse_derived('h:hour(Trip Start),d:DAY(a:b (c))') == {
    'h': Derived('hour', 'Trip Start'),
    'd': Derived('day', 'a:b (c)'),
  }


@pytest.mark.parametrize('text', ['a', 'a:', ':b'])
def test_what_renames_nothing_is_refused(text: str) -> None:
  with pytest.raises(UserError, match='give NAME:FEATURE pairs'):
    parse_renamed(text)


@pytest.mark.parametrize('text', ['a', 'a:hour', 'a:year(b)', 'a:hour()', ':hour(b)'])
def test_what_derives_nothing_is_refused(text: str) -> None:
  with pytest.raises(UserError, match='give FEATURE:PART'):
    parse_derived(text)


COLUMNS = ('Trip ID', 'Start', 'Fare', 'Miles')

# What is said, the features in their order, and what the columns are read as.
CHOICES: dict[str, tuple[dict[str, Any], list[str], tuple[ColumnType | None, ...]]] = {
  'nothing': ({}, ['Trip ID', 'Start', 'Fare', 'Miles'], (None,) * 4),
  'selected': ({'select_columns': ('Miles', 'Trip ID')}, ['Miles', 'Trip ID'], (None, SKIPPED, SKIPPED, None)),
  'dropped': ({'drop_columns': ('Fare',)}, ['Trip ID', 'Start', 'Miles'], (None, None, SKIPPED, None)),
  'renamed': ({'rename_columns': {'Fare': 'fare'}}, ['Trip ID', 'Start', 'fare', 'Miles'], (None,) * 4),
  'swapped': (
    {'rename_columns': {'Fare': 'Miles', 'Miles': 'Fare'}},
    ['Trip ID', 'Start', 'Miles', 'Fare'],
    (None,) * 4,
  ),
  'typed': ({'column_types': {'Fare': FLOAT}}, ['Trip ID', 'Start', 'Fare', 'Miles'], (None, None, FLOAT, None)),
  'written': ({'column_types': {'Start': PORTAL}}, ['Trip ID', 'Start', 'Fare', 'Miles'], (None, STRING, None, None)),
  'derived_alone': (
    {
      'select_columns': ('Fare',),
      'column_types': {'Start': PORTAL},
      'derive_features': {'h': Derived('hour', 'Start')},
    },
    ['Fare', 'h'],
    (SKIPPED, STRING, None, SKIPPED),
  ),
}


@pytest.mark.parametrize(('said', 'names', 'types'), CHOICES.values(), ids=CHOICES)
def test_columns_become_features(said: dict[str, Any], names: list[str], types: tuple[ColumnType | None, ...]) -> None:
  layout = layout_of(Dialect(), COLUMNS, ColumnForm(**said), 'trips.csv')

  assert (list(layout.names), layout.types) == (names, types)


def test_features_have_their_columns_and_ways_of_writing() -> None:
  form = ColumnForm(
    {'Start': PORTAL, 'Fare': Picture(FLOAT, '$1,234.5'), 'Miles': FLOAT},
    select_columns=('Miles', 'Fare'),
    derive_features={'h': Derived('hour', 'Start'), 'd': Derived('day', 'Start')},
  )
  layout = layout_of(Dialect(), COLUMNS, form, 'trips.csv')

  assert layout.fields == [('Miles', FLOAT), ('Fare', FLOAT), ('h', INT), ('d', INT)]
  assert [each.written for each in layout.features[2:]] == [PartOf('hour', PORTAL), PartOf('day', PORTAL)]
  assert layout.written == {1: PORTAL, 2: Picture(FLOAT, '$1,234.5')}
  assert layout.read_columns == ((1, 'Start'), (2, 'Fare'), (3, 'Miles'))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
  'unknown': (
    {'select_columns': ('trip id',)},
    "--select_columns: trips.csv has no column 'trip id'; nearest: 'Trip ID'",
  ),
  'unknown_and_far': ({'drop_columns': ('x',)}, 'there are Trip ID, Start, Fare, Miles'),
  'unknown_type': ({'column_types': {'Mile': INT}}, "no column 'Mile'; nearest: 'Miles'"),
  'unknown_name': ({'rename_columns': {'Far': 'fare'}}, "no column 'Far'; nearest: 'Fare'"),
  'twice': ({'select_columns': ('Fare', 'Fare')}, "names column 'Fare' twice"),
  'all': ({'drop_columns': COLUMNS}, 'trips.csv has no other columns'),
  'type_of_what_goes': ({'drop_columns': ('Fare',), 'column_types': {'Fare': INT}}, "column 'Fare' is not selected"),
  'name_of_what_goes': (
    {'select_columns': ('Miles',), 'rename_columns': {'Fare': 'f'}},
    "column 'Fare' is not selected",
  ),
  'two_of_one_name': ({'rename_columns': {'Fare': 'Miles'}}, "two features are named 'Miles'"),
  'derived_of_one_name': (
    {'column_types': {'Start': PORTAL}, 'derive_features': {'Fare': Derived('hour', 'Start')}},
    "two features are named 'Fare'",
  ),
}


@pytest.mark.parametrize(('said', 'why'), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(said: dict[str, Any], why: str) -> None:
  with pytest.raises(UserError, match=re.escape(why)):
    layout_of(Dialect(), COLUMNS, ColumnForm(**said), 'trips.csv')


def test_what_contradicts_itself_is_refused_before_there_is_a_file() -> None:
  with pytest.raises(UserError, match='give one of them'):
    ColumnForm(select_columns=('a',), drop_columns=('b',))
  with pytest.raises(UserError, match="column 'a' is no TIMESTAMP"):
    ColumnForm({'a': INT}, derive_features={'h': Derived('hour', 'a')})
