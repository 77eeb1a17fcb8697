"""An emulator of Cloud Storage, in a process of its own. It asks nobody for credentials, and forgets all at its end."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from emulators.databases import free_port
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage


def bucket_at(address: str) -> storage.Bucket:
  """The bucket that an emulator has from its beginning."""
  client = storage.Client('project', AnonymousCredentials(), client_options={'api_endpoint': address})
  return client.bucket('bucket')


def variables(address: str) -> dict[str, str]:
  """The environment by which Google's clients find it."""
  return {'STORAGE_EMULATOR_HOST': address, 'no_proxy': '127.0.0.1,localhost'}


@contextlib.contextmanager
def storage_emulator() -> Iterator[str]:
  """Where it answers, with one empty bucket called 'bucket'."""
  port = free_port()
  command = [sys.executable, '-u', '-m', 'gcp_storage_emulator', 'start', '--host=127.0.0.1', f'--port={port}']
  command += ['--in-memory', '--default-bucket=bucket']
  emulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
  try:
    assert emulator.stdout is not None
    while 'started' not in (line := emulator.stdout.readline()):
      assert line, 'the emulator ended'
    yield f'http://127.0.0.1:{port}'
  finally:
    emulator.terminate()
    emulator.wait()
