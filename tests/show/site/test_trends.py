"""What is read of statistics."""

import math
import pathlib

import ml_metadata as mlmd
import pytest
import site_stores as stores
from site_stores import Feature, statistics_of

from beam_taxi.analysis.feature_statistics import of_all_rows
from beam_taxi.show.site.store_contents import read_records
from beam_taxi.show.site.trends import (
  SplitStatistics,
  headings,
  read_records_statistics,
  rows_of,
  splits_of,
  summary_of,
  trends_of,
)


def split_of(rows: int, *features: Feature) -> SplitStatistics:
  dataset = of_all_rows(statistics_of(rows, features))
  assert dataset
  return summary_of(dataset)


def test_a_feature_has_a_missing_share_and_a_mean_or_distinct_strings() -> None:
  found = split_of(20, Feature('fare', 15, 12.5), Feature('company', 20, common='Blue'))

  assert found.rows == 20
  fare, company = found.features['fare'], found.features['company']
  assert (fare.kind, company.kind) == ('FLOAT', 'STRING')
  assert {'missing': 0.25, 'mean': 12.5, 'min': 11.5, 'max': 13.5}.items() <= fare.figures.items()
  assert {'missing': 0, 'unique': 2, 'common': 'Blue'}.items() <= company.figures.items()
  assert not {'unique', 'common'} & fare.figures.keys()


@pytest.mark.parametrize('mean', [math.nan, math.inf])
def test_a_mean_that_is_no_number_is_none(mean: float) -> None:
  assert split_of(20, Feature('fare', 15, mean)).features['fare'].figures['mean'] is None


def test_a_feature_without_values_has_no_mean_and_no_different_strings() -> None:
  found = split_of(20, Feature('fare', 0), Feature('company', 0, common='Blue')).features

  assert (found['fare'].figures['missing'], found['fare'].figures['mean']) == (1, None)
  assert found['company'].figures['unique'] == 0


def test_a_split_without_rows_has_no_shares() -> None:
  assert split_of(0, Feature('fare', 0)).features['fare'].figures['missing'] is None


def test_features_have_their_trends_by_name_with_gaps_where_a_run_has_none() -> None:
  runs = [
    {'train': split_of(20, Feature('fare', 15, 12.5))},
    {},
    {'train': split_of(20, Feature('fare', 20, 13.0), Feature('Company', 20, common='Blue'))},
  ]

  company, fare = trends_of(runs, 'train')

  assert (company.name, fare.name) == ('Company', 'fare')
  assert [(trend.figure.key, trend.values) for trend in fare.trends[:2] if trend] == [
    ('missing', [0.25, None, 0]),
    ('mean', [12.5, None, 13.0]),
  ]
  assert [(trend.title, trend.noun, trend.values[-1]) for trend in company.trends[:2] if trend] == [
    ('Missing share', '', 0),
    ('Distinct', ' distinct', 2),
  ]
  assert headings()[:2] == ['Missing', 'Mean or distinct']


def test_statistics_of_tfx_are_read(site_store: mlmd.MetadataStore, tmp_path: pathlib.Path) -> None:
  stores.tfx_run(site_store, tmp_path, 'one')
  records = read_records(site_store, 'x')

  [found] = read_records_statistics(records, 10).values()

  assert rows_of(found) == 30
  assert splits_of([found]) == ['train', 'eval']
  assert found['eval'].features['fare'].figures['mean'] == 11.0


@pytest.mark.parametrize('damage', ['gone', 'other bytes'])
def test_statistics_that_cannot_be_read_are_left_out(
  site_store: mlmd.MetadataStore, tmp_path: pathlib.Path, damage: str
) -> None:
  stores.tfx_run(site_store, tmp_path, 'one')
  for path in tmp_path.glob('one/statistics/*/FeatureStats.pb'):
    if damage == 'gone':
      path.unlink()
    else:
      path.write_bytes(b'\xff\xfe')

  assert read_records_statistics(read_records(site_store, 'x'), 10) == {}


def test_only_the_newest_runs_of_each_pipeline_are_looked_at(
  site_store: mlmd.MetadataStore, tmp_path: pathlib.Path
) -> None:
  for number in range(3):
    run = stores.run_of(tmp_path, f'run-{number}')
    stores.complete(site_store, run, number=number)
    stores.write_statistics(run.folder.statistics, {'train': statistics_of(20, [])})
  stores.tfx_run(site_store, tmp_path, 'other')

  found = read_records_statistics(read_records(site_store, 'x'), 2)

  assert {name for _, name in found} == {'run-1', 'run-2', 'other'}


def test_a_run_that_took_what_another_made_has_its_statistics(
  site_store: mlmd.MetadataStore, tmp_path: pathlib.Path
) -> None:
  run = stores.run_of(tmp_path, 'good')
  stores.complete(site_store, run)
  stores.reuse(site_store, stores.run_of(tmp_path, 'again'), run, 1)
  stores.write_statistics(run.folder.statistics, {'train': statistics_of(20, [])})

  assert {name for _, name in read_records_statistics(read_records(site_store, 'x'), 10)} == {'good', 'again'}
