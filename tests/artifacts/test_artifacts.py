"""A run's folder is laid out as TFX lays out its artifacts, and a manifest is read as it was written."""

import dataclasses
import importlib.metadata
import json
import pathlib
from typing import Any

import pytest

from beam_taxi.artifacts.listing import read_listing
from beam_taxi.artifacts.manifest import (
  InputSummary,
  Manifest,
  RunFolder,
  WrittenFile,
  package_versions,
  read_manifest,
)
from beam_taxi.errors import UserError

MANIFEST = Manifest(
  run_id='run-1',
  pipeline_name='taxi',
  input=InputSummary(('*.csv', 'ü.csv'), 2, 1000, 30, 'sha256-sum:00'),
  columns={'fare': 'FLOAT', 'größe': 'STRING'},
  splits={'train': 20, 'eval': 10},
  artifacts={
    'examples': (WrittenFile('a.gz', 'aa', 'train', 100, 20), WrittenFile('b.gz', 'bb', 'eval', 50, 10)),
    'statistics': (WrittenFile('s.pb', 'cc', 'train', 0), WrittenFile('e.pb', 'dd', 'eval', 7)),
    'schema': (WrittenFile('schema.pbtxt', 'ee', bytes=3),),
    'quarantine': (WrittenFile('rows.jsonl', 'ff', bytes=5, counts={'wrong_type': 2}),),
  },
  versions={'pyarrow': '1'},
)


@pytest.mark.parametrize('output', ['/out', 'gs://bucket/out', '/out/'])
def test_artifacts_lie_where_tfx_looks_for_them(output: str) -> None:
  folder = RunFolder.of(output, 'run-1')
  base = f'{output.rstrip("/")}/runs/run-1'

  assert folder.uri == base
  assert folder.shard_file('train', 3, 12) == f'{base}/examples/Split-train/data_tfrecord-00003-of-00012.gz'
  assert folder.statistics_file('eval') == f'{base}/statistics/Split-eval/FeatureStats.pb'
  assert folder.schema_file == f'{base}/schema/schema.pbtxt'
  assert folder.manifest == f'{base}/manifest.json'


def test_a_manifest_is_read_as_it_was_written() -> None:
  assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST


def test_what_a_later_release_has_added_to_a_manifest_is_passed_over() -> None:
  fields = {**json.loads(MANIFEST.to_json()), 'weight_column': 'w'}

  assert Manifest.from_json(json.dumps(fields)) == MANIFEST


def test_a_manifest_is_json_that_any_program_reads() -> None:
  fields = json.loads(MANIFEST.to_json())

  assert fields['splits'] == {'train': 20, 'eval': 10}
  assert fields['artifacts']['examples'][0] == {
    'path': 'a.gz',
    'sha256': 'aa',
    'split': 'train',
    'bytes': 100,
    'records': 20,
  }
  assert fields['artifacts']['schema'] == [{'path': 'schema.pbtxt', 'sha256': 'ee', 'bytes': 3}]


def test_a_manifest_says_how_many_bytes_of_records_a_shard_has_and_their_digest() -> None:
  shard = WrittenFile('a.gz', 'aa', 'train', 100, 20, record_bytes=400, records_crc32c='0000abcd')
  manifest = dataclasses.replace(MANIFEST, artifacts={**MANIFEST.artifacts, 'examples': (shard,)})

  [fields] = json.loads(manifest.to_json())['artifacts']['examples']

  assert (fields['record_bytes'], fields['records_crc32c']) == (400, '0000abcd')
  assert Manifest.from_json(manifest.to_json()).examples == (shard,)


def test_what_a_later_release_says_of_a_file_is_passed_over() -> None:
  fields = json.loads(MANIFEST.to_json())
  fields['artifacts']['schema'][0]['weight'] = 'w'

  assert Manifest.from_json(json.dumps(fields)) == MANIFEST


def test_a_manifest_of_another_version_is_refused_with_what_to_do() -> None:
  text = dataclasses.replace(MANIFEST, version=99).to_json()

  with pytest.raises(UserError, match='version 99 was found, .* use the release that wrote it'):
    Manifest.from_json(text)


def test_a_run_without_a_manifest_has_not_finished(tmp_path: pathlib.Path) -> None:
  folder = RunFolder.of(str(tmp_path), 'run-1')
  assert read_manifest(folder) is None

  path = pathlib.Path(folder.manifest)
  path.parent.mkdir(parents=True)
  path.write_text(MANIFEST.to_json(), encoding='utf-8')
  assert read_manifest(folder) == MANIFEST


def test_the_versions_of_what_makes_the_results_are_told() -> None:
  import pyarrow

  assert package_versions()['pyarrow'] == pyarrow.__version__


def test_tensorflow_without_gpus_is_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
  installed = {'tensorflow-cpu': '2.16.2'}

  def version(name: str) -> str:
    if name not in installed:
      raise importlib.metadata.PackageNotFoundError(name)
    return installed[name]

  monkeypatch.setattr(importlib.metadata, 'version', version)

  versions = package_versions()

  assert (versions['tensorflow'], versions['pyarrow']) == ('2.16.2', '')


def changed(**fields: Any) -> str:
  return json.dumps({**json.loads(MANIFEST.to_json()), **fields})


BROKEN = {
  'no_json': 'garbage',
  'no_artifacts': '{"version": 1}',
  'a_list': '[]',
  'later': '{"version": 7}',
  'a_number_that_is_none': changed(splits={'train': '20', 'eval': 10}),
  'a_text_that_is_none': changed(run_id=3),
  'no_run': json.dumps({name: value for name, value in json.loads(MANIFEST.to_json()).items() if name != 'run_id'}),
  'files_without_a_path': changed(artifacts={'examples': [{'sha256': 'aa'}]}),
  'files_of_another_type': changed(artifacts={'examples': [{'path': 'a.gz', 'sha256': 'aa', 'bytes': 1.5}]}),
  'another_format': changed(output_format='avro'),
}


@pytest.mark.parametrize('text', BROKEN.values(), ids=BROKEN)
def test_a_manifest_that_cannot_be_understood_is_named(tmp_path: pathlib.Path, text: str) -> None:
  (tmp_path / 'manifest.json').write_text(text)

  with pytest.raises(UserError, match=f'^{tmp_path}/manifest.json: '):
    read_manifest(RunFolder(str(tmp_path)))


BROKEN_LISTINGS = {
  'no_json': 'garbage',
  'no_utf_8': '"\udcff"',
  'no_version': '{}',
  'a_list': '[]',
  'later': '{"version": 7}',
  'no_sources': '{"version": 1}',
  'no_patterns': '{"version": 1, "sources": [{"split": ""}]}',
  'a_file_of_one_word': '{"version": 1, "sources": [{"split": "", "patterns": [], "files": [["a.csv"]]}]}',
}


@pytest.mark.parametrize('text', BROKEN_LISTINGS.values(), ids=BROKEN_LISTINGS)
def test_a_listing_that_cannot_be_understood_is_named(tmp_path: pathlib.Path, text: str) -> None:
  (tmp_path / 'input.json').write_bytes(text.encode(errors='surrogateescape'))

  with pytest.raises(UserError, match=f'^{tmp_path}/input.json: ') as raised:
    read_listing(RunFolder(str(tmp_path)))

  assert '\n' not in str(raised.value)


def test_a_manifest_that_cannot_be_read_is_named(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'manifest.json').mkdir()

  with pytest.raises(UserError, match=rf'^{tmp_path}/manifest.json: cannot be read \(Is a directory\)'):
    read_manifest(RunFolder(str(tmp_path)))
