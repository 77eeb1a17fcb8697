"""The statistics and schema of a run are TFDV's, feature by feature, and the same in every run."""

import pathlib
from collections.abc import Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from compare_statistics import differences
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beam_taxi.analysis.schema import infer_schema
from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.examples.output_form import OutputForm
from beam_taxi.graph.input_steps import ReadCsv
from beam_taxi.graph.output_steps import EncodeExamples
from beam_taxi.graph.shard_batches import ShardBatches
from beam_taxi.graph.statistics_steps import GenerateStatistics, InferSchema, WriteStatistics

DATA = pathlib.Path(__file__).parents[2] / 'data'
FILES = sorted(path for folder in ('csv-spectrum', 'taxi', 'tfx_testdata') for path in (DATA / folder).rglob('*.csv'))
IDS = [str(path.relative_to(DATA)) for path in FILES]


def both(blocks: beam.PCollection, form: OutputForm, folder: pathlib.Path) -> None:
  """Writes the statistics of the rows by accumulators, to a folder 'shard', and by TFDV, to 'tfdv'."""
  encoded = blocks | EncodeExamples(form)
  for by in ('shard', 'tfdv'):
    made = encoded | by >> GenerateStatistics(form, by)
    _ = made | f'Write {by}' >> WriteStatistics(RunFolder(str(folder / by)))


def differences_in(folder: pathlib.Path, form: OutputForm) -> list[str]:
  ours, theirs = ({split.name: read(folder / by, split.name) for split in form.splits} for by in ('shard', 'tfdv'))
  return [line for split in ours for line in differences(ours[split], theirs[split])]


def assert_the_schema_is_tfdvs(folder: pathlib.Path, form: OutputForm) -> None:
  """Of the splits' statistics by TFDV, in either order."""
  found = [read(folder / 'tfdv', split.name) for split in form.splits]
  for first, *others in (found, found[::-1]):
    if first.datasets[0].num_examples:
      expected = tfdv.infer_schema(first, infer_feature_shape=True)
      for other in others:
        expected = tfdv.update_schema(expected, other) if other.datasets[0].num_examples else expected
      assert infer_schema([first, *others]) == expected


def read(folder: pathlib.Path, split: str) -> DatasetFeatureStatisticsList:
  return DatasetFeatureStatisticsList.FromString(
    pathlib.Path(RunFolder(str(folder)).statistics_file(split)).read_bytes()
  )


@pytest.mark.parametrize('path', FILES, ids=IDS)
def test_statistics_and_schema_of_a_file_are_those_of_tfdv(tmp_path: pathlib.Path, path: pathlib.Path) -> None:
  form = OutputForm(output_format='parquet', empty_cells='missing' if 'quotes' in path.name else 'empty')
  with beam.Pipeline(runner=FnApiRunner()) as pipeline:
    both((pipeline | ReadCsv(str(path), num_shards=3, block_size=200_000)).blocks, form, tmp_path)

  assert differences_in(tmp_path, form) == []
  assert_the_schema_is_tfdvs(tmp_path, form)


def difficult(rows: int, seed: int) -> pa.RecordBatch:
  """Numbers that are not finite, large or all the same; strings that are empty, no UTF-8, or as frequent as others."""
  chance = np.random.default_rng(seed)
  odd = chance.normal(size=rows).astype(np.float32)
  odd[:6] = [np.nan, np.inf, np.inf, -np.inf, -0.0, 3e38]
  empty = chance.random(rows) < 0.2
  return pa.RecordBatch.from_pydict(
    {
      'z': pa.array(odd),
      'nan': pa.array(np.full(rows, np.nan, np.float32)),
      'infinite': pa.array(np.full(rows, np.inf, np.float32)),
      'large': pa.array(chance.integers(-(1 << 62), 1 << 62, rows), mask=empty),
      'constant': pa.array(np.full(rows, 7)),
      'bytes': pa.array([bytes([n, 200]) for n in chance.integers(0, 256, rows)], mask=empty),
      'ties': pa.array([b'%d' % (n % 1500) for n in range(rows)]),
      'blank': pa.array([b''] * rows, pa.binary()),
      'no_int': pa.nulls(rows, pa.int64()),
      'no_text': pa.nulls(rows, pa.binary()),
      'a': pa.nulls(rows),
    }
  )


@pytest.mark.parametrize('empty_cells', ['empty', 'missing'])
def test_statistics_and_schema_of_difficult_columns_are_those_of_tfdv(tmp_path: pathlib.Path, empty_cells: str) -> None:
  form = OutputForm(output_format='parquet', empty_cells=empty_cells)
  batches = [(seed, difficult(3000, seed)) for seed in range(4)]
  with beam.Pipeline(runner=FnApiRunner()) as pipeline:
    blocks = pipeline | beam.Create(batches) | ShardBatches(batches[0][1].schema, num_shards=2)
    both(blocks, form, tmp_path)

  assert differences_in(tmp_path, form) == []
  assert_the_schema_is_tfdvs(tmp_path, form)


def made(folder: pathlib.Path, path: pathlib.Path, options: Sequence[str]) -> dict[str, bytes]:
  """The statistics of a file and the schema that is inferred from them, by the names of their files."""
  form = OutputForm(output_format='parquet')
  with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([*options])) as pipeline:
    blocks = (pipeline | ReadCsv(str(path), num_shards=40, block_size=20_000)).blocks
    statistics = blocks | EncodeExamples(form) | GenerateStatistics(form)
    _ = statistics | WriteStatistics(RunFolder(str(folder)))
    _ = statistics | InferSchema(RunFolder(str(folder)), form.splits)
  return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob('*') if file.is_file()}


def test_statistics_and_schema_are_the_same_bytes_however_many_work(
  tmp_path: pathlib.Path, taxi_csv: pathlib.Path
) -> None:
  alone = made(tmp_path / 'alone', taxi_csv, [])
  many = made(tmp_path / 'many', taxi_csv, ['--direct_num_workers=4', '--direct_running_mode=multi_threading'])

  assert len(alone) == 3
  assert many == alone


def test_features_are_in_the_columns_order(tmp_path: pathlib.Path, taxi_csv: pathlib.Path) -> None:
  made(tmp_path, taxi_csv, [])
  columns = taxi_csv.read_text().partition('\n')[0].split(',')

  for split in ('train', 'eval'):
    [dataset] = read(tmp_path, split).datasets
    assert [feature.path.step[0] for feature in dataset.features] == columns
