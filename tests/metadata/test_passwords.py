"""Where a store's password comes from."""

import pathlib
from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest
from google.cloud import secretmanager
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.cloud.secretmanager_v1.types import service as messages

from beam_taxi.errors import UserError
from beam_taxi.metadata import passwords
from beam_taxi.metadata.passwords import password_of
from beam_taxi.metadata.uri import parse_uri


def test_a_uri_that_names_no_password_has_none() -> None:
  assert password_of(parse_uri('mysql://me@host/db')) == ''


def test_a_password_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setenv('STORE_PASSWORD', 'a b\n')

  assert password_of(parse_uri('mysql://me@host/db?password_env=STORE_PASSWORD')) == 'a b\n'


def test_a_password_is_the_text_of_a_file_without_the_line_end(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'password').write_text('pässword \r\n')

  assert password_of(parse_uri(f'mysql://me@host/db?password_file={tmp_path}/password')) == 'pässword '


MISSING = {
  'variable': ('password_env=NO_SUCH', 'the environment has no variable NO_SUCH'),
  'file': ('password_file=/no/such', 'the password cannot be read from /no/such (No such file or directory)'),
}


@pytest.mark.parametrize(('option', 'message'), MISSING.values(), ids=MISSING)
def test_a_password_that_is_not_there_is_said(option: str, message: str) -> None:
  with pytest.raises(UserError) as raised:
    password_of(parse_uri(f'mysql://me@host/db?{option}'))

  assert message in str(raised.value)


def test_a_file_that_is_no_text_is_not_shown(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'password').write_bytes(b'secret\xff')

  with pytest.raises(UserError) as raised:
    password_of(parse_uri(f'mysql://me@host/db?password_file={tmp_path}/password'))
  assert 'secret' not in str(raised.value).replace('password', '')


class SecretManager(grpc.GenericRpcHandler):
  """Secret Manager's one method that is used, over its own protocol."""

  def __init__(self, secrets: dict[str, bytes]):
    self._secrets = secrets

  def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
    if details.method != '/google.cloud.secretmanager.v1.SecretManagerService/AccessSecretVersion':
      return None
    return grpc.unary_unary_rpc_method_handler(
      self._access,
      request_deserializer=messages.AccessSecretVersionRequest.deserialize,
      response_serializer=messages.AccessSecretVersionResponse.serialize,
    )

  def _access(
    self, request: messages.AccessSecretVersionRequest, context: grpc.ServicerContext
  ) -> messages.AccessSecretVersionResponse:
    if request.name not in self._secrets:
      context.abort(grpc.StatusCode.NOT_FOUND, f'Secret [{request.name}] not found')
    return messages.AccessSecretVersionResponse(name=request.name, payload={'data': self._secrets[request.name]})


@pytest.fixture
def secret_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
  server = grpc.server(futures.ThreadPoolExecutor(1))
  secrets = {f'projects/p/secrets/s/versions/{version}': f'of {version}'.encode() for version in ('latest', '3')}
  server.add_generic_rpc_handlers((SecretManager(secrets),))
  port = server.add_insecure_port('127.0.0.1:0')
  server.start()
  channel = grpc.insecure_channel(f'127.0.0.1:{port}')
  # The client has no setting for a server without TLS, so it is given its connection.
  transport = SecretManagerServiceGrpcTransport(channel=channel)
  client = secretmanager.SecretManagerServiceClient(transport=transport)
  monkeypatch.setattr(passwords, 'secret_manager', lambda: client)
  yield
  channel.close()
  server.stop(None)


@pytest.mark.usefixtures('secret_manager')
@pytest.mark.parametrize(('name', 'password'), [('s', 'of latest'), ('s/versions/3', 'of 3')])
def test_a_password_is_taken_from_secret_manager(name: str, password: str) -> None:
  assert password_of(parse_uri(f'mysql://me@host/db?password_secret=projects/p/secrets/{name}')) == password


@pytest.mark.usefixtures('secret_manager')
def test_a_secret_that_is_not_there_is_said_with_the_role_that_it_takes() -> None:
  with pytest.raises(UserError) as raised:
    password_of(parse_uri('mysql://me@host/db?password_secret=projects/p/secrets/other'))

  assert 'Secret Manager does not give projects/p/secrets/other/versions/latest (NotFound)' in str(raised.value)
  assert 'roles/secretmanager.secretAccessor' in str(raised.value)
