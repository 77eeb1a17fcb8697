"""Statistics files, and that nulls count as the two kinds of empty cell say."""

import hashlib
import pathlib

import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beam_taxi.analysis.statistics import write_statistics
from beam_taxi.examples.list_columns import to_list_columns


def statistics() -> DatasetFeatureStatisticsList:
  found = DatasetFeatureStatisticsList()
  found.datasets.add(num_examples=3).features.add().path.step.append('fare')
  return found


def test_statistics_are_read_as_they_were_written(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'Split-train' / 'FeatureStats.pb'

  write_statistics(statistics(), str(path), 'train')

  assert DatasetFeatureStatisticsList.FromString(path.read_bytes()) == statistics()


def test_tfdv_reads_written_statistics(tmp_path: pathlib.Path) -> None:
  path = str(tmp_path / 'FeatureStats.pb')

  write_statistics(statistics(), path, 'train')

  assert tfdv.load_stats_binary(path) == statistics()


def test_what_is_said_of_the_file_is_true(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'FeatureStats.pb'

  written = write_statistics(statistics(), str(path), 'eval')

  assert (written.path, written.split) == (str(path), 'eval')
  assert written.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(('empty_cells', 'missing'), [('empty', 0), ('missing', 1)])
def test_tfdv_counts_an_empty_cell_as_present_or_as_missing(empty_cells: str, missing: int) -> None:
  batch = to_list_columns(pa.RecordBatch.from_pydict({'a': pa.array([1, None, 3], pa.int64())}), empty_cells)
  found = stats_impl.generate_statistics_in_memory(batch, tfdv.StatsOptions())

  common = found.datasets[0].features[0].num_stats.common_stats
  assert (common.num_missing, common.num_non_missing, common.tot_num_values) == (missing, 3 - missing, 2)
