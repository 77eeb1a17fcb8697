"""The graph, run whole by Beam's in-process runner."""

import contextlib
import functools
import gzip
import hashlib
import pathlib
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
import google_crc32c
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that

from beam_taxi.artifacts.manifest import Manifest, RunFolder, WrittenFile, read_manifest
from beam_taxi.errors import UserError, user_error_in
from beam_taxi.examples.blocks import SplitBlock, encode_block
from beam_taxi.examples.output_form import OutputForm
from beam_taxi.examples.splits import Split
from beam_taxi.graph.output_steps import EncodedBlock, SourceSummary, WriteExamples, _sum_up
from beam_taxi.graph.pipeline import build_graph
from beam_taxi.graph.statistics_steps import GenerateStatistics
from beam_taxi.inputs import ranges
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.input_splits import InputSplit
from beam_taxi.inputs.shard_sizes import Shard
from beam_taxi.settings.config import RunConfig
from beam_taxi.storage import AtomicFile


@pytest.fixture
def tiny_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
  """Lets a small file be cut into many ranges and shards."""
  monkeypatch.setattr(ranges, 'SMALLEST_RANGE', 1)
  monkeypatch.setattr(ranges, 'SMALLEST_SHARD', 100)


def run_graph(config: RunConfig, beam_args: Sequence[str] = (), runner: FnApiRunner | None = None) -> Manifest:
  """Runs the graph; the manifest that it wrote."""
  with TestPipeline(runner=runner or FnApiRunner(), options=PipelineOptions([*beam_args])) as root:
    build_graph(root, config)
  manifest = read_manifest(RunFolder.of(config.output, config.run_id))
  assert manifest
  return manifest


def write_rows(path: pathlib.Path, rows: int) -> pathlib.Path:
  """A CSV with an int, a float, a string with a quoted newline in every third row, and an empty column."""
  texts = (f'"line {n}\nand ""more"", {n}"' if n % 3 == 0 else f'text{n}' for n in range(rows))
  lines = [f'{n},{n / 4},{text},\n' for n, text in enumerate(texts)]
  path.write_text('number,quarter,text,nothing\n' + ''.join(lines))
  return path


def examples_of(manifest: Manifest, split: str) -> list[tf.train.Example]:
  """A split's Examples, in the order of its shards and of the records in them."""
  return examples_in([file.path for file in manifest.examples if file.split == split])


def examples_in(files: Sequence[str]) -> list[tf.train.Example]:
  records = tf.data.TFRecordDataset(files, compression_type='GZIP')
  return [tf.train.Example.FromString(record.numpy()) for record in records]


def features_of(example: tf.train.Example) -> dict[str, list]:
  """The values of each feature that is there."""
  features = example.features.feature
  return {
    name: list(getattr(feature, kind).value) if (kind := feature.WhichOneof('kind')) else []
    for name, feature in features.items()
  }


def test_the_manifest_is_the_graphs_output_and_names_what_was_written(tmp_path):
  source = write_rows(tmp_path / 'rows.csv', 100)
  config = RunConfig(input=(str(source),), output=str(tmp_path / 'out'), run_id='run')

  def check(manifests):
    [manifest] = manifests
    assert manifest.input.rows == 100
    assert sum(manifest.splits.values()) == 100
    assert manifest.columns == {'number': 'INT', 'quarter': 'FLOAT', 'text': 'STRING', 'nothing': 'UNKNOWN'}

  with TestPipeline(runner=FnApiRunner()) as root:
    assert_that(build_graph(root, config), check)
  manifest = read_manifest(RunFolder.of(config.output, 'run'))
  for file in [*manifest.examples, *manifest.statistics, manifest.schema]:
    assert hashlib.sha256(pathlib.Path(file.path).read_bytes()).hexdigest() == file.sha256
  for shard in manifest.examples:
    assert f'{google_crc32c.value(records_in(pathlib.Path(shard.path))):08x}' == shard.records_crc32c


