"""A file of settings says what flags say, gives way to those that are typed, and is written so that it can be read."""

import pathlib
from typing import Any

import pytest

from beam_taxi.cli._commands import parser_of
from beam_taxi.cli._run import run_parser
from beam_taxi.errors import UserError
from beam_taxi.inputs.column_form import Derived
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.input_splits import InputSplit
from beam_taxi.inputs.written import Timestamp
from beam_taxi.settings.config import RunConfig, all_settings
from beam_taxi.settings.config_file import config_text
from beam_taxi.settings.flags import parse_flags, parse_known

PLACES = 'input = "a.csv"\noutput = "out"\n'


def parsed(folder: pathlib.Path, text: str, *argv: str) -> tuple[RunConfig, list[str]]:
  path = folder / 'daily.toml'
  path.write_text(text)
  return parse_flags(['--config', str(path), *argv])


WRITTEN: dict[str, tuple[str, dict[str, Any]]] = {
  'text': ('run_id = "monday"', {'run_id': 'monday'}),
  'number': ('num_shards = 12', {'num_shards': 12}),
  'size': ('block_size = "2M"', {'block_size': 2 * 1024**2}),
  'date': ('run_id = 2024-01-19', {'run_id': '2024-01-19'}),
  'switch': ('cache = true', {'cache': True}),
  'switch_that_is_off': ('cache = false', {'cache': False}),
  'switch_called_otherwise': ('skip_preflight = true', {'preflight': False}),
  'as_typed': ('select_columns = \'a,"b,c"\'', {'select_columns': ('a', 'b,c')}),
  'list': ('select_columns = ["a", "b,c", "d\\"e"]', {'select_columns': ('a', 'b,c', 'd"e')}),
  'renamed': ('[rename_columns]\n"Trip, Miles" = "miles"', {'rename_columns': {'Trip, Miles': 'miles'}}),
  'types': (
    '[column_types]\nStart = "TIMESTAMP(%d.%m.%Y, %H in Europe/Berlin)"\n"a:b" = "INT"',
    {'column_types': {'Start': Timestamp('%d.%m.%Y, %H', 'Europe/Berlin'), 'a:b': ColumnType.INT}},
  ),
  'derived': (
    'column_types = "t:TIMESTAMP"\nderive_features = {hour = "hour(t)"}',
    {'derive_features': {'hour': Derived('hour', 't')}},
  ),
}


@pytest.mark.parametrize(('text', 'values'), WRITTEN.values(), ids=WRITTEN)
def test_settings_are_read_as_flags_take_them(tmp_path: pathlib.Path, text: str, values: dict[str, Any]) -> None:
  config, beam_args = parsed(tmp_path, PLACES + text)

  assert {name: getattr(config, name) for name in values} == values
  assert (config.input, config.output, beam_args) == (('a.csv',), 'out', [])


def test_splits_may_be_tables(tmp_path: pathlib.Path) -> None:
  config, _ = parsed(tmp_path, PLACES + 'splits = {train = 8, eval = 1}')
  assert [(split.name, split.buckets) for split in config.splits] == [('train', 8), ('eval', 1)]

  config, _ = parsed(tmp_path, 'output = "o"\n[input_split]\ntrain = ["a.csv", "b.csv"]\neval = "c.csv"')
  assert config.input_splits == (InputSplit('train', ('a.csv', 'b.csv')), InputSplit('eval', ('c.csv',)))


def test_settings_of_the_input_are_among_them(tmp_path: pathlib.Path) -> None:
  text = 'delimiter = ";"\nno_header = true\ncolumns = ["a", "b"]\nskip_blank_lines = false\nskip_lines = 2'

  assert parsed(tmp_path, PLACES + text)[0].input_settings == Dialect(
    ';', columns=('a', 'b'), skip_blank_lines=False, skip_lines=2
  )


def test_arguments_of_beam_are_under_their_own_heading(tmp_path: pathlib.Path) -> None:
  text = '[beam]\nrunner = "DataflowRunner"\nexperiments = ["a", "b"]\nnum_workers = 3\nsave = true\nno = false'

  _, beam_args = parsed(tmp_path, PLACES + text, '--region=r')

  assert beam_args == [
    *('--runner=DataflowRunner', '--experiments=a', '--experiments=b', '--num_workers=3', '--save', '--region=r')
  ]


OVERRIDDEN: dict[str, tuple[str, list[str], dict[str, Any]]] = {
  'text': ('', ['--output', 'other'], {'output': 'other'}),
  'with_equals': ('', ['--output=other'], {'output': 'other'}),
  'input_is_not_added_to': ('', ['--input', 'b.csv', 'c.csv'], {'input': ('b.csv', 'c.csv')}),
  'switch': ('cache = true', ['--cache=false'], {'cache': False}),
  'instead_of_another': ('shard_size = "1G"', ['--num_shards', '3'], {'num_shards': 3, 'shard_size': 512 * 1024**2}),
  'table': ('[column_types]\na = "INT"', ['--column_types', 'b:INT'], {'column_types': {'b': ColumnType.INT}}),
}


@pytest.mark.parametrize(('text', 'argv', 'values'), OVERRIDDEN.values(), ids=OVERRIDDEN)
def test_flags_that_are_typed_go_before_the_file(
  tmp_path: pathlib.Path, text: str, argv: list[str], values: dict[str, Any]
) -> None:
  config, _ = parsed(tmp_path, PLACES + text, *argv)

  assert {name: getattr(config, name) for name in values} == values


