"""Rows that cannot be read, in whole runs: the run ends at them, or sets them aside and says so everywhere."""

import gzip
import json
import pathlib
import sqlite3
import sys
from collections.abc import Callable

import pytest
import tensorflow as tf

from beam_taxi.artifacts.manifest import Manifest, RunFolder, read_manifest
from beam_taxi.cli import _main as cli
from beam_taxi.inputs.quarantine import unescape

# Four good rows, and one of each kind that is bad where `n` must be an INT.
ROWS = b'n,s\n1,one\n2\n3,"th\nree"\n\n4,\xff\nfive,5\n+6,six\n7,seven\n'
BAD = [
  {'line': 3, 'offset': 10, 'reason': 'wrong_number_of_cells', 'detail': '1 cell where 2 are expected', 'row': b'2'},
  {'line': 7, 'offset': 24, 'reason': 'wrong_encoding', 'detail': 'byte 3 of the row is not UTF-8', 'row': b'4,\xff'},
  {'line': 8, 'offset': 28, 'reason': 'wrong_type', 'detail': "'five' in column 'n' is not INT", 'row': b'five,5'},
]
REASONS = {'wrong_encoding': 1, 'wrong_number_of_cells': 1, 'wrong_type': 1}

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
  """Runs the command line in this process on rows.csv: (exit code, stdout, stderr)."""
  monkeypatch.chdir(tmp_path)
  monkeypatch.setattr(sys, 'stderr', sys.stderr)
  (tmp_path / 'rows.csv').write_bytes(ROWS)

  def call(*flags: str) -> tuple[int, str, str]:
    code = cli.main(['--input', 'rows.csv', '--output', 'out', '--run_id', 'run', *flags])
    captured = capfd.readouterr()
    return code, captured.out, captured.err

  return call


def manifest_of(output: pathlib.Path) -> Manifest:
  manifest = read_manifest(RunFolder.of(str(output), 'run'))
  assert manifest is not None
  return manifest


def set_aside(output: pathlib.Path) -> list[dict[str, object]]:
  files = sorted((output / 'runs' / 'run' / 'quarantine').iterdir())
  rows = [json.loads(line) for file in files for line in file.read_text('utf-8').splitlines()]
  return [{**row, 'row': unescape(row['row'])} for row in rows]


def records(output: pathlib.Path) -> list[tf.train.Example]:
  shards = sorted((output / 'runs' / 'run' / 'examples').glob('*/*.gz'))
  dataset = tf.data.TFRecordDataset([str(shard) for shard in shards], 'GZIP')
  return [tf.train.Example.FromString(record.numpy()) for record in dataset]


@pytest.mark.parametrize('types', ['n:INT', 'n:INT,s:STRING'], ids=['one_inferred', 'all_given'])
def test_bad_rows_are_set_aside_counted_and_recorded_and_the_others_written(
  command: Command, tmp_path: pathlib.Path, types: str
) -> None:
  code, summary, _ = command('--bad_rows', 'quarantine', '--column_types', types)

  assert code == 0
  assert set_aside(tmp_path / 'out') == [{'file': f'{tmp_path}/rows.csv', **row} for row in BAD]
  values = [record.features.feature['n'].int64_list.value[0] for record in records(tmp_path / 'out')]
  assert sorted(values) == [1, 3, 6, 7]
  manifest = manifest_of(tmp_path / 'out')
  assert (manifest.input.rows, sum(manifest.splits.values()), manifest.bad_rows) == (7, 4, REASONS)
  assert [file.counts for file in manifest.quarantine] == [REASONS]
  assert 'wrong encoding' in summary
  assert '14.3%' in summary
  with sqlite3.connect(tmp_path / 'out' / 'metadata.sqlite') as store:
    recorded = dict(store.execute("select name, int_value from ArtifactProperty where name like 'bad_rows.%'"))
    counted = store.execute(
      "select distinct name, int_value from ExecutionProperty where name like 'counter.ReadRows.bad_rows.%'"
    )
    assert recorded == {f'bad_rows.{reason}': count for reason, count in REASONS.items()}
    assert dict(counted) == {f'counter.ReadRows.bad_rows.{reason}': count for reason, count in REASONS.items()}


def test_a_run_that_sets_nothing_aside_has_no_quarantine(command: Command, tmp_path: pathlib.Path) -> None:
  (tmp_path / 'rows.csv').write_bytes(b'n,s\n1,one\n')

  assert command('--bad_rows', 'quarantine')[0] == 0
  assert not (tmp_path / 'out' / 'runs' / 'run' / 'quarantine').exists()
  assert manifest_of(tmp_path / 'out').bad_rows == {}


@pytest.mark.parametrize('types', ['n:INT', 'n:INT,s:STRING'], ids=['one_inferred', 'all_given'])
def test_a_run_ends_at_a_bad_row_unless_it_is_told_otherwise(
  command: Command, tmp_path: pathlib.Path, types: str
) -> None:
  code, _, stderr = command('--column_types', types)

  assert code == 2
  assert 'rows.csv: line 3 (byte 10): 1 cell where 2 are expected: 2' in stderr
  assert '--bad_rows quarantine' in stderr
  assert not list(tmp_path.rglob('manifest.json'))


