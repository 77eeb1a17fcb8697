"""Blobs in Azure: azfs://ACCOUNT/CONTAINER/NAME, by azure-storage-blob. Flags and their meaning are those of Beam."""

import base64
import contextlib
import errno
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from beam_taxi.errors import MishapError, UserError
from beam_taxi.storage import options
from beam_taxi.storage.objects import MOST_READ, one_line
from beam_taxi.storage.stored_file import StoredFile

_CONNECT_S = 5
_READ_S = 60
# After the first attempt; the pauses between them are of 1, 3 and 5 seconds.
_RETRIES = {'retry_total': 3, 'retry_connect': 3, 'retry_read': 3, 'initial_backoff': 1, 'increment_base': 2}

_PATH = re.compile(
  r'azfs://(?P<account>[a-z0-9]{3,24})/(?P<container>[a-z0-9$][a-z0-9-]{1,62})(?:/(?P<name>.*))?', re.S
)
_CREDENTIALS = (
  'set AZURE_STORAGE_CONNECTION_STRING, or log in (az login) with an account that has the role Storage Blob Data '
  'Contributor'
)
# Why Azure refuses: its codes, and what to do. (Source: Blob service REST API, "Blob service error codes".)
_REFUSALS = {
  'ContainerNotFound': 'check its name, or make it: az storage container create',
  'ContainerBeingDeleted': 'choose another one',
  'AccountIsDisabled': 'ask its owner',
  'InvalidResourceName': "check the container's name",
  'BlobArchived': 'rehydrate it first',
}


class AzureStore:
  """See objects.ObjectStore."""

  def list(self, prefix: str, *, deep: bool) -> Iterator[StoredFile]:
    account, container, name = _split(prefix)
    with _said(prefix):
      client = _service(account).get_container_client(container)
      found = client.list_blobs(name_starts_with=name) if deep else client.walk_blobs(name_starts_with=name)
      for blob in found:
        # Walking shows folders, which have no size.
        if blob.get('size') is not None:
          yield StoredFile(f'azfs://{account}/{container}/{blob.name}', blob.size, _version(blob.etag))

  def find(self, path: str) -> StoredFile | None:
    if not _split(path)[2]:
      return None
    try:
      with _said(path):
        found = _blob(path).get_blob_properties()
    except FileNotFoundError:
      return None
    return StoredFile(path, found.size, _version(found.etag))

  def read(self, file: StoredFile, start: int, end: int) -> bytes:
    from azure.core import MatchConditions

    condition = {'etag': f'"{file.version}"', 'match_condition': MatchConditions.IfNotModified} if file.version else {}
    return _download(file.path, offset=start, length=end - start, **condition)

  def read_all(self, path: str) -> bytes:
    return _download(path)

  def write(self, path: str, data: bytes, mime_type: str) -> None:
    with _said(path):
      _blob(path).upload_blob(data, overwrite=True, content_settings=_settings(mime_type))

  def begin(self, path: str, mime_type: str) -> '_AzureParts':
    return _AzureParts(path, mime_type)

  def delete(self, path: str) -> None:
    with contextlib.suppress(FileNotFoundError), _said(path):
      _blob(path).delete_blob()


class _AzureParts:
  """Blocks of a blob. Those that are not committed are never seen, and Azure drops them after a week."""

  def __init__(self, path: str, mime_type: str):
    self._path = path
    self._mime_type = mime_type
    self._names: list[str] = []

  def add(self, data: bytes) -> None:
    # Whoever commits first drops the blocks of others that it does not name. So the same bytes have the same names, and
    # a second writer of them finds its blocks in the blob.
    digest = hashlib.sha256(data).hexdigest()[:32]
    name = base64.b64encode(f'{len(self._names):05d}-{digest}'.encode()).decode()
    with _said(self._path):
      _blob(self._path).stage_block(name, data)
    self._names.append(name)

  def complete(self) -> None:
    from azure.storage.blob import BlobBlock

    with _said(self._path):
      blocks = [BlobBlock(name) for name in self._names]
      _blob(self._path).commit_block_list(blocks, content_settings=_settings(self._mime_type))

  def abort(self) -> None:
    """There is no request for it."""


