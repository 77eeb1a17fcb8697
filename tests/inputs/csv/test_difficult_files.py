"""Files that are hard to read: a published set, and files with random damage. Nothing is lost without a word."""

import json
import pathlib
import random
from collections.abc import Iterator

import pytest
from campaigns.csv_oracle import bad_row, rows_of
from campaigns.mutated_inputs import ranges_of_any_size
from campaigns.mutations import damaged, whole_file
from csv_files import match_files
from reader import read

from beam_taxi.errors import UserError
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.header import read_header

SPECTRUM = pathlib.Path(__file__).parents[3] / 'data' / 'csv-spectrum'
BLOCK_SIZES = [1, 2, 7, 30, 10_000]


@pytest.fixture(scope='module', autouse=True)
def small_ranges() -> Iterator[None]:
  with ranges_of_any_size():
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


@pytest.mark.parametrize('seed', range(200))
def test_no_row_of_a_damaged_file_is_lost_without_a_word(tmp_path: pathlib.Path, seed: int) -> None:
  chooser = random.Random(seed)
  data = damaged(whole_file(chooser, 25), chooser)
  path = tmp_path / 'damaged.csv'
  path.write_bytes(data)
  records, is_open = rows_of(data, 0, Dialect())
  rows = [row for row in records[1:] if not row.is_blank]
  good = [row.cells for row in rows if not bad_row(row, 3, 'utf-8')]
  for block_size in (2, 30, 10_000):
    found = read([path], block_size, column_types=dict.fromkeys('abc', ColumnType.STRING))

    assert is_open == (found.findings.fault is not None)
    if found.findings.fault:
      offset = found.findings.fault.offset
      assert f'(byte {offset:,}): a quote opens here and is never closed' in found.findings.fault.message
      assert data[offset : offset + 1] == b'"'
      # Python reads all that follows such a quote as one last cell.
      assert b','.join(rows[-1].cells).endswith(data[offset + 1 :].replace(b'""', b'"'))
      continue
    assert found.findings.rows == len(rows)
    assert [tuple(cell or b'' for cell in row.values()) for row in found.rows.to_pylist()] == good
    assert len(found.bad) == len(rows) - len(good)
    for block, row in found.bad:
      assert data[block.offset + row.offset :].startswith(row.data)
    inferred = read([path], 2 * block_size)
    assert inferred.rows.num_rows == len(good)
    assert sum(inferred.findings.bad_rows.values()) == len(inferred.bad) == len(found.bad)


@pytest.mark.parametrize('ending', ['.csv', '.csv.gz', '.csv.bz2', '.csv.zst'])
def test_damage_to_stored_bytes_is_an_error_or_bad_rows(tmp_path: pathlib.Path, ending: str) -> None:
  for seed in range(20):
    path = tmp_path / f'{seed}{ending}'
    path.write_bytes(random.Random(seed).randbytes(200))
    with pytest.raises(UserError, match=rf'{seed}\{ending}: '):
      read([path], 50)
