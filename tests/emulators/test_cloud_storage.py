"""What is different in Cloud Storage from other object stores, against an emulator of it."""

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


@pytest.fixture(scope='module')
def address() -> Iterator[str]:
  """Where an emulator answers that has a CSV file in a bucket, for this process's clients."""
  with storage_emulator() as address, pytest.MonkeyPatch.context() as patch:
    bucket_at(address).blob('trips/a.csv').upload_from_string(b'n,s\n1,one\n2,"t\nwo"\n')
    for name, value in variables(address).items():
      patch.setenv(name, value)
    # Without credentials Beam connects anonymously too, but only after it has looked for some for half a minute.
    patch.setattr(auth._Credentials, '_credentials_init', True)
    yield address


def test_parquet_that_a_run_wrote_to_a_bucket_is_read_back_from_it(address: str) -> None:
  flags = ['--run_id', 'parquet', '--metadata', 'none', '--output_format', 'parquet']

  assert cli.main(['--input', 'gs://bucket/trips/a.csv', '--output', 'gs://bucket/out', *flags]) == 0

  rows = [read('gs://bucket/out/runs/parquet', split).dataframe() for split in ('train', 'eval')]
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
  assert capfd.readouterr().out.startswith(f'{output_format}: OK: 8 files in gs://bucket/{folder}; ')

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
