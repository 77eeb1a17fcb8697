"""What is typed becomes a RunConfig, or is refused with what to type instead."""

import argparse
import dataclasses
import re
import typing
from collections.abc import Callable
from decimal import Decimal

import pytest

from beam_taxi.cli._commands import parser_of
from beam_taxi.cli._run import run_parser
from beam_taxi.errors import UserError
from beam_taxi.inputs.bad_row_policy import BadRowLimit
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.input_splits import InputSplit
from beam_taxi.setting_fields import settings_of, take_settings
from beam_taxi.settings import flags
from beam_taxi.settings.config import RunConfig


def parsed(*argv: str) -> RunConfig:
  return flags.parse_flags(['--input', 'a.csv', '--output', 'out', *argv])[0]


def test_flags_that_are_not_given_are_the_defaults() -> None:
  found = parsed('--run_id', 'run-1')

  assert found == RunConfig(('a.csv',), 'out', 'run-1')
  assert found.input_settings == Dialect()


OUTPUTS = {
  'format': (['--output_format', 'parquet'], {'output_format': 'parquet'}),
  'level': (['--compression_level', '6'], {'compression_level': 6}),
  'seed': (['--shuffle_seed', '0'], {'shuffle_seed': 0}),
  'shards': (['--num_shards', '12'], {'num_shards': 12}),
  'shard_size': (['--shard_size', '2G'], {'shard_size': 2 * 1024**3}),
  'partition_feature': (['--partition_feature', 'company'], {'partition_feature': 'company'}),
}


@pytest.mark.parametrize(('argv', 'values'), OUTPUTS.values(), ids=OUTPUTS)
def test_how_to_split_and_to_write_is_in_the_config(argv: list[str], values: dict[str, object]) -> None:
  found = parsed(*argv)

  assert {name: getattr(found, name) for name in values} == values


def test_input_splits_take_the_place_of_input() -> None:
  argv = ['--input_split', 'train=a.csv', '--input_split', 'eval=b.csv', '--output', 'out']

  found = flags.parse_flags(argv)[0]

  assert found.input_splits == (InputSplit('train', ('a.csv',)), InputSplit('eval', ('b.csv',)))


def test_output_splits_of_input_splits_are_refused() -> None:
  with pytest.raises(UserError, match='--splits makes splits of --input; with --input_split'):
    flags.parse_flags(['--input_split', 'train=a.csv', '--output', 'out', '--splits', 'train:2,eval:1'])


@pytest.mark.parametrize(
  'argv',
  [['--input_split', 'train=a.csv'], ['--shard_size', '1M', '--num_shards', '2'], ['--output_format', 'avro']],
  ids=['input_twice', 'shards_twice', 'format'],
)
def test_flags_that_exclude_each_other_and_unknown_formats_end_with_2(argv: list[str]) -> None:
  with pytest.raises(SystemExit) as raised:
    parsed(*argv)

  assert raised.value.code == 2


DIALECTS = {
  'tab_by_name': (['--delimiter', 'tab'], Dialect('\t')),
  'tab_as_an_escape': (['--delimiter', '\\t'], Dialect('\t')),
  'tab_itself': (['--delimiter', '\t'], Dialect('\t')),
  'semicolon': (['--delimiter', ';'], Dialect(';')),
  'dash': (['--delimiter', '-'], Dialect('-')),
  'blank': (['--delimiter= '], Dialect(' ')),
  'single_quote': (['--quote_char', "'"], Dialect(quote_char="'")),
  'no_quote': (['--quote_char='], Dialect(quote_char='')),
  'no_quote_as_a_word_of_its_own': (['--quote_char', ''], Dialect(quote_char='')),
  'columns': (['--no_header', '--columns', 'a,b c,ü'], Dialect(columns=('a', 'b c', 'ü'))),
  'columns_with_a_quoted_comma': (['--columns', 'a,"b,c","d""e"', '--no_header'], Dialect(columns=('a', 'b,c', 'd"e'))),
  'one_column': (['--no_header', '--columns', 'a'], Dialect(columns=('a',))),
  'null_values': (['--null_values', 'NA,null,"a,b"'], Dialect(null_values=('NA', 'null', 'a,b'))),
  'a_null_value_that_is_a_dash': (['--null_values', '-'], Dialect(null_values=('-',))),
  'a_null_value_that_begins_with_a_dash': (['--null_values=-,NA'], Dialect(null_values=('-', 'NA'))),
  'blank_lines_skipped': (['--skip_blank_lines'], Dialect()),
  'blank_lines_kept': (['--no_skip_blank_lines'], Dialect(skip_blank_lines=False)),
  'the_last_word_on_blank_lines': (['--no_skip_blank_lines', '--skip_blank_lines'], Dialect()),
  'encoding': (['--encoding', 'latin-1'], Dialect(encoding='iso8859-1')),
  'encoding_by_another_name': (['--encoding', 'UTF8'], Dialect()),
  'encoding_with_a_mark': (['--encoding', 'utf-8-sig'], Dialect()),
  'compression': (['--compression', 'bzip2'], Dialect(compression='bzip2')),
}


