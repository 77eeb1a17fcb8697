"""An emulator of Cloud Storage, in a process of its own, with buckets that are gone when it ends."""

import collections
import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2.credentials import Credentials

from beam_taxi.errors import UserError

# The emulator answers one connection after the other, and so stops for good at one on which nothing comes, as from a
# client that keeps one in reserve. With a thread for each it does not. It ends with the process that started it.
# It asks nobody for credentials; where it is given a token, each request has to show it.
_EMULATOR = """
import http.server, os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
http.server.HTTPServer = http.server.ThreadingHTTPServer
from gcp_storage_emulator.server import RequestHandler
token, parse_request = os.environ.pop('TOKEN'), RequestHandler.parse_request
def is_answered(handler):
  if not parse_request(handler):
    return False
  if not token or handler.headers.get('Authorization') == f'Bearer {token}':
    return True
  handler.rfile.read(int(handler.headers.get('Content-Length') or 0))
  handler.send_error(401)
  return False
RequestHandler.parse_request = is_answered
from gcp_storage_emulator.__main__ import main
sys.exit(main())
"""


@contextlib.contextmanager
def storage_emulator(token: str = '', said: collections.deque[str] | None = None) -> Iterator[str]:
  """Yields its address, as STORAGE_EMULATOR_HOST takes it.

  Args:
    token: an access token without which it answers nobody; '' for none.
    said: takes what it says, a line for each request.

  Raises:
    UserError: the emulator is not installed.
  """
  with socket.socket() as free:
    free.bind(('127.0.0.1', 0))
    port = free.getsockname()[1]
  command = [sys.executable, '-u', '-c', _EMULATOR, 'start', '--host=127.0.0.1', f'--port={port}']
  emulator = subprocess.Popen(
    [*command, '--in-memory'],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
    env={**os.environ, 'TOKEN': token},
    # Ctrl-C is for the command that rehearses; that ends this one itself.
    start_new_session=True,
  )
  assert emulator.stdout is not None
  line = ''
  try:
    while 'started' not in line:
      before = line
      line = emulator.stdout.readline()
      if not line:
        raise UserError(
          f'the emulator of Cloud Storage does not start ({before.strip()}); install it: scripts/setup.sh --dev, or '
          'pip install gcp-storage-emulator'
        )
    # It tells of each request, and would wait where nobody listens.
    listener: collections.deque[str] = collections.deque(maxlen=0) if said is None else said
    threading.Thread(target=listener.extend, args=(emulator.stdout,), daemon=True).start()
    yield f'http://127.0.0.1:{port}'
  finally:
    emulator.terminate()
    emulator.wait()


def client_of(address: str, token: str = '') -> storage.Client:
  """A client of the emulator, whatever this process's environment says."""
  credentials = Credentials(token) if token else AnonymousCredentials()
  return storage.Client('rehearsal', credentials, client_options={'api_endpoint': address})


def blob_of(client: storage.Client, uri: str) -> storage.Blob:
  """An object, by its gs:// URI, whether there is one or not."""
  bucket, _, name = uri.removeprefix('gs://').partition('/')
  return client.bucket(bucket).blob(name)


def exists(client: storage.Client, uri: str) -> bool:
  """Whether there is an object or, where the URI names none, a bucket."""
  bucket, _, name = uri.removeprefix('gs://').partition('/')
  if not bucket:
    return False
  return bool(blob_of(client, uri).exists() if name else client.bucket(bucket).exists())
