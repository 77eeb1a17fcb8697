#!/usr/bin/env python3
"""Writes synthetic Chicago taxi trips as CSV, for benchmarks and for tests without a network.

  make_taxi_csv.py --rows 1000000 --seed 7 --out data/big/trips.csv
  make_taxi_csv.py --rows 1000000 --seed 7 --out data/big/portal.csv --portal

The frequencies were counted in the 15,002 trips that fetch_taxi_data.py fetches, and numbers are
written as in those. Some relations between columns are kept: the calendar, the places, trip length
with fare and time, and tips with card payments. The same seed gives the same bytes each time, and
a file with fewer rows is the beginning of one with more. --portal writes the same trips as the
city's data portal exports them, with ids, dates, amounts of money and points; --dollars as it did
in former years, when amounts had a dollar sign.
"""

import argparse
import dataclasses
import datetime
import math
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

COUNTED = 15_002  # trips: the counts below are shares of these
CHUNK = 50_000  # trips made at once

YEARS = {2013: 4388, 2014: 5145, 2015: 4636, 2016: 833}
MONTHS = (1079, 1147, 1275, 1293, 1311, 1302, 1255, 1308, 1217, 1353, 1215, 1247)
DAYS = (1957, 1948, 1943, 2016, 2201, 2502, 2435)  # from Sunday, which is day 1
# fmt: off
HOURS = (602, 544, 419, 292, 197, 143, 193, 302, 530, 664, 687, 619,
         745, 698, 736, 722, 763, 829, 941, 1010, 966, 838, 837, 725)
# fmt: on

PAYMENTS = {
  'Cash': 9909,
  'Credit Card': 4975,
  'No Charge': 81,
  'Unknown': 29,
  'Dispute': 4,
  'Pcard': 3,
  'Prcard': 1,
}
COMPANIES: dict[str | None, float] = {
  None: 5140,
  'Taxi Affiliation Services': 5176,
  'Dispatch Taxi Affiliation': 1636,
  'Blue Ribbon Taxi Association Inc.': 1090,
  'Choice Taxi Association': 872,
  'Northwest Management LLC': 551,
  'KOAM Taxi Association': 246,
  'Top Cab Affiliation': 132,
  'Chicago Elite Cab Corp. (Chicago Carriag': 26,
  'Chicago Medallion Leasing INC': 22,
  'Chicago Medallion Management': 17,
  'Chicago Elite Cab Corp.': 9,
  # Each of the others drove one to five of the trips.
  **{f'{585 + 123 * n:04} - {23210 + 1511 * n} Cab Co Inc': 86 / 50 for n in range(50)},
}

