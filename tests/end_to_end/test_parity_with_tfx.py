"""Examples and splits of difficult CSV, held against the parts of tfx_bsl that TFX's CsvExampleGen is made of.

tfx_bsl's ParseCSVLine and ColumnTypeInferrer read the rows and find the types here, as they do in TFX; what TFX's own
few lines add is written out: int() and float() of a cell, an empty list for an empty one, SHA-256 for the split.
"""

import bisect
import collections
import hashlib
import itertools
import pathlib
import random
from typing import Any

import apache_beam as beam
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from tfx_bsl.coders import csv_decoder
from tfx_bsl.tfxio.parquet_tfxio import ParquetTFXIO

from beam_taxi.artifacts.manifest import RunFolder, read_manifest
from beam_taxi.examples.splits import Split
from beam_taxi.graph.pipeline import build_graph
from beam_taxi.inputs.input_splits import InputSplit
from beam_taxi.settings.config import RunConfig

Records = dict[str, list[bytes]]

FIELDS = {
  csv_decoder.ColumnType.INT: ('int64_list', int),
  csv_decoder.ColumnType.FLOAT: ('float_list', float),
  csv_decoder.ColumnType.STRING: ('bytes_list', bytes),
}

# What a column's cells are drawn from; every column has empty cells as well.
CELLS = {
  'small_int': [str(number) for number in range(-20, 20)],
  'any_int': ['0', '-0', '+7', '007', ' 8', '9 ', str(2**63 - 1), str(-(2**63)), '127', '128', '-1', '1_000'],
  'too_large_int': ['1', str(2**63), '-5'],
  'int_and_float': ['1', '2.5', '300'],
  'float': ['0.1', '-0.0', '.5', '5.', '1e-50', '3.4028236e38', '16777217', '1E5', '0.30000001192092896', ' 2.5'],
  'float_words': ['nan', 'inf', '-Infinity', 'NaN', '1.5'],
  'exact_to_single': [f'{1 + 2**-24!r}', f'{1 + 2**-24 + 2**-52!r}', f'{1 + 3 * 2**-24!r}', '1.00000005960464477540'],
  'text': ['a', 'NA', 'null', 'true', 'é日本', 'x' * 127, 'y' * 128, "it's", '5" by 7"', ' lead', 'trail '],
  'quoted': ['"a,b"', '"say ""so"""', '"two\nlines"', '"\n"', '""', '"x"', '"12"'],
  'long': ['z' * 16_370, 'w' * 20_000, 'v'],
  'date': ['2013-01-01', '12:30', '1/2'],
  'nothing': [''],
  'company': ['Taxi', '"Flash, Cab"', 'Blue', '"Cab ""4"""'],
  'comp': ['1', '2', '3'],
}


PARTITION_FEATURES = ['company', 'any_int', 'small_int', 'quoted', 'long']


def write_csv(path: pathlib.Path, rows: int, seed: int, cells: dict[str, list[str]] = CELLS) -> pathlib.Path:
  chosen = random.Random(seed)
  lines = [','.join(cells)]
  for row in range(rows):
    lines.append(','.join('' if chosen.random() < 0.2 else chosen.choice(values) for values in cells.values()))
    if row % 50 == 7:
      lines.append('')
  path.write_text('\n'.join(lines) + '\n')
  return path


def by_tfx(paths: list[pathlib.Path]) -> list[tf.train.Example]:
  """The Examples of one input split."""
  names = paths[0].read_text().split('\n', 1)[0].split(',')
  rows = [row for path in paths for row in rows_of(path)]
  inferrer = csv_decoder.ColumnTypeInferrer([name.encode() for name in names], skip_blank_lines=True)
  types = inferrer.create_accumulator()
  for row in rows:
    types = inferrer.add_input(types, row)
  columns = inferrer.extract_output(types)
  return [
    example_of(row, [(name, FIELDS.get(column.type)) for name, column in zip(names, columns, strict=True)])
    for row in rows
    if row
  ]


def rows_of(path: pathlib.Path) -> list[list[bytes]]:
  """The file's records, joined from lines until their quotes are even."""
  parser = csv_decoder.ParseCSVLine(delimiter=',')
  parser.setup()
  rows, record = [], ''
  with path.open(newline='') as file:
    next(file)
    for line in file:
      record += line
      if record.count('"') % 2 == 0:
        rows += [cells for cells, _ in parser.process(record)]
        record = ''
  assert not record
  return rows


def example_of(row: list[bytes], columns: list[tuple[str, Any]]) -> tf.train.Example:
  example = tf.train.Example()
  for cell, (name, column) in zip(row, columns, strict=True):
    feature = example.features.feature[name]
    if column:
      field, convert = column
      getattr(feature, field).SetInParent()
      if cell:
        getattr(feature, field).value.append(convert(cell))
  return example


def split_of(key: bytes, splits: dict[str, int]) -> str:
  limits = list(itertools.accumulate(splits.values()))
  return list(splits)[bisect.bisect(limits, int(hashlib.sha256(key).hexdigest(), 16) % limits[-1])]


