"""The emulator of Cloud Storage, with one bucket. It asks nobody for credentials, and forgets all at its end."""

import collections
import contextlib
from collections.abc import Iterator

from google.cloud import storage

from beam_taxi.cloud.rehearsal import cloud_storage


def bucket_at(address: str) -> storage.Bucket:
  """The bucket that an emulator has from its beginning."""
  return cloud_storage.client_of(address).bucket('bucket')


def variables(address: str) -> dict[str, str]:
  """The environment by which Google's clients find it."""
  return {'STORAGE_EMULATOR_HOST': address, 'no_proxy': '127.0.0.1,localhost'}


@contextlib.contextmanager
def storage_emulator(said: collections.deque[str] | None = None) -> Iterator[str]:
  """Where it answers, with one empty bucket called 'bucket'. What it says, a line a request, goes to `said`."""
  with cloud_storage.storage_emulator(said=said) as address:
    cloud_storage.client_of(address).create_bucket('bucket')
    yield address
