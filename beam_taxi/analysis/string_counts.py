"""How often each string occurs, in bounded memory: exact up to a number of strings, within known errors beyond.

Beyond the limits two sketches take over. Misra and Gries count frequent strings: where there are too many, the count of
the first that goes is taken from all that stay, so that a count is too low by at most the sum of what was taken,
`error`. (Source: Agarwal et al., "Mergeable summaries", 2012.) The least hashes of all strings (KMV) say how many are
distinct, within 1 / sqrt(HASHES), which is 0.8 %, in two of three cases. Nothing is random, and nothing depends on
anything but the strings and the order in which they were added and merged.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Counts = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

HASHES = 1 << 14
RELATIVE_ERROR = HASHES**-0.5

# What a string takes besides its bytes: its count and where it begins.
_OVERHEAD = 16


@dataclasses.dataclass(frozen=True)
class Limits:
  """Up to which strings are counted exactly.

  Attributes:
    strings: how many distinct ones.
    bytes: how much memory they take.
  """

  strings: int = 1 << 17
  bytes: int = 16 << 20

  def of_each(self, columns: int) -> 'Limits':
    """Those of each of many columns, which together take no more than 16 with the most."""
    return Limits(self.strings, max(self.bytes * 16 // max(columns, 16), 1 << 16))


class Counted(NamedTuple):
  """Distinct strings and how often each occurs."""

  strings: pa.LargeBinaryArray
  counts: Counts


def count_values(strings: pa.Array) -> Counted:
  """The distinct strings of an array without nulls, in the order in which they come."""
  coded = strings.dictionary_encode()
  counts = np.bincount(np.asarray(coded.indices), minlength=len(coded.dictionary))
  return Counted(coded.dictionary.cast(pa.large_binary()), counts)


class StringCounts:
  """The strings that were added, each with how often it occurs.

  Attributes:
    limits: up to which they are counted exactly.
    error: how many times a string may occur beyond what is counted; 0 while all are.
    hashes: the least hashes of all strings, in order; None while all are counted.
  """

  def __init__(
    self,
    limits: Limits = Limits(),
    counted: Counted | None = None,
    error: int = 0,
    hashes: Hashes | None = None,
  ) -> None:
    self.limits, self.error, self.hashes = limits, error, hashes
    self._counted = counted or Counted(pa.array([], pa.large_binary()), np.zeros(0, np.int64))
    self._waiting: list[Counted] = []
    self._waiting_size = 0

  @property
  def is_exact(self) -> bool:
    """Whether every string is counted."""
    self._settle()
    return self.hashes is None

  @property
  def counted(self) -> Counted:
    """The strings that are counted; all of them where it is exact."""
    self._settle()
    return self._counted

  def add(self, counted: Counted) -> None:
    """Adds strings."""
    self._waiting.append(counted)
    self._waiting_size += _size(counted)
    if self._waiting_size > self.limits.bytes // 2:
      self._settle()

  def merge(self, other: 'StringCounts') -> None:
    """Adds what another has, which stays as it is. The lower limits are those of both."""
    other._settle()
    self.limits = Limits(min(self.limits.strings, other.limits.strings), min(self.limits.bytes, other.limits.bytes))
    if other.hashes is not None:
      self._settle()
      self._approximate()
      self._add_hashes(other.hashes)
    self.error += other.error
    self.add(other._counted)

  def distinct(self, values: int) -> int:
    """How many strings are distinct, of so many values: exactly, or about."""
    found = len(self.counted.strings)
    if self.hashes is None:
      return found
    if len(self.hashes) < HASHES:
      return len(self.hashes)
    return min(max(round((HASHES - 1) / (float(self.hashes[-1]) / 2.0**64)), found), values)

  def most_frequent(self, number: int) -> list[tuple[bytes, int]]:
    """The most frequent strings with their counts, of equal counts the largest string first, as TFDV has them.

    Where not all are counted, these are the least times that each can occur, and each of them is certain to be more
    frequent than any string that is not among them.
    """
    strings, counts = self.counted
    number = self._certain(number)
    if number < len(counts):
      least = np.partition(counts, len(counts) - number - 1)[len(counts) - number - 1]
      likely = np.flatnonzero(counts >= least)
      strings, counts = strings.take(pa.array(likely)), counts[likely]
    table = pa.table({'count': counts, 'string': strings})
    order = pc.sort_indices(table, sort_keys=[('count', 'descending'), ('string', 'descending')])
    first = table.take(order[:number])
    return list(zip(first['string'].to_pylist(), first['count'].to_pylist(), strict=True))

  def _certain(self, number: int) -> int:
    """How many of the most frequent strings, up to `number`, no other can exceed: all, while all are counted."""
    counts = np.sort(self._counted.counts)[::-1]
    number = min(number, len(counts))
    if not self.error:
      return number
    # Another occurs at most so much more often than it is counted, and a string that is not counted at most so often.
    gaps = counts[:number] - np.append(counts[1:], 0)[:number] > self.error
    return int(np.flatnonzero(gaps)[-1]) + 1 if gaps.any() else 0

  def _settle(self) -> None:
    """Sums up what waits, and gives up counting all where the limits are exceeded."""
    if not self._waiting:
      return
    parts = [self._counted, *self._waiting]
    self._waiting, self._waiting_size = [], 0
    if self.hashes is not None:
      for part in parts[1:]:
        self._add_hashes(hash_strings(part.strings))
    coded = pa.concat_arrays([part.strings for part in parts]).dictionary_encode()
    counts = np.zeros(len(coded.dictionary), np.int64)
    np.add.at(counts, np.asarray(coded.indices), np.concatenate([part.counts for part in parts]))
    self._counted = Counted(coded.dictionary, counts)
    if len(counts) > self.limits.strings or _size(self._counted) > self.limits.bytes:
      self._approximate()
      self._drop()

  def _approximate(self) -> None:
    if self.hashes is None:
      self.hashes = np.zeros(0, np.uint64)
      self._add_hashes(hash_strings(self._counted.strings))

  def _add_hashes(self, hashes: Hashes) -> None:
    known = self.hashes if self.hashes is not None else np.zeros(0, np.uint64)
    if len(known) == HASHES:
      hashes = hashes[hashes < known[-1]]
    self.hashes = np.unique(np.concatenate([known, hashes]))[:HASHES]

  def _drop(self) -> None:
    """Leaves a quarter of what the limits allow, and takes the count of the first that goes from all others."""
    strings, counts = self._counted
    order = np.argsort(-counts, kind='stable')
    sizes = np.cumsum(lengths_of(strings)[order] + _OVERHEAD)
    kept = min(int(np.searchsorted(sizes, self.limits.bytes // 4, side='right')), self.limits.strings // 4)
    taken = int(counts[order[kept]])
    left = np.sort(order[:kept][counts[order[:kept]] > taken])
    self._counted = Counted(strings.take(pa.array(left)), counts[left] - taken)
    self.error += taken


def lengths_of(strings: pa.LargeBinaryArray) -> npt.NDArray[np.int64]:
  """Of each string, in bytes."""
  return np.asarray(pc.binary_length(strings)).astype(np.int64)


def _size(counted: Counted) -> int:
  return int(pc.sum(pc.binary_length(counted.strings)).as_py() or 0) + _OVERHEAD * len(counted.strings)


_ODD = 0x9E3779B97F4A7C15  # 2^64 divided by the golden ratio.


def hash_strings(strings: pa.LargeBinaryArray) -> Hashes:
  """A hash of 64 bits of each string, the same on every machine.

  Words of eight bytes are mixed with their place and added up, and the sum is mixed with the length. The mixing is
  SplitMix64's. It is no protection from strings that were made to have the same hash.
  """
  lengths = lengths_of(strings)
  words = (lengths + 7) // 8
  ends = np.cumsum(words)
  starts = ends - words
  padded = np.zeros(int(ends[-1]) * 8 if len(ends) else 0, np.uint8)
  data, offsets = _content(strings)
  # Each byte goes as far on as all strings before it are padded.
  padded[np.arange(len(data)) + np.repeat(8 * starts - offsets, lengths)] = data
  numbers = np.arange(len(padded) // 8) - np.repeat(starts, words)
  with np.errstate(over='ignore'):
    mixed = _mix(padded.view('<u8') + (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(_ODD))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
    return _mix((sums[ends] - sums[starts]) ^ _mix(lengths.astype(np.uint64) + np.uint64(_ODD)))


def _content(strings: pa.LargeBinaryArray) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
  """All bytes of strings, and where in them each begins."""
  _, offsets, data = strings.buffers()
  if not len(strings):
    return np.zeros(0, np.uint8), np.zeros(0, np.int64)
  places = np.frombuffer(offsets, np.int64)[strings.offset : strings.offset + len(strings) + 1]
  content = np.frombuffer(data, np.uint8)[places[0] : places[-1]] if places[-1] > places[0] else np.zeros(0, np.uint8)
  return content, places[:-1] - places[0]


def _mix(numbers: Hashes) -> Hashes:
  """Spreads each bit over all. (Source: the finalizer of SplitMix64.)"""
  numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
  numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
  return numbers ^ (numbers >> np.uint64(31))
