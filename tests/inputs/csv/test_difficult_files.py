"""Files that are hard to read: a published set, and files with random damage. Nothing is lost without a word."""

import csv
import io
import json
import pathlib
import random
import sys
from collections.abc import Iterator

import pytest
from csv_files import match_files
from reader import read

from beam_taxi.artifacts.manifest import RunFolder, read_manifest
from beam_taxi.cli import _main as cli
from beam_taxi.errors import UserError
from beam_taxi.inputs import ranges
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.boundaries import open_quote
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.files import read_header

SPECTRUM = pathlib.Path(__file__).parents[3] / 'data' / 'csv-spectrum'
BLOCK_SIZES = [1, 2, 7, 30, 10_000]


@pytest.fixture(scope='module', autouse=True)
def ranges_of_any_size() -> Iterator[None]:
  """Lets ranges be as small as a block."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(ranges, 'SMALLEST_RANGE', 1)
    patch.setattr(ranges, 'FEWEST', 1)
    yield


@pytest.mark.skipif(not SPECTRUM.exists(), reason='scripts/fetch_csv_spectrum.py has not been run')
@pytest.mark.parametrize('block_size', BLOCK_SIZES)
def test_the_files_of_csv_spectrum_read_as_they_should(block_size: int) -> None:
  paths = sorted(SPECTRUM.glob('*.csv'))
  assert len(paths) == 12
  for path in paths:
    expected = json.loads(path.with_suffix('.json').read_text('utf-8'))
    if path.stem == 'location_coordinates':
      # The set has one object here, not a list, and another phone number than its own CSV file.
      expected = [{**expected, 'Contact Phone Number': '2095257564'}]
    [file] = match_files([str(path)], Dialect())
    columns = read_header(file, Dialect()).columns

    found = read([path], block_size, column_types=dict.fromkeys(columns, ColumnType.STRING))

    assert (found.findings.fault, found.bad) == (None, ())
    rows = [{name: (cell or b'').decode() for name, cell in row.items()} for row in found.rows.to_pylist()]
    assert rows == expected, path.name


def whole_file(chooser: random.Random, rows: int) -> bytes:
  """A CSV file of all kinds of cells, with fewer than so many rows."""
  cells = ['', '7', '-1.5', 'x', 'é', '"q"', '"a,b"', '"two\nlines"', '"say ""hi"""', '""', ' ', "it's", '5" pipe']
  line_end = chooser.choice(['\n', '\r\n', '\r'])
  lines = [','.join(chooser.choice(cells) for _ in 'abc') for _ in range(chooser.randrange(rows))]
  return line_end.join(['a,b,c', *lines, '']).encode()


def damaged(data: bytes, chooser: random.Random) -> bytes:
  """The file with some bytes changed, put in or taken out, wherever they stand behind the header."""
  broken = bytearray(data)
  for _ in range(chooser.randrange(1, 12)):
    place = chooser.randrange(6, len(broken) + 1)
    byte = chooser.choice([*b'""",,\n\r\0', chooser.randrange(256), chooser.randrange(128, 256)])
    broken[place : place + chooser.randrange(2)] = [byte] * chooser.randrange(1, 3)
  return bytes(broken)


def rows_of(data: bytes) -> list[list[str]]:
  """The rows behind the header as Python's reader finds them; what is not UTF-8 passes through it as surrogates."""
  text = io.StringIO(data.decode(errors='surrogateescape'), newline='')
  return [row for row in csv.reader(text) if row][1:]


def is_good(row: list[str]) -> bool:
  try:
    ','.join(row).encode()
  except UnicodeEncodeError:
    return False
  return len(row) == 3


@pytest.mark.parametrize('seed', range(200))
def test_no_row_of_a_damaged_file_is_lost_without_a_word(tmp_path: pathlib.Path, seed: int) -> None:
  chooser = random.Random(seed)
  data = damaged(whole_file(chooser, 25), chooser)
  path = tmp_path / 'damaged.csv'
  path.write_bytes(data)
  rows = rows_of(data)
  good = [row for row in rows if is_good(row)]
  for block_size in (2, 30, 10_000):
    found = read([path], block_size, column_types=dict.fromkeys('abc', ColumnType.STRING))

    if found.findings.fault:
      offset = found.findings.fault.offset
      assert f'(byte {offset:,}): a quote opens here and is never closed' in found.findings.fault.message
      assert data[offset : offset + 1] == b'"'
      # Python reads all that follows such a quote as one last cell.
      assert ','.join(rows[-1]).encode(errors='surrogateescape').endswith(data[offset + 1 :].replace(b'""', b'"'))
      continue
    assert found.findings.rows == len(rows)
    assert [[(cell or b'').decode() for cell in row.values()] for row in found.rows.to_pylist()] == good
    assert len(found.bad) == len(rows) - len(good)
    for block, row in found.bad:
      assert data[block.offset + row.offset :].startswith(row.data)
    inferred = read([path], 2 * block_size)
    assert inferred.rows.num_rows == len(good)
    assert sum(inferred.findings.bad_rows.values()) == len(inferred.bad) == len(found.bad)


def test_a_run_over_thousands_of_damaged_files_accounts_for_every_row(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setattr(sys, 'stderr', sys.stderr)
  rows = good = 0
  for seed in range(2000):
    chooser = random.Random(seed)
    data = damaged(whole_file(chooser, 60), chooser)
    if open_quote(data, Dialect()) is not None:
      continue
    (tmp_path / f'{seed}.csv').write_bytes(data)
    of_file = rows_of(data)
    rows += len(of_file)
    good += sum(is_good(row) for row in of_file)

  flags = ['--bad_rows=quarantine', '--metadata=none', '--run_id=run', '--block_size=500']
  assert cli.main(['--input', str(tmp_path), '--output', str(tmp_path / 'out'), *flags]) == 0

  manifest = read_manifest(RunFolder.of(str(tmp_path / 'out'), 'run'))
  assert manifest is not None
  assert manifest.input.files > 1000
  assert manifest.input.rows == rows
  assert sum(manifest.splits.values()) == good
  assert sum(manifest.bad_rows.values()) == rows - good


@pytest.mark.parametrize('ending', ['.csv', '.csv.gz', '.csv.bz2', '.csv.zst'])
def test_damage_to_stored_bytes_is_an_error_or_bad_rows(tmp_path: pathlib.Path, ending: str) -> None:
  for seed in range(20):
    path = tmp_path / f'{seed}{ending}'
    path.write_bytes(random.Random(seed).randbytes(200))
    with pytest.raises(UserError, match=rf'{seed}\{ending}: '):
      read([path], 50)