# A community area, its centre, the number of trips from it and to it, and of census tracts that they name.
AREAS = """
1 42.010 -87.670 71 104 7 | 2 42.002 -87.695 57 70 2 | 3 41.966 -87.656 269 301 12
4 41.975 -87.688 57 116 7 | 5 41.948 -87.684 111 157 9 | 6 41.944 -87.656 1180 1107 34
7 41.923 -87.649 893 1036 20 | 8 41.900 -87.633 4908 4307 20 | 9 42.008 -87.814 1 4 1
10 41.985 -87.805 12 18 1 | 11 41.979 -87.771 12 17 1 | 12 41.994 -87.758 8 12 1
13 41.984 -87.724 7 17 1 | 14 41.968 -87.722 49 55 1 | 15 41.954 -87.763 7 18 1
16 41.954 -87.723 56 90 5 | 17 41.947 -87.806 3 7 1 | 18 41.929 -87.798 1 1 1
19 41.927 -87.766 7 16 1 | 20 41.924 -87.735 1 8 1 | 21 41.939 -87.711 51 71 8
22 41.923 -87.699 175 293 16 | 23 41.900 -87.721 7 23 1 | 24 41.901 -87.676 598 753 24
25 41.891 -87.756 9 10 1 | 26 41.879 -87.730 1 3 1 | 27 41.879 -87.706 3 5 1
28 41.874 -87.664 1284 1450 12 | 29 41.860 -87.717 5 7 1 | 30 41.839 -87.714 4 6 1
31 41.850 -87.668 17 52 5 | 32 41.879 -87.625 3303 2736 5 | 33 41.857 -87.620 309 411 3
34 41.842 -87.634 20 48 3 | 35 41.835 -87.619 21 35 3 | 36 41.824 -87.602 2 4 1
37 41.809 -87.632 0 3 1 | 38 41.813 -87.618 1 8 1 | 39 41.809 -87.596 23 23 1
40 41.792 -87.618 1 4 1 | 41 41.794 -87.592 71 84 3 | 42 41.779 -87.595 8 14 1
43 41.762 -87.573 7 12 1 | 44 41.740 -87.616 2 3 1 | 45 41.744 -87.586 1 0 1
46 41.741 -87.551 0 6 1 | 48 41.730 -87.573 0 1 1 | 49 41.707 -87.623 1 0 1
50 41.706 -87.598 0 1 1 | 51 41.691 -87.570 0 2 1 | 55 41.664 -87.541 0 1 1
56 41.793 -87.770 255 181 2 | 57 41.811 -87.726 1 0 1 | 58 41.817 -87.699 2 7 1
59 41.830 -87.673 10 13 1 | 60 41.836 -87.649 7 22 1 | 61 41.809 -87.659 1 2 1
63 41.795 -87.696 1 3 1 | 64 41.780 -87.769 1 4 1 | 65 41.770 -87.727 2 3 1
66 41.772 -87.696 1 2 1 | 67 41.776 -87.667 0 2 1 | 68 41.777 -87.642 2 2 1
69 41.763 -87.616 3 4 1 | 70 41.746 -87.708 0 3 1 | 71 41.744 -87.656 2 1 1
72 41.713 -87.675 0 2 1 | 73 41.717 -87.649 2 2 1 | 74 41.695 -87.713 1 2 1
75 41.690 -87.669 0 2 1 | 76 41.980 -87.914 895 516 2 | 77 41.987 -87.663 180 192 12
"""

# This share of all trips (for tips, of those with a tip) has at most the value at the same place.
SHARES = (0, 0.0018, 0.0027, *np.arange(1, 20) / 20, 0.98, 0.99, 0.995, 0.999, 0.9999, 1)
# fmt: off
FARES = (0, 0, 3.25, 4.05, 4.85, 5.25, 5.45, 5.85, 6.25, 6.65, 7.05, 7.45, 7.85, 8.45,
         9.25, 10.05, 11.05, 12.45, 14.85, 18.65, 27.9, 36.25, 40.25, 45.25, 51.05, 68.65,
         112.65, 700.05)
MILES = (0, 0, 0, 0, 0, 0, 0, 0, 0.1, 0.3, 0.6, 0.8, 1, 1.1, 1.4, 1.6, 2, 2.5, 3.3, 4.6, 7.4,
         15.8, 18.1, 19.7, 25.2, 61, 178.7, 1710)
SECONDS = (0, 0, 0, 120, 180, 240, 300, 360, 360, 420, 480, 540, 540, 600, 660, 720, 840, 960,
           1080, 1260, 1560, 2160, 2940, 3480, 4140, 5580, 34980, 72120)
TIPS = (0.01, 0.46, 0.93, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2.25, 2.85, 3, 3, 3.35, 4, 5, 6, 7.5, 8.4,
        10, 12, 13.75, 20, 47, 47)
# fmt: on
CARD_TIPS = 4731 / 4975  # trips paid by card with a tip

DROPOFF_UNKNOWN = 483 / COUNTED
TRACT_UNKNOWN = (4241 - 483) / (COUNTED - 483)
SECONDS_UNKNOWN = 6 / COUNTED
PICKUP_UNKNOWN = 2 / COUNTED
# One trip has the only pickup tract; one has bare zeros ('0') where all others have '0.0'.
ONCE = 1 / COUNTED

