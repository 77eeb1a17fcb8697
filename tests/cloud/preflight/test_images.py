"""Images of a double that speaks the protocol of Docker's registries: challenge, token, index, manifest, blob."""

import base64
import sys
from collections.abc import Callable
from typing import Any

import apache_beam as beam
import pytest
from emulators.databases import free_port
from emulators.rest import Answer, RestService, rest_service
from findings import shown

from beam_taxi.cloud.preflight import images
from beam_taxi.cloud.preflight.checks import Check, Finding, made
from beam_taxi.cloud.preflight.images import ImageName, image_findings
from beam_taxi.errors import UserError

PYTHON = '.'.join(map(str, sys.version_info[:2]))
INDEX, MANIFEST = images._INDEXES[0], images._MANIFESTS[0]
LABELS = {'org.beam_taxi.beam_version': beam.__version__, 'org.beam_taxi.python_version': PYTHON}

NAMES = {
  'python': ('docker.io', 'library/python', 'latest', 'https://registry-1.docker.io/v2/library/python/'),
  'apache/beam_python3.11_sdk:2.72.0': (
    'docker.io',
    'apache/beam_python3.11_sdk',
    '2.72.0',
    'https://registry-1.docker.io/v2/apache/beam_python3.11_sdk/',
  ),
  'us-docker.pkg.dev/p/r/image:1': ('us-docker.pkg.dev', 'p/r/image', '1', 'https://us-docker.pkg.dev/v2/p/r/image/'),
  'gcr.io/p/image@sha256:ab': ('gcr.io', 'p/image', 'sha256:ab', 'https://gcr.io/v2/p/image/'),
  'gcr.io/p/image:1@sha256:ab': ('gcr.io', 'p/image', 'sha256:ab', 'https://gcr.io/v2/p/image/'),
  'localhost:5000/image': ('localhost:5000', 'image', 'latest', 'http://localhost:5000/v2/image/'),
}


@pytest.mark.parametrize(('text', 'expected'), NAMES.items(), ids=NAMES)
def test_a_name_is_taken_apart_as_docker_does(text: str, expected: tuple[str, ...]) -> None:
  name = ImageName(text)

  assert (name.registry, name.repository, name.reference, name.url) == expected


def no_token() -> str:
  return ''


class Registry:
  """A registry whose repository 'p/image' only a token of its own opens."""

  def __init__(self, service: RestService):
    self._service = service
    self.name = f'{service.address.removeprefix("http://")}/p/image:1'
    service.answer('GET /token', {'token': 'OPEN'})

  def put(self, path: str, body: Any, kind: str = 'application/json', realm: str = '') -> None:
    realm = realm or f'{self._service.address}/token'
    challenge = f'Bearer realm="{realm}",service="double",scope="repository:p/image:pull"'

    def answer(request: Any) -> Any:
      if request.headers.get('authorization') != 'Bearer OPEN':
        return Answer(401, {'errors': [{'code': 'UNAUTHORIZED'}]}, {'WWW-Authenticate': challenge})
      return Answer(200, body, {'Content-Type': kind})

    self._service.answer(f'GET /v2/p/image/{path}', answer)

  def put_image(
    self, labels: dict[str, str] | None, *environment: str, architecture: str = 'amd64', realm: str = ''
  ) -> None:
    """An image for two kinds of machines."""
    platforms = {'sha256:arm': 'arm64', 'sha256:other': architecture}
    manifests = [
      {'digest': digest, 'platform': {'os': 'linux', 'architecture': name}} for digest, name in platforms.items()
    ]
    self.put('manifests/1', {'mediaType': INDEX, 'manifests': manifests}, INDEX, realm)
    self.put('manifests/sha256:other', {'mediaType': MANIFEST, 'config': {'digest': 'sha256:config'}}, MANIFEST)
    self.put('blobs/sha256:config', {'config': {'Labels': labels, 'Env': ['PATH=/bin', *environment]}})


@pytest.fixture
def registry(google: RestService) -> Registry:
  return Registry(google)


