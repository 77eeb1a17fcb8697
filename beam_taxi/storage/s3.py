"""Amazon S3, and what speaks its protocol: s3://BUCKET/KEY, by boto3. Flags and their meaning are those of Beam."""

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping
from typing import Any

from beam_taxi.errors import MishapError, UserError
from beam_taxi.storage import options
from beam_taxi.storage.objects import one_line
from beam_taxi.storage.stored_file import StoredFile

_CONNECT_S = 5
_READ_S = 60
# The first included; the pauses between them are of 1, 2 and 4 seconds at most. (botocore's standard mode.)
_ATTEMPTS = 4

_NO_CREDENTIALS = (
  'no AWS credentials were found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in: aws '
  'configure'
)
# Why S3 refuses: its codes, and what to do. (Source: Amazon S3 API reference, "Error responses".)
_CREDENTIALS = 'check the AWS credentials, and whether they are of this service'
_REFUSALS = {
  'AccessDenied': 'ask for the right to it, or use other credentials: AWS_PROFILE',
  'AllAccessDisabled': 'ask its owner',
  'AccountProblem': 'ask AWS what is wrong with the account',
  'InvalidAccessKeyId': _CREDENTIALS,
  'SignatureDoesNotMatch': _CREDENTIALS,
  'InvalidToken': _CREDENTIALS,
  'ExpiredToken': 'get new credentials: aws sso login',
  'RequestTimeTooSkewed': "set this machine's clock",
  'InvalidBucketName': "check the bucket's name",
  'AuthorizationHeaderMalformed': 'the region is another one: --s3_region_name, or AWS_REGION',
  'PermanentRedirect': 'the region is another one: --s3_region_name, or AWS_REGION',
  'IllegalLocationConstraintException': 'the region is another one: --s3_region_name, or AWS_REGION',
  'InvalidObjectState': 'it is archived; restore it first',
}
# HEAD is answered without a code.
_BY_STATUS = {400: _CREDENTIALS, 401: _CREDENTIALS, 403: _REFUSALS['AccessDenied'], 301: _REFUSALS['PermanentRedirect']}


class S3Store:
  """See objects.ObjectStore."""

  def list(self, prefix: str, *, deep: bool) -> Iterator[StoredFile]:
    bucket, key = _split(prefix)
    request = {'Bucket': bucket, 'Prefix': key, **({} if deep else {'Delimiter': '/'})}
    try:
      with _said(prefix):
        for page in _client().get_paginator('list_objects_v2').paginate(**request):
          for found in page.get('Contents', ()):
            yield StoredFile(f's3://{bucket}/{found["Key"]}', found['Size'], found['ETag'])
    except FileNotFoundError as error:
      raise UserError(f'{prefix}: what answers is no S3; check --s3_endpoint_url') from error

  def find(self, path: str) -> StoredFile | None:
    bucket, key = _split(path)
    if not key:
      return None
    try:
      with _said(path):
        found = _client().head_object(Bucket=bucket, Key=key)
    except FileNotFoundError:
      return None
    return StoredFile(path, found['ContentLength'], found['ETag'])

  def read(self, file: StoredFile, start: int, end: int) -> bytes:
    return _get(file.path, Range=f'bytes={start}-{end - 1}', **({'IfMatch': file.version} if file.version else {}))

  def read_all(self, path: str) -> bytes:
    return _get(path)

  def write(self, path: str, data: bytes, mime_type: str) -> None:
    bucket, key = _split(path)
    with _said(path):
      _client().put_object(Bucket=bucket, Key=key, Body=data, ContentType=mime_type)

  def begin(self, path: str, mime_type: str) -> '_S3Parts':
    return _S3Parts(path, mime_type)

  def delete(self, path: str) -> None:
    bucket, key = _split(path)
    with _said(path):
      _client().delete_object(Bucket=bucket, Key=key)


class _S3Parts:
  """A multipart upload. One that is neither completed nor aborted is never an object, but is kept, and paid for."""

  def __init__(self, path: str, mime_type: str):
    self._path = path
    bucket, key = _split(path)
    self._tags: list[dict[str, Any]] = []
    with _said(path):
      begun = _client().create_multipart_upload(Bucket=bucket, Key=key, ContentType=mime_type)
    self._upload = {'Bucket': bucket, 'Key': key, 'UploadId': begun['UploadId']}

  def add(self, data: bytes) -> None:
    number = len(self._tags) + 1
    with _said(self._path):
      sent = _client().upload_part(**self._upload, PartNumber=number, Body=data)
    self._tags.append({'ETag': sent['ETag'], 'PartNumber': number})

  def complete(self) -> None:
    with _said(self._path):
      _client().complete_multipart_upload(**self._upload, MultipartUpload={'Parts': self._tags})

  def abort(self) -> None:
    with _said(self._path):
      _client().abort_multipart_upload(**self._upload)