@pytest.mark.parametrize(('argv', 'dialect'), DIALECTS.values(), ids=DIALECTS)
def test_how_files_are_written_is_the_dialect(argv: list[str], dialect: Dialect) -> None:
  assert parsed(*argv).input_settings == dialect


@pytest.mark.parametrize(('argv', 'dialect'), DIALECTS.values(), ids=DIALECTS)
def test_sniff_takes_the_same_flags_and_returns_only_what_was_given(argv: list[str], dialect: Dialect) -> None:
  values = vars(parser_of('sniff').parse_args(['a.csv', *argv]))

  given = take_settings(Dialect, values)

  assert Dialect(**given) == dialect
  assert len(given) == 1
  assert values == {'input': ['a.csv']}


WRONG = {
  'no_header_without_columns': (['--no_header'], ['--no_header and --columns go together']),
  'columns_without_no_header': (['--columns', 'a,b'], ['--no_header and --columns go together']),
  'two_columns_of_one_name': (['--no_header', '--columns', 'a,a'], ["--columns: two columns are named 'a'"]),
  'a_column_without_a_name': (['--no_header', '--columns', 'a,,b'], ['--columns: column 2 has no name']),
  'an_open_quote_in_columns': (['--no_header', '--columns', 'a,"b'], ["--columns 'a,\"b' is not a list", 'in quotes']),
  'two_rows_of_columns': (['--no_header', '--columns', 'a\nb'], ['is not a list']),
  'two_characters_as_delimiter': (['--delimiter', '||'], ["--delimiter '||'", 'one ASCII character']),
  'no_delimiter': (['--delimiter='], ["--delimiter ''", 'one ASCII character']),
  'a_delimiter_that_is_not_ascii': (['--delimiter', '§'], ["--delimiter '§'", 'one ASCII character']),
  'a_delimiter_that_ends_lines': (['--delimiter', '\n'], ["--delimiter '\\n'", 'no line end']),
  'two_characters_as_quote': (['--quote_char', '""'], ['--quote_char \'""\'', 'one ASCII character']),
  'delimiter_and_quote_the_same': (['--delimiter', "'", '--quote_char', "'"], ['are both "\'"', 'must differ']),
  'an_encoding_that_nobody_knows': (['--encoding', 'utf-9'], ['--encoding utf-9', 'unknown encoding', 'latin-1']),
  'an_encoding_that_is_none_of_text': (['--encoding', 'base64'], ['--encoding base64', 'latin-1']),
  'no_encoding': (['--encoding='], ['--encoding : ']),
  'column_types_without_a_type': (['--column_types', 'a'], ["--column_types 'a'", 'NAME:TYPE', 'INT, FLOAT, STRING']),
  'column_types_with_another_type': (['--column_types', 'a:INT,b:DATE'], ["--column_types 'b:DATE'", 'NAME:TYPE']),
  'column_types_with_unknown': (['--column_types', 'a:UNKNOWN'], ["--column_types 'a:UNKNOWN'", 'NAME:TYPE']),
  'column_types_without_a_name': (['--column_types', ':INT'], ["--column_types ':INT'", 'NAME:TYPE']),
  'column_types_with_nothing_behind_a_comma': (['--column_types', 'a:INT,'], ["--column_types ''", 'NAME:TYPE']),
  'column_types_with_an_open_quote': (['--column_types', '"a:INT'], ['is not a list']),
  'two_types_of_a_column': (['--column_types', 'a:INT,a:FLOAT'], ["gives 'a' two types: INT and FLOAT"]),
  'max_bad_rows_alone': (['--max_bad_rows', '5'], ['--max_bad_rows', 'give --bad_rows quarantine as well']),
  'no_bad_rows_at_most_alone': (['--max_bad_rows', '0'], ['give --bad_rows quarantine as well']),
  'max_bad_rows_where_one_ends_the_run': (['--max_bad_rows', '5%', '--bad_rows', 'fail'], ['--bad_rows quarantine']),
  'a_wrong_size': (['--block_size', '4 miles'], ["--block_size '4 miles' is not a size"]),
  'a_wrong_number': (['--num_shards', 'x'], ["--num_shards 'x' is not a whole number"]),
}


