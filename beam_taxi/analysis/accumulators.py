"""What is known of a split's rows while not all have been seen: it takes in rows, merges, and becomes statistics.

An accumulator is small whatever it has seen: counts and sums, a sketch of the numbers' quantiles, and the strings'
counts. Rows are those of an EncodedBlock: a column is int64, float32, binary or null, a null is an empty cell.
"""

import dataclasses
import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_taxi.analysis.quantile_sketch import QuantileSketch, Summary
from beam_taxi.analysis.string_counts import Limits, StringCounts, count_values

INT, FLOAT, STRING = 'INT', 'FLOAT', 'STRING'


@dataclasses.dataclass
class Moments:
  """How many numbers there are, their mean and their variance; both are NaN where a number is infinite, as in TFDV."""

  count: int = 0
  mean: float = 0.0
  variance: float = 0.0

  def merge(self, other: 'Moments') -> None:
    """Adds other numbers. (Source: Chan et al., "Updating formulae", 1979.)"""
    if not (self.count and other.count):
      if other.count:
        self.count, self.mean, self.variance = other.count, other.mean, other.variance
      return
    count, share = self.count + other.count, other.count / (self.count + other.count)
    apart = other.mean - self.mean
    within = (1 - share) * self.variance + share * other.variance
    self.count, self.mean, self.variance = count, self.mean + share * apart, within + share * (1 - share) * apart**2


@dataclasses.dataclass
class Numbers:
  """A feature's numbers. `nan` counts those that are NaN, which nothing else does; bounds are infinite without any."""

  zeros: int = 0
  nan: int = 0
  min: float = math.inf
  max: float = -math.inf
  finite_min: float = math.inf
  finite_max: float = -math.inf
  infinite: int = 0
  moments: Moments = dataclasses.field(default_factory=Moments)
  sketch: QuantileSketch = dataclasses.field(default_factory=QuantileSketch)
  _repeating: bool = False

  def add(self, values: pa.Array) -> None:
    """Adds values that are not null."""
    summary = self._summary(values)
    if not len(summary):
      return
    numbers, counts = summary.values, summary.counts
    finite = numbers[np.isfinite(numbers)]
    self._widen(numbers[0], numbers[-1], *(finite[[0, -1]] if len(finite) else (math.inf, -math.inf)))
    self.zeros += int(counts[numbers == 0].sum())
    self.infinite += int(counts[numbers == math.inf].sum())
    count = int(counts.sum())
    if len(finite) < len(numbers):
      self.moments.merge(Moments(count, math.nan, math.nan))
    else:
      # A product of vectors would be BLAS's, which takes threads of its own, and adds up otherwise on other processors.
      mean = float(np.sum(numbers * counts)) / count
      self.moments.merge(Moments(count, mean, float(np.sum((numbers - mean) ** 2 * counts)) / count))
    self.sketch.add(summary)

  def merge(self, other: 'Numbers') -> None:
    """Adds what another has, which is not used again."""
    self._widen(other.min, other.max, other.finite_min, other.finite_max)
    self.zeros += other.zeros
    self.nan += other.nan
    self.infinite += other.infinite
    self.moments.merge(other.moments)
    self.sketch.merge(other.sketch)

  def _widen(self, low: float, high: float, finite_low: float, finite_high: float) -> None:
    self.min, self.max = min(self.min, float(low)), max(self.max, float(high))
    self.finite_min, self.finite_max = min(self.finite_min, float(finite_low)), max(self.finite_max, float(finite_high))

  def _summary(self, values: pa.Array) -> Summary:
    """All that are not NaN, in order: by counting them where the last ones repeated, which is faster than sorting.

    -0.0 becomes 0.0, which is equal: which of them stood first would depend on how the processor sorts.
    """
    counts = None
    if self._repeating:
      counted = values.value_counts()
      counts = np.asarray(counted.field(1))
      numbers = np.asarray(counted.field(0)).astype(np.float64) + 0.0
      order = np.argsort(numbers)
      numbers, counts = numbers[order], counts[order]
    else:
      numbers = np.sort(np.asarray(values)).astype(np.float64) + 0.0
    ordered = len(numbers) - int(np.isnan(numbers).sum())  # They are at the end.
    self.nan += int(len(numbers) - ordered if counts is None else counts[ordered:].sum())
    summary = Summary.of_sorted(numbers[:ordered], counts if counts is None else counts[:ordered])
    self._repeating = 8 * len(summary) < len(values)
    return summary


