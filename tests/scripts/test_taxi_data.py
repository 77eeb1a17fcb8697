"""The real taxi trips, fetched, and synthetic ones, made to be like them."""

import collections
import csv
import datetime
import pathlib
import subprocess
import sys

import pytest
from wheels import fetch, write_wheel

ROOT = pathlib.Path(__file__).parents[2]
REAL = ROOT / 'data' / 'taxi' / 'data.csv'
SCRIPT = 'fetch_taxi_data.py'
ROWS = 60_000  # over one of make_taxi_csv's chunks

Row = dict[str, str]


def make(out: pathlib.Path, rows: int, seed: int = 7) -> pathlib.Path:
  command = [sys.executable, str(ROOT / 'scripts/make_taxi_csv.py'), '--out', str(out)]
  subprocess.run([*command, '--rows', str(rows), '--seed', str(seed)], check=True)
  return out


def read(file: pathlib.Path) -> list[Row]:
  with file.open(newline='') as lines:
    return list(csv.DictReader(lines))


def shares(rows: list[Row], column: str) -> collections.Counter[str]:
  counts = collections.Counter(row[column] for row in rows)
  return collections.Counter({value: n / len(rows) for value, n in counts.items()})


@pytest.fixture(scope='module')
def made_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  return make(tmp_path_factory.mktemp('made') / 'trips.csv', ROWS)


@pytest.fixture(scope='module')
def made(made_file: pathlib.Path) -> list[Row]:
  return read(made_file)


@pytest.fixture(scope='module')
def real() -> list[Row]:
  if not REAL.exists():
    pytest.skip('scripts/fetch_taxi_data.py has not run')
  return read(REAL)


def test_it_writes_as_many_trips_as_asked(made: list[Row]) -> None:
  assert len(made) == ROWS


def test_a_seed_gives_the_same_bytes_and_fewer_rows_their_beginning(
  made_file: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  fewer = make(tmp_path / 'fewer.csv', rows=1000).read_bytes()
  assert made_file.read_bytes().startswith(fewer)


def test_another_seed_gives_other_trips(tmp_path: pathlib.Path) -> None:
  assert make(tmp_path / '1', 100, 1).read_bytes() != make(tmp_path / '2', 100, 2).read_bytes()


def test_no_trips_are_refused(tmp_path: pathlib.Path) -> None:
  with pytest.raises(subprocess.CalledProcessError):
    make(tmp_path / 'none.csv', rows=0)


def test_calendar_columns_are_those_of_the_timestamp(made: list[Row]) -> None:
  for row in made[:1000]:
    start = datetime.datetime.fromtimestamp(int(row['trip_start_timestamp']), datetime.timezone.utc)
    assert int(row['trip_start_month']) == start.month
    assert int(row['trip_start_day']) == start.isoweekday() % 7 + 1
    assert int(row['trip_start_hour']) == start.hour


def test_made_trips_have_the_columns_of_real_ones(made: list[Row], real: list[Row]) -> None:
  assert list(made[0]) == list(real[0])


def test_made_trips_miss_as_many_cells_as_real_ones(made: list[Row], real: list[Row]) -> None:
  for column in real[0]:
    assert shares(made, column)[''] == pytest.approx(shares(real, column)[''], abs=0.01), column


@pytest.mark.parametrize('column', ['payment_type', 'company', 'pickup_community_area', 'trip_start_hour'])
def test_categories_are_as_frequent_as_in_real_trips(made: list[Row], real: list[Row], column: str) -> None:
  for category, share in shares(real, column).most_common(10):
    assert shares(made, column)[category] == pytest.approx(share, abs=0.015), category


@pytest.mark.parametrize('column', ['fare', 'trip_miles', 'trip_seconds', 'tips'])
def test_measures_spread_like_those_of_real_trips(made: list[Row], real: list[Row], column: str) -> None:
  def percentiles(rows: list[Row]) -> list[float]:
    values = sorted(float(row[column]) for row in rows if row[column])
    return [values[len(values) * percent // 100] for percent in (1, 10, 50, 90, 99)]

  assert percentiles(made) == pytest.approx(percentiles(real), rel=0.1, abs=0.5)


def test_a_row_is_as_long_as_a_real_one(made_file: pathlib.Path, real: list[Row]) -> None:
  real_length = REAL.stat().st_size / len(real)
  assert made_file.stat().st_size / ROWS == pytest.approx(real_length, rel=0.02)


def test_a_file_that_is_there_is_not_fetched_again(real: list[Row]) -> None:
  assert len(real) == 15_002
  assert fetch(SCRIPT, REAL.parent).stdout == f'{REAL}: already there\n'


def test_without_the_wheel_pip_s_own_words_are_kept(tmp_path: pathlib.Path) -> None:
  result = fetch(SCRIPT, tmp_path)
  assert 'No matching distribution found for tfx==1.21.0' in result.stderr
  assert 'pip could not download tfx==1.21.0' in result.stderr


def test_a_wheel_with_other_data_is_refused_and_nothing_written(tmp_path: pathlib.Path) -> None:
  member = 'tfx/examples/chicago_taxi_pipeline/data/simple/data.csv'
  write_wheel(tmp_path, member, 'fare\n1.0\n')
  result = fetch(SCRIPT, tmp_path / 'taxi', PIP_FIND_LINKS=str(tmp_path))
  assert result.returncode == 1
  assert f'{member} in tfx==1.21.0 has SHA-256' in result.stderr
  assert not (tmp_path / 'taxi').exists()
