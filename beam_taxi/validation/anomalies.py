"""A split's statistics against a schema, as TFDV judges them, and what we make of its judgement."""

from collections.abc import Iterable, Iterator, Mapping

from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies, AnomalyInfo
from tensorflow_metadata.proto.v0.schema_pb2 import Schema
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, DatasetFeatureStatisticsList

from beam_taxi.analysis.tfdv import compiled, tfdv
from beam_taxi.errors import UserError, on_one_line
from beam_taxi.validation.findings import KINDS, Finding, Severity, cut_short

# What TFDV's reasons are to us. A reason that is not here breaks what the schema says of values.
_KINDS = {
  'SCHEMA_MISSING_COLUMN': 'missing_column',
  'SCHEMA_NEW_COLUMN': 'new_column',
  'SCHEMA_TRAINING_SERVING_SKEW': 'comparator',
  'ENUM_TYPE_UNEXPECTED_STRING_VALUES': 'new_values',
  'INVALID_FEATURE_SHAPE': 'shape',
  'FEATURE_TYPE_LOW_FRACTION_PRESENT': 'presence',
  'FEATURE_TYPE_LOW_NUMBER_PRESENT': 'presence',
  'FEATURE_TYPE_NOT_PRESENT': 'presence',
  'FEATURE_TYPE_NO_VALUES': 'presence',
  'UNEXPECTED_DATA_TYPE': 'type',
}
_TYPE_ENDINGS = ('_NOT_INT', '_NOT_STRING', '_NOT_FLOAT', '_INT_EXPECTED', '_STRING_EXPECTED', '_NON_STRING')
# New values that make up so much of a feature are no stragglers.
MANY_NEW_VALUES = 0.05

_SHOWN_VALUES = 3


def anomalies_of(
  statistics: DatasetFeatureStatistics,
  schema: Schema,
  environment: str = '',
  previous: DatasetFeatureStatistics | None = None,
  serving: DatasetFeatureStatistics | None = None,
) -> Anomalies:
  """What tfdv.validate_statistics gives, which takes seconds to import.

  Args:
    statistics: a split's.
    schema: what it should be like.
    environment: the schema's environment that holds; '' for none.
    previous, serving: what the schema's drift and skew comparators compare with.

  Raises:
    UserError: the schema has no such environment.
  """
  if environment:
    check_environment(schema, environment)
  rules = compiled()
  if rules and hasattr(rules, 'ValidateFeatureStatistics'):
    # The last argument asks for regions that differ, with which TFDV ends the process.
    said = rules.ValidateFeatureStatistics(
      statistics.SerializeToString(),
      schema.SerializeToString(),
      environment.encode(),
      previous.SerializeToString() if previous else b'',
      serving.SerializeToString() if serving else b'',
      *(b'', b'', b''),
      False,
    )
    return Anomalies.FromString(said)
  return tfdv().validate_statistics(
    _listed(statistics),
    schema,
    environment or None,
    previous_statistics=_listed(previous) if previous else None,
    serving_statistics=_listed(serving) if serving else None,
  )


def check_environment(schema: Schema, environment: str) -> None:
  """Raises UserError where a schema has not this environment."""
  if environment not in schema.default_environment:
    names = ', '.join(schema.default_environment) or 'none'
    raise UserError(f'--environment {environment}: the schema has no such default_environment; it has {names}')


def _listed(dataset: DatasetFeatureStatistics) -> DatasetFeatureStatisticsList:
  return DatasetFeatureStatisticsList(datasets=[dataset])


def schema_findings(anomalies: Anomalies, split: str, new_strings: 'NewStrings') -> Iterator[Finding]:
  """One finding for each kind of thing that is wrong with a feature: TFDV has several reasons for one fact.

  Args:
    anomalies: what TFDV found.
    split: in which split.
    new_strings: which strings of the split the schema does not have.
  """
  if anomalies.HasField('dataset_anomaly_info'):
    yield from _of_feature(anomalies.dataset_anomaly_info, '', split, new_strings)
  for _, info in sorted(anomalies.anomaly_info.items()):
    yield from _of_feature(info, '.'.join(info.path.step), split, new_strings)