def test_an_image_with_the_right_versions_is_ok(registry: Registry, google: RestService) -> None:
  registry.put_image(LABELS)

  found = image_findings(registry.name, no_token)

  assert shown(found) == [('ok', f'{registry.name}: has Beam {beam.__version__} and Python {PYTHON}', '')]
  [token] = [request for request in google.asked if request.path == '/token']
  assert token.query == {'service': 'double', 'scope': 'repository:p/image:pull'}
  assert 'authorization' not in token.headers


def test_an_image_s_kernel_is_said(registry: Registry) -> None:
  registry.put_image({**LABELS, 'org.beam_taxi.kernel': 'compiled'})

  [(mark, what, _)] = shown(image_findings(registry.name, no_token))

  assert (mark, what.rpartition('; ')[2]) == ('ok', 'its kernel is compiled')


def test_an_image_of_one_kind_of_machine_has_no_index(registry: Registry) -> None:
  registry.put('manifests/1', {'mediaType': MANIFEST, 'config': {'digest': 'sha256:config'}}, MANIFEST)
  registry.put('blobs/sha256:config', {'config': {'Labels': LABELS}})

  assert [mark for mark, _, _ in shown(image_findings(registry.name, no_token))] == ['ok']


VERSIONS: dict[str, tuple[dict[str, str] | None, list[str], list[tuple[str, str]]]] = {
  'another_beam': ({**LABELS, 'org.beam_taxi.beam_version': '2.1.0'}, [], [('failed', 'has Beam 2.1.0')]),
  'another_python': ({**LABELS, 'org.beam_taxi.python_version': '3.9'}, [], [('failed', 'has Python 3.9')]),
  'pythons_own_variable': (
    None,
    ['PYTHON_VERSION=3.9.18'],
    [('warning', 'does not say which Beam'), ('failed', 'has Python 3.9')],
  ),
  'nothing_said': (None, [], [('warning', 'does not say which Beam'), ('warning', 'does not say which Python')]),
}


@pytest.mark.parametrize(('labels', 'environment', 'expected'), VERSIONS.values(), ids=VERSIONS)
def test_versions_are_held_against_this_runs(
  registry: Registry, labels: dict[str, str] | None, environment: list[str], expected: list[tuple[str, str]]
) -> None:
  registry.put_image(labels, *environment)

  found = shown(image_findings(registry.name, no_token, has_package=False))

  assert [mark for mark, _, _ in found] == [mark for mark, _ in expected]
  assert all(part in what for (_, what, _), (_, part) in zip(found, expected, strict=True))


def test_an_image_that_may_not_have_this_package_is_said(registry: Registry) -> None:
  registry.put_image({'org.beam_taxi.python_version': PYTHON})

  [_, (mark, what, remedy)] = shown(image_findings(registry.name, no_token))

  assert (mark, 'does not say that it has this package' in what) == ('warning', True)
  assert remedy.endswith('or --setup_file ./setup.py')


def outcome(name: str, token: Callable[[], str] = no_token) -> list[tuple[str, str, str]]:
  def find() -> list[Finding]:
    return image_findings(name, token)

  return shown(made(Check('image', find)))


def test_an_image_that_is_not_there_is_said_with_how_to_push_it(registry: Registry) -> None:
  [(mark, what, remedy)] = outcome(registry.name)

  assert (mark, 'has no such image' in what, remedy) == ('failed', True, f'docker push {registry.name}')


def test_an_image_for_other_machines_is_said(registry: Registry) -> None:
  registry.put_image(LABELS, architecture='s390x')

  [(mark, what, remedy)] = outcome(registry.name)

  assert (mark, 'is not built for linux/amd64' in what) == ('failed', True)
  assert remedy.startswith('docker build --platform linux/amd64')


def test_a_registry_that_gives_no_token_is_said(registry: Registry, google: RestService) -> None:
  registry.put_image(LABELS)
  google.answer('GET /token', {'errors': []}, 401)

  [(mark, what, remedy)] = outcome(registry.name)

  assert (mark, 'that everybody may fetch' in what, bool(remedy)) == ('failed', True, True)


