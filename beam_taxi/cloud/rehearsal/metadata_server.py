"""A double of MLMD's metadata_store_server: its gRPC service in front of an SQLite store, in this process.

The real one is a C++ program that no package has. This one speaks its protocol and hands each call to the C++ library
that the real one is made of, so that answers and errors are MLMD's own.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import pathlib
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc
import ml_metadata as mlmd
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from ml_metadata.metadata_store.pywrap.metadata_store_extension import metadata_store as library
from ml_metadata.proto import metadata_store_pb2 as pb
from ml_metadata.proto import metadata_store_service_pb2 as service_pb2
from ml_metadata.proto import metadata_store_service_pb2_grpc as service_grpc

_STATUS = {status.value[0]: status for status in grpc.StatusCode}
_METHODS: Sequence[MethodDescriptor] = service_pb2.DESCRIPTOR.services_by_name['MetadataStoreService'].methods


@dataclasses.dataclass(frozen=True)
class MetadataServer:
  """A server that runs until its context ends.

  Attributes:
    port: of 127.0.0.1; the same after stop and start.
    start: starts it again, on the same file; does nothing while it runs.
    stop: calls that have not ended are cancelled.
  """

  port: int
  start: Callable[[], None]
  stop: Callable[[], None]

  def uri(self, **options: object) -> str:
    """Its URI as `--metadata` takes it, with these options."""
    query = urllib.parse.urlencode(options, safe='/')
    return f'grpc://127.0.0.1:{self.port}' + (f'?{query}' if query else '')


@contextlib.contextmanager
def metadata_server(path: pathlib.Path, credentials: grpc.ServerCredentials | None = None) -> Iterator[MetadataServer]:
  """Serves the store in an SQLite file, which is made where there is none.

  Args:
    path: of the file.
    credentials: for TLS; without, the server speaks plain text.
  """
  running: list[grpc.Server] = []

  def start(port: int) -> int:
    # One call after another: the library's store is not made for several threads.
    # Without so_reuseport a port that another process has is refused.
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1), options=[('grpc.so_reuseport', 0)])
    service_grpc.add_MetadataStoreServiceServicer_to_server(_servicer(_open(path)), server)
    address = f'127.0.0.1:{port}'
    bound = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    running.append(server)
    return int(bound)

  def start_again() -> None:
    if not running:
      start(port)

  def stop() -> None:
    while running:
      running.pop().stop(grace=None).wait()

  port = start(0)
  try:
    yield MetadataServer(port, start_again, stop)
  finally:
    stop()


def _open(path: pathlib.Path) -> mlmd.MetadataStore:
  config = pb.ConnectionConfig()
  config.sqlite.filename_uri = str(path)
  config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
  return mlmd.MetadataStore(config)


def _servicer(store: mlmd.MetadataStore) -> service_grpc.MetadataStoreServiceServicer:
  """Answers every method that the library has for Python; the few others, UNIMPLEMENTED, no client of MLMD's calls."""
  servicer = service_grpc.MetadataStoreServiceServicer()
  for method in _METHODS:
    if hasattr(library, method.name):
      setattr(servicer, method.name, functools.partial(_answer, store, method))
  return servicer


def _answer(
  store: mlmd.MetadataStore, method: MethodDescriptor, request: Message, context: grpc.ServicerContext
) -> Any:
  response = getattr(service_pb2, method.output_type.name)()
  try:
    store._call_method(method.name, request, response)
  except mlmd.errors.StatusError as error:
    context.abort(_STATUS[error.error_code], error.message)
  return response
