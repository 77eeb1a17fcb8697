"""What is read of statistics."""

import math
import pathlib

import ml_metadata as mlmd
import pytest
import site_stores as stores
from site_stores import Feature, statistics_of

from beam_taxi.show.site.store_contents import read_records
from beam_taxi.show.site.trends import read_statistics, rows_of, splits_of, summary_of


def test_a_feature_has_a_missing_share_and_a_mean_or_distinct_strings() -> None:
  found = summary_of(statistics_of(20, [Feature('fare', 15, 12.5), Feature('company', 20, common='Blue')]).datasets[0])

  assert found.rows == 20
  fare, company = found.features['fare'], found.features['company']
  assert (fare.kind, fare.missing, fare.mean, fare.distinct) == ('FLOAT', 0.25, 12.5, None)
  assert (company.kind, company.missing, company.mean, company.distinct) == ('STRING', 0, None, 2)
  assert company.common == 'Blue'


@pytest.mark.parametrize('mean', [math.nan, math.inf])
def test_a_mean_that_is_no_number_is_none(mean: float) -> None:
  found = summary_of(statistics_of(20, [Feature('fare', 15, mean)]).datasets[0])

  assert found.features['fare'].mean is None


def test_a_feature_without_values_has_no_mean() -> None:
  found = summary_of(statistics_of(20, [Feature('fare', 0)]).datasets[0])

  assert (found.features['fare'].missing, found.features['fare'].mean) == (1, None)


def test_a_split_without_rows_has_no_shares() -> None:
  assert summary_of(statistics_of(0, [Feature('fare', 0)]).datasets[0]).features['fare'].missing is None


def test_of_lists_those_rows_are_missing_that_have_none() -> None:
  statistics = statistics_of(20, [Feature('tags', 60, 1.0)])
  common = statistics.datasets[0].features[0].num_stats.common_stats
  common.max_num_values, common.num_missing = 5, 4

  assert summary_of(statistics.datasets[0]).features['tags'].missing == 0.2


def test_statistics_of_tfx_are_read(site_store: mlmd.MetadataStore, tmp_path: pathlib.Path) -> None:
  stores.tfx_run(site_store, tmp_path, 'one')
  records = read_records(site_store, 'x')

  [found] = read_statistics(records, 10).values()

  assert rows_of(found) == 30
  assert splits_of([found]) == ['train', 'eval']
  assert found['eval'].features['fare'].mean == 11.0


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

  assert read_statistics(read_records(site_store, 'x'), 10) == {}


def test_only_the_newest_runs_of_each_pipeline_are_looked_at(
  site_store: mlmd.MetadataStore, tmp_path: pathlib.Path
) -> None:
  for number in range(3):
    run = stores.run_of(tmp_path, f'run-{number}')
    stores.complete(site_store, run, number=number)
    stores.write_statistics(run.folder.statistics, {'train': statistics_of(20, [])})
  stores.tfx_run(site_store, tmp_path, 'other')

  found = read_statistics(read_records(site_store, 'x'), 2)

  assert {name for _, name in found} == {'run-1', 'run-2', 'other'}


def test_a_run_that_took_what_another_made_has_its_statistics(
  site_store: mlmd.MetadataStore, tmp_path: pathlib.Path
) -> None:
  run = stores.run_of(tmp_path, 'good')
  stores.complete(site_store, run)
  stores.reuse(site_store, stores.run_of(tmp_path, 'again'), run, 1)
  stores.write_statistics(run.folder.statistics, {'train': statistics_of(20, [])})

  assert {name for _, name in read_statistics(read_records(site_store, 'x'), 10)} == {'good', 'again'}
