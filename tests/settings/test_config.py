"""A RunConfig is right once it is made, and what is wrong names the flag and what to do."""

import datetime
from decimal import Decimal
from typing import Any

import pytest

from beam_taxi.errors import UserError
from beam_taxi.examples.splits import Split, parse_splits
from beam_taxi.inputs.bad_row_policy import BadRowLimit, parse_max_bad_rows
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect, parse_delimiter
from beam_taxi.inputs.input_splits import InputSplit, parse_input_splits
from beam_taxi.parsing import parse_names, parse_number, parse_size
from beam_taxi.settings.config import RunConfig, new_run_id


def config(**changed: Any) -> RunConfig:
  return RunConfig(**{'input': ('a.csv',), 'output': 'out', 'run_id': 'run-1', **changed})


def test_the_defaults_are_those_of_tfx() -> None:
  found = config()

  assert found.splits == (Split('train', 2), Split('eval', 1))
  assert found.empty_cells == 'empty'


WRONG = {
  'no_input': ({'input': ()}, ['no input', '--input']),
  'no_output': ({'output': ''}, ['no output', '--output']),
  'run_id_with_a_slash': ({'run_id': 'a/b'}, ["--run_id 'a/b'", 'use letters, digits']),
  'run_id_that_goes_up': ({'run_id': '..'}, ["--run_id '..'", 'begin with a letter or digit']),
  'run_id_with_a_line_end': ({'run_id': 'a\n'}, ["--run_id 'a\\n'"]),
  'pipeline_name_with_a_blank': ({'pipeline_name': 'a b'}, ["--pipeline_name 'a b'", 'use letters, digits']),
  'no_splits': ({'splits': ()}, ['no splits', '--splits train:2,eval:1']),
  'repeated_split': ({'splits': (Split('a', 1), Split('a', 2))}, ['--splits names a split twice: a, a']),
  'no_block_size': ({'block_size': 0}, ['--block_size 0', 'positive number']),
  'limit_of_bad_rows_alone': (
    {'max_bad_rows': BadRowLimit(Decimal(5))},
    ['--max_bad_rows', '--bad_rows quarantine as well'],
  ),
  'limit_of_no_bad_rows_alone': (
    {'max_bad_rows': BadRowLimit(Decimal(0))},
    ['--max_bad_rows', '--bad_rows quarantine as well'],
  ),
  'no_shards': ({'num_shards': 0}, ['--num_shards 0', 'at least 1']),
  'compression_level_too_high': ({'compression_level': 10}, ['--compression_level 10', '1 to 9']),
  'compression_level_too_low': ({'compression_level': 0}, ['--compression_level 0', '1 to 9']),
  'compression_level_of_parquet': (
    {'compression_level': 6, 'output_format': 'parquet'},
    ['--compression_level', '--output_format parquet'],
  ),
  'negative_seed': ({'shuffle_seed': -1}, ['--shuffle_seed -1', '0 or more']),
  'repeated_input_split': (
    {'input': (), 'input_splits': (InputSplit('a', ('x',)), InputSplit('a', ('y',)))},
    ['--input_split names a split twice: a, a'],
  ),
  'input_split_with_a_slash': ({'input_splits': (InputSplit('a/b', ('x',)),)}, ["split name 'a/b'"]),
  'partition_of_input_splits': (
    {'input_splits': (InputSplit('a', ('x',)),), 'partition_feature': 'c'},
    ['--partition_feature', '--input_split'],
  ),
  'bad_rows_in_capitals': ({'bad_rows': 'Fail'}, ["--bad_rows 'Fail'", 'give one of fail, quarantine']),
  'an_unknown_format': ({'output_format': 'csv'}, ["--output_format 'csv'", 'give one of tfrecord, parquet']),
  'input_that_is_one_text': ({'input': 'a.csv'}, ["give ('a.csv',)"]),
  'negative_shard_size': ({'shard_size': -1}, ['--shard_size -1', 'positive number']),
}


@pytest.mark.parametrize(('changed', 'parts'), WRONG.values(), ids=WRONG)
def test_a_wrong_setting_is_told_with_its_flag_and_what_to_do(changed: dict[str, Any], parts: list[str]) -> None:
  with pytest.raises(UserError) as raised:
    config(**changed)

  assert [part for part in parts if part not in str(raised.value)] == []


@pytest.mark.parametrize('name', ['a', '7', 'Run_1.2-x', 'a' * 200])
def test_a_plain_name_is_taken(name: str) -> None:
  found = config(run_id=name, pipeline_name=name, splits=(Split(name, 1),))

  assert (found.run_id, found.pipeline_name, found.splits[0].name) == (name, name, name)


@pytest.mark.parametrize(
  ('text', 'splits'),
  [
    ('train:2,eval:1', (Split('train', 2), Split('eval', 1))),
    ('test:1 , train: 8', (Split('test', 1), Split('train', 8))),
    ('all:1', (Split('all', 1),)),
  ],
  ids=['two', 'blanks', 'one'],
)
def test_splits_are_read_in_their_order(text: str, splits: tuple[Split, ...]) -> None:
  assert parse_splits(text) == splits