def _split(path: str) -> tuple[str, str]:
  """'s3://BUCKET/a/b' -> ('BUCKET', 'a/b')"""
  bucket, _, key = path.removeprefix('s3://').partition('/')
  if not bucket:
    raise UserError(f'{path}: names no bucket; give s3://BUCKET/...')
  return bucket, key


def _get(path: str, **condition: str) -> bytes:
  with _said(path):
    from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

    for _ in range(_ATTEMPTS - 1):
      try:
        return _got(path, condition)
      except ClientError as error:
        if _status(error) == 416:
          return b''
        raise
      except (HTTPClientError, IncompleteReadError):
        pass  # botocore itself tries again only up to where the content begins.
    return _got(path, condition)


def _got(path: str, condition: Mapping[str, str]) -> bytes:
  bucket, key = _split(path)
  with contextlib.closing(_client().get_object(Bucket=bucket, Key=key, **condition)['Body']) as body:
    return bytes(body.read())


def _client() -> Any:
  given = options.given('S3Options')
  return options.client('s3', given, ('AWS_', 'BOTO_'), lambda: _new_client(given))


def _new_client(given: Mapping[str, Any]) -> Any:
  """A client. Raises UserError where there are no credentials to be found."""
  import boto3
  from botocore.config import Config

  session = boto3.session.Session()
  # Without any botocore would say so with the first request. Where it looks for some elsewhere, it gives up in seconds.
  if not given.get('s3_access_key_id') and session.get_credentials() is None:
    raise UserError(_NO_CREDENTIALS)
  endpoint = given.get('s3_endpoint_url')
  # Not all that speak S3's protocol know these checksums.
  is_amazons = not endpoint and not os.environ.keys() & {'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'}
  checksums = 'when_supported' if is_amazons else 'when_required'
  config = Config(
    connect_timeout=_CONNECT_S,
    read_timeout=_READ_S,
    retries={'mode': 'standard', 'total_max_attempts': _ATTEMPTS},
    max_pool_connections=64,
    request_checksum_calculation=checksums,
    response_checksum_validation=checksums,
  )
  verify = given.get('s3_verify')
  return session.client(
    's3',
    region_name=given.get('s3_region_name'),
    api_version=given.get('s3_api_version'),
    use_ssl=not given.get('s3_disable_ssl'),
    verify={'true': True, 'false': False}.get(str(verify).lower(), verify),
    endpoint_url=endpoint,
    aws_access_key_id=given.get('s3_access_key_id'),
    aws_secret_access_key=given.get('s3_secret_access_key'),
    aws_session_token=given.get('s3_session_token'),
    config=config,
  )


@contextlib.contextmanager
def _said(path: str) -> Iterator[None]:
  """Says in one line what went wrong. Raises FileNotFoundError where an object is missing."""
  try:
    import boto3  # noqa: F401 - only to see that it is there
    from botocore.exceptions import (
      BotoCoreError,
      ClientError,
      ConnectionError,
      HTTPClientError,
      IncompleteReadError,
      NoCredentialsError,
      PartialCredentialsError,
    )
  except ImportError as error:
    raise UserError(
      f"{path}: S3 needs packages that are not installed; scripts/setup.sh --with aws, or pip install 'beam_taxi[aws]'"
    ) from error
  try:
    yield
  except UserError as error:
    raise UserError(f'{path}: {error}' if str(error) == _NO_CREDENTIALS else str(error)) from error
  except ClientError as error:
    raise _refusal(path, error) from error
  except (NoCredentialsError, PartialCredentialsError) as error:
    raise UserError(f'{path}: {_NO_CREDENTIALS}') from error
  except (HTTPClientError, ConnectionError, IncompleteReadError) as error:
    said = f'{path}: S3 does not answer ({one_line(error)})'
    raise MishapError(f'{said}; check --s3_endpoint_url, the network') from error
  except (BotoCoreError, ValueError) as error:
    raise UserError(f'{path}: cannot be reached ({one_line(error)}); check the flags and AWS settings') from error


def _refusal(path: str, error: Any) -> Exception:
  """What an answer of S3 says."""
  code, status = str(error.response.get('Error', {}).get('Code', '')), _status(error)
  bucket = path.removeprefix('s3://').partition('/')[0]
  if code == 'NoSuchBucket':
    return UserError(f'{path}: there is no bucket {bucket}; check its name, or make it: aws s3 mb s3://{bucket}')
  if status == 404:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
  if status == 412:
    return UserError(f'{path}: was written anew since the run began; run again when nothing writes to it')
  what = one_line(error.response.get('Error', {}).get('Message') or f'HTTP {status}')
  if status >= 500 or code in ('SlowDown', 'Throttling', 'RequestLimitExceeded'):
    return MishapError(f'{path}: S3 fails again and again ({code}: {what}); try again later')
  remedy = _REFUSALS.get(code) or _BY_STATUS.get(status) or 'see what it says'
  return UserError(f'{path}: S3 refuses ({code}: {what}); {remedy}')


def _status(error: Any) -> int:
  return int(error.response.get('ResponseMetadata', {}).get('HTTPStatusCode', 0))
