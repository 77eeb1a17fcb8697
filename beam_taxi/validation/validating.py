"""A run's statistics judged: against its schema, a baseline, other data and rules, split by split."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
from tensorflow_metadata.proto.v0.schema_pb2 import Schema

from beam_taxi import storage
from beam_taxi.analysis.feature_statistics import dataset_of_all_rows, read_statistics
from beam_taxi.errors import UserError
from beam_taxi.validation.anomalies import NewStrings, add_custom, anomalies_of, schema_findings
from beam_taxi.validation.drift import drift_findings
from beam_taxi.validation.findings import Finding, Severity, judged
from beam_taxi.validation.rules import Rule, rule_findings
from beam_taxi.validation.split_data import SplitData

# What is found beyond the schema, and so stands in TFDV's anomalies as a validation of one's own.
_OWN = ('drift', 'skew', 'missing_values', 'rule')


@dataclasses.dataclass(frozen=True)
class Reference:
  """Statistics to compare with: what to call them, and each split's."""

  name: str
  splits: Mapping[str, SplitData]


@dataclasses.dataclass(frozen=True)
class Expectations:
  """What data is judged by.

  Attributes:
    schema: the schema.
    curated: whether somebody has made it. One that was inferred from the data itself says nothing about columns.
    environment: the environment of the schema that holds; '' for none.
    baseline: what came before; None for nothing.
    serving: data that should be like this; None for none.
    rules: rules about statistics.
    severities: how bad kinds of findings are, where that is not as usual.
  """

  schema: Schema
  curated: bool = True
  environment: str = ''
  baseline: Reference | None = None
  serving: Reference | None = None
  rules: tuple[Rule, ...] = ()
  severities: Mapping[str, Severity] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Judgement:
  """What TFDV and we say of each split, and all findings, the worst first."""

  anomalies: Mapping[str, Anomalies]
  findings: tuple[Finding, ...]


def judge(
  splits: Mapping[str, SplitData],
  expected: Expectations,
  bad_rows: Mapping[str, int] | None = None,
) -> Judgement:
  """Judges a run.

  Args:
    splits: what is known of each split, in their order.
    expected: what it is judged by.
    bad_rows: how many rows were set aside, by reason.

  Raises:
    UserError: the schema has not the environment.
  """
  anomalies: dict[str, Anomalies] = {}
  found = list(_bad_rows(bad_rows or {}))
  first: tuple[str, SplitData] | None = None
  for split, now in splits.items():
    previous, serving = (_split_of(each, split) for each in (expected.baseline, expected.serving))
    of_others = (each.dataset if each else None for each in (previous, serving))
    anomalies[split] = anomalies_of(now.dataset, expected.schema, expected.environment, *of_others)
    of_split = list(schema_findings(anomalies[split], split, NewStrings(expected.schema, now.dataset)))
    for reference, other, kind in ((expected.baseline, previous, 'drift'), (expected.serving, serving, 'skew')):
      if reference:
        of_split += _compared(split, now, reference, other, kind, columns=not expected.curated and kind == 'drift')
    name = expected.baseline.name if expected.baseline else ''
    of_split += rule_findings(expected.rules, split, now, previous, name)
    if first and first[1].statistics.rows and now.statistics.rows:
      of_split += drift_findings(split, now, first[1], f'split {first[0]}', 'skew', columns=False)
    first = first or (split, now)
    own = [each for each in judged(of_split, expected.severities) if each.kind in _OWN]
    add_custom(anomalies[split], own)
    found += of_split
  return Judgement(anomalies, judged(found, expected.severities))


def _bad_rows(bad_rows: Mapping[str, int]) -> Iterable[Finding]:
  if rows := sum(bad_rows.values()):
    reasons = ', '.join(f'{count:,} {reason.replace("_", " ")}' for reason, count in bad_rows.items())
    were = '1 row was' if rows == 1 else f'{rows:,} rows were'
    yield Finding('bad_rows', '', '', 'warning', f'{were} set aside: {reasons}')


def _split_of(reference: Reference | None, split: str) -> SplitData | None:
  return reference.splits.get(split) if reference else None


def _compared(
  split: str,
  now: SplitData,
  reference: Reference,
  other: SplitData | None,
  kind: str,
  *,
  columns: bool,
) -> Iterable[Finding]:
  if other is None:
    what = f'{reference.name} has no statistics of this split, so that it is not compared'
    return [Finding('not_compared', split, '', 'warning', what, baseline=reference.name)]
  return drift_findings(split, now, other, reference.name, kind, columns=columns)


def splits_in(path: str) -> list[str]:
  """The splits of which a folder has statistics, or one, of a file. Raises UserError where there are none."""
  if path.endswith('.pb'):
    folder = path.split('/')[-2] if '/' in path else ''
    return [folder.removeprefix('Split-') if folder.startswith('Split-') else 'all']
  found = storage.match(storage.join(path, 'Split-*', 'FeatureStats.pb'))
  splits = [name.split('/')[-2].removeprefix('Split-') for name, _ in found]
  if not splits:
    raise UserError(f'{path}: has no statistics, as Split-train/FeatureStats.pb')
  # The first is what the others are compared with.
  return sorted(splits, key=lambda split: (split != 'train', split))


def accumulator_beside(statistics: str) -> str:
  """Where a run keeps the accumulator that a file of its statistics is made of."""
  folder, _, split = statistics.rpartition('/')[0].rpartition('/')
  return storage.join(folder.rpartition('/')[0], 'accumulators', split, 'accumulator.arrow')


def read_reference(name: str, path: str, splits: Sequence[str], flag: str) -> Reference:
  """Statistics to compare with: a folder of Split-NAME/FeatureStats.pb, or one file that is compared with all splits.

  Raises:
    UserError: there are none, or they cannot be read.
  """
  paths = {split: storage.join(path, f'Split-{split}', 'FeatureStats.pb') for split in splits}
  if path.endswith('.pb'):
    paths = dict.fromkeys(splits, path)
  found = {}
  for split, each in paths.items():
    if storage.exists(each):
      dataset = dataset_of_all_rows(read_statistics(each))
      accumulator = accumulator_beside(each)
      if dataset:
        found[split] = SplitData.of(dataset, storage.read_bytes(accumulator) if storage.exists(accumulator) else b'')
  if not found:
    raise UserError(f'--{flag} {path}: has no statistics: there is no Split-{splits[0]}/FeatureStats.pb')
  return Reference(name, found)