@pytest.mark.parametrize('text', ['', 'train', 'train:', 'train:x', 'train:-1', 'train:2,', 'a:1:2', 'a:1.5'])
def test_splits_of_another_form_are_refused_with_the_right_one(text: str) -> None:
  with pytest.raises(UserError, match='--splits .* give NAME:BUCKETS pairs, as in train:8,eval:1,test:1'):
    parse_splits(text)


@pytest.mark.parametrize(
  ('text', 'size'),
  [
    ('67108864', 2**26),
    ('64M', 2**26),
    ('64MB', 2**26),
    ('64MiB', 2**26),
    (' 64 mb ', 2**26),
    ('1K', 2**10),
    ('2g', 2**31),
    ('5B', 5),
    ('0', 0),
  ],
)
def test_a_size_is_read_in_powers_of_1024(text: str, size: int) -> None:
  assert parse_size(text) == size


@pytest.mark.parametrize('text', ['', 'M', '1.5M', '-1', '1T', '64 megabytes', '1M1'])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
  with pytest.raises(UserError, match='is not a size: .* as in 64M'):
    parse_size(text)


def test_a_run_id_sorts_by_time_and_is_a_good_name() -> None:
  early = new_run_id(datetime.datetime(2024, 1, 31, 9, 5, 7))
  late = new_run_id(datetime.datetime(2024, 1, 31, 10, 0, 0))

  assert early.startswith('20240131-090507-')
  assert early < late
  assert config(run_id=early).run_id == early


def test_runs_of_the_same_second_have_ids_of_their_own() -> None:
  now = datetime.datetime(2024, 1, 31)

  assert len({new_run_id(now) for _ in range(20)}) > 1


WRONG_DIALECTS = {
  'no_delimiter': ({'delimiter': ''}, "--delimiter ''"),
  'two_characters': ({'delimiter': ', '}, "--delimiter ', '"),
  'delimiter_beyond_ascii': ({'delimiter': '\xa0'}, "--delimiter '\\xa0'"),
  'delimiter_that_ends_a_line': ({'delimiter': '\r'}, "--delimiter '\\r'"),
  'delimiter_that_is_nul': ({'delimiter': '\0'}, "--delimiter '\\x00'"),
  'quote_that_ends_a_line': ({'quote_char': '\n'}, "--quote_char '\\n'"),
  'quote_beyond_ascii': ({'quote_char': '“'}, "--quote_char '“'"),
  'delimiter_that_is_the_quote': ({'delimiter': '"'}, "--delimiter and --quote_char are both '\"': they must differ"),
  'repeated_column': ({'columns': ('a', 'b', 'a')}, "--columns: two columns are named 'a'"),
  'unnamed_column': ({'columns': ('',)}, '--columns: column 1 has no name'),
  'compression': ({'compression': 'zip'}, "--compression 'zip': give one of auto, none, gzip, bzip2, zstd"),
  'encoding': ({'encoding': 'klingon'}, '--encoding klingon: unknown encoding: klingon; give one that Python knows'),
  'encoding_of_bytes': ({'encoding': 'hex'}, '--encoding hex: '),
  'encoding_of_text_to_text': ({'encoding': 'rot13'}, '--encoding rot13: '),
}


@pytest.mark.parametrize(('changed', 'message'), WRONG_DIALECTS.values(), ids=WRONG_DIALECTS)
def test_a_dialect_that_no_file_can_have_is_refused_with_its_flag(changed: dict[str, Any], message: str) -> None:
  with pytest.raises(UserError) as raised:
    Dialect(**changed)

  assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
  ('spellings', 'name'),
  [
    (['utf-8', 'UTF8', 'utf_8', 'utf-8-sig', 'U8'], 'utf-8'),
    (['latin-1', 'ISO-8859-1', 'L1'], 'iso8859-1'),
    (['windows-1252', 'CP1252'], 'cp1252'),
    (['utf-16', 'UTF16'], 'utf-16'),
  ],
  ids=['utf8', 'latin1', 'cp1252', 'utf16'],
)
def test_all_spellings_of_an_encoding_are_one(spellings: list[str], name: str) -> None:
  assert {Dialect(encoding=spelling) for spelling in spellings} == {Dialect(encoding=name)}
  assert Dialect(encoding=spellings[0]).encoding == name


def test_the_higher_of_two_types_is_the_type_of_both() -> None:
  types = [ColumnType.UNKNOWN, ColumnType.INT, ColumnType.FLOAT, ColumnType.STRING]
  assert sorted(ColumnType) == [*types, ColumnType.SKIPPED]


