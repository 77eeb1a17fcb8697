"""Quantiles of a stream of numbers in bounded memory: exact of few distinct values, within a known error of many.

A summary is a list of distinct values in order, each with how many there are. Two summaries become one by adding them
up and, where that has more than POINTS values, by joining neighbours until it has not, which puts a value at most one
part in POINTS of all its ranks aside. Summaries are joined as digits are carried in a sum: a summary of level n is made
of 2^n of the lowest, so a value is at most (n + 1) / POINTS of all ranks from where it should be. Nothing is random:
the same numbers, added and merged in the same order, give the same sketch. (Source of the idea: Munro and Paterson,
"Selection and sorting with limited storage", 1980.)
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

# Twenty levels, of which each of the lowest holds 30,000 numbers, are 30 billion numbers within 1 %, as TFDV's are.
POINTS = 2048


@dataclasses.dataclass(frozen=True)
class Summary:
  """Distinct numbers in order, none of them NaN, and how many there are of each."""

  values: Floats
  counts: Counts

  @classmethod
  def of_sorted(cls, values: Floats, counts: Counts | None = None) -> 'Summary':
    """Of numbers in order, each of which may stand there more than once; `counts` is 1 where it is not given."""
    if not len(values):
      return cls(values, np.zeros(0, np.int64))
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    if counts is None:
      return cls(values[starts], np.diff(starts, append=len(values)))
    return cls(values[starts], np.add.reduceat(counts, starts))

  @classmethod
  def of(cls, summaries: Sequence['Summary']) -> 'Summary':
    """The sum of several."""
    if len(summaries) == 1:
      return summaries[0]
    values = np.concatenate([each.values for each in summaries])
    order = np.argsort(values, kind='stable')
    return cls.of_sorted(values[order], np.concatenate([each.counts for each in summaries])[order])

  def __len__(self) -> int:
    return len(self.values)

  def cut(self) -> 'Summary':
    """With no more than POINTS values, by joining neighbours; the least and the largest value stay."""
    if len(self) <= POINTS:
      return self
    ends = np.cumsum(self.counts)
    # By the middle of its ranks each value is put into one of as many equal parts as there may be inner values.
    middles = ends - self.counts / 2
    parts = np.minimum((middles * ((POINTS - 2) / ends[-1])).astype(np.int64), POINTS - 3)
    parts[0], parts[-1] = -1, POINTS - 2
    starts = np.flatnonzero(np.concatenate(([True], parts[1:] != parts[:-1])))
    counts = np.add.reduceat(self.counts, starts)
    # A part is known by the value at the middle of its ranks.
    wanted = ends[starts] - self.counts[starts] + counts / 2
    return Summary(self.values[np.searchsorted(ends, wanted)], counts)


class QuantileSketch:
  """The numbers that were added, as one Summary of each level, or none, from the lowest up.

  Attributes:
    levels: the summaries; the first is exact.
  """

  def __init__(self, levels: Sequence[Summary | None] = ()) -> None:
    self.levels: list[Summary | None] = list(levels)
    self._waiting: list[Summary] = []

  def add(self, summary: Summary) -> None:
    """Adds numbers."""
    self._waiting.append(summary)
    if sum(map(len, self._waiting)) > 4 * POINTS:
      self._settle()

  def merge(self, other: 'QuantileSketch') -> None:
    """Adds what another has, which stays as it is."""
    self._waiting += other._waiting
    self._settle()
    for level, summary in enumerate(other.levels):
      if summary:
        self._carry(summary, level)

  def compact(self) -> None:
    """Joins all levels in one, which takes the least memory."""
    self._settle()
    found = [level for level in self.levels if level]
    if len(found) > 1:
      level = len(self.levels)
      self.levels = [None] * level + [Summary.of(found).cut()]

  def summary(self) -> Summary:
    """All numbers in one summary, of up to POINTS values a level."""
    self._settle()
    found = [level for level in self.levels if level]
    return Summary.of(found) if found else Summary(np.zeros(0), np.zeros(0, np.int64))

  def parts(self) -> tuple[npt.NDArray[np.int32], Floats, Counts]:
    """All points, level by level from the lowest: the level of each, its value and its count."""
    self._settle()
    found = [(level, summary) for level, summary in enumerate(self.levels) if summary]
    return (
      np.repeat([level for level, _ in found], [len(each) for _, each in found]).astype(np.int32),
      np.concatenate([np.zeros(0), *(each.values for _, each in found)]),
      np.concatenate([np.zeros(0, np.int64), *(each.counts for _, each in found)]),
    )

  def _settle(self) -> None:
    if waiting := [summary for summary in self._waiting if len(summary)]:
      self._carry(Summary.of(waiting), 0)
    self._waiting = []

  def _carry(self, summary: Summary, level: int) -> None:
    """Puts a summary on its level; where there is one, the sum of both one higher, unless it is exact."""
    while True:
      self.levels += [None] * (level + 1 - len(self.levels))
      if here := self.levels[level]:
        summary = Summary.of([here, summary])
        self.levels[level] = None
      elif len(summary) <= POINTS:
        break
      if len(summary) <= POINTS and level == 0:
        break
      summary = summary.cut()
      level += 1
    self.levels[level] = summary


def quantiles(summary: Summary, number: int) -> tuple[Floats, Floats]:
  """The values that cut a summary's numbers, at least one, into equal parts, as tfx_bsl's QuantilesSketch finds them.

  (Source: the rank queries of TensorFlow's weighted_quantiles_summary.h, over a summary without error: the value whose
  middle rank is nearest to the one that is asked for.)

  Args:
    summary: of the numbers.
    number: how many parts there are.

  Returns:
    The `number` + 1 values, from the least to the largest, and how many numbers are up to each.
  """
  ends = np.cumsum(summary.counts).astype(np.float64)
  middles = 2 * ends - summary.counts  # Twice the middle: the ranks before a value and those up to it.
  wanted = 2 * (np.arange(number + 1) * ends[-1] / number)
  at = np.maximum(np.searchsorted(middles, wanted, side='right') - 1, 0)
  following = np.minimum(at + 1, len(ends) - 1)
  # Between two values, the rank where the one ends and the other begins decides.
  chosen = np.where(wanted < 2 * ends[at], at, following)
  return summary.values[chosen], ends[chosen]
