"""`verify`: what it says, and with which exit code."""

import json
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import ml_metadata as mlmd
import pytest
from commands import Here
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

from beam_taxi.metadata.store import connect

SHARD = 'examples/Split-train/data_tfrecord-00000-of-00001.gz'
STORE = ('--output', 'out')


def damage(folder: pathlib.Path, run_id: str = 'one') -> None:
  with (folder / 'out' / 'runs' / run_id / SHARD).open('r+b') as shard:
    shard.seek(4)
    shard.write(b'\1')


def test_a_good_run_is_said_to_be_good(after_one: Here) -> None:
  done = after_one('verify', 'one', *STORE)

  assert (done.returncode, done.stderr) == (0, '')
  assert done.stdout.startswith('one: OK: 8 files in ')
  assert done.stdout.endswith('2 of 2 shards with 100 records\n')


def test_a_finding_is_a_line_with_what_was_expected_and_what_is_there(after_one: Here) -> None:
  damage(after_one.folder)

  done = after_one('verify', 'one', *STORE)

  [first, finding] = done.stdout.splitlines()
  assert done.returncode == 1
  assert first.startswith('one: 1 problem: 8 files in ')
  assert finding.startswith(f'  {SHARD}: expected SHA-256 ')
  assert ', found ' in finding


def test_a_folder_needs_no_store_which_is_said(after_one: Here) -> None:
  shutil.move(after_one.folder / 'out' / 'runs' / 'one', after_one.folder / 'out' / 'moved')

  done = after_one('verify', 'out/moved')

  assert done.returncode == 0
  assert done.stdout.splitlines()[1:] == ['  not checked: the store: neither --output nor --metadata names one']


def test_a_copy_is_compared_with_the_store_that_is_named(after_one: Here) -> None:
  shutil.copytree(after_one.folder / 'out' / 'runs' / 'one', after_one.folder / 'copy')

  found = after_one.asked('verify', 'copy', *STORE)

  assert (found['ok'], found['folder'], found['not_checked']) == (True, str(after_one.folder / 'copy'), [])


def test_a_store_without_the_run_of_a_folder_is_said_to_be_wrong(after_one: Here) -> None:
  connect(f'sqlite:///{after_one.folder}/out/other.sqlite')

  done = after_one('verify', 'out/runs/one', '--metadata', 'sqlite:///out/other.sqlite', '--json')

  assert done.returncode == 1
  assert json.loads(done.stdout)['findings'] == [{'file': 'the store', 'expected': 'the run one', 'found': 'nothing'}]


def test_all_complete_runs_of_a_store_are_verified_the_newest_first(after_one: Here) -> None:
  after_one.ran('two')
  after_one.ran('three', '--cache')
  assert after_one('--input', 'no.csv', *STORE, '--run_id', 'failed').returncode == 2
  assert after_one('verify', '--all', *STORE).returncode == 0
  damage(after_one.folder)
  (after_one.folder / 'out' / 'runs' / 'two' / 'manifest.json').unlink()

  done = after_one('verify', '--all', *STORE, '--json')

  assert done.returncode == 1
  found = json.loads(done.stdout)
  assert [(each['run_id'], each['ok']) for each in found] == [('two', False), ('one', False)]
  [missing] = found[0]['findings']
  assert missing == {'file': 'manifest.json', 'expected': 'the manifest of a finished run', 'found': 'nothing'}


def test_a_manifest_that_cannot_be_read_is_one_finding_among_those_of_all_runs(after_one: Here) -> None:
  manifest = after_one.folder / 'out' / 'runs' / 'one' / 'manifest.json'
  manifest.write_text('{')

  [found] = json.loads(after_one('verify', '--all', *STORE, '--json').stdout)
  alone = after_one('verify', 'one', *STORE)

  assert [finding['file'] for finding in found['findings']] == ['manifest.json']
  assert alone.returncode == 2
  assert alone.stderr.startswith(f'error: {manifest}: is no manifest (')


def test_an_empty_store_has_no_run_to_verify(here: Here) -> None:
  connect(f'sqlite:///{here.folder}/empty.sqlite')

  done = here('verify', '--all', '--metadata', 'sqlite:///empty.sqlite')

  assert (done.returncode, done.stdout) == (0, 'There is no complete run.\n')


def test_of_a_run_that_took_what_another_made_that_is_verified(after_one: Here) -> None:
  after_one.ran('again', '--cache')
  damage(after_one.folder)

  done = after_one('verify', 'again', *STORE)

  assert done.returncode == 1
  assert done.stdout.startswith('one: 1 problem')


