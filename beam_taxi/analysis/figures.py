"""The figures of a feature: what each is called, what it is, how it is computed and what it is counted in.

The report, the comparison and the trends of the site each have a list of the keys of those that they show.
"""

import dataclasses
from collections.abc import Callable, Iterable

from beam_taxi.analysis.distances import non_uniformity
from beam_taxi.analysis.feature_statistics import NUMBER, STRING, FeatureStatistics

# A part of 1, a whole number, any number, and no number at all.
SHARE, COUNT, QUANTITY, TEXT = 'share', 'count', 'quantity', 'text'

Value = float | str | None


@dataclasses.dataclass(frozen=True)
class Figure:
  """A figure of a feature in a dataset.

  Attributes:
    key: by which it is listed.
    name: as a heading.
    title: what it is, where there is room to say so.
    unit: SHARE, COUNT, QUANTITY or TEXT.
    compute: what makes it of a feature that it applies to; None where there is nothing to make it of.
    kind: the kind of features that have it; '' for all.
  """

  key: str
  name: str
  title: str
  unit: str
  compute: Callable[[FeatureStatistics], Value]
  kind: str = ''

  def applies_to(self, feature: FeatureStatistics) -> bool:
    return self.kind in ('', feature.kind)

  def of(self, feature: FeatureStatistics) -> Value:
    """The figure, which may be NaN or infinite; None where it does not apply, or has no values to be made of."""
    if not self.applies_to(feature) or (self.kind and not feature.values):
      return None
    return self.compute(feature)


FIGURES = {
  figure.key: figure
  for figure in (
    Figure('rows', 'Rows', 'Number of rows', COUNT, lambda of: of.rows),
    Figure('values', 'Values', 'Number of values', COUNT, lambda of: of.values),
    Figure('present', 'Present', 'Share of rows with the feature', SHARE, lambda of: _part(of.present, of.rows)),
    Figure('missing', 'Missing', 'Share of rows without a value', SHARE, lambda of: of.missing),
    Figure('zeros', 'Zeros', 'Share of values that are 0', SHARE, lambda of: _part(of.zeros, of.values), NUMBER),
    Figure('nan', 'NaN', 'Number of values that are NaN', COUNT, lambda of: of.nan, NUMBER),
    Figure('min', 'Min', 'Least value', QUANTITY, lambda of: of.min, NUMBER),
    Figure('median', 'Median', 'Half of the values are below', QUANTITY, lambda of: of.median, NUMBER),
    Figure('mean', 'Mean', 'Mean of the values', QUANTITY, lambda of: of.mean, NUMBER),
    Figure('max', 'Max', 'Largest value', QUANTITY, lambda of: of.max, NUMBER),
    Figure('std_dev', 'Std dev', 'Standard deviation', QUANTITY, lambda of: of.std_dev, NUMBER),
    Figure('unique', 'Distinct', 'Number of distinct values', COUNT, lambda of: of.unique, STRING),
    Figure('count_error', 'Counts low by', 'By how much at most', COUNT, lambda of: of.count_error, STRING),
    Figure('common', 'Most common', 'The most common value', TEXT, lambda of: next(iter(of.counts), None), STRING),
    Figure('common_share', 'Its share', 'Its share of the values', SHARE, lambda of: _common_share(of), STRING),
    Figure('mean_length', 'Mean length', 'Mean length in bytes', QUANTITY, lambda of: of.mean_length, STRING),
    Figure('uneven', 'Non-uniformity', 'From 0, even, to 1, all in one', QUANTITY, lambda of: _uneven(of)),
  )
}


def figures_of(feature: FeatureStatistics, keys: Iterable[str]) -> dict[str, Value]:
  """Those of some figures that apply to a feature, by key."""
  return {key: FIGURES[key].of(feature) for key in keys if FIGURES[key].applies_to(feature)}


def _part(part: float, whole: float) -> float | None:
  return part / whole if whole else None


def _common_share(feature: FeatureStatistics) -> float | None:
  return _part(next(iter(feature.counts.values()), 0), feature.values) if feature.counts else None


def _uneven(feature: FeatureStatistics) -> float:
  """Of how often there is each string that is listed, or a number in each bucket."""
  if feature.kind == NUMBER:
    return non_uniformity(feature.standard.counts if feature.standard else ())
  return non_uniformity(list(feature.counts.values()))
