"""Two commands that want one id in a bucket, where nobody makes folders."""

import pathlib
from collections.abc import Iterator

import pytest
from apache_beam.internal.gcp import auth
from emulators.cloud_storage import bucket_at, storage_emulator, variables

from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.lifecycle import run as lifecycle
from beam_taxi.lifecycle.opening import OpenedRun
from beam_taxi.lifecycle.run import run_command
from beam_taxi.metadata.recording import RecordedRun, record_start
from beam_taxi.metadata.store import connect
from beam_taxi.settings.config import RunConfig


@pytest.fixture
def address() -> Iterator[str]:
  """Where an emulator answers, for this process's clients."""
  with storage_emulator() as address, pytest.MonkeyPatch.context() as patch:
    for name, value in variables(address).items():
      patch.setenv(name, value)
    # Without credentials Beam connects anonymously too, but only after it has looked for some for half a minute.
    patch.setattr(auth._Credentials, '_credentials_init', True)
    yield address


@pytest.mark.parametrize('granted', [False, True], ids=['refused_by_the_store', 'granted_by_the_store'])
def test_the_second_leaves_the_listing_of_the_first_as_it_is(
  address: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, granted: bool
) -> None:
  (tmp_path / 'rows.csv').write_text('a,b\n1,2\n')
  uri = f'sqlite:///{tmp_path}/m.sqlite'
  if not granted:
    record_start(connect(uri), RecordedRun('one', 'taxi', RunFolder(f'{tmp_path}/one')), {})
  theirs = bucket_at(address).blob('out/runs/one/input.json')
  real = lifecycle.begin_record

  def begin_record(opened: OpenedRun) -> None:
    """By then the folder was looked at, and nothing was there."""
    theirs.upload_from_string('of the first')
    real(opened)

  monkeypatch.setattr(lifecycle, 'begin_record', begin_record)

  assert run_command(RunConfig((f'{tmp_path}/rows.csv',), 'gs://bucket/out', 'one', metadata=uri), []) == 2
  assert [blob.name for blob in bucket_at(address).list_blobs()] == ['out/runs/one/input.json']
  assert theirs.download_as_bytes() == b'of the first'


def test_a_run_that_fails_deletes_its_own_listing(address: str, tmp_path: pathlib.Path) -> None:
  (tmp_path / 'rows.csv').write_text('a,b\n1\n')

  assert run_command(RunConfig((f'{tmp_path}/rows.csv',), 'gs://bucket/out', 'one', metadata='none'), []) == 2
  assert not list(bucket_at(address).list_blobs())
