"""Statistics on the way: whichever form they take, they are those of all rows."""

import numpy as np
import pyarrow as pa
import pytest

from beam_taxi.analysis.accumulators import Accumulator
from beam_taxi.analysis.gathering import Gathering
from beam_taxi.analysis.statistics_proto import to_statistics

MANY = 20_000


def batch(rows: int, seed: int, columns: int = 6) -> pa.RecordBatch:
  chooser = np.random.default_rng(seed)
  kinds = (
    lambda: pa.array(chooser.integers(0, 9, rows), pa.int64()),
    # Sums of these are exact in any order.
    lambda: pa.array(chooser.integers(0, 99, rows) / 4, pa.float32(), mask=chooser.random(rows) < 0.2),
    lambda: pa.array([f'of {number}'.encode() for number in chooser.integers(0, 50, rows)], pa.binary()),
  )
  return pa.RecordBatch.from_pydict({f'column {column}': kinds[column % 3]() for column in range(columns)})


def gathered(batches: list[pa.RecordBatch], empty_is_missing: bool = False) -> Gathering:
  found = Gathering(empty_is_missing=empty_is_missing)
  for each in batches:
    found.add(each)
  return found


PARTS = {
  'few rows each': [[batch(30, 1), batch(5, 2)], [batch(40, 3)]],
  'many rows each': [[batch(MANY, 1), batch(MANY, 2)], [batch(MANY, 3)]],
  'few behind many': [[batch(MANY, 1)], [batch(5, 2)], [batch(7, 3)]],
  'many behind few': [[batch(5, 1)], [batch(MANY, 2)]],
  'none among some': [[batch(5, 1)], [], [batch(0, 2)], [batch(7, 3)]],
  'none': [[], []],
}


@pytest.mark.parametrize('empty_is_missing', [False, True])
@pytest.mark.parametrize('parts', PARTS.values(), ids=PARTS)
def test_parts_through_bytes_are_all_their_rows(parts: list[list[pa.RecordBatch]], empty_is_missing: bool) -> None:
  found = Gathering(empty_is_missing=empty_is_missing)
  for part in parts:
    found.add_bytes(gathered(part, empty_is_missing).to_bytes())

  expected = Accumulator()
  for each in (each for part in parts for each in part):
    expected.add(each, empty_is_missing)
  ours, theirs = (to_statistics(each).datasets[0] for each in (found.accumulator(), expected))
  assert ours.num_examples == theirs.num_examples
  for feature, other in zip(ours.features, theirs.features, strict=True):
    for stats in (feature.num_stats, other.num_stats):
      if feature.WhichOneof('stats') == 'num_stats':
        stats.std_dev = round(stats.std_dev, 9)  # Variances are added up in another order.
    assert feature == other


def test_few_rows_of_many_columns_stay_rows_and_many_do_not() -> None:
  assert gathered([batch(30, 1, columns=60)]).to_bytes().startswith(b'rows')
  assert not gathered([batch(MANY, 1, columns=60)]).to_bytes().startswith(b'rows')


def test_what_is_gathered_does_not_grow_with_the_rows() -> None:
  assert len(gathered([batch(MANY, 1)] * 20).to_bytes()) < 1.1 * len(gathered([batch(MANY, 1)]).to_bytes())
