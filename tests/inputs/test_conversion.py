"""Times and numbers as people write them become what Python reads in them, and nothing else does."""

import datetime
import math
import random
import re
import zoneinfo
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from beam_taxi.errors import UserError
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.conversion import convert
from beam_taxi.inputs.written import PartOf, Picture, Timestamp, Written

INT, FLOAT = ColumnType.INT, ColumnType.FLOAT
CHICAGO = 'America/Chicago'
PORTAL = '%m/%d/%Y %I:%M:%S %p'


def converted(cells: Sequence[str | None], written: Written) -> list[Any]:
  """Each cell's value; 'bad' where it does not fit, None where it is empty."""
  found = convert(pa.array([cell if cell is None else cell.encode() for cell in cells], pa.binary()), written)
  assert found.values.type == (pa.int64() if written.type is INT else pa.float32())
  return ['bad' if bad else value for value, bad in zip(found.values.to_pylist(), found.misfits, strict=True)]


NUMBERS = {
  'dollars': (
    Picture(FLOAT, '$1,234.5'),
    {'$9.45': 9.45, '9.45': 9.45, '$1,234.50': 1234.5, '1,234,567': 1234567, '$0': 0, '$.5': 0.5, '7.': 7}
    | {'-$3': -3, '$-3': -3, '($4.50)': -4.5, ' $ 5 ': 5, '+$6': 6, '-3': -3, '00012': 12}
    | dict.fromkeys(['12,34', '1,2345', '$', '', '$$5', '--1', '(-1)', '1e5', '0x1', '5$5', 'nan', '١'], 'bad'),
  ),
  'euros': (Picture(FLOAT, '1.234,5 €'), {'1.234,50 €': 1234.5, '12,5€': 12.5, '-1.234': -1234, '1,5.5': 'bad'}),
  'blanks': (Picture(FLOAT, '1 234,5'), {'1 234,50': 1234.5, '1\u202f234\u00a0567': 1234567, '12 34': 'bad'}),
  'apostrophes': (Picture(FLOAT, "1'234.5"), {"1'234.5": 1234.5, '1234.5': 1234.5, "1'2": 'bad'}),
  'no_groups': (Picture(FLOAT, '1234,5'), {'1234,5': 1234.5, '1.234,5': 'bad', '-0,25': -0.25}),
  'percent': (Picture(FLOAT, '1,234.5%'), {'12.5%': 0.125, '12.5 %': 0.125, '3': 0.03, '-100%': -1, '%': 'bad'}),
  'words': (Picture(FLOAT, 'USD 1,234.5'), {'USD 5.5': 5.5, 'USD5': 5, '-USD 5': -5, 'EUR 5': 'bad'}),
  'ints': (
    Picture(INT, '1,234'),
    {'3,255': 3255, '12': 12, '-1,000,000': -(10**6), '9,223,372,036,854,775,807': 2**63 - 1}
    | {'-9,223,372,036,854,775,808': -(2**63), '000,000': 0}
    | dict.fromkeys(['9,223,372,036,854,775,808', '9' * 5000, '1.0', '1,23'], 'bad'),
  ),
}


@pytest.mark.parametrize(('picture', 'cells'), NUMBERS.values(), ids=NUMBERS)
def test_a_number_is_what_its_picture_says(picture: Picture, cells: dict[str, Any]) -> None:
  expected = [
    np.float32(value).item() if picture.type is FLOAT and value != 'bad' else value for value in cells.values()
  ]

  # An empty cell never comes here but as null.
  assert converted([*(cell or 'x' for cell in cells), None], picture) == [*expected, None]


def test_each_way_to_read_numbers_gives_the_same() -> None:
  chooser = random.Random(1)
  picture = Picture(FLOAT, '$1,234.5')
  numbers = [round(chooser.choice([1, 100, 1e6]) * chooser.random(), chooser.randrange(4)) for _ in range(2000)]
  # Blanks keep a cell from those that are read all at once.
  plain, spaced = ([f'{pad}${number:,}{pad}' for number in numbers] for pad in ('', ' '))

  assert converted(plain, picture) == converted(spaced, picture) == [np.float32(number).item() for number in numbers]


def test_what_is_beyond_single_precision_is_infinite() -> None:
  assert converted(['9' * 60, '-' + '9' * 60], Picture(FLOAT, '1,234.5')) == [math.inf, -math.inf]


@pytest.mark.parametrize('picture', ['12.5', '1234.56', '1,234,5', '(1,234.5)', '-1,234.5', '', '1,234.5$$$$$$$$'])
def test_a_picture_shows_1234_5(picture: str) -> None:
  with pytest.raises(UserError, match=re.escape(f'FLOAT({picture}): show how 1234.5 is written')):
    Picture(FLOAT, picture)


@pytest.mark.parametrize(('picture', 'why'), [('1,234.5', 'an INT has no fraction'), ('1,234%', 'a hundredth')])
def test_an_int_has_neither_fraction_nor_percents(picture: str, why: str) -> None:
  with pytest.raises(UserError, match=why):
    Picture(INT, picture)


def seconds(text: str, format_: str, zone: str) -> Any:
  """What Python makes of a time; 'bad' where it is none."""
  try:
    time = datetime.datetime.fromisoformat(text) if format_ == 'iso' else datetime.datetime.strptime(text, format_)
  except ValueError:
    return 'bad'
  return math.floor((time if time.tzinfo else time.replace(tzinfo=zoneinfo.ZoneInfo(zone))).timestamp())