@pytest.mark.parametrize(
  ('limit', 'code'), [('3', 0), ('2', 2), ('0', 2), ('43%', 0), ('42.8%', 2)], ids=lambda value: str(value)
)
def test_more_bad_rows_than_allowed_fail_the_run(
  command: Command, tmp_path: pathlib.Path, limit: str, code: int
) -> None:
  found, _, stderr = command('--bad_rows', 'quarantine', '--max_bad_rows', limit, '--column_types', 'n:INT')

  assert found == code
  assert bool(list(tmp_path.rglob('manifest.json'))) == (code == 0)
  if code:
    assert (
      f'3 of 7 rows are bad, and --max_bad_rows is {limit}; the first: {tmp_path}/rows.csv: line 3 (byte 10)' in stderr
    )


def test_the_limit_holds_where_types_are_not_looked_at_before_rows_are_written(
  command: Command, tmp_path: pathlib.Path
) -> None:
  code, _, stderr = command('--bad_rows', 'quarantine', '--max_bad_rows', '2', '--column_types', 'n:INT,s:STRING')

  assert code == 2
  assert '3 of 7 rows are bad, and --max_bad_rows is 2; they are in ' in stderr
  assert not list(tmp_path.rglob('manifest.json'))
  assert len(set_aside(tmp_path / 'out')) == 3


def test_an_unclosed_quote_ends_a_run_that_sets_bad_rows_aside(command: Command, tmp_path: pathlib.Path) -> None:
  (tmp_path / 'rows.csv').write_bytes(ROWS + b'8,"never closed\n9,x\n')

  code, _, stderr = command('--bad_rows', 'quarantine')

  assert code == 2
  assert f'rows.csv: line 11 (byte {len(ROWS) + 2}): a quote opens here and is never closed' in stderr


def test_files_in_another_dialect_and_encoding_make_the_examples_of_the_plain_one(
  command: Command, tmp_path: pathlib.Path
) -> None:
  (tmp_path / 'plain.csv').write_text('n,s\n1,Zürich\n,"a;b"\n3,\n', 'utf-8')
  (tmp_path / 'odd.txt').write_bytes(gzip.compress("1;Zürich\r\rNA;'a;b'\r3;".encode('cp1252')))
  flags = ['--delimiter=;', "--quote_char='", '--no_header', '--columns=n,s', '--encoding=cp1252', '--null_values=NA']

  assert command('--input', 'plain.csv')[0] == 2  # rows.csv is still among the input, and has bad rows.
  assert cli.main(['--input', 'plain.csv', '--output', 'plain', '--run_id', 'run']) == 0
  assert cli.main(['--input', 'odd.txt', '--output', 'odd', '--run_id', 'run', '--compression=gzip', *flags]) == 0

  found, expected = records(tmp_path / 'odd'), records(tmp_path / 'plain')
  assert len(expected) == 3
  assert sorted(map(str, found)) == sorted(map(str, expected))


SCHEMA = """\
# Curated.
feature { name: "n" type: FLOAT presence { min_fraction: 1.0 } }
feature { name: "s" type: BYTES }
feature { name: "not_here" type: INT }
"""


def test_a_curated_schema_gives_the_types_and_becomes_the_runs_schema(command: Command, tmp_path: pathlib.Path) -> None:
  (tmp_path / 'curated.pbtxt').write_text(SCHEMA)
  (tmp_path / 'rows.csv').write_bytes(b'n,s\n1,2\n3,4\n')

  code, _, _ = command('--schema', 'curated.pbtxt')

  assert code == 0
  assert manifest_of(tmp_path / 'out').columns == {'n': 'FLOAT', 's': 'STRING'}
  assert (tmp_path / 'out' / 'runs' / 'run' / 'schema' / 'schema.pbtxt').read_text() == SCHEMA
  assert sorted(record.features.feature['n'].float_list.value[0] for record in records(tmp_path / 'out')) == [1, 3]
  with sqlite3.connect(tmp_path / 'out' / 'metadata.sqlite') as store:
    recorded = store.execute("select string_value from ExecutionProperty where name = 'curated_schema'").fetchall()
  assert recorded == [(f'{tmp_path}/curated.pbtxt',)] * 4


WRONG_USE = {
  'a_type_of_no_column': (['--column_types', 'm:INT'], "rows.csv has no column 'm'; there are n, s"),
  'no_schema': (['--schema', 'none.pbtxt'], 'none.pbtxt: cannot be read'),
  'a_limit_without_quarantine': (['--max_bad_rows', '5'], 'give --bad_rows quarantine as well'),
  'wrong_compression': (['--compression', 'zstd'], 'rows.csv: is not a whole zstd file'),
  'wrong_encoding': (['--encoding', 'utf-16'], 'rows.csv: '),
}


@pytest.mark.parametrize(('flags', 'message'), WRONG_USE.values(), ids=WRONG_USE)
def test_flags_that_do_not_fit_the_input_are_refused(command: Command, flags: list[str], message: str) -> None:
  code, _, stderr = command(*flags)

  assert code == 2
  [said] = [line for line in stderr.splitlines() if line.startswith('error: ')]
  assert message in said
