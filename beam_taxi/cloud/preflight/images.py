"""Whether workers can fetch an image, and whether it has the Beam and the Python that this run has.

Speaks the Docker registry's HTTP API (version 2, the OCI distribution specification) and the token protocol before it.
"""

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin

import apache_beam as beam
import requests

from beam_taxi.cloud.preflight.checks import Finding, NotCheckedError, failed, ok, warning
from beam_taxi.errors import UserError

_TIMEOUT_S = (5, 20)

_INDEXES = (
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
)
_MANIFESTS = (
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
)

# Labels that an image made for this package has; the official images of Python name their version in the environment.
BEAM_LABEL = 'org.beam_taxi.beam_version'
PYTHON_LABEL = 'org.beam_taxi.python_version'
KERNEL_LABEL = 'org.beam_taxi.kernel'
_PYTHON_VARIABLE = 'PYTHON_VERSION'

# Google's registries, by the whole of what stands before the path: what reads URLs otherwise finds no other host there.
_GOOGLES = re.compile(r'https://(([a-z0-9-]+\.)*gcr\.io|([a-z0-9-]+\.)+pkg\.dev)(:443)?/')

_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class ImageName:
  """An image's name taken apart, as docker does: 'python:3.11' is docker.io/library/python.

  Attributes:
    text: the whole name.
    registry: the host that has it, with a port where it has one.
    repository: its path there.
    reference: a tag or a digest.
  """

  def __init__(self, text: str):
    self.text = text
    first, slash, rest = text.partition('/')
    is_host = bool(slash) and ('.' in first or ':' in first or first == 'localhost')
    self.registry, path = (first, rest) if is_host else ('docker.io', text)
    path, at, digest = path.partition('@')
    path, colon, tag = path.partition(':')
    self.reference = digest if at else tag if colon else 'latest'
    self.repository = path if is_host or '/' in path else f'library/{path}'

  @property
  def url(self) -> str:
    """Of the repository. A registry on this machine is asked without TLS, as docker does."""
    host = 'registry-1.docker.io' if self.registry == 'docker.io' else self.registry
    is_local = host.partition(':')[0] in ('localhost', '127.0.0.1')
    return f'http{"" if is_local else "s"}://{host}/v2/{self.repository}/'

  @property
  def is_googles(self) -> bool:
    """Whether Google's credentials are known there."""
    return is_googles(self.url)


class Registry:
  """A registry's repository, asked with the token that it hands out."""

  def __init__(self, image: ImageName, google_token: Callable[[], str]):
    """`google_token` gives an access token for Google's registries, or '' without credentials."""
    self._image = image
    self._http = requests.Session()
    token = google_token() if image.is_googles else ''
    self._login = ('oauth2accesstoken', token) if token else None

  def get(self, path: str, accept: tuple[str, ...] = ()) -> dict[str, Any]:
    """A manifest, or a blob that is JSON. Raises UserError where the registry refuses."""
    url = urljoin(self._image.url, path)
    headers = {'Accept': ', '.join(accept)} if accept else {}
    answer = self._http.get(url, headers=headers, timeout=_TIMEOUT_S)
    if answer.status_code == 401 and 'Authorization' not in self._http.headers:
      self._http.headers['Authorization'] = self._authorization(answer.headers.get('WWW-Authenticate', ''))
      answer = self._http.get(url, headers=headers, timeout=_TIMEOUT_S)
    if answer.status_code == 404:
      raise UserError(f'{self._image.text}: {self._image.registry} has no such image; {_push(self._image)}')
    if answer.status_code in (401, 403):
      raise self._refused()
    answer.raise_for_status()
    return dict(answer.json())

  def _authorization(self, challenge: str) -> str:
    """The header that a challenge asks for. Source: Docker's token authentication specification."""
    scheme, _, rest = challenge.partition(' ')
    words = dict(_CHALLENGE.findall(rest))
    if scheme.lower() != 'bearer' or 'realm' not in words:
      raise self._refused()
    realm = words['realm']
    if not realm.startswith('https://') and self._image.url.startswith('https://'):
      raise self._refused()
    login = self._login if is_googles(realm) else None
    asked = {name: words[name] for name in ('service', 'scope') if name in words}
    # A realm that leads elsewhere would lead the credentials there.
    answer = requests.get(realm, params=asked, auth=login, timeout=_TIMEOUT_S, allow_redirects=login is None)
    if answer.status_code != 200:
      raise self._refused()
    body = answer.json()
    return f'Bearer {body.get("token") or body.get("access_token")}'

  def _refused(self) -> UserError:
    if self._image.is_googles:
      return UserError(
        f'{self._image.text}: {self._image.registry} does not show it to this account, or there is no such repository; '
        'this account and that of the workers need the role roles/artifactregistry.reader'
      )
    return UserError(
      f'{self._image.text}: {self._image.registry} has no such image that everybody may fetch, as workers must; '
      f'{_push(self._image)}, or copy it to Artifact Registry'
    )