# An amount in hundredths -> its text; the last entry is the bare zero.
AMOUNTS = pa.array([repr(n / 100) for n in range(171_001)] + ['0'])
BARE_ZERO = len(AMOUNTS) - 1
INTEGERS = pa.array([str(n) for n in range(72_121)])
# The same as money, up to the largest total.
MONEY = pa.array([f'{n / 100:.2f}' for n in range(200_001)])
DOLLARS = pa.array([f'"${n / 100:,.2f}"' if n >= 100_000 else f'${n / 100:.2f}' for n in range(200_001)])

TAXIS = 5_000
TRIPS_WITH_EXTRAS = 0.4
TRIPS_WITH_TOLLS = 0.001


class Choice:
  """Draws indices with given weights."""

  def __init__(self, weights: Iterable[float]) -> None:
    bounds = np.cumsum(list(weights))
    self.bounds = bounds / bounds[-1]

  def draw(self, rng: np.random.Generator) -> np.ndarray:
    return np.searchsorted(self.bounds, rng.random(CHUNK), side='right')


@dataclasses.dataclass(frozen=True)
class Places:
  """Where trips start and end: each area's centre, for trips without a tract, and its tracts."""

  area: pa.Array
  tract: pa.Array
  latitude: pa.Array
  longitude: pa.Array
  pickups: Choice
  dropoffs: Choice


def places() -> Places:
  rows = []
  for line in AREAS.strip().replace('|', '\n').splitlines():
    area, north, east, pickups, dropoffs, tracts = line.split()
    busy = 1 / np.arange(1, int(tracts) + 1)
    for n, share in enumerate([TRACT_UNKNOWN, *(1 - TRACT_UNKNOWN) * busy / busy.sum()]):
      tract = f'17031{int(area):02}{n:02}00' if n else None
      # On a spiral around the centre; the small offsets give as many digits as real ones have.
      latitude = float(north) + 1.23457e-4 + 0.003 * n**0.5 * math.sin(2.4 * n)
      longitude = float(east) - 6.54321e-5 + 0.003 * n**0.5 * math.cos(2.4 * n)
      spot = area, tract, repr(round(latitude, 9)), repr(round(longitude, 9))
      rows.append((*spot, int(pickups) * share, int(dropoffs) * share))
  *texts, starts, ends = zip(*rows, strict=True)
  area, code, north, east = map(pa.array, texts)
  return Places(area, code, north, east, Choice(starts), Choice(ends))


@dataclasses.dataclass(frozen=True)
class Calendar:
  """The days of YEARS, and the parts of each as the columns have them."""

  month: np.ndarray
  weekday: np.ndarray
  midnight: np.ndarray
  trips: Choice


def calendar() -> Calendar:
  first, last = datetime.date(min(YEARS), 1, 1), datetime.date(max(YEARS), 12, 31)
  days = [first + datetime.timedelta(n) for n in range((last - first).days + 1)]
  month = np.array([day.month for day in days])
  weekday = np.array([day.isoweekday() % 7 + 1 for day in days])
  midnight = 86_400 * (np.array([day.toordinal() for day in days]) - 719_163)  # 1970-01-01
  weights = np.array(MONTHS)[month - 1] * np.array(DAYS)[weekday - 1]
  trips = np.array([YEARS[day.year] for day in days]) * weights
  return Calendar(month, weekday, midnight, Choice(trips))


def happens(rng: np.random.Generator, share: float) -> np.ndarray:
  return rng.random(CHUNK) < share


def measure(rng: np.random.Generator, size: np.ndarray, likeness: float, values: Sequence[float]) -> np.ndarray:
  """Values with their SHARES of the trips. In a share of `likeness` of the trips they follow the trip's `size`."""
  return np.interp(np.where(happens(rng, likeness), size, rng.random(CHUNK)), SHARES, values)


