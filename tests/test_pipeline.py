"""The graph, run whole by Beam's in-process runner."""

import gzip
import hashlib
import pathlib

import apache_beam as beam
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that

from beam_taxi.artifacts import Manifest, RunFolder, read_manifest
from beam_taxi.config import RunConfig, Split
from beam_taxi.csv_input import ranges
from beam_taxi.csv_input.ranges import Shard
from beam_taxi.errors import UserError, user_error_in
from beam_taxi.pipeline import build_graph
from beam_taxi.transforms.writing import EncodedBlock, WriteShards

THREADS = ['--direct_num_workers=3', '--direct_running_mode=multi_threading']
PROCESSES = ['--direct_num_workers=2', '--direct_running_mode=multi_processing']


@pytest.fixture
def tiny_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
  """Lets a small file be cut into many ranges and shards."""
  monkeypatch.setattr(ranges, '_SMALLEST_RANGE', 1)
  monkeypatch.setattr(ranges, '_SMALLEST_SHARD', 100)


def run_graph(config: RunConfig, beam_args: list[str] | None = None) -> Manifest:
  """Runs the graph; the manifest that it wrote."""
  with TestPipeline(runner=FnApiRunner(), options=PipelineOptions(beam_args or [])) as root:
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
  files = [file.path for file in manifest.examples if file.split == split]
  records = tf.data.TFRecordDataset(files, compression_type='GZIP')
  return [tf.train.Example.FromString(record.numpy()) for record in records]


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


@pytest.mark.parametrize('beam_args', [THREADS, PROCESSES], ids=['threads', 'processes'])
def test_shards_are_the_same_bytes_however_the_graph_is_run(tmp_path, beam_args):
  for part in range(3):
    write_rows(tmp_path / f'{part}.csv', 2000)
  hashes = []
  for run_id, args in (('alone', []), ('together', beam_args)):
    config = RunConfig(
      input=(str(tmp_path / '*.csv'),), output=str(tmp_path / 'out'), run_id=run_id, block_size=5000, shard_size=40_000
    )
    manifest = run_graph(config, args)
    hashes.append([(pathlib.Path(file.path).name, file.split, file.sha256) for file in manifest.examples])
  assert len(hashes[0]) >= 6
  assert hashes[0] == hashes[1]


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


def test_a_runner_that_tears_a_shards_blocks_apart_is_found_out(tmp_path):
  config = RunConfig(input=('unused',), output=str(tmp_path / 'out'), run_id='run')
  second = EncodedBlock(Shard(0, 1), number=1, last=True, records=())
  with pytest.raises(RuntimeError, match='does not keep the steps'), TestPipeline(runner=FnApiRunner()) as root:
    _ = root | beam.Create([second]) | WriteShards(config)
  assert not list(tmp_path.rglob('*.gz'))


def test_labels_of_the_graph_are_the_fields_words(tmp_path):
  root = beam.Pipeline(runner=FnApiRunner())
  build_graph(root, RunConfig(input=('x',), output=str(tmp_path), run_id='run'))
  proto = root.to_runner_api()
  names = {transform.unique_name for transform in proto.components.transforms.values()}
  steps = ['MatchFiles', 'PlanRanges', 'ScanRanges', 'ReadCsv', 'EncodeExamples', 'WriteShards']
  steps += ['GenerateStatistics[train]', 'GenerateStatistics[eval]', 'InferSchema', 'WriteManifest']
  assert names >= set(steps)