def test_every_row_is_in_one_split_and_in_the_files_order(tmp_path, tiny_ranges):
  source = write_rows(tmp_path / 'rows.csv', 500)
  config = RunConfig(input=(str(source),), output=str(tmp_path / 'out'), run_id='run', block_size=64, shard_size=2000)
  manifest = run_graph(config)
  assert len(manifest.examples) > 2 * 5
  numbers = []
  for split in ('train', 'eval'):
    of_split = [example.features.feature['number'].int64_list.value[0] for example in examples_of(manifest, split)]
    assert of_split == sorted(of_split)
    assert len(of_split) == manifest.splits[split]
    numbers += of_split
  assert sorted(numbers) == list(range(500))


class LosesAttempts(FnApiRunner):
  """Does each bundle some times more before the time that counts, as a service does whose workers fail or get lost."""

  def __init__(self, attempts: int = 1) -> None:
    super().__init__(bundle_repeat=1)
    self._attempts = attempts

  def _run_bundle_multiple_times_for_testing(self, *args: Any) -> None:
    for _ in range(self._attempts):
      with contextlib.suppress(OSError, RuntimeError):
        super()._run_bundle_multiple_times_for_testing(*args)


def workers(count: int, mode: str) -> list[str]:
  return [f'--direct_num_workers={count}', f'--direct_running_mode={mode}']


HOW_IT_IS_RUN = {
  'two_threads': (workers(2, 'multi_threading'), FnApiRunner),
  'four_threads': (workers(4, 'multi_threading'), FnApiRunner),
  'two_processes': (workers(2, 'multi_processing'), FnApiRunner),
  'each_bundle_twice': (workers(2, 'multi_threading'), LosesAttempts),
}


