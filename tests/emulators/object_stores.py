"""The object stores of the tests, which are all asked the same: S3, Azure and Cloud Storage."""

import collections
import contextlib
import dataclasses
import re
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence

from emulators import cloud_storage
from emulators.azure_server import ACCOUNT, azure_server
from emulators.s3_server import s3_server

_PATIENCE_S = 60
_POLL_S = 0.01


@dataclasses.dataclass(frozen=True)
class Store:
  """A store that runs until its context ends.

  Attributes:
    root: the URI of a bucket or container.
    flags: what a command line needs to find it, besides the environment.
    variables: that environment.
    put: makes an object of a name and its content.
    get: an object's content.
    names: of all objects.
    requests: those that were answered so far, such as 'GET /bucket/name'.
  """

  root: str
  flags: Sequence[str]
  variables: Mapping[str, str]
  put: Callable[[str, bytes], None]
  get: Callable[[str], bytes]
  names: Callable[[], list[str]]
  requests: Callable[[], list[str]]


@contextlib.contextmanager
def s3() -> Iterator[Store]:
  with s3_server() as server:
    client = server.client()
    yield Store(
      's3://bucket',
      ['--s3_endpoint_url', server.address],
      server.variables,
      lambda name, content: client.put_object(Bucket='bucket', Key=name, Body=content),
      lambda name: client.get_object(Bucket='bucket', Key=name)['Body'].read(),
      lambda: [each['Key'] for each in client.list_objects_v2(Bucket='bucket').get('Contents', ())],
      server.requests,
    )


@contextlib.contextmanager
def azure() -> Iterator[Store]:
  with azure_server() as server:
    container = server.container()
    yield Store(
      f'azfs://{ACCOUNT}/container',
      [],
      server.variables,
      lambda name, content: container.upload_blob(name, content, overwrite=True),
      lambda name: container.download_blob(name).readall(),
      lambda: list(container.list_blob_names()),
      lambda: _answered(server.address, server.log.read_text),
    )


@contextlib.contextmanager
def gcs() -> Iterator[Store]:
  said: collections.deque[str] = collections.deque()
  with cloud_storage.storage_emulator(said) as address:
    bucket = cloud_storage.bucket_at(address)

    yield Store(
      'gs://bucket',
      [],
      cloud_storage.variables(address),
      lambda name, content: bucket.blob(name).upload_from_string(content),
      lambda name: bucket.blob(name).download_as_bytes(raw_download=True),
      lambda: [blob.name for blob in bucket.list_blobs()],
      lambda: _answered(address, lambda: '\n'.join(said.copy())),
    )


def _answered(address: str, log: Callable[[], str]) -> list[str]:
  """The requests in a server's log, which may come late: so this waits for one that has just been answered."""
  mark = uuid.uuid4().hex
  with contextlib.suppress(OSError):
    urllib.request.urlopen(f'{address}/{mark}').close()
  deadline = time.monotonic() + _PATIENCE_S
  while mark not in log() and time.monotonic() < deadline:
    time.sleep(_POLL_S)
  assert mark in log(), 'the server does not log what it answers'
  found = re.findall(r'"([A-Z]+ \S+) HTTP', log())
  return [each for each in found if not re.search(r'/[0-9a-f]{32}$', each)]