def test_an_input_split_that_is_typed_takes_the_place_of_the_input_of_the_file(tmp_path: pathlib.Path) -> None:
  config, _ = parsed(tmp_path, PLACES, '--input_split', 'train=b.csv')

  assert config.input == ('b.csv',)


def test_an_argument_of_beam_that_is_typed_goes_before_the_file(tmp_path: pathlib.Path) -> None:
  _, beam_args = parsed(tmp_path, PLACES + '[beam]\nrunner = "DataflowRunner"', '--runner', 'PrismRunner')

  assert beam_args == ['--runner', 'PrismRunner']


def test_what_was_read_is_kept_without_secrets(tmp_path: pathlib.Path) -> None:
  config, _ = parsed(tmp_path, PLACES + 'metadata = "mysql://me:secret@host/db"', '--output', 'o')

  assert config.config
  assert config.config.path == str(tmp_path / 'daily.toml')
  assert '--input=a.csv' in config.config.flags
  assert 'secret' not in config.config.flags
  assert '--output' not in config.config.flags


WRONG: dict[str, tuple[str, str]] = {
  'unknown': (
    PLACES + 'colum_types = "a:INT"',
    "daily.toml: there is no setting 'colum_types'; nearest: 'column_types'",
  ),
  'of_beam': (PLACES + 'runner = "x"', 'goes under [beam]'),
  'in_the_wrong_place': (PLACES + '[beam]\ncache = true', 'daily.toml: cache is no argument of Beam'),
  'no_table': (PLACES + 'beam = 3', 'daily.toml: beam is a table'),
  'another_file': (PLACES + 'config = "other.toml"', "there is no setting 'config'"),
  'no_toml': ('input = a.csv', 'is not TOML (Invalid value (at line 1, column 9))'),
  'list_for_one': (PLACES + 'run_id = ["a", "b"]', 'daily.toml: run_id cannot be a list'),
  'table_for_one': (PLACES + '[select_columns]\na = "b"', 'daily.toml: select_columns cannot be a table'),
  'switch': (PLACES + 'cache = "yes"', "daily.toml: cache is true or false, and not 'yes'"),
  'bool': (PLACES + 'run_id = true', 'daily.toml: run_id cannot be true or false'),
  'time': (PLACES + 'run_id = 2024-01-19T10:00:00', 'daily.toml: run_id cannot be a time'),
  'value': (PLACES + 'num_shards = 1.5', "--num_shards '1.5' is not a whole number"),
}


@pytest.mark.parametrize(('text', 'message'), WRONG.values(), ids=WRONG)
def test_what_is_wrong_in_it_is_named(tmp_path: pathlib.Path, text: str, message: str) -> None:
  with pytest.raises(UserError) as raised:
    parsed(tmp_path, text)

  assert message in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: pathlib.Path) -> None:
  with pytest.raises(UserError, match=r'--config .*/none.toml: cannot be read \(No such file or directory\)'):
    parse_flags(['--config', str(tmp_path / 'none.toml')])


def test_sniff_takes_what_it_has_flags_for(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'daily.toml').write_text(PLACES + 'delimiter = ";"\nsplits = "a:1"\n[column_types]\na = "INT"\n')

  found, beam_args = parse_known(parser_of('sniff'), ['x.csv', f'--config={tmp_path}/daily.toml'])

  assert (found['input'], found['delimiter'], found['column_types'], beam_args) == (['x.csv'], ';', 'a:INT', [])
  assert 'splits' not in found


LINES: dict[str, list[str]] = {
  'plain': ['--input', 'a.csv', '--output', 'out'],
  'patterns': ['--input', 'a/*.csv', 'b "c".csv', '--output', 'out'],
  'no_header': ['--input', 'a', '--output', 'b', '--no_header', '--columns', 'a,"b,c",d e,ä'],
  'switch': ['--input', 'a', '--output', 'b', '--no_skip_blank_lines', '--cache', '--skip_preflight'],
  'number': ['--input', 'a', '--output', 'b', '--skip_lines=2', '--delimiter=tab', '--quote_char='],
  'odd': ['--input', 'a\\b\n\x7f', '--output', 'b', '--null_values=,NA', '--comment_char=#'],
  'columns': [
    *('--input', 'a', '--output', 'b', '--drop_columns', 'x,"y,z"', '--rename_columns', 'f:g,"h,i:j"'),
    *('--column_types', 'f:FLOAT($1,234.5),t:TIMESTAMP(%m/%d/%Y in America/Chicago),n:int'),
    *('--derive_features', 'start:hour(t)'),
  ],
}


@pytest.mark.parametrize('argv', LINES.values(), ids=LINES)
def test_what_is_written_is_read_as_the_command_line_that_it_was(tmp_path: pathlib.Path, argv: list[str]) -> None:
  values, _ = parse_known(run_parser(), argv)

  config, _ = parsed(tmp_path, config_text(values, all_settings(), ['what it is\nfor']), '--run_id=r')

  expected, _ = parse_flags([*argv, '--run_id=r'])
  assert config.__dict__ | {'config': None} == expected.__dict__


def test_it_is_written_as_a_person_would(tmp_path: pathlib.Path) -> None:
  values, _ = parse_known(run_parser(), LINES['columns'])

  assert (
    config_text(values, all_settings(), ['one', 'two'])
    == """\
# one
# two
input = ["a"]
output = "b"
drop_columns = [
  "x",
  "y,z",
]

[rename_columns]
"f" = "g"
"h,i" = "j"

[column_types]
"f" = "FLOAT($1,234.5)"
"t" = "TIMESTAMP(%m/%d/%Y in America/Chicago)"
"n" = "INT"

[derive_features]
"start" = "hour(t)"
"""
  )