@pytest.mark.parametrize(
  ('limit', 'shown', 'bad', 'rows', 'allowed'),
  [
    (BadRowLimit(Decimal(0)), '0', 0, 10, True),
    (BadRowLimit(Decimal(0)), '0', 1, 10, False),
    (BadRowLimit(3), '3', 3, 3, True),
    (BadRowLimit(Decimal(3)), '3', 4, 1_000_000, False),
    (BadRowLimit(Decimal(1_000_000)), '1000000', 1_000_001, 10**9, False),
    (BadRowLimit(Decimal('0.5'), percent=True), '0.5%', 1, 200, True),
    (BadRowLimit(Decimal('0.5'), percent=True), '0.5%', 1, 199, False),
    (BadRowLimit(Decimal(100), percent=True), '100%', 7, 7, True),
    (BadRowLimit(Decimal(0), percent=True), '0%', 1, 10**9, False),
    (BadRowLimit(Decimal(0), percent=True), '0%', 0, 0, True),
  ],
)
def test_a_limit_of_bad_rows_allows_so_many_and_no_more(
  limit: BadRowLimit, shown: str, bad: int, rows: int, allowed: bool
) -> None:
  assert limit.allows(bad, rows) is allowed
  assert str(limit) == shown


@pytest.mark.parametrize(
  ('text', 'names'),
  [
    ('a', ('a',)),
    ('a,b', ('a', 'b')),
    (' a , b ', (' a ', ' b ')),
    ('"a,b","c""d"', ('a,b', 'c"d')),
    ('a,', ('a', '')),
    ('"a\nb",c', ('a\nb', 'c')),
    ("it's,é", ("it's", 'é')),
  ],
  ids=['one', 'two', 'blanks', 'quotes', 'an_empty_one', 'a_line_end', 'apostrophe'],
)
def test_names_are_the_cells_of_a_csv_row(text: str, names: tuple[str, ...]) -> None:
  assert parse_names(text) == names


@pytest.mark.parametrize('text', ['"a', '"a"b', 'a\nb', '"a" ,b'])
def test_what_is_no_csv_row_is_no_list(text: str) -> None:
  with pytest.raises(UserError, match='is not a list: give A,B,C'):
    parse_names(text)


@pytest.mark.parametrize(('text', 'delimiter'), [('tab', '\t'), ('\\t', '\t'), ('\t', '\t'), (';', ';'), ('t', 't')])
def test_a_tab_can_be_typed_by_its_name(text: str, delimiter: str) -> None:
  assert parse_delimiter(text) == delimiter


@pytest.mark.parametrize(
  ('limit', 'bad', 'rows'), [('0.29%', 145, 50_000), ('0.57%', 57, 10_000), ('0%', 0, 3), ('100%', 3, 3), ('2', 2, 9)]
)
def test_as_many_bad_rows_as_the_limit_says_are_allowed_and_not_one_more(limit: str, bad: int, rows: int) -> None:
  assert parse_max_bad_rows(limit).allows(bad, rows)
  if bad < rows:
    assert not parse_max_bad_rows(limit).allows(bad + 1, rows)


INPUT_SPLITS = (InputSplit('train', ('a/*.csv', 'b.csv')), InputSplit('eval', ('c.csv',)))


def test_input_splits_are_the_output_splits_and_their_patterns_the_input() -> None:
  found = config(input=(), input_splits=INPUT_SPLITS)

  assert [split.name for split in found.splits] == ['train', 'eval']
  assert found.input == ('a/*.csv', 'b.csv', 'c.csv')


def test_each_input_split_is_a_source_of_its_own() -> None:
  found = config(input=(), input_splits=INPUT_SPLITS, bad_rows='quarantine')

  train, eval_ = found.sources

  assert (train.input, train.splits) == (('a/*.csv', 'b.csv'), (Split('train', 1),))
  assert (eval_.input, eval_.splits) == (('c.csv',), (Split('eval', 1),))
  assert eval_.bad_rows == 'quarantine'


def test_input_without_splits_is_one_source() -> None:
  assert config().sources == (config(),)


def test_patterns_of_the_same_input_split_are_taken_together() -> None:
  assert parse_input_splits(['train=a/*.csv', 'eval=c.csv', 'train=b.csv']) == INPUT_SPLITS


def test_an_equals_sign_in_a_pattern_is_part_of_it() -> None:
  assert parse_input_splits(['all=day=1/*.csv']) == (InputSplit('all', ('day=1/*.csv',)),)


@pytest.mark.parametrize('text', ['train', 'train=', ''])
def test_an_input_split_without_a_pattern_is_refused(text: str) -> None:
  with pytest.raises(UserError, match='--input_split .*: give NAME=PATTERN'):
    parse_input_splits([text])


@pytest.mark.parametrize('text', ['', '1.5', 'five', '1_000', '0x1', '٣'])
def test_what_is_not_a_whole_number_is_refused(text: str) -> None:
  with pytest.raises(UserError, match='is not a whole number'):
    parse_number(text)


def test_a_whole_number_may_be_negative() -> None:
  assert (parse_number('-3'), parse_number(' 42 ')) == (-3, 42)


def test_what_is_no_limit_and_no_pattern_is_refused_in_python_too() -> None:
  with pytest.raises(UserError, match="BadRowLimit: 'few' is no number"):
    BadRowLimit('few')
  with pytest.raises(UserError, match=r"InputSplit: patterns are a tuple; give \('a.csv',\)"):
    InputSplit('train', 'a.csv')  # type: ignore[arg-type]


def test_a_run_without_an_id_gets_one() -> None:
  assert RunConfig(('a.csv',), 'out').run_id
