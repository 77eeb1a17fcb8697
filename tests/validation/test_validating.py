"""A run is judged as TFDV judges it, and beyond that by a baseline and rules; severities are as documented."""

import json
import pathlib
import re

import pytest
import tensorflow_data_validation as tfdv
from datasets import data_of
from tensorflow_metadata.proto.v0.anomalies_pb2 import AnomalyInfo
from tensorflow_metadata.proto.v0.schema_pb2 import Schema
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beam_taxi.errors import UserError
from beam_taxi.validation.anomalies import anomalies_of
from beam_taxi.validation.findings import KINDS, Finding, from_json, judged, parse_severities, to_json, verdict_of
from beam_taxi.validation.rules import parse_check
from beam_taxi.validation.split_data import SplitData
from beam_taxi.validation.validating import Expectations, Reference, judge, read_reference

PAGE = pathlib.Path(__file__).parents[2] / 'docs' / 'VALIDATION.md'


def schema_of(data: SplitData) -> Schema:
  return tfdv.infer_schema(DatasetFeatureStatisticsList(datasets=[data.dataset]))


GOOD = data_of({'n': [1, 2, 3] * 50, 'x': [0.5] * 150, 's': ['a', 'b', 'c'] * 50})

CASES: dict[str, tuple[SplitData, set[tuple[str, str, str]]]] = {
  'same': (GOOD, set()),
  'few_new_values': (
    data_of({'n': [1] * 150, 'x': [0.5] * 150, 's': ['a'] * 149 + ['new']}),
    {('new_values', 's', 'warning')},
  ),
  'many_new_values': (
    data_of({'n': [1] * 150, 'x': [0.5] * 150, 's': ['a'] * 140 + ['new'] * 10}),
    {('new_values', 's', 'error')},
  ),
  'new_column': (
    data_of({'n': [1] * 9, 'x': [0.5] * 9, 's': ['a'] * 9, 'more': [1] * 9}),
    {('new_column', 'more', 'warning')},
  ),
  'missing_column': (data_of({'n': [1] * 9, 's': ['a'] * 9}), {('missing_column', 'x', 'error')}),
  'another_type': (data_of({'n': ['z'] * 9, 'x': [0.5] * 9, 's': ['a'] * 9}), {('type', 'n', 'error')}),
  'one_missing_value': (
    data_of({'n': [1] * 8 + [None], 'x': [0.5] * 9, 's': ['a'] * 9}),
    {('shape', 'n', 'warning')},
  ),
}


@pytest.mark.parametrize(('data', 'expected'), CASES.values(), ids=CASES)
def test_what_breaks_the_schema_has_a_kind_and_a_severity(data: SplitData, expected: set[tuple[str, str, str]]) -> None:
  found = judge({'train': data}, Expectations(schema_of(GOOD))).findings

  assert {(each.kind, each.feature, each.severity) for each in found} == expected


@pytest.mark.parametrize('data', [data for data, _ in CASES.values()], ids=CASES)
def test_anomalies_are_those_of_tfdv(data: SplitData) -> None:
  schema = schema_of(GOOD)

  by_tfdv = tfdv.validate_statistics(DatasetFeatureStatisticsList(datasets=[data.dataset]), schema)

  assert judge({'train': data}, Expectations(schema)).anomalies['train'] == by_tfdv


def test_comparators_of_the_schema_are_honoured() -> None:
  schema = schema_of(GOOD)
  [feature] = [each for each in schema.feature if each.name == 's']
  feature.drift_comparator.infinity_norm.threshold = 0.01
  now = data_of({'n': [1] * 150, 'x': [0.5] * 150, 's': ['a', 'b', 'b'] * 50})

  found = judge({'train': now}, Expectations(schema, baseline=Reference('run a', {'train': GOOD})))

  assert {'comparator', 'drift'} <= {each.kind for each in found.findings if each.feature == 's'}
  reasons = {reason.type for reason in found.anomalies['train'].anomaly_info['s'].reason}
  assert {AnomalyInfo.COMPARATOR_L_INFTY_HIGH, AnomalyInfo.CUSTOM_VALIDATION} <= reasons


def test_what_is_ours_stands_in_the_anomalies_as_a_validation_of_ones_own() -> None:
  rules = (parse_check('n.mean > 100'), parse_check('rows > 1000'))

  found = judge({'train': GOOD}, Expectations(schema_of(GOOD), rules=rules)).anomalies['train']

  [info] = found.anomaly_info.values()
  assert (list(info.path.step), info.severity) == (['n'], AnomalyInfo.ERROR)
  assert [reason.type for reason in info.reason] == [AnomalyInfo.CUSTOM_VALIDATION]
  assert 'n: mean is 2; expected: n.mean > 100' in info.description
  assert 'rows > 1000' in found.dataset_anomaly_info.description


