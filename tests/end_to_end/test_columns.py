"""Columns that are chosen, renamed, and written as people write, in whole runs: what a run makes has the features."""

import json
import pathlib
import re
import sys
from collections.abc import Callable

import pyarrow as pa
import pytest

from beam_taxi.artifacts.manifest import RunFolder, read_manifest
from beam_taxi.cli import _main as cli
from beam_taxi.examples.reading import read
from beam_taxi.metadata.runs import find_run
from beam_taxi.metadata.store import connect

ROWS = """Trip ID,Trip Start,Fare,Payment Type
a1,01/19/2024 05:00:00 PM,$9.45,Cash
a2,11/03/2024 01:30:00 AM,"$1,234.50",Credit Card
a3,,,Cash
Total,,"$1,243.95",
"""
FLAGS = [
  *('--select_columns', 'Payment Type,Fare,Trip Start', '--rename_columns', 'Payment Type:payment,Trip Start:start'),
  *('--column_types', 'Trip Start:TIMESTAMP(%m/%d/%Y %I:%M:%S %p in America/Chicago),Fare:FLOAT($1,234.5)'),
  *('--derive_features', 'hour:hour(Trip Start),day:day(Trip Start)', '--splits', 'all:1'),
]

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
  """Runs the command line in this process on trips.csv: (exit code, stdout, stderr)."""
  monkeypatch.chdir(tmp_path)
  monkeypatch.setattr(sys, 'stderr', sys.stderr)
  (tmp_path / 'trips.csv').write_text(ROWS)

  def call(run_id: str, *flags: str) -> tuple[int, str, str]:
    capfd.readouterr()
    code = cli.main(['--input', 'trips.csv', '--output', 'out', '--run_id', run_id, *flags])
    captured = capfd.readouterr()
    return code, captured.out, captured.err

  return call


def rows_of(folder: pathlib.Path, run_id: str) -> pa.Table:
  return pa.Table.from_batches(list(read(f'{folder}/out/runs/{run_id}', 'all').record_batches()))


def test_a_run_has_the_features_that_were_asked_for(command: Command, tmp_path: pathlib.Path) -> None:
  code, out, err = command('one', *FLAGS)

  assert code == 0, err
  manifest = read_manifest(RunFolder.of('out', 'one'))
  assert manifest
  assert manifest.columns == {'payment': 'STRING', 'Fare': 'FLOAT', 'start': 'INT', 'hour': 'INT', 'day': 'INT'}
  table = rows_of(tmp_path, 'one').to_pydict()
  assert table['start'] == [[1705705200], [1730615400], [], []]
  assert (table['hour'], table['day']) == ([[17], [1], [], []], [[6], [1], [], []])
  assert table['Fare'] == [[pytest.approx(9.45)], [1234.5], [], [pytest.approx(1243.95)]]
  assert 'Trip ID' not in out
  assert 'there twice, read as the first      1' in out
  schema = (tmp_path / 'out/runs/one/schema/schema.pbtxt').read_text()
  assert re.findall('name: "(.*)"', schema)[:5] == ['payment', 'Fare', 'start', 'hour', 'day']
  run = find_run(connect(f'sqlite:///{tmp_path}/out/metadata.sqlite'), 'one')
  assert run.properties['counter.ReadRows.ambiguous_times'] == 1


def test_splits_and_a_curated_schema_go_by_features(command: Command, tmp_path: pathlib.Path) -> None:
  (tmp_path / 'schema.pbtxt').write_text('feature { name: "payment" type: BYTES }\nfeature { name: "id" type: BYTES }')
  words = ['--rename_columns', 'Payment Type:payment,Trip ID:id', '--drop_columns', 'Trip Start,Fare']

  code, _, err = command('one', *words, '--partition_feature', 'payment', '--schema', 'schema.pbtxt')
  assert code == 0, err
  code, _, err = command('two', *words, '--partition_feature', 'Payment Type')

  assert code == 2
  assert err == 'error: --partition_feature Payment Type: no such column; there are id, payment\n'


def test_a_row_that_is_not_so_written_ends_the_run_or_is_set_aside(command: Command, tmp_path: pathlib.Path) -> None:
  (tmp_path / 'trips.csv').write_text(ROWS.replace('Total,,', 'Total,soon,'))

  code, _, err = command('one', *FLAGS)
  assert code == 2
  assert err == (
    f"error: {tmp_path}/trips.csv: line 5 (byte 134): 'soon' in column 'Trip Start' is not TIMESTAMP(%m/%d/%Y %I:%M:%S "
    '%p in America/Chicago): Total,soon,"$1,243.95",; fix or remove it, or set bad rows aside with --bad_rows '
    'quarantine\n'
  )
  code, _, err = command('one', *FLAGS, '--bad_rows', 'quarantine')

  assert code == 0, err
  assert rows_of(tmp_path, 'one').num_rows == 3
  [file] = (tmp_path / 'out/runs/one/quarantine').iterdir()
  assert json.loads(file.read_text())['reason'] == 'wrong_type'


def test_what_becomes_of_columns_counts_for_reuse(command: Command) -> None:
  assert command('one', *FLAGS, '--cache')[0] == 0

  code, out, err = command('two', *FLAGS, '--cache')
  other, _, said = command('three', *FLAGS, '--cache', '--rename_columns', 'Fare:fare')

  assert (code, other) == (0, 0), err + said
  assert not read_manifest(RunFolder.of('out', 'two')), out
  assert read_manifest(RunFolder.of('out', 'three'))