def by_us(config: RunConfig) -> Records:
  options = PipelineOptions(direct_num_workers=1)
  with TestPipeline(runner=FnApiRunner(), options=options) as root:
    build_graph(root, config)
  manifest = read_manifest(RunFolder.of(config.output, config.run_id))
  assert manifest
  return {
    split: [
      record.numpy()
      for record in tf.data.TFRecordDataset(
        [file.path for file in manifest.examples if file.split == split], compression_type='GZIP'
      )
    ]
    for split in manifest.splits
  }


def check(found: Records, expected: Records) -> None:
  """Record for record; TFX keeps no order."""
  assert {split: len(records) for split, records in found.items()} == {
    split: len(records) for split, records in expected.items()
  }
  for split, records in found.items():
    assert collections.Counter(records) == collections.Counter(expected[split])


@pytest.fixture(scope='module')
def files(tmp_path_factory: pytest.TempPathFactory) -> list[pathlib.Path]:
  folder = tmp_path_factory.mktemp('difficult')
  return [write_csv(folder / f'{name}.csv', 300, seed) for seed, name in enumerate('ab')]


@pytest.fixture(scope='module')
def narrow_files(tmp_path_factory: pytest.TempPathFactory) -> list[pathlib.Path]:
  """The columns that rows are split by: what takes a run's time is the statistics of each."""
  cells = {name: CELLS[name] for name in PARTITION_FEATURES}
  folder = tmp_path_factory.mktemp('narrow')
  return [write_csv(folder / f'{name}.csv', 300, seed, cells) for seed, name in enumerate('ab')]


def test_every_record_is_tfxs_and_in_the_split_where_tfx_puts_it(
  tmp_path: pathlib.Path, files: list[pathlib.Path]
) -> None:
  check_splits(tmp_path, files, {'train': 2, 'eval': 1})


@pytest.mark.parametrize('splits', [{'train': 8, 'eval': 1, 'test': 1}, {'all': 1}], ids=['custom', 'one'])
def test_chosen_splits_have_the_records_that_tfx_puts_there(
  tmp_path: pathlib.Path, narrow_files: list[pathlib.Path], splits: dict[str, int]
) -> None:
  check_splits(tmp_path, narrow_files, splits)


def check_splits(tmp_path: pathlib.Path, files: list[pathlib.Path], splits: dict[str, int]) -> None:
  expected: Records = {split: [] for split in splits}
  for example in by_tfx(files):
    record = example.SerializeToString(deterministic=True)
    expected[split_of(record, splits)].append(record)

  config = RunConfig(
    tuple(map(str, files)),
    str(tmp_path),
    'run',
    splits=tuple(Split(name, buckets) for name, buckets in splits.items()),
    block_size=50_000,
  )
  check(by_us(config), expected)


@pytest.mark.parametrize('feature', PARTITION_FEATURES)
def test_every_record_is_in_the_split_where_tfx_puts_it_by_a_partition_feature(
  tmp_path: pathlib.Path, narrow_files: list[pathlib.Path], feature: str
) -> None:
  splits = {'train': 2, 'eval': 1}
  expected: Records = {split: [] for split in splits}
  for example in by_tfx(narrow_files):
    key = example.features.feature[feature].SerializeToString(deterministic=True)
    expected[split_of(key, splits)].append(example.SerializeToString(deterministic=True))

  config = RunConfig(tuple(map(str, narrow_files)), str(tmp_path), 'run', partition_feature=feature, block_size=50_000)
  check(by_us(config), expected)


def test_every_input_split_has_the_records_that_tfx_makes_of_it_alone(
  tmp_path: pathlib.Path, files: list[pathlib.Path]
) -> None:
  # In it a column of INT is FLOAT, another STRING, one has no value, and the order is another.
  other = {'comp': ['0.5'], 'small_int': ['x'], 'any_int': [''], 'float': ['1', '2']}
  eval_file = write_csv(tmp_path / 'eval.csv', 100, 3, other)

  config = RunConfig(
    input_splits=(InputSplit('train', tuple(map(str, files))), InputSplit('eval', (str(eval_file),))),
    output=str(tmp_path / 'out'),
    run_id='run',
    block_size=50_000,
  )
  expected = {
    split: [example.SerializeToString(deterministic=True) for example in by_tfx(paths)]
    for split, paths in (('train', files), ('eval', [eval_file]))
  }
  check(by_us(config), expected)


def test_parquet_is_read_by_the_reader_that_tfx_takes_for_it(tmp_path: pathlib.Path, files: list[pathlib.Path]) -> None:
  config = RunConfig(tuple(map(str, files)), str(tmp_path), 'run', output_format='parquet')
  options = PipelineOptions(direct_num_workers=1)
  with TestPipeline(runner=FnApiRunner(), options=options) as root:
    build_graph(root, config)

  source = ParquetTFXIO(f'{config.output}/runs/run/examples/Split-*/*.parquet', telemetry_descriptors=['test'])
  with TestPipeline(runner=FnApiRunner(), options=options) as root:
    ints = root | source.BeamSource() | beam.FlatMap(lambda rows: rows.column(0).to_pylist())
    expected = [example.features.feature['small_int'].int64_list.value for example in by_tfx(files)]
    assert_that(ints, equal_to([values[0] if values else None for values in expected]))