def test_splits_are_compared_with_the_first_and_with_those_of_the_baseline() -> None:
  other = data_of({'n': [3] * 150, 'x': [0.5] * 150, 's': ['a'] * 150})

  found = judge(
    {'train': GOOD, 'eval': other, 'test': GOOD},
    Expectations(schema_of(GOOD), baseline=Reference('run a', {'train': GOOD, 'eval': other})),
  ).findings

  assert {(each.kind, each.split, each.baseline) for each in found} == {
    ('skew', 'eval', 'split train'),
    ('not_compared', 'test', 'run a'),
  }


def test_environments_hold_and_an_unknown_one_is_refused() -> None:
  schema = schema_of(GOOD)
  schema.default_environment.extend(['TRAINING', 'SERVING'])
  schema.feature[0].not_in_environment.append('SERVING')
  serving = data_of({'x': [0.5] * 9, 's': ['a'] * 9})

  assert judge({'train': serving}, Expectations(schema, environment='SERVING')).findings == ()
  assert [each.kind for each in judge({'train': serving}, Expectations(schema, environment='TRAINING')).findings]
  with pytest.raises(UserError, match='--environment NIGHT: the schema has no such .*; it has TRAINING'):
    anomalies_of(GOOD.dataset, schema, 'NIGHT')


def test_rows_that_were_set_aside_are_a_finding() -> None:
  [finding] = judge({'train': GOOD}, Expectations(schema_of(GOOD)), {'wrong_type': 1200}).findings

  assert (finding.kind, finding.severity, finding.what) == (
    'bad_rows',
    'warning',
    '1,200 rows were set aside: 1,200 wrong type',
  )


def test_severities_can_be_set_and_decide_the_verdict() -> None:
  found = [Finding('drift', 't', 'a', 'error', 'x', size=0.3), Finding('shape', 't', 'b', 'warning', 'y')]

  assert verdict_of(found) == 'error'
  assert verdict_of([]) == 'ok'
  lower = judged(found, parse_severities('drift:warning,shape:error'))
  assert [(each.kind, each.severity) for each in lower] == [('shape', 'error'), ('drift', 'warning')]
  assert judged(found, parse_severities('drift:ignore,shape:ignore')) == ()


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('drft:error', "no kind of findings 'drft'; nearest: 'drift'"),
    ('drift:bad', 'give drift:error'),
    ('drift', 'give'),
  ],
)
def test_a_wrong_severity_is_refused(text: str, message: str) -> None:
  with pytest.raises(UserError, match=message):
    parse_severities(text)


def test_findings_are_read_as_they_were_written() -> None:
  found = judge({'train': CASES['many_new_values'][0]}, Expectations(schema_of(GOOD))).findings

  written = to_json(found)

  assert (written['verdict'], written['version']) == ('error', 1)
  assert from_json(json.dumps(written).encode(), 'f') == found
  with pytest.raises(UserError, match='f: is no findings.json'):
    from_json(b'[]', 'f')


def test_statistics_of_others_are_read_from_a_folder_or_a_file(tmp_path: pathlib.Path) -> None:
  statistics = DatasetFeatureStatisticsList(datasets=[GOOD.dataset]).SerializeToString()
  (tmp_path / 'Split-train').mkdir()
  (tmp_path / 'Split-train' / 'FeatureStats.pb').write_bytes(statistics)
  (tmp_path / 'serving.pb').write_bytes(statistics)

  folder = read_reference('f', str(tmp_path), ['train', 'eval'], 'baseline')
  file = read_reference('f', str(tmp_path / 'serving.pb'), ['train', 'eval'], 'serving_statistics')

  assert list(folder.splits) == ['train']
  assert list(file.splits) == ['train', 'eval']
  with pytest.raises(UserError, match=r'--baseline .*/none: has no statistics: there is no Split-train'):
    read_reference('f', str(tmp_path / 'none'), ['train'], 'baseline')


def test_the_page_lists_all_kinds_with_their_severities() -> None:
  rows = dict(re.findall(r'^\| `(\w+)` \| .*? \| (warning|error)[^|]*\|$', PAGE.read_text(), re.MULTILINE))

  assert rows == {kind.name: kind.severity for kind in KINDS.values()}