FORMATS = [PORTAL, '%Y-%m-%d', '%d.%m.%Y %H:%M', '%Y%m%d', '%m/%d/%y', '%d %b %Y', '%Y-%m-%dT%H:%M:%S%z', 'iso']
ODD = ['', '01/19/2024 05:00:00 pm', '1/9/2024 5:00:00 PM', '02/30/2024 05:00:00 PM', '13/01/2024 05:00:00 PM']
ODD += ['01/19/2024 00:00:00 AM', '01/19/2024 13:00:00 PM', '01/19/2024  05:00:00 PM', '2024-02-29', '2023-02-29']
ODD += ['0000-01-01', '0001-01-01', '9999-12-31', '2024-1-1', '٢٠٢٤-01-01', '31.12.1969 23:59', 'today', '20240119']


@pytest.mark.parametrize('zone', ['UTC', CHICAGO, 'Asia/Kathmandu'])
@pytest.mark.parametrize('format_', FORMATS)
def test_a_time_is_the_seconds_that_python_finds(format_: str, zone: str) -> None:
  chooser = random.Random(format_)
  begin = datetime.datetime(1960, 1, 1, tzinfo=datetime.timezone.utc)
  times = [begin + datetime.timedelta(seconds=chooser.randrange(10**10)) for _ in range(500)]
  cells = [time.isoformat() if format_ == 'iso' else time.strftime(format_) for time in times] + ODD

  found = converted([cell or None for cell in cells], Timestamp(format_, zone))

  assert found == [seconds(cell, format_, zone) if cell else None for cell in cells]


def test_every_quarter_of_an_hour_around_a_change_of_clocks_is_what_python_finds() -> None:
  begin = datetime.datetime(2024, 3, 9)
  cells = [(begin + datetime.timedelta(minutes=15 * number)).strftime(PORTAL) for number in range(4 * 24 * 250)]

  assert converted(cells, Timestamp(PORTAL, CHICAGO)) == [seconds(cell, PORTAL, CHICAGO) for cell in cells]


def test_times_that_there_are_twice_or_not_at_all_are_counted() -> None:
  cells = ['03/10/2024 02:30:00 AM', '11/03/2024 01:30:00 AM', '11/03/2024 01:30:00 AM', '11/03/2024 02:30:00 AM']

  found = convert(pa.array(map(str.encode, cells), pa.binary()), Timestamp(PORTAL, CHICAGO))

  assert dict(found.counts) == {'skipped_times': 1, 'ambiguous_times': 2}
  hours = convert(pa.array(map(str.encode, cells), pa.binary()), PartOf('hour', Timestamp(PORTAL, CHICAGO)))
  assert hours.values.to_pylist() == [3, 1, 1, 2]


@pytest.mark.parametrize('cells', [[], [None, None]], ids=['none', 'empty'])
@pytest.mark.parametrize('written', [Picture(FLOAT, '$1,234.5'), Timestamp(PORTAL), Timestamp('iso', CHICAGO)], ids=str)
def test_there_may_be_no_cell_to_read(cells: list[None], written: Written) -> None:
  assert converted(cells, written) == cells


def test_an_offset_in_the_cell_wins_and_fractions_are_rounded_down() -> None:
  cells = ['2024-01-19T17:00:00+02:00', '2024-01-19T17:00:00Z', '1969-12-31T23:59:59.500000+00:00']

  assert converted(cells, Timestamp('iso', CHICAGO)) == [1705676400, 1705683600, -1]


@pytest.mark.parametrize('zone', ['UTC', CHICAGO])
def test_parts_of_times_are_those_of_their_zone(zone: str) -> None:
  chooser = random.Random(2)
  times = [
    datetime.datetime(1960, 1, 1) + datetime.timedelta(minutes=15 * chooser.randrange(4 * 24 * 365 * 80))
    for _ in range(2000)
  ]
  # Written with a blank, a time is read by itself.
  cells = [f'{time:{PORTAL}}' for time in times] + [f' {time:{PORTAL}}' for time in times]
  expected = {
    'hour': [time.hour for time in times],
    'day': [time.isoweekday() % 7 + 1 for time in times],
    'month': [time.month for time in times],
  }
  for part, values in expected.items():
    found = converted(cells, PartOf(part, Timestamp(PORTAL, zone)))
    skipped = [zone != 'UTC' and time.hour == 2 and part == 'hour' for time in times] * 2
    assert [value for value, other in zip(found, skipped, strict=True) if not other] == [
      value for value, other in zip(values * 2, skipped, strict=True) if not other
    ]


FAULTS = {
  'no_year': (('%m/%d',), 'the format has no year'),
  'no_directive': (('%Y %Q',), "'Q' is a bad directive"),
  'stray': (('%Y %',), 'stray %'),
  'no_zone': (('iso', 'Mars/Olympus'), "there is no time zone 'Mars/Olympus'"),
  'a_path': (('iso', '/etc/passwd'), "there is no time zone '/etc/passwd'"),
}


@pytest.mark.parametrize(('how', 'why'), FAULTS.values(), ids=FAULTS)
def test_a_format_or_zone_that_there_is_not_is_refused(how: tuple[str, ...], why: str) -> None:
  with pytest.raises(UserError, match=why) as raised:
    Timestamp(*how)
  assert '\n' not in str(raised.value)
