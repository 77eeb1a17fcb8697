"""What `--metadata` may be: the URI of a store, taken apart and checked. Opens nothing and imports nothing heavy."""

import dataclasses
import os
import urllib.parse
from collections.abc import Mapping
from typing import Literal, cast

from beam_taxi import storage
from beam_taxi.errors import HIDDEN, UserError

NO_STORE = 'none'
_SQLITE = 'sqlite:///'

Kind = Literal['sqlite', 'mysql', 'postgresql', 'grpc']

# Where a password is: never in the URI, which shows in process lists and on job pages.
PASSWORD_SOURCES = ('password_env', 'password_file', 'password_secret')

_OPTIONS = {
  'mysql': (*PASSWORD_SOURCES, 'socket', 'ssl_ca', 'ssl_cert', 'ssl_key'),
  'postgresql': (*PASSWORD_SOURCES, 'socket'),
  'grpc': ('tls', 'ca_file', 'cert_file', 'key_file'),
}
_PORTS = {'mysql': 3306, 'postgresql': 5432, 'grpc': 8080}

_FORMS = (
  'sqlite:///PATH, mysql://USER@HOST/DATABASE, postgresql://USER@HOST/DATABASE, grpc://HOST:PORT, or none to record '
  'nothing'
)


@dataclasses.dataclass(frozen=True)
class StoreUri:
  """A store's URI.

  Attributes:
    text: the whole of it, which may be shown: there is no password in it.
    kind: what kind of store it is.
    path: SQLite's file.
    host, port, user, database: of a server; '' or 0 where the URI has none.
    options: what stands behind the question mark.
  """

  text: str
  kind: Kind
  path: str = ''
  host: str = ''
  port: int = 0
  user: str = ''
  database: str = ''
  options: Mapping[str, str] = dataclasses.field(default_factory=dict)


def store_uri(metadata: str, output: str) -> str:
  """The URI of the store that a run records into.

  Args:
    metadata: what the user asked for; '' for the default.
    output: the run's output folder.

  Returns:
    A URI that parse_uri takes, or 'none'.

  Raises:
    UserError: the URI is of no known kind, or there is no default for this output.
  """
  if metadata == NO_STORE:
    return NO_STORE
  if metadata:
    uri = parse_uri(metadata)
    # What is recorded must mean the same from another folder.
    return _SQLITE + os.path.abspath(uri.path) if uri.kind == 'sqlite' else metadata
  if not storage.is_local(output):
    raise UserError(
      f'--output {output}: SQLite cannot be kept there; name a store with --metadata, such as '
      'mysql://USER@HOST/DATABASE or a local sqlite:///PATH, or none'
    )
  return _SQLITE + os.path.join(storage.expanded(output), 'metadata.sqlite')


def parse_uri(text: str) -> StoreUri:
  """Takes a store's URI apart.

  Raises:
    UserError: it is of no known kind, lacks something, has an option that its kind does not have, or a password.
  """
  if text.startswith(_SQLITE):
    if not text.removeprefix(_SQLITE):
      raise UserError(f'--metadata {text}: names no file; give sqlite:///PATH')
    return StoreUri(text, 'sqlite', storage.expanded(text.removeprefix(_SQLITE)))
  kind, separator, rest = text.partition('://')
  if not separator or kind not in _OPTIONS:
    # Whatever it is, it may have a password in it.
    _, at, behind = text.rpartition('@')
    raise UserError(f'--metadata {HIDDEN + at + behind if at else text}: give {_FORMS}')
  if '@' in rest and ':' in rest.rpartition('@')[0]:
    raise UserError(
      f'--metadata {kind}://{HIDDEN}@{rest.rpartition("@")[2]}: has a password in it, which others can see; give it by '
      '?password_env=NAME, ?password_file=PATH or ?password_secret=projects/PROJECT/secrets/NAME'
    )
  try:
    parts = urllib.parse.urlsplit(text)
    options = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    port = parts.port or 0
  except ValueError as error:
    raise UserError(f'--metadata {text}: {error}; give {_FORMS}') from error
  unknown = sorted(options.keys() - set(_OPTIONS[kind]))
  if any('password' in name for name in unknown):
    raise UserError(
      f'--metadata {text.partition("?")[0]}: has a password in it, which others can see; give it by '
      '?password_env=NAME, ?password_file=PATH or ?password_secret=projects/PROJECT/secrets/NAME'
    )
  if unknown:
    raise UserError(f'--metadata {text}: {kind} has no option {unknown[0]!r}; it has {", ".join(_OPTIONS[kind])}')
  if len(options.keys() & set(PASSWORD_SOURCES)) > 1:
    raise UserError(f'--metadata {text}: the password is in two places; give one of {", ".join(PASSWORD_SOURCES)}')
  host = urllib.parse.unquote(parts.hostname or '')
  database = urllib.parse.unquote(parts.path.removeprefix('/'))
  user = urllib.parse.unquote(parts.username or '')
  if not (host or options.get('socket')):
    raise UserError(f'--metadata {text}: names no host; give {_FORMS}')
  if kind != 'grpc' and not (database and user):
    raise UserError(f'--metadata {text}: names no {"database" if user else "user"}; give {kind}://USER@HOST/DATABASE')
  return StoreUri(text, cast(Kind, kind), '', host, port or _PORTS[kind], user, database, options)


def only_of_this_machine(uri: StoreUri, own_addresses: bool = False) -> str:
  """What of a store no other machine reaches, as a message names it; '' where others may reach all of it.

  `own_addresses` says that the others do reach what listens on this machine, because they are on it.
  """
  if uri.kind == 'sqlite':
    return 'an SQLite file'
  if 'password_env' in uri.options:
    return 'an environment variable'
  if 'socket' in uri.options:
    return 'a socket'
  if 'password_file' in uri.options and storage.is_local(uri.options['password_file']) and not own_addresses:
    return 'a file'
  if not own_addresses and (uri.host in ('localhost', '::1') or uri.host.startswith('127.')):
    return f'the address {uri.host}'
  return ''