def amounts(hundredths: np.ndarray, bare: np.ndarray) -> pa.Array:
  return AMOUNTS.take(pa.array(np.where(bare, BARE_ZERO, hundredths).astype(int)))


def integers(values: np.ndarray, unknown: np.ndarray | None = None) -> pa.Array:
  return INTEGERS.take(pa.array(values.astype(int), mask=unknown))


def chunks(seed: int) -> Iterator[pa.Table]:
  """Endless trips, CHUNK per table. Each column is the text of its cells."""
  rng = np.random.default_rng(seed)
  where, when, hours = places(), calendar(), Choice(HOURS)
  payment, payments = pa.array(list(PAYMENTS)), Choice(PAYMENTS.values())
  company, companies = pa.array(list(COMPANIES)), Choice(COMPANIES.values())
  card = list(PAYMENTS).index('Credit Card')

  while True:
    size = rng.random(CHUNK)  # the trip's place among all by length
    fare = measure(rng, size, 0.98, FARES)
    # Meters count in steps of 20 cents from 5 on.
    cents = np.where(fare < 3, 0, 5 + 20 * np.rint(5 * fare - 0.25))
    miles = measure(rng, size, 0.5, MILES)
    miles = np.where(happens(rng, 0.04), np.rint(100 * miles), 10 * np.rint(10 * miles))
    seconds = 60 * np.rint(measure(rng, size, 0.95, SECONDS) / 60)
    paid = payments.draw(rng)
    tip = np.maximum(1, np.rint(100 * measure(rng, size, 0.75, TIPS)))
    tip = np.where((paid == card) & happens(rng, CARD_TIPS), tip, 0)

    day, hour = when.trips.draw(rng), hours.draw(rng)
    quarter = np.floor(4 * rng.random(CHUNK)).astype(int)
    start = when.midnight[day] + 3600 * hour + 900 * quarter

    pickup, dropoff = where.pickups.draw(rng), where.dropoffs.draw(rng)
    start_of = pa.array(pickup, mask=happens(rng, PICKUP_UNKNOWN))
    end_of = pa.array(dropoff, mask=happens(rng, DROPOFF_UNKNOWN))
    pickup_tract = pa.array(pickup, mask=~happens(rng, ONCE))
    bare = happens(rng, ONCE)

    yield pa.table(
      {
        'pickup_community_area': where.area.take(start_of),
        'fare': amounts(cents, bare),
        'trip_start_month': integers(when.month[day]),
        'trip_start_hour': integers(hour),
        'trip_start_day': integers(when.weekday[day]),
        'trip_start_timestamp': pa.array(start).cast(pa.string()),
        'pickup_latitude': where.latitude.take(start_of),
        'pickup_longitude': where.longitude.take(start_of),
        'dropoff_latitude': where.latitude.take(end_of),
        'dropoff_longitude': where.longitude.take(end_of),
        'trip_miles': amounts(miles, bare),
        'pickup_census_tract': where.tract.take(pickup_tract),
        'dropoff_census_tract': where.tract.take(end_of),
        'payment_type': payment.take(pa.array(paid)),
        'company': company.take(pa.array(companies.draw(rng))),
        'trip_seconds': integers(seconds, happens(rng, SECONDS_UNKNOWN)),
        'dropoff_community_area': where.area.take(end_of),
        'tips': amounts(tip, bare),
      }
    )


