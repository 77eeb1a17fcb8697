"""CSV in buckets, through Beam's gs:// file system, against an emulator of Cloud Storage."""

import json
import pathlib
from collections.abc import Iterator

import apache_beam as beam
import pytest
from apache_beam.internal.gcp import auth
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from emulators.cloud_storage import bucket_at, storage_emulator, variables

from beam_taxi import read
from beam_taxi.artifacts.listing import write_listing
from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.cli import _main as cli
from beam_taxi.errors import UserError
from beam_taxi.graph.pipeline import build_graph
from beam_taxi.record.resolving import list_sources
from beam_taxi.settings.config import RunConfig

FILES = {
  'trips/a.csv': b'n,s\n1,one\n2,"t\nwo"\n',
  'trips/2024/b.csv': b'n,s\n3,three\n',
  'trips/2024/01/c.csv': b'n,s\n4,four\n5\n',
  'trips/2024/01/_SUCCESS': b'',
  'trips/2024/01/notes.txt': b'no CSV',
}


@pytest.fixture(scope='module')
def address() -> Iterator[str]:
  """Where an emulator answers that has FILES in a bucket, for this process's clients."""
  with storage_emulator() as address, pytest.MonkeyPatch.context() as patch:
    for name, content in FILES.items():
      bucket_at(address).blob(name).upload_from_string(content)
    for name, value in variables(address).items():
      patch.setenv(name, value)
    # Without credentials Beam connects anonymously too, but only after it has looked for some for half a minute.
    patch.setattr(auth._Credentials, '_credentials_init', True)
    yield address


@pytest.mark.parametrize(
  ('pattern', 'rows'),
  [
    ('gs://bucket/trips/a.csv', 2),
    ('gs://bucket/trips/*.csv', 2),
    ('gs://bucket/trips/**/*.csv', 5),
    ('gs://bucket/trips/2024/', 1),
    ('gs://bucket/trips/2024', 1),
  ],
)
def test_files_folders_and_patterns_name_objects(
  address: str, capfd: pytest.CaptureFixture[str], pattern: str, rows: int
) -> None:
  assert cli.main(['sniff', pattern]) == 0
  lines = capfd.readouterr().out.splitlines()
  assert [line.split()[1] for line in lines if line.startswith('Rows ')] == [str(rows)]


def test_a_run_reads_from_a_bucket_and_writes_to_it(address: str, tmp_path: pathlib.Path) -> None:
  store = f'sqlite:///{tmp_path}/runs.sqlite'
  flags = ['--run_id', 'run', '--metadata', store, '--bad_rows', 'quarantine']

  assert cli.main(['--input', 'gs://bucket/trips/**/*.csv', '--output', 'gs://bucket/out', *flags]) == 0

  bucket = bucket_at(address)
  [line] = bucket.blob('out/runs/run/quarantine/rows-00000-of-00001.jsonl').download_as_bytes().splitlines()
  assert json.loads(line)['file'] == 'gs://bucket/trips/2024/01/c.csv'
  assert json.loads(bucket.blob('out/runs/run/manifest.json').download_as_bytes())['input']['rows'] == 5


@pytest.mark.parametrize('output_format', ['tfrecord', 'parquet'])
def test_what_a_run_wrote_to_a_bucket_is_read_back_from_it(address: str, output_format: str) -> None:
  flags = ['--run_id', output_format, '--metadata', 'none', '--output_format', output_format]

  assert cli.main(['--input', 'gs://bucket/trips/a.csv', '--output', 'gs://bucket/out', *flags]) == 0

  rows = [read(f'gs://bucket/out/runs/{output_format}', split).dataframe() for split in ('train', 'eval')]
  assert sum(map(len, rows)) == 2


@pytest.mark.parametrize('output_format', ['tfrecord', 'parquet'])
def test_what_a_run_wrote_to_a_bucket_is_verified(
  address: str, capfd: pytest.CaptureFixture[str], output_format: str
) -> None:
  folder = f'checked/runs/{output_format}'
  flags = ['--run_id', output_format, '--metadata', 'none', '--output_format', output_format]
  assert cli.main(['--input', 'gs://bucket/trips/a.csv', '--output', 'gs://bucket/checked', *flags]) == 0
  bucket = bucket_at(address)
  [shard] = bucket.list_blobs(prefix=f'{folder}/examples/Split-train/')
  capfd.readouterr()

  assert cli.main(['verify', f'gs://bucket/{folder}']) == 0
  assert capfd.readouterr().out.startswith(f'{output_format}: all well: 6 files; ')

  data = shard.download_as_bytes()
  shard.upload_from_string(data[:-1] + bytes([data[-1] ^ 1]))
  bucket.blob(f'{folder}/examples/Split-eval/foreign').upload_from_string(b'foreign')
  bucket.blob(f'{folder}/schema/schema.pbtxt').delete()
  assert cli.main(['verify', f'gs://bucket/{folder}']) == 1
  found = capfd.readouterr().out
  for line in (
    'examples/Split-eval/foreign: expected nothing, found a file of 7 bytes',
    f'{shard.name.removeprefix(folder + "/")}: expected SHA-256 ',
    'schema/schema.pbtxt: expected a file of ',
  ):
    assert f'  {line}' in found


def test_a_pattern_without_an_object_is_refused(address: str, capfd: pytest.CaptureFixture[str]) -> None:
  assert cli.main(['sniff', 'gs://bucket/none/*.csv']) == 2
  assert 'gs://bucket/none/*.csv: no file matches' in capfd.readouterr().err


def test_the_report_of_a_run_in_a_bucket_is_a_page_to_a_browser(address: str) -> None:
  assert (
    cli.main(
      ['--input', 'gs://bucket/trips/a.csv', '--output', 'gs://bucket/seen', '--run_id', 'run', '--metadata', 'none']
    )
    == 0
  )

  report = bucket_at(address).get_blob('seen/runs/run/report/index.html')
  assert report.content_type == 'text/html; charset=utf-8'


def test_an_object_that_was_written_anew_since_it_was_listed_is_not_read(address: str, tmp_path: pathlib.Path) -> None:
  config = RunConfig(('gs://bucket/anew.csv',), str(tmp_path), 'r')
  bucket_at(address).blob('anew.csv').upload_from_string(b'n,s\n1,one\n')
  write_listing(RunFolder.of(config.output, config.run_id), list_sources(config))
  bucket_at(address).blob('anew.csv').upload_from_string(b'n,s\n2,two\n')

  with (
    pytest.raises((UserError, RuntimeError), match=r'gs://bucket/anew\.csv: was written anew since the run began'),
    beam.Pipeline(runner=FnApiRunner()) as pipeline,
  ):
    build_graph(pipeline, config, listed=True)
