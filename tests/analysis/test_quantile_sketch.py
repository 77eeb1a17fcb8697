"""Quantiles: those of tfx_bsl's sketch where there are few numbers, and within their error where there are many."""

import numpy as np
import pyarrow as pa
import pytest
from tfx_bsl import sketches

from beam_taxi.analysis.quantile_sketch import POINTS, QuantileSketch, Summary, quantiles

CHANCE = np.random.default_rng(7)
FEW: dict[str, np.ndarray] = {
  'one': np.array([3.0]),
  'one_often': np.full(100, -2.5),
  'two': np.array([1.0, 1.0, 1.0, 2.0]),
  'distinct': CHANCE.normal(size=1999),
  'repeating': CHANCE.integers(0, 90, 5000).astype(float),
  'infinite': np.array([-np.inf, 1, 2, 3, np.inf, np.inf]),
}


def summary_of(numbers: np.ndarray) -> Summary:
  return Summary.of_sorted(np.sort(numbers))


def sketch_of(numbers: np.ndarray, blocks: int) -> QuantileSketch:
  """Of numbers that come in so many blocks."""
  sketch = QuantileSketch()
  for block in np.array_split(numbers, blocks):
    sketch.add(summary_of(block))
  return sketch


def error_of(sketch: QuantileSketch, numbers: np.ndarray) -> float:
  """How far the quantiles are from their ranks, at worst, as a part of all numbers, which are distinct."""
  values, _ = quantiles(sketch.summary(), 1000)
  return float(np.abs(np.searchsorted(np.sort(numbers), values) / len(numbers) - np.arange(1001) / 1000).max())


@pytest.mark.parametrize('parts', [1, 10, 1000])
@pytest.mark.parametrize('numbers', FEW.values(), ids=FEW)
def test_quantiles_of_few_numbers_are_those_of_tfx_bsl(numbers: np.ndarray, parts: int) -> None:
  theirs = sketches.QuantilesSketch(eps=0.01, max_num_elements=1 << 32, num_streams=1)
  theirs.AddValues(pa.array(numbers))
  expected = [each.flatten().to_numpy() for each in theirs.GetQuantilesAndCumulativeWeights(max(parts, 2))]

  found = quantiles(sketch_of(numbers, 3).summary(), max(parts, 2))

  np.testing.assert_array_equal(found[0], expected[0])
  np.testing.assert_array_equal(found[1], expected[1])


def test_few_distinct_numbers_are_exact_however_many_there_are() -> None:
  numbers = CHANCE.integers(0, POINTS, 200_000).astype(float)
  sketch = sketch_of(numbers, 40)
  sketch.compact()

  values, counts = np.unique(numbers, return_counts=True)
  np.testing.assert_array_equal(sketch.summary().values, values)
  np.testing.assert_array_equal(sketch.summary().counts, counts)


@pytest.mark.parametrize('compact', [False, True])
@pytest.mark.parametrize('order', ['random', 'rising', 'falling'])
def test_many_numbers_are_within_the_error(order: str, compact: bool) -> None:
  numbers = CHANCE.lognormal(size=300_000)
  numbers = {'random': numbers, 'rising': np.sort(numbers), 'falling': -np.sort(-numbers)}[order]
  sketch = sketch_of(numbers, 60)
  if compact:
    sketch.compact()

  assert error_of(sketch, numbers) < (len(sketch.levels) + 1) / POINTS
  assert len(sketch.summary()) <= POINTS * (1 if compact else len(sketch.levels))


def test_merged_sketches_are_within_the_error_and_count_all() -> None:
  numbers = CHANCE.normal(size=200_000)
  merged = QuantileSketch()
  for part in np.array_split(numbers, 16):
    sketch = sketch_of(part, 4)
    sketch.compact()
    merged.merge(sketch)

  assert error_of(merged, numbers) < (len(merged.levels) + 1) / POINTS < 0.01
  assert merged.summary().counts.sum() == len(numbers)


def test_the_least_and_the_largest_stay() -> None:
  numbers = CHANCE.normal(size=100_000)

  found = sketch_of(numbers, 10).summary().values

  assert (found[0], found[-1]) == (numbers.min(), numbers.max())
