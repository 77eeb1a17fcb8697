"""Azurite's blob service in a process of its own, which writes each request down and forgets all at its end."""

import base64
import contextlib
import dataclasses
import os
import pathlib
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from emulators.databases import NotInstalledError, free_port

ACCOUNT = 'trips'
_AZURITE = pathlib.Path(__file__).parent.parent.parent / 'data' / 'azurite' / 'node_modules' / '.bin' / 'azurite-blob'
_PATIENCE_S = 60
_POLL_S = 0.05


@dataclasses.dataclass(frozen=True)
class AzureServer:
  """A server that runs until its context ends. Its log has each request that it has answered."""

  address: str
  log: pathlib.Path
  _key: str = dataclasses.field(repr=False)

  def connection_string(self, key: str = '') -> str:
    """How clients connect, with its key or another one."""
    return (
      f'DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={key or self._key};'
      f'BlobEndpoint={self.address}/{ACCOUNT};'
    )

  @property
  def variables(self) -> dict[str, str]:
    """The environment by which clients of Azure find it."""
    return {'AZURE_STORAGE_CONNECTION_STRING': self.connection_string(), 'no_proxy': '127.0.0.1,localhost'}

  def container(self) -> Any:
    from azure.storage.blob import BlobServiceClient

    return BlobServiceClient.from_connection_string(self.connection_string()).get_container_client('container')


@contextlib.contextmanager
def azure_server() -> Iterator[AzureServer]:
  """One with an empty container called 'container'. Raises NotInstalledError where Azurite or Node is missing."""
  node = shutil.which('node')
  if not node or not _AZURITE.exists():
    raise NotInstalledError('Azurite is not there; scripts/fetch_azurite.py fetches it, by npm')
  with tempfile.TemporaryDirectory() as folder:
    log = pathlib.Path(folder) / 'log'
    port, key = free_port(), base64.b64encode(secrets.token_bytes(32)).decode()
    command = ['setpriv', '--pdeathsig=KILL', '--', node, _AZURITE, '--inMemoryPersistence', '--disableTelemetry']
    with log.open('wb') as output:
      process = subprocess.Popen(
        [*command, '--skipApiVersionCheck', '--blobPort', str(port)],
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env={**os.environ, 'AZURITE_ACCOUNTS': f'{ACCOUNT}:{key}'},
        start_new_session=True,
      )
    try:
      deadline = time.monotonic() + _PATIENCE_S
      while 'successfully listens' not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
          raise RuntimeError(f'Azurite does not start:\n{log.read_text()}')
        time.sleep(_POLL_S)
      server = AzureServer(f'http://127.0.0.1:{port}', log, key)
      server.container().create_container()
      yield server
    finally:
      process.kill()
      process.wait()