class NewStrings:
  """The strings of a split that a schema does not have."""

  def __init__(self, schema: Schema, statistics: DatasetFeatureStatistics):
    domains = {domain.name: set(domain.value) for domain in schema.string_domain}
    self._domains = {
      feature.name: domains.get(feature.domain, set()) if feature.domain else set(feature.string_domain.value)
      for feature in schema.feature
      if feature.domain or feature.HasField('string_domain')
    }
    self._statistics = {'.'.join(each.path.step) or each.name: each for each in statistics.features}

  def of(self, feature: str) -> dict[str, float]:
    """Those of a feature, the most frequent first, and what part of its values each makes up; {} if nothing tells."""
    found, domain = self._statistics.get(feature), self._domains.get(feature)
    if found is None or domain is None:
      return {}
    strings = found.string_stats
    counts = {each.label: each.sample_count for each in strings.rank_histogram.buckets if each.label not in domain}
    return {label: count / strings.common_stats.tot_num_values for label, count in counts.items()}


def _of_feature(info: AnomalyInfo, feature: str, split: str, new_strings: NewStrings) -> Iterator[Finding]:
  reasons: dict[str, list[str]] = {}
  for reason in info.reason:
    reasons.setdefault(_kind_of(reason.type), []).append(reason.description)
  if not reasons:
    reasons[_kind_of(0)] = [info.description]
  if 'presence' in reasons:
    reasons.pop('shape', None)  # The same fact: a value is missing.
  for kind, said in reasons.items():
    if kind == 'new_values' and (new := new_strings.of(feature)):
      yield _of_new_strings(new, feature, split)
      continue
    what = ' '.join(' '.join(said).split()).rstrip('. ')
    yield Finding(kind, split, feature, KINDS[kind].severity, what)


def _of_new_strings(new: Mapping[str, float], feature: str, split: str) -> Finding:
  share = sum(new.values())
  shown = [on_one_line(value) for value in list(new)[:_SHOWN_VALUES]]
  names = ', '.join(repr(cut_short(each)) for each in shown) + (', ...' if len(new) > _SHOWN_VALUES else '')
  strings = '1 string is' if len(new) == 1 else f'{len(new):,} strings are'
  what = f"{strings} not in the schema's domain, {share:.2%} of the values: {names}"
  severity: Severity = 'error' if share >= MANY_NEW_VALUES else KINDS['new_values'].severity
  return Finding('new_values', split, feature, severity, what, size=share)


def _kind_of(reason: int) -> str:
  name = AnomalyInfo.Type.Name(reason)
  if name.startswith('COMPARATOR_'):
    return 'comparator'
  return _KINDS.get(name, 'type' if name.endswith(_TYPE_ENDINGS) or '_TYPE_NOW_' in name else 'domain')


def add_custom(anomalies: Anomalies, findings: Iterable[Finding]) -> None:
  """Adds what TFDV does not know to its anomalies, as it writes what a validation of one's own finds."""
  for finding in findings:
    info = anomalies.anomaly_info[finding.feature] if finding.feature else anomalies.dataset_anomaly_info
    if finding.feature and not info.path.step:
      info.path.step.append(finding.feature)
    severity = AnomalyInfo.ERROR if finding.severity == 'error' else AnomalyInfo.WARNING
    info.severity = max(info.severity, severity)
    info.reason.add(
      type=AnomalyInfo.CUSTOM_VALIDATION, short_description=KINDS[finding.kind].text, description=finding.line
    )
    if len(info.reason) > 1:
      info.short_description = 'Multiple errors'
    else:
      info.short_description = KINDS[finding.kind].text
    info.description = ' '.join(reason.description for reason in info.reason)
