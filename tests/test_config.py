"""A RunConfig is right once it is made, and what is wrong names the flag and what to do."""

import datetime
from typing import Any

import pytest

from beam_taxi.config import RunConfig, Split, new_run_id, parse_size, parse_splits
from beam_taxi.errors import UserError


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
  'run_id_that_is_empty': ({'run_id': ''}, ["--run_id ''", 'use letters, digits']),
  'run_id_that_goes_up': ({'run_id': '..'}, ["--run_id '..'", 'begin with a letter or digit']),
  'run_id_with_a_line_end': ({'run_id': 'a\n'}, ["--run_id 'a\\n'"]),
  'pipeline_name_with_a_blank': ({'pipeline_name': 'a b'}, ["--pipeline_name 'a b'", 'use letters, digits']),
  'no_splits': ({'splits': ()}, ['no splits', '--splits train:2,eval:1']),
  'repeated_split': ({'splits': (Split('a', 1), Split('a', 2))}, ['--splits names a split twice: a, a']),
  'split_name_with_a_slash': ({'splits': (Split('a/b', 1),)}, ["split name 'a/b'", 'use letters, digits']),
  'split_without_buckets': ({'splits': (Split('a', 0),)}, ["split 'a' has 0 buckets", 'at least 1']),
  'no_block_size': ({'block_size': 0}, ['--block_size 0', 'positive number']),
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
