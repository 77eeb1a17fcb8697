"""The double of MLMD's server answers MLMD's client as MLMD would."""

import pathlib

import ml_metadata as mlmd
import pytest
from emulators.identity import Identity, make_identity, server_credentials
from ml_metadata.proto import metadata_store_pb2 as pb

from beam_taxi.cloud.rehearsal.metadata_server import MetadataServer, metadata_server


@pytest.fixture(scope='module')
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
  return make_identity(tmp_path_factory.mktemp('identity'))


def client(server: MetadataServer, **ssl: str) -> mlmd.MetadataStore:
  config = pb.MetadataStoreClientConfig(host='127.0.0.1', port=server.port, client_timeout_sec=60)
  if ssl:
    config.ssl_config.CopyFrom(pb.MetadataStoreClientConfig.SSLConfig(**ssl))
  return mlmd.MetadataStore(config)


def local(path: pathlib.Path) -> mlmd.MetadataStore:
  config = pb.ConnectionConfig()
  config.sqlite.filename_uri = str(path)
  return mlmd.MetadataStore(config)


def test_what_a_client_puts_is_in_the_file_and_what_is_there_is_got(tmp_path: pathlib.Path) -> None:
  with metadata_server(tmp_path / 'm.sqlite') as server:
    store = client(server)
    type_id = store.put_artifact_type(pb.ArtifactType(name='Examples', properties={'span': pb.INT}))
    examples = pb.Artifact(type_id=type_id, name='a', uri='/a', properties={'span': pb.Value(int_value=7)})
    [examples.id] = store.put_artifacts([examples])

    [found] = store.get_artifacts()

  assert (found.id, found.uri, found.properties['span'].int_value) == (examples.id, '/a', 7)
  assert local(tmp_path / 'm.sqlite').get_artifacts() == [found]


def test_errors_are_those_of_mlmd(tmp_path: pathlib.Path) -> None:
  with metadata_server(tmp_path / 'm.sqlite') as server:
    store = client(server)
    store.put_artifact_type(pb.ArtifactType(name='Examples', properties={'span': pb.INT}))

    with pytest.raises(mlmd.errors.NotFoundError, match='No type found for query, name: `Schema`'):
      store.get_artifact_type('Schema')
    with pytest.raises(mlmd.errors.AlreadyExistsError, match='Type already exists with different properties'):
      store.put_artifact_type(pb.ArtifactType(name='Examples', properties={'span': pb.STRING}))
    with pytest.raises(mlmd.errors.InvalidArgumentError):
      store.put_artifact_type(pb.ArtifactType())


def test_a_server_that_is_lost_is_missed_and_comes_back_with_its_data(tmp_path: pathlib.Path) -> None:
  with metadata_server(tmp_path / 'm.sqlite') as server:
    type_id = client(server).put_context_type(pb.ContextType(name='pipeline'))

    server.stop()
    with pytest.raises(mlmd.errors.UnavailableError):
      client(server).get_context_types()
    server.start()

    assert client(server).get_context_type('pipeline').id == type_id


def test_nobody_listens_once_it_has_ended(tmp_path: pathlib.Path) -> None:
  with metadata_server(tmp_path / 'm.sqlite') as server:
    pass

  with pytest.raises(mlmd.errors.UnavailableError):
    client(server).get_context_types()


def test_with_tls_only_who_trusts_its_certificate_is_answered(tmp_path: pathlib.Path, identity: Identity) -> None:
  with metadata_server(tmp_path / 'm.sqlite', server_credentials(identity)) as server:
    assert client(server, custom_ca=identity.certificate.read_text()).get_contexts() == []

    for stranger in (client(server), client(server, custom_ca=make_identity(tmp_path).certificate.read_text())):
      with pytest.raises(mlmd.errors.UnavailableError):
        stranger.get_contexts()


def test_it_can_ask_its_clients_for_a_certificate(tmp_path: pathlib.Path, identity: Identity) -> None:
  certificate, key = identity.certificate.read_text(), identity.key.read_text()
  with metadata_server(tmp_path / 'm.sqlite', server_credentials(identity, client_certificate=True)) as server:
    known = client(server, custom_ca=certificate, server_cert=certificate, client_key=key)
    assert known.get_contexts() == []

    with pytest.raises(mlmd.errors.UnavailableError):
      client(server, custom_ca=certificate).get_contexts()


@pytest.mark.parametrize(
  ('options', 'query'), [({}, ''), ({'ca_file': '/a/ca.pem'}, '?ca_file=/a/ca.pem')], ids=['plain', 'options']
)
def test_the_uri_says_where_it_listens(tmp_path: pathlib.Path, options: dict[str, str], query: str) -> None:
  with metadata_server(tmp_path / 'm.sqlite') as server:
    assert server.uri(**options) == f'grpc://127.0.0.1:{server.port}{query}'
