"""What S3 and Azure refuse is said in one line that says what to do, and says no secret."""

import pathlib
import sys
from collections.abc import Iterator

import pytest
from emulators.azure_server import ACCOUNT, AzureServer, azure_server
from emulators.databases import NotInstalledError
from emulators.s3_server import S3Server, apart_from_this_machine, s3_server

from beam_taxi.cli import _main as cli

_WRONG_KEY = 'bm90IHRoZSBrZXkgb2YgdGhpcyBhY2NvdW50'


@pytest.fixture(scope='module')
def s3() -> Iterator[S3Server]:
  with s3_server() as server:
    server.client().put_object(Bucket='bucket', Key='a.csv', Body=b'n\n1\n')
    yield server


@pytest.fixture(scope='module')
def azure() -> Iterator[AzureServer]:
  try:
    with azure_server() as server:
      server.container().upload_blob('a.csv', b'n\n1\n')
      yield server
  except NotInstalledError as error:
    pytest.skip(str(error))


def refusal(capfd: pytest.CaptureFixture[str], *words: object) -> str:
  """The one line of a command that is refused."""
  capfd.readouterr()
  assert cli.main([*map(str, words)]) == 2
  [line] = [line for line in capfd.readouterr().err.splitlines() if line.startswith('error: ')]
  return line


@pytest.mark.parametrize(
  ('variables', 'path', 'said'),
  [
    ({}, 's3://bucket/a.csv', 'no AWS credentials were found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID'),
    ({'AWS_ACCESS_KEY_ID': 'k'}, 's3://bucket/a.csv', 'AWS_SECRET_ACCESS_KEY'),
    ({'AWS_PROFILE': 'nobody'}, 's3://bucket/a.csv', 'profile (nobody) could not be found'),
    ({'AWS_ACCESS_KEY_ID': 'k', 'AWS_SECRET_ACCESS_KEY': 's'}, 's3://no-bucket/*', 'there is no bucket no-bucket'),
    ({'AWS_ACCESS_KEY_ID': 'k', 'AWS_SECRET_ACCESS_KEY': 's'}, 's3://no-bucket/a', 'there is no bucket no-bucket'),
    ({'AWS_ACCESS_KEY_ID': 'k', 'AWS_SECRET_ACCESS_KEY': 's'}, 's3://bucket/none', 'no file matches'),
    ({'AWS_ACCESS_KEY_ID': 'k', 'AWS_SECRET_ACCESS_KEY': 's'}, 's3:///a', 'names no bucket'),
  ],
)
def test_an_input_in_s3_that_cannot_be_had_is_said(
  s3: S3Server,
  monkeypatch: pytest.MonkeyPatch,
  capfd: pytest.CaptureFixture[str],
  variables: dict[str, str],
  path: str,
  said: str,
) -> None:
  for name in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE'):
    monkeypatch.delenv(name, raising=False)
  for name, value in {**apart_from_this_machine(), **variables}.items():
    monkeypatch.setenv(name, value)

  assert said in refusal(capfd, 'sniff', path, '--s3_endpoint_url', s3.address)


def test_s3_credentials_that_may_not_are_said(
  s3: S3Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
  (tmp_path / 'a.csv').write_bytes(b'n\n1\n')
  reader = s3.user_who_may('reader', 's3:ListBucket', 's3:GetObject')
  for name, value in reader.items():
    monkeypatch.setenv(name, value)
  flags = ['--s3_endpoint_url', s3.address]
  run = ['--input', tmp_path / 'a.csv', '--output', 's3://bucket/out', '--run_id', 'r', '--metadata', 'none']
  s3.ask_for_credentials(yes=True)
  try:
    assert cli.main(['sniff', 's3://bucket/a.csv', *flags]) == 0
    assert 's3://bucket/out/runs/r/input.json: S3 refuses (AccessDenied' in refusal(capfd, *run, *flags)
    assert cli.main(['preflight', *map(str, run), *flags]) == 2
    assert 'AWS_PROFILE' in capfd.readouterr().out
    wrong = ['--s3_access_key_id', 'nobody', '--s3_secret_access_key', _WRONG_KEY]
    line = refusal(capfd, 'sniff', 's3://bucket/*', *flags, *wrong)
  finally:
    s3.ask_for_credentials(yes=False)
  assert 'InvalidAccessKeyId' in line
  assert _WRONG_KEY not in line


@pytest.mark.parametrize(
  ('module', 'path', 'extra'),
  [('boto3', 's3://bucket/a.csv', 'aws'), ('azure.storage.blob', 'azfs://account/container/a.csv', 'azure')],
)
def test_packages_that_are_missing_are_said(
  monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], module: str, path: str, extra: str
) -> None:
  monkeypatch.setitem(sys.modules, module, None)

  assert f'scripts/setup.sh --with {extra}' in refusal(capfd, 'sniff', path)


@pytest.mark.parametrize(
  ('path', 'said'),
  [
    (f'azfs://{ACCOUNT}/no-container/*', 'there is no container no-container'),
    (f'azfs://{ACCOUNT}/no-container/a', 'there is no container no-container'),
    (f'azfs://{ACCOUNT}/container/none', 'no file matches'),
    ('azfs://another/container/a.csv', f'the connection string is of the account {ACCOUNT}'),
    ('azfs://UPPER/container/a.csv', 'give azfs://ACCOUNT/CONTAINER'),
  ],
)
def test_an_input_in_azure_that_cannot_be_had_is_said(
  azure: AzureServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], path: str, said: str
) -> None:
  for name, value in azure.variables.items():
    monkeypatch.setenv(name, value)

  assert said in refusal(capfd, 'sniff', path)


@pytest.mark.parametrize('connection', [_WRONG_KEY, 'AccountKey;'], ids=['wrong_key', 'no_connection_string'])
def test_credentials_that_azure_does_not_take_are_said(
  azure: AzureServer, capfd: pytest.CaptureFixture[str], connection: str
) -> None:
  given = azure.connection_string(connection) if connection == _WRONG_KEY else connection

  line = refusal(capfd, 'sniff', f'azfs://{ACCOUNT}/container/a.csv', '--azure_connection_string', given)

  assert 'set AZURE_STORAGE_CONNECTION_STRING, or log in' in line
  assert _WRONG_KEY not in line