GOOGLES = {
  'gcr.io/p/i': True,
  'eu.gcr.io/p/i': True,
  'gcr.io:443/p/i': True,
  'us-docker.pkg.dev/p/r/i:1': True,
  'evilgcr.io/p/i': False,
  'gcr.io.example.com/p/i': False,
  'pkg.dev.example.com/p/i': False,
  'pkg.dev/p/i': False,
  'evilpkg.dev/p/i': False,
  'gcr.io@example.com/p/i': False,
  'example.com#.gcr.io/p/i': False,
  'example.com?.gcr.io/p/i': False,
  'example.com\\.gcr.io/p/i': False,
  'localhost:5000/gcr.io/p/i': False,
  'python': False,
}


@pytest.mark.parametrize(('name', 'googles'), GOOGLES.items(), ids=GOOGLES)
def test_only_googles_own_hosts_and_those_below_them_are_googles(name: str, googles: bool) -> None:
  assert ImageName(name).is_googles is googles


def test_only_encrypted_addresses_are_googles() -> None:
  assert images.is_googles('https://gcr.io/v2/token')
  assert not images.is_googles('http://gcr.io/v2/token')


@pytest.fixture
def one_of_googles(google: RestService, monkeypatch: pytest.MonkeyPatch) -> None:
  """The double is taken for Google's, and nothing else that it names is."""
  monkeypatch.setattr(images, 'is_googles', lambda url: url.startswith(f'{google.address}/'))


def tokens_asked(service: RestService) -> list[dict[str, str]]:
  return [request.headers for request in service.asked if request.path == '/token']


@pytest.mark.usefixtures('one_of_googles')
def test_googles_registries_are_asked_with_googles_credentials(registry: Registry, google: RestService) -> None:
  registry.put_image(LABELS)

  assert [mark for mark, _, _ in outcome(registry.name, lambda: 'TOKEN')] == ['ok']
  [headers] = tokens_asked(google)
  assert headers['authorization'] == 'Basic ' + base64.b64encode(b'oauth2accesstoken:TOKEN').decode()

  google.answer('GET /token', {}, 403)
  [(mark, _, remedy)] = outcome(registry.name, lambda: 'TOKEN')
  assert (mark, remedy) == (
    'failed',
    'this account and that of the workers need the role roles/artifactregistry.reader',
  )


@pytest.mark.usefixtures('one_of_googles')
def test_a_realm_that_is_not_googles_gets_no_credentials(registry: Registry) -> None:
  with rest_service() as other:
    other.answer('GET /token', {'token': 'OPEN'})
    registry.put_image(LABELS, realm=f'{other.address}/token')

    assert [mark for mark, _, _ in outcome(registry.name, lambda: 'TOKEN')] == ['ok']
    [headers] = tokens_asked(other)
    assert 'authorization' not in headers


@pytest.mark.usefixtures('one_of_googles')
def test_a_realm_that_leads_elsewhere_is_not_followed(registry: Registry, google: RestService) -> None:
  registry.put_image(LABELS)
  with rest_service() as other:
    other.answer('GET /token', {'token': 'OPEN'})
    google.answer('GET /token', {}, 302, Location=f'{other.address}/token')

    assert [mark for mark, _, _ in outcome(registry.name, lambda: 'TOKEN')] == ['failed']
    assert not other.asked


def test_a_registry_asked_by_tls_cannot_name_a_realm_without(google: RestService) -> None:
  registry = images.Registry(ImageName('registry.example.com/p/image'), no_token)

  with pytest.raises(UserError, match='that everybody may fetch'):
    registry._authorization(f'Bearer realm="{google.address}/token"')
  assert not google.asked


def test_a_token_does_not_follow_where_a_blob_is_kept(registry: Registry, google: RestService) -> None:
  registry.put_image(LABELS)
  with rest_service() as other:
    other.answer('GET /blob', {'config': {'Labels': LABELS}})
    # The same machine by another name is another host.
    place = other.address.replace('127.0.0.1', 'localhost')
    google.answer('GET /v2/p/image/blobs/sha256:config', {}, 307, Location=f'{place}/blob')

    assert [mark for mark, _, _ in outcome(registry.name)] == ['ok']
    [request] = other.asked
    assert 'authorization' not in request.headers


def test_a_registry_that_does_not_answer_is_not_checked() -> None:
  [(mark, what, _)] = outcome(f'127.0.0.1:{free_port()}/p/image')

  assert (mark, 'does not answer' in what) == ('not checked', True)