def test_a_sample_of_the_shards_is_said_to_be_one(after_one: Here) -> None:
  found = after_one.asked('verify', 'one', *STORE, '--sample', '5%')

  assert (found['shards_read'], found['shards']) == (1, 2)
  assert found['not_checked'] == ['what is in 1 of 2 shards: only that they are there, and their sizes']


WRONG = {
  'nothing': ([], 'verify: give the id of a run, a folder, or --all'),
  'both': (['one', '--all', *STORE], 'verify: give the id of a run, a folder, or --all'),
  'all of no store': (['--all'], 'verify --all: give the store, by --output or --metadata'),
  'no such run': (['two', *STORE], 'two: the store has no such run; did you mean one?'),
  'no such folder': (['two'], 'two: there is no such folder; for the id of a run, give --output or --metadata'),
  'no run': (['out'], 'out: has no manifest.json; a finished run has one'),
  'a run that failed': (['bad', *STORE], 'bad: is FAILED; only a complete run can be verified'),
  'no such store': (['one', '--output', 'none'], 'there is no such file'),
  'no share': (['one', *STORE, '--sample', '5'], '--sample 5: give a share of the shards, as in 5%'),
  'no shards': (['one', *STORE, '--sample', '0%'], '--sample 0%: give a share of the shards, as in 5%'),
  'more than all': (['one', *STORE, '--sample', '101%'], '--sample 101%: give a share of the shards, as in 5%'),
}


@pytest.mark.parametrize(('words', 'message'), WRONG.values(), ids=WRONG)
def test_wrong_use_is_said_in_one_line(after_one: Here, words: list[str], message: str) -> None:
  if 'bad' in words:
    assert after_one('--input', 'no.csv', *STORE, '--run_id', 'bad').returncode == 2

  done = after_one('verify', *words)

  assert (done.returncode, done.stdout) == (2, '')
  [line] = done.stderr.splitlines()
  assert message in line


def artifact(store: mlmd.MetadataStore, kind: str) -> mlmd_pb2.Artifact:
  [found] = store.get_artifacts_by_type(kind)
  return found


def other_state(store: mlmd.MetadataStore) -> None:
  examples = artifact(store, 'Examples')
  examples.state = mlmd_pb2.Artifact.DELETED
  store.put_artifacts([examples])


def other_place(store: mlmd.MetadataStore) -> None:
  schema = artifact(store, 'Schema')
  schema.uri = '/elsewhere'
  store.put_artifacts([schema])


def other_splits(store: mlmd.MetadataStore) -> None:
  statistics = artifact(store, 'ExampleStatistics')
  statistics.properties['split_names'].string_value = '["train"]'
  store.put_artifacts([statistics])


def other_count(store: mlmd.MetadataStore) -> None:
  examples = artifact(store, 'Examples')
  examples.custom_properties['rows'].int_value = 101
  store.put_artifacts([examples])


def other_input(store: mlmd.MetadataStore) -> None:
  read = artifact(store, 'beam_taxi.CsvInput')
  read.properties['files'].int_value = 2
  store.put_artifacts([read])


def other_run(store: mlmd.MetadataStore) -> None:
  executions = store.get_executions()
  for execution in executions:
    execution.custom_properties['rows'].int_value = 99
  store.put_executions(executions)


CHANGES: dict[str, tuple[Callable[[Any], None], str, str]] = {
  'a state': (other_state, 'examples: LIVE', 'DELETED'),
  'a place': (other_place, 'schema: at ', 'at /elsewhere'),
  'splits': (other_splits, 'statistics: split_names ["train", "eval"]', '["train"]'),
  'a count': (other_count, 'examples: rows 100', '101'),
  'the input': (other_input, 'input: files 1', '2'),
  'the run': (other_run, 'the run: rows 100', '99'),
}


@pytest.mark.parametrize(('change', 'expected', 'found'), CHANGES.values(), ids=CHANGES)
def test_a_store_that_says_something_else_is_found(
  after_one: Here, change: Callable[[Any], None], expected: str, found: str
) -> None:
  change(connect(f'sqlite:///{after_one.folder}/out/metadata.sqlite'))

  done = after_one('verify', 'one', *STORE, '--json')

  assert done.returncode == 1
  [finding] = json.loads(done.stdout)['findings']
  assert finding['file'] == 'the store'
  assert finding['expected'].startswith(expected)
  assert finding['found'] == found
