"""What the report says around its features."""

import json
import re

import pytest
from statistics_of import numbers, read, strings
from tensorflow_metadata.proto.v0 import statistics_pb2

from beam_taxi.analysis.feature_statistics import statistics_of
from beam_taxi.show.report.report_page import page_of
from beam_taxi.show.report.sources import Source
from beam_taxi.validation.findings import Finding


def source(name: str = 'one', splits: tuple[str, ...] = ('train', 'eval'), **values: object) -> Source:
  made = read(4, numbers('n', [1, 2, 3, 4], 4), strings('s', {'a': 4}, 4))
  return Source(name, dict.fromkeys(splits, made), **values)


def data_of(page: str) -> dict:
  [text] = re.findall(r'id="report-data">(.*?)</script>', page, re.DOTALL)
  return json.loads(text)


@pytest.mark.parametrize(
  ('properties', 'link'),
  [
    ({'job_link': 'https://console.cloud.google.com/x?a=1&b=2', 'job_id': 'j1'}, 'https://console.cloud.google.com/x?a=1&amp;b=2'),
    ({'job_name': 'j', 'project': 'p&q'}, 'https://console.cloud.google.com/dataflow/jobs?project=p%26q'),
    ({'job_link': 'javascript:alert(1)'}, None),
    ({}, None),
  ],
  ids=['id', 'name', 'script', 'none'],
)  # fmt: skip
def test_a_job_is_linked_where_it_is_known(properties: dict, link: str | None) -> None:
  found = re.findall(r'<a href="(.*?)" rel="noreferrer">', page_of([source(properties=properties)]))

  assert found == ([link] if link else [])


def test_splits_of_one_run_are_laid_over_each_other_and_all_pairs_measured() -> None:
  data = data_of(page_of([source(splits=('train', 'eval', 'test'))]))

  assert [each['name'] for each in data['datasets']] == ['train', 'eval', 'test']
  assert data['pairs'] == ['train and eval', 'train and test', 'eval and test']
  assert data['sort'] == 'order'


@pytest.mark.parametrize(
  ('second', 'datasets', 'pairs'),
  [
    (('train', 'eval'), ['one · train', 'two · train', 'one · eval', 'two · eval'], 2),
    (('eval', 'test'), ['one · eval', 'two · eval', 'one · train', 'two · test'], 1),
    (('all',), ['one · train', 'two · all', 'one · eval'], 1),
  ],
  ids=['the_same', 'some', 'none'],
)
def test_two_are_compared_split_by_split(second: tuple[str, ...], datasets: list[str], pairs: int) -> None:
  data = data_of(page_of([source(), source('two', second)]))

  assert [each['name'] for each in data['datasets']] == datasets
  assert len(data['pairs']) == pairs
  assert data['sort'] == 'linf'


def test_two_of_one_name_are_told_apart() -> None:
  names = [each['name'] for each in data_of(page_of([source(), source()]))['datasets']]

  assert names == ['A · train', 'B · train', 'A · eval', 'B · eval']


def test_a_run_without_statistics_has_no_scripts_of_charts() -> None:
  page = page_of([Source('one', {}, state='FAILED', properties={'error': '<b>wrong</b>'})])

  assert '&lt;b&gt;wrong&lt;/b&gt;' in page
  assert len(page) < 100_000


def test_the_license_of_what_draws_the_charts_goes_with_them() -> None:
  assert 'University of Washington Interactive Data Lab' in page_of([source()])


def test_what_older_statistics_moved_is_shown_by_the_names_that_they_have() -> None:
  made = [statistics_pb2.DatasetFeatureStatistics(num_examples=4) for _ in range(2)]
  for dataset, values in zip(made, ([1, 2, 3, 4], [11, 12, 13, 14]), strict=True):
    dataset.features.add().CopyFrom(numbers('x', values, 4))
    dataset.features[0].name = 'fare'
  page = page_of([Source(name, {'train': statistics_of(each)}) for name, each in zip(('a', 'b'), made, strict=True)])

  assert '<td><bdi>fare</bdi></td><td><bdi>train</bdi></td><td>mean</td>' in page
  assert data_of(page)['features'][0]['name'] == 'fare'


def test_lists_of_several_values_are_not_missing() -> None:
  sides = []
  for name, values in (('a', [1, 2, 3, 4, 5]), ('b', [1, 2, 3, 4, 5, 6])):
    feature = numbers('tags', values, 2)
    feature.num_stats.common_stats.max_num_values = 3
    sides.append(Source(name, {'train': read(2, feature)}))
  page = page_of(sides)

  assert [data['missing'] for data in data_of(page)['features'][0]['data']] == [0, 0]
  assert '<td>missing</td>' not in page


def test_the_scripts_are_told_which_figures_to_show() -> None:
  data = data_of(page_of([source()]))

  assert data['columns']['number'][0] == 'missing'
  assert data['figures']['zeros'] == {'name': 'Zeros', 'title': 'Share of values that are 0', 'unit': 'share'}
  assert {*data['facts'], *data['marked'], *data['columns']['string']} <= data['figures'].keys()


FINDINGS = (
  Finding('drift', 'train', 'n', 'error', 'median 3, distance 0.4', 'median 2', 0.4, 0.1, 'run a'),
  Finding('drift', 'eval', 'n', 'error', 'median 3, distance 0.3', 'median 2', 0.3, 0.1, 'run a'),
  Finding('rule', 'train', '<b>', 'warning', 'mean is 1', '<b>.mean > 2', why='the "tariff"'),
)


def test_what_is_wrong_comes_first_with_each_thing_once() -> None:
  page = page_of([source(findings=FINDINGS)])

  assert page.index('What is wrong</a>') < page.index('Overview</a>')
  rows = re.findall(r'<tr><td><span class="badge verdict-(\w+)">\w+</span></td>(.*?)</tr>', page)
  assert [severity for severity, _ in rows] == ['error', 'warning']
  assert 'data-feature="n"' in rows[0][1]
  assert '<td>train, eval; against run a</td>' in rows[0][1]
  assert '&lt;b&gt;.mean &gt; 2' in rows[1][1]
  assert '<b>' not in rows[1][1].replace('<bdi>', '')


def test_where_nothing_is_wrong_the_page_says_so_and_where_nobody_looked_nothing() -> None:
  assert 'Nothing is wrong <span class="badge verdict-ok">ok</span>' in page_of([source(findings=())])
  assert 'is wrong' not in page_of([source()])


def test_very_many_findings_are_cut_off() -> None:
  many = [Finding('drift', 'train', f'x{number}', 'error', 'far') for number in range(1000)]

  page = page_of([source(findings=tuple(many))])

  assert page.count('verdict-error">error</span></td>') == 200
  assert '800 more are in <code>findings/findings.json</code>' in page