@pytest.mark.parametrize(('argv', 'parts'), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_told_with_its_flag_and_what_to_give(argv: list[str], parts: list[str]) -> None:
  with pytest.raises(UserError) as raised:
    parsed(*argv)

  assert [part for part in parts if part not in str(raised.value)] == []


CHOICES = {
  'compression': (['--compression', 'zip'], "argument --compression: invalid choice: 'zip'"),
  'bad_rows': (['--bad_rows', 'skip'], "argument --bad_rows: invalid choice: 'skip'"),
  'empty_cells': (['--empty_cells', 'null'], "argument --empty_cells: invalid choice: 'null'"),
  'a_flag_without_its_value': (['--delimiter'], 'argument --delimiter: expected one argument'),
}


@pytest.mark.parametrize(('argv', 'message'), CHOICES.values(), ids=CHOICES)
def test_what_is_none_of_the_choices_ends_with_2(
  capsys: pytest.CaptureFixture[str], argv: list[str], message: str
) -> None:
  with pytest.raises(SystemExit) as raised:
    parsed(*argv)

  assert raised.value.code == 2
  assert message in capsys.readouterr().err


COLUMN_TYPES = {
  'several': ('a:INT,b:FLOAT,c:STRING', {'a': ColumnType.INT, 'b': ColumnType.FLOAT, 'c': ColumnType.STRING}),
  'lower_case': ('a:float', {'a': ColumnType.FLOAT}),
  'a_name_with_a_colon': ('a:b:INT', {'a:b': ColumnType.INT}),
  'a_name_with_a_comma': ('"a,b:INT",c:INT', {'a,b': ColumnType.INT, 'c': ColumnType.INT}),
  'one_type_twice': ('a:INT,a:int', {'a': ColumnType.INT}),
}


@pytest.mark.parametrize(('text', 'types'), COLUMN_TYPES.values(), ids=COLUMN_TYPES)
def test_column_types_are_pairs_of_a_name_and_a_type(text: str, types: dict[str, ColumnType]) -> None:
  assert parsed('--column_types', text).column_types == types


@pytest.mark.parametrize(
  ('text', 'limit'),
  [
    ('100', BadRowLimit(Decimal(100))),
    ('0', BadRowLimit(Decimal(0))),
    (' 7 ', BadRowLimit(Decimal(7))),
    ('0.5%', BadRowLimit(Decimal('0.5'), percent=True)),
    ('3%', BadRowLimit(Decimal(3), percent=True)),
    ('100%', BadRowLimit(Decimal(100), percent=True)),
    ('0%', BadRowLimit(Decimal(0), percent=True)),
  ],
)
def test_max_bad_rows_is_a_number_of_rows_or_a_share(text: str, limit: BadRowLimit) -> None:
  found = parsed('--bad_rows', 'quarantine', '--max_bad_rows', text)

  assert (found.bad_rows, found.max_bad_rows) == ('quarantine', limit)


@pytest.mark.parametrize('text', ['101%', '100.5%', '-1', '-1%', 'x', '', '%', '0.5', '.5%', '1 %', '1e3'])
def test_max_bad_rows_of_another_form_is_refused_with_an_example(text: str) -> None:
  with pytest.raises(UserError, match=r'--max_bad_rows .*: give a number of rows, or a share of them, as in 0\.5%'):
    parsed('--bad_rows', 'quarantine', f'--max_bad_rows={text}')


def test_a_schema_is_a_path_as_it_was_typed() -> None:
  assert parsed('--schema', 'gs://bucket/schema.pbtxt').schema == 'gs://bucket/schema.pbtxt'


def test_what_is_no_flag_of_a_run_is_beams() -> None:
  config, beam_args = flags.parse_flags(
    ['--input', 'a.csv', '--output', 'out', '--runner', 'DirectRunner', '--delim', ';', '--quote_char=']
  )

  assert beam_args == ['--runner', 'DirectRunner', '--delim', ';']
  assert config.input_settings == Dialect(quote_char='')


def test_input_is_all_that_was_given_in_that_order() -> None:
  config, _ = flags.parse_flags(['--input', 'b.csv', 'a.csv', '--output', 'out', '--input', 'c.csv'])

  assert config.input == ('b.csv', 'a.csv', 'c.csv')


@pytest.mark.parametrize('output', ['gs://bucket/out', '/absolute/out'])
def test_an_output_that_means_the_same_everywhere_stays_as_it_is(output: str) -> None:
  assert flags.parse_flags(['--input', 'a.csv', '--output', output])[0].output == output


@pytest.mark.parametrize('argv', [[], ['--input', 'a.csv'], ['--output', 'out']], ids=['both', 'output', 'input'])
def test_a_run_without_input_or_output_ends_with_2(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
  with pytest.raises(SystemExit) as raised:
    flags.parse_flags(argv)

  assert raised.value.code == 2
  assert 'required' in capsys.readouterr().err


@pytest.mark.parametrize('parser', [run_parser, lambda: parser_of('sniff')], ids=['run', 'sniff'])
def test_help_tells_each_flag_of_a_dialect(
  parser: Callable[[], argparse.ArgumentParser], capsys: pytest.CaptureFixture[str]
) -> None:
  with pytest.raises(SystemExit) as raised:
    parser().parse_args(['--help'])

  text = capsys.readouterr().out
  assert raised.value.code == 0
  assert [name for name in Dialect.__dataclass_fields__ if f'--{name} ' not in text and f'--{name}\n' not in text] == []


SWITCHES = {
  'true': (['--cache=true'], {'cache': True}),
  'false': (['--cache=false'], {'cache': False}),
  'false_of_one_that_is_true_by_default': (['--skip_blank_lines=false'], {'skip_blank_lines': False}),
  'true_of_that': (['--skip_blank_lines=true'], {'skip_blank_lines': True}),
  'false_of_its_opposite': (['--no_skip_blank_lines=false'], {'skip_blank_lines': True}),
  'true_of_its_opposite': (['--no_skip_blank_lines=true'], {'skip_blank_lines': False}),
  'no_header': (['--no_header=true', '--columns=a'], {'columns': ('a',)}),
  'a_header': (['--no_header=false'], {'columns': ()}),
  'the_last_word': (['--skip_blank_lines=true', '--skip_blank_lines=false'], {'skip_blank_lines': False}),
}


@pytest.mark.parametrize(('argv', 'values'), SWITCHES.values(), ids=SWITCHES)
def test_a_switch_takes_true_and_false_as_a_flex_template_gives_them(
  argv: list[str], values: dict[str, object]
) -> None:
  found = parsed(*argv)

  assert {name: getattr(found, name, getattr(found.input_settings, name, None)) for name in values} == values


@pytest.mark.parametrize('word', ['--cache=yes', '--cache=', '--no_header=1'])
def test_a_switch_takes_nothing_else(word: str) -> None:
  with pytest.raises(UserError, match=re.escape(f'{word}: give {word.split("=")[0]} alone, or with =true or =false')):
    parsed(word)


def test_beams_own_switches_are_left_to_beam() -> None:
  _, beam_args = flags.parse_flags(['--input', 'a.csv', '--output', 'out', '--streaming=true', '--save_main_session'])

  assert beam_args == ['--streaming=true', '--save_main_session']


def test_the_preflight_can_be_skipped() -> None:
  assert (parsed().preflight, parsed('--skip_preflight').preflight) == (True, False)


def test_choices_are_those_of_the_type() -> None:
  types = typing.get_type_hints(RunConfig)
  chosen = [each for each in settings_of(RunConfig) if each.choices]

  assert {'bad_rows', 'record'} <= {each.name for each in chosen}
  for each in chosen:
    assert set(each.choices) == {choice for choice in typing.get_args(types[each.name]) if choice}


def test_a_field_of_a_run_is_a_setting_or_has_settings() -> None:
  fields = {field.name for field in dataclasses.fields(RunConfig)}

  assert fields - {each.name for each in settings_of(RunConfig)} == {'input_settings'}