def hexadecimal(rng: np.random.Generator, count: int, digits: int) -> pa.Array:
  text = rng.bytes(count * digits // 2).hex()
  return pa.array([text[begin : begin + digits] for begin in range(0, len(text), digits)])


def times(seconds: np.ndarray) -> pa.Array:
  return pc.strftime(pa.array(seconds.astype(int), pa.timestamp('s')), format='%m/%d/%Y %I:%M:%S %p')


def points(longitude: pa.Array, latitude: pa.Array) -> pa.Array:
  inner = pc.binary_join_element_wise(longitude, latitude, ' ')
  return pc.binary_join_element_wise('POINT (', inner, pa.scalar(')'), '')


def portal_chunks(seed: int, money: pa.Array) -> Iterator[pa.Table]:
  """The trips of `chunks`, as the city's portal exports them."""
  rng = np.random.default_rng([seed, 1])
  taxis = hexadecimal(rng, TAXIS, 128)
  for trips in chunks(seed):
    cell = {name: trips[name].combine_chunks() for name in trips.column_names}
    start = np.asarray(cell['trip_start_timestamp'].cast(pa.int64()))
    seconds = np.asarray(cell['trip_seconds'].cast(pa.int64()).fill_null(0))
    cents = {name: np.rint(100 * np.asarray(cell[name].cast(pa.float64()))).astype(int) for name in ('fare', 'tips')}
    extras = np.where(happens(rng, TRIPS_WITH_EXTRAS), 50 * rng.integers(1, 9, CHUNK), 0)
    tolls = np.where(happens(rng, TRIPS_WITH_TOLLS), 150, 0)
    total = cents['fare'] + cents['tips'] + extras + tolls
    yield pa.table(
      {
        'Trip ID': hexadecimal(rng, CHUNK, 40),
        'Taxi ID': taxis.take(pa.array(rng.integers(0, TAXIS, CHUNK))),
        'Trip Start Timestamp': times(start),
        'Trip End Timestamp': times((start + seconds) // 900 * 900),
        'Trip Seconds': cell['trip_seconds'],
        'Trip Miles': cell['trip_miles'],
        'Pickup Census Tract': cell['pickup_census_tract'],
        'Dropoff Census Tract': cell['dropoff_census_tract'],
        'Pickup Community Area': cell['pickup_community_area'],
        'Dropoff Community Area': cell['dropoff_community_area'],
        'Fare': money.take(pa.array(cents['fare'])),
        'Tips': money.take(pa.array(cents['tips'])),
        'Tolls': money.take(pa.array(tolls)),
        'Extras': money.take(pa.array(extras)),
        'Trip Total': money.take(pa.array(total)),
        'Payment Type': cell['payment_type'],
        'Company': cell['company'],
        'Pickup Centroid Latitude': cell['pickup_latitude'],
        'Pickup Centroid Longitude': cell['pickup_longitude'],
        'Pickup Centroid Location': points(cell['pickup_longitude'], cell['pickup_latitude']),
        'Dropoff Centroid Latitude': cell['dropoff_latitude'],
        'Dropoff Centroid Longitude': cell['dropoff_longitude'],
        'Dropoff Centroid  Location': points(cell['dropoff_longitude'], cell['dropoff_latitude']),
      }
    )


def write(rows: int, made: Iterator[pa.Table], out: pathlib.Path) -> None:
  out.parent.mkdir(parents=True, exist_ok=True)
  with out.open('w', encoding='utf-8', newline='\n') as file:
    for written, table in zip(range(0, rows, CHUNK), made, strict=False):
      if not written:
        print(','.join(table.column_names), file=file)
      cells = [column.combine_chunks() for column in table.slice(0, rows - written).columns]
      lines = pc.binary_join_element_wise(*cells, ',', null_handling='replace', null_replacement='')
      file.writelines(f'{line}\n' for line in lines.to_pylist())


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--rows', type=int, required=True)
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--out', type=pathlib.Path, required=True, metavar='FILE')
  parser.add_argument('--portal', action='store_true', help="as the city's data portal exports them")
  parser.add_argument('--dollars', action='store_true', help='with --portal: $9.45 instead of 9.45')
  args = parser.parse_args()
  if args.rows < 1:
    parser.error(f'--rows {args.rows}: give the number of trips to write, 1 or more')
  if args.dollars and not args.portal:
    parser.error('--dollars is how the portal wrote amounts: give --portal as well')
  made = portal_chunks(args.seed, DOLLARS if args.dollars else MONEY) if args.portal else chunks(args.seed)
  write(args.rows, made, args.out)


if __name__ == '__main__':
  main()