def _split(path: str) -> tuple[str, str, str]:
  """'azfs://ACCOUNT/CONTAINER/a/b' -> ('ACCOUNT', 'CONTAINER', 'a/b')"""
  found = _PATH.fullmatch(path)
  if not found:
    raise UserError(f'{path}: is no blob of Azure; give azfs://ACCOUNT/CONTAINER/...')
  return found['account'], found['container'], found['name'] or ''


def _version(etag: str) -> str:
  """An ETag; in a listing it has no quotes, in an answer it has."""
  return etag.strip('"')


def _settings(mime_type: str) -> Any:
  from azure.storage.blob import ContentSettings

  return ContentSettings(content_type=mime_type)


def _download(path: str, **what: Any) -> bytes:
  from azure.core.exceptions import HttpResponseError

  with _said(path):
    try:
      return bytes(_blob(path).download_blob(max_concurrency=1, **what).readall())
    except HttpResponseError as error:
      if error.status_code == 416:
        return b''
      raise


def _blob(path: str) -> Any:
  account, container, name = _split(path)
  return _service(account).get_blob_client(container, name)


def _service(account: str) -> Any:
  given = options.given('AzureOptions')
  return options.client(f'azure {account}', given, ('AZURE_',), lambda: _new_service(account, given))


def _new_service(account: str, given: Mapping[str, Any]) -> Any:
  """A client of an account's blobs. Raises UserError where the connection string is of another account."""
  from azure.storage.blob import BlobServiceClient

  settings = {
    'connection_timeout': _CONNECT_S,
    'read_timeout': _READ_S,
    # Above it, it would make several requests of one.
    'max_single_get_size': MOST_READ,
    **_RETRIES,
  }
  connection = given.get('azure_connection_string') or os.environ.get('AZURE_STORAGE_CONNECTION_STRING')
  if connection:
    service = BlobServiceClient.from_connection_string(connection, **settings)
    if service.account_name and service.account_name != account:
      raise UserError(f'azfs://{account}: the connection string is of the account {service.account_name}; give its own')
    return service
  from azure.identity import DefaultAzureCredential

  credential = DefaultAzureCredential(managed_identity_client_id=given.get('azure_managed_identity_client_id'))
  address = given.get('blob_service_endpoint') or f'https://{account}.blob.core.windows.net'
  return BlobServiceClient(address, credential=credential, **settings)


@contextlib.contextmanager
def _said(path: str) -> Iterator[None]:
  """Says in one line what went wrong. Raises FileNotFoundError where a blob is missing."""
  try:
    import azure.identity
    import azure.storage.blob  # noqa: F401 - only to see that it is there, as the one above
    from azure.core.exceptions import (
      AzureError,
      ClientAuthenticationError,
      HttpResponseError,
      ServiceRequestError,
      ServiceResponseError,
    )
  except ImportError as error:
    raise UserError(
      f'{path}: Azure needs packages that are not installed; scripts/setup.sh --with azure, or pip install '
      "'beam_taxi[azure]'"
    ) from error
  try:
    yield
  except ClientAuthenticationError as error:
    raise UserError(f'{path}: Azure takes no credentials from here ({one_line(error)}); {_CREDENTIALS}') from error
  except HttpResponseError as error:
    raise _refusal(path, error) from error
  except (ServiceRequestError, ServiceResponseError) as error:
    raise MishapError(f'{path}: Azure does not answer ({one_line(error)}); check the account, the network') from error
  except (AzureError, ValueError) as error:
    raise UserError(f'{path}: cannot be reached ({one_line(error)}); {_CREDENTIALS}') from error


def _refusal(path: str, error: Any) -> Exception:
  """What an answer of Azure says."""
  code, status = str(getattr(error.error_code, 'value', error.error_code) or ''), error.status_code or 0
  if code == 'ContainerNotFound':
    container = path.split('/')[3]
    return UserError(f'{path}: there is no container {container}; {_REFUSALS[code]} --name {container}')
  if status == 404:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
  if status == 412:
    return UserError(f'{path}: was written anew since the run began; run again when nothing writes to it')
  what = ': '.join(filter(None, (code, error.reason or f'HTTP {status}')))
  if status >= 500 or status == 429:
    return MishapError(f'{path}: Azure fails again and again ({what}); try again later')
  remedy = _REFUSALS.get(code) or (_CREDENTIALS if status in (401, 403) else 'see what it says')
  return UserError(f'{path}: Azure refuses ({what}); {remedy}')
