"""What the report says around its features."""

import json
import re

import pytest
from statistics_of import dataset, numbers, strings

from beam_taxi.show.report.report_page import run_page
from beam_taxi.show.report.sources import Source


def source(name: str = 'one', splits: tuple[str, ...] = ('train', 'eval'), **values: object) -> Source:
  made = dataset(4, numbers('n', [1, 2, 3, 4], 4), strings('s', {'a': 4}, 4))
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
  found = re.findall(r'<a href="(.*?)" rel="noreferrer">', run_page([source(properties=properties)]))

  assert found == ([link] if link else [])


def test_splits_of_one_run_are_laid_over_each_other_and_all_pairs_measured() -> None:
  data = data_of(run_page([source(splits=('train', 'eval', 'test'))]))

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
  data = data_of(run_page([source(), source('two', second)]))

  assert [each['name'] for each in data['datasets']] == datasets
  assert len(data['pairs']) == pairs
  assert data['sort'] == 'linf'


def test_two_of_one_name_are_told_apart() -> None:
  names = [each['name'] for each in data_of(run_page([source(), source()]))['datasets']]

  assert names == ['A · train', 'B · train', 'A · eval', 'B · eval']


def test_a_run_without_statistics_has_no_scripts_of_charts() -> None:
  page = run_page([Source('one', {}, state='FAILED', properties={'error': '<b>wrong</b>'})])

  assert '&lt;b&gt;wrong&lt;/b&gt;' in page
  assert len(page) < 100_000


def test_the_license_of_what_draws_the_charts_goes_with_them() -> None:
  assert 'University of Washington Interactive Data Lab' in run_page([source()])