@pytest.fixture(scope='module')
def three_files(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  folder = tmp_path_factory.mktemp('three')
  for part in range(3):
    write_rows(folder / f'{part}.csv', 2000)
  return folder


def shards_of(folder: pathlib.Path, output: pathlib.Path, beam_args: Sequence[str] = (), **run: Any) -> list[tuple]:
  """Of every shard of a run over a folder, in small blocks: name, split, number of records, and SHA-256.

  SHA-256 of the records and, behind it, of the file: where only that one differs, it is the compressor's doing.
  """
  runner = run.pop('runner', FnApiRunner)
  config = RunConfig((str(folder / '*.csv'),), str(output), 'run', block_size=5000, **{'shard_size': 40_000, **run})
  manifest = run_graph(config, [*beam_args], runner())
  files = [pathlib.Path(file.path) for file in manifest.examples]
  assert [file.sha256 for file in manifest.examples] == [sha256(path.read_bytes()) for path in files]
  return [
    (path.name, file.split, file.records, sha256(records_in(path)), file.sha256)
    for path, file in zip(files, manifest.examples, strict=True)
  ]


def sha256(data: bytes) -> str:
  return hashlib.sha256(data).hexdigest()


def records_in(path: pathlib.Path) -> bytes:
  """A shard's bytes without their compression, where that is not the format's own."""
  data = path.read_bytes()
  return gzip.decompress(data) if path.suffix == '.gz' else data


@pytest.fixture(scope='module')
def expected_shards(three_files: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple]:
  """Those of a run on one thread."""
  shards = shards_of(three_files, tmp_path_factory.mktemp('expected'))
  assert len(shards) >= 6
  return shards


@pytest.mark.parametrize(('beam_args', 'runner'), HOW_IT_IS_RUN.values(), ids=HOW_IT_IS_RUN)
def test_shards_hold_identical_records_in_identical_files_however_the_graph_is_run(
  tmp_path, three_files, expected_shards, beam_args, runner
):
  assert shards_of(three_files, tmp_path, beam_args, runner=runner) == expected_shards


@pytest.mark.parametrize('at', ['write', 'commit'])
def test_shards_hold_identical_records_in_identical_files_where_writing_each_of_them_fails_at_first(
  tmp_path, three_files, expected_shards, monkeypatch, at
):
  failed = set()
  real = getattr(AtomicFile, at)

  def fails_at_first(self: AtomicFile, *args: Any) -> None:
    if '/examples/' in self._path and self._path not in failed:
      failed.add(self._path)
      raise OSError('no space left on device')
    real(self, *args)

  monkeypatch.setattr(AtomicFile, at, fails_at_first)
  # An attempt ends at its first failure, so it takes one for each shard until none fails.
  runner = functools.partial(LosesAttempts, len(expected_shards))

  assert shards_of(three_files, tmp_path, runner=runner) == expected_shards
  assert len(failed) == len(expected_shards)
  assert not list(tmp_path.rglob('.*.tmp'))


def test_a_type_that_only_the_last_row_of_the_last_file_forces_holds_for_all_rows(tmp_path):
  (tmp_path / '1.csv').write_text('a\n' + '1\n' * 5000)
  (tmp_path / '2.csv').write_text('a\n' + '2\n' * 5000 + 'three\n')
  config = RunConfig(input=(str(tmp_path / '*.csv'),), output=str(tmp_path / 'out'), run_id='run')
  manifest = run_graph(config)
  assert manifest.columns == {'a': 'STRING'}
  examples = [*examples_of(manifest, 'train'), *examples_of(manifest, 'eval')]
  assert len(examples) == 10_001
  assert {example.features.feature['a'].bytes_list.value[0] for example in examples} == {b'1', b'2', b'three'}


def test_a_split_without_records_has_a_valid_empty_shard_and_statistics(tmp_path):
  source = tmp_path / 'one.csv'
  source.write_text('a\n1\n')
  splits = (Split('most', 1_000_000), Split('rest', 1))
  config = RunConfig(input=(str(source),), output=str(tmp_path / 'out'), run_id='run', splits=splits)
  manifest = run_graph(config)
  assert manifest.splits == {'most': 1, 'rest': 0}
  assert examples_of(manifest, 'rest') == []
  [shard] = [file for file in manifest.examples if file.split == 'rest']
  assert gzip.decompress(pathlib.Path(shard.path).read_bytes()) == b''
  assert {file.split for file in manifest.statistics} == {'most', 'rest'}


def test_input_splits_are_the_output_splits_each_with_types_of_its_own(tmp_path):
  (tmp_path / 'train.csv').write_text('a,b\n1,x\n2,y\n3,\n')
  (tmp_path / 'eval.csv').write_text('b,a\nz,0.5\n')
  inputs = (InputSplit('train', (str(tmp_path / 'train.csv'),)), InputSplit('eval', (str(tmp_path / 'eval.csv'),)))
  manifest = run_graph(RunConfig(input_splits=inputs, output=str(tmp_path / 'out'), run_id='run'))

  assert manifest.splits == {'train': 3, 'eval': 1}
  assert manifest.columns == {'a': 'FLOAT', 'b': 'STRING'}
  assert manifest.input.patterns == tuple(pattern for split in inputs for pattern in split.patterns)
  assert (manifest.input.files, manifest.input.rows) == (2, 4)
  assert [dict(features_of(example)) for example in examples_of(manifest, 'train')] == [
    {'a': [1], 'b': [b'x']},
    {'a': [2], 'b': [b'y']},
    {'a': [3], 'b': []},
  ]
  assert [dict(features_of(example)) for example in examples_of(manifest, 'eval')] == [{'a': [0.5], 'b': [b'z']}]
  assert [file.split for file in manifest.statistics] == ['train', 'eval']


def test_bad_rows_of_input_splits_are_set_aside_in_folders_of_their_own(tmp_path):
  (tmp_path / 'a.csv').write_text('a,b\n1,2\n3\n')
  (tmp_path / 'b.csv').write_text('a,b\n1\n')
  inputs = tuple(InputSplit(name, (str(tmp_path / f'{name}.csv'),)) for name in 'ab')
  config = RunConfig(input_splits=inputs, output=str(tmp_path / 'out'), run_id='run', bad_rows='quarantine')
  manifest = run_graph(config)

  folder = RunFolder.of(config.output, 'run').quarantine
  assert [file.path.removeprefix(folder) for file in manifest.quarantine] == [
    '/Split-a/rows-00000-of-00001.jsonl',
    '/Split-b/rows-00000-of-00001.jsonl',
  ]
  assert manifest.splits == {'a': 1, 'b': 0}
  assert manifest.bad_rows == {'wrong_number_of_cells': 2}


def test_rows_with_the_same_value_of_the_partition_feature_are_in_the_same_split(tmp_path, tiny_ranges):
  path = tmp_path / 'rows.csv'
  path.write_text('number,name\n' + ''.join(f'{n},{"" if n % 11 == 0 else n % 11}x\n' for n in range(500)))
  config = RunConfig((str(path),), str(tmp_path / 'out'), 'run', partition_feature='name', block_size=100)
  manifest = run_graph(config)

  names = {
    split: {tuple(features_of(example)['name']) for example in examples_of(manifest, split)}
    for split in manifest.splits
  }
  assert all(names.values())
  assert not names['train'] & names['eval']
  for split, values in names.items():
    for value in values:
      feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
      bucket = int(hashlib.sha256(feature.SerializeToString(deterministic=True)).hexdigest(), 16) % 3
      assert split == ('train' if bucket < 2 else 'eval')


@pytest.mark.parametrize(('num_shards', 'output_format'), [(1, 'tfrecord'), (20, 'tfrecord'), (3, 'parquet')])
def test_each_split_has_as_many_shards_as_are_asked_for(tmp_path, three_files, num_shards, output_format):
  shards = shards_of(three_files, tmp_path, num_shards=num_shards, output_format=output_format)

  ending = '.gz' if output_format == 'tfrecord' else '.parquet'
  names = [f'data_{output_format}-{n:05d}-of-{num_shards:05d}{ending}' for n in range(num_shards)]
  assert [(name, split) for name, split, *_ in shards] == [
    (name, split) for split in ('train', 'eval') for name in names
  ]
  assert sum(records for _, _, records, *_ in shards) == 6000


def test_more_shards_than_a_compressed_file_can_be_cut_into_are_refused(tmp_path):
  (tmp_path / 'a.csv.gz').write_bytes(gzip.compress(b'a\n1\n'))
  config = RunConfig((str(tmp_path / 'a.csv.gz'),), str(tmp_path / 'out'), 'run', num_shards=2)
  with pytest.raises((UserError, RuntimeError)) as raised:
    run_graph(config)
  assert '--num_shards 2: the input can be cut into 1' in str(user_error_in(raised.value))


def test_a_seed_shuffles_the_records_of_each_block_and_puts_none_elsewhere(tmp_path, three_files):
  def numbers(run_id: str, seed: int | None) -> dict[str, list[int]]:
    config = RunConfig((str(three_files / '*.csv'),), str(tmp_path), run_id, block_size=5000, shuffle_seed=seed)
    manifest = run_graph(config)
    return {
      pathlib.Path(file.path).parts[-2] + pathlib.Path(file.path).name: [
        example.features.feature['number'].int64_list.value[0] for example in examples_in([file.path])
      ]
      for file in manifest.examples
    }

  plain, one, again, other = (numbers(f'run-{n}', seed) for n, seed in enumerate((None, 1, 1, 2)))

  assert one == again
  assert one != plain != other != one
  assert {name: sorted(found) for name, found in one.items()} == {name: sorted(found) for name, found in plain.items()}


def test_parquet_shards_have_the_rows_that_tfrecord_shards_have(tmp_path, three_files):
  rows: dict[str, dict[str, list]] = {}
  for output_format in ('tfrecord', 'parquet'):
    config = RunConfig(
      (str(three_files / '*.csv'),), str(tmp_path), output_format, block_size=5000, output_format=output_format
    )
    manifest = run_graph(config)
    assert manifest.output_format == output_format
    rows[output_format] = {}
    for file in manifest.examples:
      if output_format == 'parquet':
        found = [
          {
            name: [] if value is None else [value.encode() if isinstance(value, str) else value]
            for name, value in row.items()
          }
          for row in pq.read_table(file.path).to_pylist()
        ]
      else:
        found = [dict(features_of(example)) for example in examples_in([file.path])]
      rows[output_format][pathlib.Path(file.path).name.split('-', 1)[1].split('.')[0] + file.split] = found

  assert sum(map(len, rows['parquet'].values())) == 6000
  assert rows['parquet'] == rows['tfrecord']


def test_rows_whose_examples_are_much_larger_are_encoded_a_few_at_a_time(tmp_path, monkeypatch):
  names = [f'{"a_long_name" * 20}_{n}' for n in range(50)]
  path = tmp_path / 'wide.csv'
  path.write_text(','.join(names) + '\n' + ('1' + ',1' * 49 + '\n') * 2000)
  sizes = []

  def measured(rows: pa.RecordBatch, form: OutputForm) -> SplitBlock:
    encoded = encode_block(rows, form)
    sizes.append(encoded.bytes)
    return encoded

  monkeypatch.setattr('beam_taxi.graph.output_steps.encode_block', measured)
  run_graph(RunConfig((str(path),), str(tmp_path / 'out'), 'run', block_size=20_000))

  assert sum(sizes) > 20_000_000
  assert max(sizes) <= 8 * 20_000


def test_a_file_with_only_a_header_makes_an_empty_run(tmp_path):
  source = tmp_path / 'header.csv'
  source.write_text('a,b\n')
  config = RunConfig(input=(str(source),), output=str(tmp_path / 'out'), run_id='run')
  manifest = run_graph(config)
  assert manifest.input.rows == 0
  assert manifest.columns == {'a': 'UNKNOWN', 'b': 'UNKNOWN'}


def test_the_fingerprint_follows_content_and_name_and_not_the_order_of_patterns(tmp_path):
  paths = [write_rows(tmp_path / name, rows) for name, rows in (('a.csv', 50), ('b.csv', 60))]
  one, two = (str(path) for path in paths)

  def fingerprint(run_id: str, *patterns: str) -> str:
    return run_graph(RunConfig(input=patterns, output=str(tmp_path / 'out'), run_id=run_id)).input.fingerprint

  first = fingerprint('first', one, two)
  assert fingerprint('swapped', two, one) == first
  paths[0].write_text(paths[0].read_text().replace('text1,', 'text2,'))
  assert fingerprint('changed', one, two) != first


def test_a_bad_row_ends_the_run_without_a_manifest(tmp_path):
  source = tmp_path / 'bad.csv'
  source.write_text('a,b\n1,2\n3\n')
  config = RunConfig(input=(str(source),), output=str(tmp_path / 'out'), run_id='run')
  with pytest.raises((UserError, RuntimeError)) as raised:
    run_graph(config)
  found = user_error_in(raised.value)
  assert isinstance(found, UserError)
  assert str(found).startswith(f'{source}: line 3 (byte 8): 1 cell where 2 are expected: 3')
  assert read_manifest(RunFolder.of(config.output, 'run')) is None


@pytest.mark.parametrize('step', [WriteExamples, lambda _: GenerateStatistics(OutputForm())], ids=['write', 'count'])
def test_a_runner_that_tears_a_shards_blocks_apart_is_found_out(tmp_path, step):
  config = RunConfig(input=('unused',), output=str(tmp_path / 'out'), run_id='run')
  encoded = encode_block(pa.RecordBatch.from_pydict({'a': [1]}), config.form)
  second = EncodedBlock(Shard(0, 1), number=1, last=True, encoded=encoded, form=config.form)
  with pytest.raises(RuntimeError, match='does not keep the steps'), TestPipeline(runner=FnApiRunner()) as root:
    _ = root | beam.Create([second]) | step(RunFolder.of(config.output, config.run_id))
  assert not list(tmp_path.rglob('*.gz'))


def test_labels_of_the_graph_are_the_fields_words(tmp_path):
  root = beam.Pipeline(runner=FnApiRunner())
  build_graph(root, RunConfig(input=('x',), output=str(tmp_path), run_id='run'))
  proto = root.to_runner_api()
  names = {transform.unique_name for transform in proto.components.transforms.values()}
  steps = ['ListInput', 'PlanRanges', 'ScanRanges', 'ReadRows', 'EncodeExamples', 'WriteShards']
  steps += ['GenerateStatistics', 'InferSchema', 'WriteManifest']
  assert names >= set(steps)


def test_the_graph_has_few_primitive_steps(tmp_path):
  """Each takes time to start, in this process and on a service. With tfdv.GenerateStatistics there are some 190."""
  root = beam.Pipeline(runner=FnApiRunner())
  build_graph(root, RunConfig(input=('x',), output=str(tmp_path), run_id='run'))
  transforms = root.to_runner_api().components.transforms.values()
  assert sum(not transform.subtransforms and bool(transform.spec.urn) for transform in transforms) <= 70


def test_tfdv_makes_the_statistics_where_it_is_asked_to(tmp_path):
  source = write_rows(tmp_path / 'rows.csv', 100)
  one, other = (
    run_graph(RunConfig((str(source),), str(tmp_path / 'out'), by, statistics=by)) for by in ('shard', 'tfdv')
  )
  assert [file.split for file in other.statistics] == ['train', 'eval']
  assert other.schema.sha256 == one.schema.sha256


def test_relative_paths_mean_what_they_mean_where_the_graph_is_built(tmp_path, monkeypatch):
  write_rows(tmp_path / 'rows.csv', 10)
  monkeypatch.chdir(tmp_path)
  root = TestPipeline(runner=FnApiRunner())
  build_graph(root, RunConfig(('rows.csv',), 'out', 'run'))
  monkeypatch.chdir('/')
  root.run()

  manifest = read_manifest(RunFolder.of(str(tmp_path / 'out'), 'run'))
  assert manifest
  assert manifest.input.patterns == (f'{tmp_path}/rows.csv',)
  assert {pathlib.Path(file.path).is_relative_to(tmp_path) for file in manifest.examples} == {True}


def test_a_graph_that_should_record_without_a_store_is_not_built(tmp_path):
  config = RunConfig(('rows.csv',), str(tmp_path / 'out'), 'run', record='graph', metadata='none')
  with pytest.raises(UserError, match='--record graph records into a metadata store: give one with --metadata'):
    build_graph(beam.Pipeline(runner=FnApiRunner()), config)


def test_columns_are_in_the_order_of_the_sources_whichever_is_summed_up_first():
  splits = tuple(InputSplit(name, (f'{name}.csv',)) for name in ('train', 'eval'))
  config = RunConfig(input_splits=splits, output='out', run_id='run')
  train = SourceSummary(0, 1, 10, 0, 0, (('b', ColumnType.INT), ('a', ColumnType.INT)))
  evaluation = SourceSummary(1, 1, 10, 0, 0, (('c', ColumnType.STRING), ('a', ColumnType.FLOAT)))

  schema = ('schema', WrittenFile('schema.pbtxt', 'a1'))
  found = [
    _sum_up(config, {}, ['input', 'examples', 'quarantine', 'schema'], [schema, *(('input', each) for each in inputs)])
    for inputs in ([train, evaluation], [evaluation, train])
  ]

  assert [list(manifest.columns.items()) for manifest in found] == [[('b', 'INT'), ('a', 'FLOAT'), ('c', 'STRING')]] * 2