def is_googles(url: str) -> bool:
  """Whether what is sent to a URL reaches Google and nobody else, so that Google's credentials may be in it."""
  return bool(_GOOGLES.match(url.lower()))


def _push(image: ImageName) -> str:
  return f'docker push {image.text}'


def image_findings(name: str, google_token: Callable[[], str], *, has_package: bool = True) -> list[Finding]:
  """Whether an image is there, for workers' machines, and has what they need.

  Args:
    name: as --sdk_container_image has it.
    google_token: gives an access token for Google's registries, or '' without credentials.
    has_package: whether it must have this package, for nothing else brings it.
  """
  image = ImageName(name)
  registry = Registry(image, google_token)
  try:
    manifest = registry.get(f'manifests/{image.reference}', (*_INDEXES, *_MANIFESTS))
    if 'manifests' in manifest:
      digest = _for_workers(manifest)
      if not digest:
        remedy = f'docker build --platform linux/amd64 --tag {name} . && docker push {name}'
        return [failed(f'{name}: is not built for linux/amd64, which workers are', remedy)]
      manifest = registry.get(f'manifests/{digest}', _MANIFESTS)
    config = registry.get(f'blobs/{manifest["config"]["digest"]}').get('config') or {}
  except requests.ConnectionError as error:
    raise NotCheckedError(f'{image.registry} does not answer ({type(error).__name__})') from error
  findings = version_findings(name, config)
  if has_package and BEAM_LABEL not in (config.get('Labels') or {}):
    what = f'{name}: does not say that it has this package, without which workers cannot begin'
    findings.append(warning(what, f'an image with the label {BEAM_LABEL}, or --setup_file ./setup.py'))
  return findings


def _for_workers(index: Mapping[str, Any]) -> str:
  """The digest of an index's manifest for the machines of workers; '' where there is none."""
  for each in index['manifests']:
    platform = each.get('platform', {})
    if (platform.get('os'), platform.get('architecture')) == ('linux', 'amd64'):
      return str(each['digest'])
  return ''


def version_findings(name: str, config: Mapping[str, Any]) -> list[Finding]:
  """What an image's configuration says of the versions in it, beside those of this process."""
  labels = config.get('Labels') or {}
  variables = dict(each.partition('=')[::2] for each in config.get('Env') or [])
  python = '.'.join(map(str, sys.version_info[:2]))
  pairs = (
    ('Beam', BEAM_LABEL, labels.get(BEAM_LABEL, ''), beam.__version__),
    ('Python', PYTHON_LABEL, _minor(labels.get(PYTHON_LABEL) or variables.get(_PYTHON_VARIABLE, '')), python),
  )
  findings = []
  for what, label, found, own in pairs:
    if not found:
      text = f'{name}: does not say which {what} it has; this run has {own}'
      findings.append(warning(text, f'docker build --label {label}={own}'))
    elif found != own:
      text = f'{name}: has {what} {found}, and this run {own}: workers could not read what it stages'
      findings.append(failed(text, f'an image with {what} {own}, or run where {what} {found} is installed'))
  kernel = f'; its kernel is {labels[KERNEL_LABEL]}' if KERNEL_LABEL in labels else ''
  return findings or [ok(f'{name}: has Beam {beam.__version__} and Python {python}{kernel}')]


def _minor(version: str) -> str:
  """'3.11.7' -> '3.11'"""
  return '.'.join(version.split('.')[:2])
