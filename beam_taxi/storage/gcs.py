"""Google Cloud Storage: gs://BUCKET/NAME, by the client that Beam makes of its options and credentials."""

import base64
import contextlib
import errno
import os
from binascii import Error as BinasciiError
from collections.abc import Iterator
from typing import Any

from google.api_core.exceptions import (
  Forbidden,
  GoogleAPICallError,
  NotFound,
  RequestRangeNotSatisfiable,
  RetryError,
  ServerError,
  TooManyRequests,
  Unauthorized,
)
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.fileio import BlobWriter
from google.cloud.storage.retry import DEFAULT_RETRY
from requests.exceptions import RequestException

from beam_taxi.errors import MishapError, UserError
from beam_taxi.storage import options
from beam_taxi.storage.objects import PART, one_line
from beam_taxi.storage.stored_file import StoredFile

_TIMEOUT_S = 60


class GcsStore:
  """See objects.ObjectStore."""

  def list(self, prefix: str, *, deep: bool) -> Iterator[StoredFile]:
    bucket, name = _split(prefix)
    with _said(prefix):
      for blob in _client().list_blobs(bucket, prefix=name, delimiter=None if deep else '/', retry=DEFAULT_RETRY):
        yield _stored(f'gs://{bucket}/{blob.name}', blob)

  def find(self, path: str) -> StoredFile | None:
    blob = self._found(path)
    return _stored(path, blob) if blob else None

  def crc32c(self, path: str) -> int | None:
    """The CRC-32C that Cloud Storage keeps of an object; None where it has none. One request."""
    blob = self._found(path)
    try:
      # As the service shows it: base64 of four bytes, the highest first.
      return int.from_bytes(base64.b64decode(blob.crc32c, validate=True), 'big') if blob else None
    except (BinasciiError, TypeError):
      return None

  def read(self, file: StoredFile, start: int, end: int) -> bytes:
    return _download(file.path, start=start, end=end - 1)

  def read_all(self, path: str) -> bytes:
    return _download(path)

  def write(self, path: str, data: bytes, mime_type: str) -> None:
    with _said(path):
      blob = _blob(path)
      blob.content_type = mime_type
      blob.upload_from_string(data, mime_type, timeout=_TIMEOUT_S, retry=DEFAULT_RETRY)

  def begin(self, path: str, mime_type: str) -> '_GcsParts':
    return _GcsParts(path, mime_type)

  def delete(self, path: str) -> None:
    with contextlib.suppress(FileNotFoundError), _said(path):
      _blob(path).delete(timeout=_TIMEOUT_S, retry=DEFAULT_RETRY)

  def _found(self, path: str) -> Any:
    bucket, name = _split(path)
    if not name:
      return None
    with _said(path):
      return _client().bucket(bucket).get_blob(name, timeout=_TIMEOUT_S, retry=DEFAULT_RETRY)


class _GcsParts:
  """A resumable upload. Cloud Storage forgets one that is not completed after a week."""

  def __init__(self, path: str, mime_type: str):
    self._path = path
    self._stream = _Writer(_blob(path), PART, ignore_flush=True, retry=DEFAULT_RETRY, content_type=mime_type)

  def add(self, data: bytes) -> None:
    with _said(self._path):
      self._stream.write(data)

  def complete(self) -> None:
    self._stream.is_whole = True
    with _said(self._path):
      self._stream.close()

  def abort(self) -> None:
    """It is left alone."""
    self._stream.is_whole = False


class _Writer(BlobWriter):
  """One that completes its upload only when it is told to, and not when Python is done with it."""

  is_whole = False

  def close(self) -> None:
    if self.is_whole:
      super().close()


def _split(path: str) -> tuple[str, str]:
  """'gs://BUCKET/a/b' -> ('BUCKET', 'a/b')"""
  bucket, _, name = path.removeprefix('gs://').partition('/')
  if not bucket:
    raise UserError(f'{path}: names no bucket; give gs://BUCKET/...')
  return bucket, name


def _stored(path: str, blob: Any) -> StoredFile:
  return StoredFile(path, blob.size, f'{blob.updated.timestamp():.6f}' if blob.updated else '')


def _blob(path: str) -> Any:
  bucket, name = _split(path)
  return _client().bucket(bucket).blob(name)


def _download(path: str, **what: int) -> bytes:
  with _said(path):
    try:
      # As it is stored, even where it says that it is compressed.
      return bytes(
        _blob(path).download_as_bytes(raw_download=True, checksum=None, timeout=_TIMEOUT_S, retry=DEFAULT_RETRY, **what)
      )
    except RequestRangeNotSatisfiable:
      return b''


def _client() -> Any:
  from apache_beam.io.gcp.gcsio import create_storage_client

  current = options.current()
  variables = ('STORAGE_EMULATOR', 'GOOGLE_')
  return options.client('gcs', {'of': current}, variables, lambda: create_storage_client(current))


@contextlib.contextmanager
def _said(path: str) -> Iterator[None]:
  """Says in one line what went wrong. Raises FileNotFoundError where an object is missing."""
  try:
    yield
  except NotFound as error:
    # The message has the URL before it, and in that are the names of bucket and object.
    if 'bucket does not exist' in str(error.message).lower():
      bucket = _split(path)[0]
      raise UserError(
        f'{path}: there is no bucket {bucket}; check its name, or make it: gcloud storage buckets create gs://{bucket}'
      ) from error
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from error
  except (Forbidden, Unauthorized) as error:
    said = f'{path}: Cloud Storage refuses ({one_line(error)})'
    raise UserError(f'{said}; log in: gcloud auth application-default login') from error
  except (ServerError, TooManyRequests, RetryError, RequestException) as error:
    raise MishapError(f'{path}: Cloud Storage does not answer ({one_line(error)}); try again later') from error
  except (GoogleAPICallError, GoogleAuthError, ValueError) as error:
    raise UserError(f'{path}: cannot be reached ({one_line(error)}); check the flags and the login') from error
