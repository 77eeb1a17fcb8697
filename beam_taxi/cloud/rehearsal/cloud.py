"""The whole of it: Cloud Storage and Dataflow on this machine, and the environment by which a command finds them."""

import contextlib
import dataclasses
import os
import pathlib
import tempfile
from collections.abc import Iterator, Sequence

from google.cloud import storage

from beam_taxi.cloud.rehearsal.cloud_storage import client_of, exists, storage_emulator
from beam_taxi.cloud.rehearsal.dataflow_service import Dataflow, dataflow_service
from beam_taxi.cloud.rehearsal.execution import Executor
from beam_taxi.cloud.rehearsal.launcher import Launcher
from beam_taxi.runners.options import REHEARSAL


@dataclasses.dataclass(frozen=True)
class Cloud:
  """What runs until its context ends.

  Attributes:
    buckets: a client of its Cloud Storage.
    dataflow: its Dataflow.
    executor: what executes the jobs, and the faults that it is told to make.
    environment: for a command that is to use this cloud, with credentials that nobody else takes.
  """

  buckets: storage.Client
  dataflow: Dataflow
  executor: Executor
  environment: dict[str, str]

  @property
  def beam_args(self) -> list[str]:
    """What a command line needs besides the environment."""
    return [f'--dataflow_endpoint={self.dataflow.url}']


@contextlib.contextmanager
def rehearsal_cloud(buckets: Sequence[str] = ()) -> Iterator[Cloud]:
  """A cloud with these buckets, which are empty. Raises UserError where the emulator is not installed."""
  with contextlib.ExitStack() as stack:
    folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='rehearsal_')))
    dataflow = stack.enter_context(dataflow_service())
    address = stack.enter_context(storage_emulator(dataflow.token))
    credentials = folder / 'credentials.json'
    dataflow.write_credentials(credentials)
    hosts = filter(None, [os.environ.get('no_proxy'), 'localhost', '127.0.0.1'])
    environment = {
      **os.environ,
      'STORAGE_EMULATOR_HOST': address,
      'GOOGLE_APPLICATION_CREDENTIALS': str(credentials),
      'GOOGLE_CLOUD_PROJECT': 'rehearsal',
      REHEARSAL: '1',
      'no_proxy': ','.join(hosts),
    }
    client = client_of(address, dataflow.token)
    for name in buckets:
      client.create_bucket(name)
    executor = Executor(client, environment)
    stack.callback(executor.close)
    dataflow.needs_token = True
    dataflow.page_size = 100
    dataflow.exists = lambda uri: exists(client, uri)
    dataflow.execute = executor.execute
    dataflow.launch = Launcher(client, environment).launch
    yield Cloud(client, dataflow, executor, environment)