@dataclasses.dataclass
class Strings:
  """A feature's strings: their bytes, how many are no UTF-8, and how often each occurs."""

  bytes: int = 0
  not_utf8: int = 0
  counts: StringCounts = dataclasses.field(default_factory=StringCounts)

  def add(self, values: pa.Array) -> None:
    """Adds values that are not null."""
    counted = count_values(values)
    self.bytes += int(pc.sum(pc.binary_length(values)).as_py() or 0)
    self.not_utf8 += int(counted.counts[_not_utf8(counted.strings)].sum())
    self.counts.add(counted)

  def merge(self, other: 'Strings') -> None:
    """Adds what another has, which is not used again."""
    self.bytes += other.bytes
    self.not_utf8 += other.not_utf8
    self.counts.merge(other.counts)


def _not_utf8(strings: pa.LargeBinaryArray) -> list[int]:
  """The places of those that are no UTF-8."""
  try:
    strings.cast(pa.large_string())
    return []
  except pa.ArrowInvalid:
    return [place for place, string in enumerate(strings.to_pylist()) if not is_utf8(string)]


def is_utf8(string: bytes) -> bool:
  """Whether bytes are text."""
  try:
    string.decode()
    return True
  except UnicodeDecodeError:
    return False


@dataclasses.dataclass
class Feature:
  """A feature: how many rows have it, if only as an empty list, how many values it has, and of its kind which.

  Its type is '' where no row has a value.
  """

  type: str = ''
  present: int = 0
  values: int = 0
  numbers: Numbers | None = None
  strings: Strings | None = None

  def merge(self, other: 'Feature', name: str) -> None:
    """Adds what another has, which is not used again. Raises TypeError where both have other types."""
    if self.type and other.type and self.type != other.type:
      raise TypeError(f'feature {name!r} is {self.type} in some rows and {other.type} in others')
    self.type = self.type or other.type
    self.present += other.present
    self.values += other.values
    if self.numbers and other.numbers:
      self.numbers.merge(other.numbers)
    if self.strings and other.strings:
      self.strings.merge(other.strings)
    self.numbers = self.numbers or other.numbers
    self.strings = self.strings or other.strings


@dataclasses.dataclass
class Accumulator:
  """What is known of some of a split's rows: how many there are, and their features in the order of their columns."""

  rows: int = 0
  features: dict[str, Feature] = dataclasses.field(default_factory=dict)
  limits: Limits = Limits()  # noqa: RUF009 - it is frozen.

  def add(self, rows: pa.RecordBatch, empty_is_missing: bool) -> None:
    """Adds rows; `empty_is_missing` says whether a row has no feature where its cell is empty."""
    if not rows.num_rows:
      return
    self.rows += rows.num_rows
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
      feature = self.features.setdefault(name, Feature())
      # TFDV does not see that a column of nulls is an empty list a row.
      is_null = pa.types.is_null(column.type)
      values = len(column) - column.null_count
      feature.present += values if empty_is_missing or is_null else len(column)
      feature.values += values
      if not is_null:
        self._add_values(feature, column, name, rows.num_columns)

  def merge(self, other: 'Accumulator') -> None:
    """Adds what another has, which is not used again. Raises TypeError where a feature's types are not the same."""
    self.rows += other.rows
    for name, feature in other.features.items():
      if name in self.features:
        self.features[name].merge(feature, name)
      else:
        self.features[name] = feature

  def compact(self) -> None:
    """Takes less memory from now on, for a little of the quantiles' exactness."""
    for feature in self.features.values():
      if feature.numbers:
        feature.numbers.sketch.compact()

  def _add_values(self, feature: Feature, column: pa.Array, name: str, columns: int) -> None:
    kind = _type_of(column.type)
    feature.merge(Feature(kind), name)
    values = column.drop_null() if column.null_count else column
    if kind == STRING:
      feature.strings = feature.strings or Strings(counts=StringCounts(self.limits.of_each(columns)))
      feature.strings.add(values)
    else:
      feature.numbers = feature.numbers or Numbers()
      feature.numbers.add(values)


def _type_of(kind: pa.DataType) -> str:
  if pa.types.is_integer(kind):
    return INT
  return FLOAT if pa.types.is_floating(kind) else STRING
