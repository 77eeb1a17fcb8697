"""Connecting to the metadata store that a URI names, and saying in one line why it cannot be done."""

import os
import socket
import textwrap

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

from beam_taxi import storage
from beam_taxi.errors import UserError
from beam_taxi.metadata.attempts import attempts, reason_of
from beam_taxi.metadata.passwords import password_of
from beam_taxi.metadata.uri import StoreUri, parse_uri
from beam_taxi.process import native_stderr

_PATIENCE_S = 10
# MLMD tells of each table that is amiss.
_LONGEST_REASON = 300
# A call to a server that takes longer has failed.
_GRPC_TIMEOUT_S = 60

_CREATE = {
  'mysql': 'CREATE DATABASE {0}; GRANT ALL ON {0}.* TO {1}',
  'postgresql': 'CREATE DATABASE {0} OWNER {1}',
}


def connect(uri: str, *, create: bool = True) -> mlmd.MetadataStore:
  """Opens a store. A database of a server must exist; MLMD makes its tables in it.

  Args:
    uri: as uri.parse_uri takes it.
    create: whether an SQLite file is made where there is none.

  Raises:
    UserError: it cannot be reached or opened, refuses the user, or is of a newer MLMD than is installed.
  """
  parsed = parse_uri(uri)
  if parsed.kind == 'sqlite':
    if not create and not os.path.exists(parsed.path):
      raise UserError(f'--metadata {uri}: there is no such file; give the store that runs were recorded in')
    return _open(parsed, _sqlite(parsed))
  if not parsed.options.get('socket'):
    _reach(parsed)
  if parsed.kind == 'grpc':
    return _open_grpc(parsed)
  password = password_of(parsed)
  return _open(parsed, _mysql(parsed, password) if parsed.kind == 'mysql' else _postgresql(parsed, password))


def _open(uri: StoreUri, config: mlmd_pb2.ConnectionConfig) -> mlmd.MetadataStore:
  with native_stderr.withheld(show_on_error=False) as said:
    try:
      return attempts()(mlmd.MetadataStore, config)
    except (RuntimeError, mlmd.errors.StatusError) as error:
      raise UserError(f'--metadata {uri.text}: {_reason(uri, config, str(error), said())}') from None


def _open_grpc(uri: StoreUri) -> mlmd.MetadataStore:
  config = mlmd_pb2.MetadataStoreClientConfig(host=uri.host, port=uri.port, client_timeout_sec=_GRPC_TIMEOUT_S)
  options = uri.options
  files = {'ca_file': 'custom_ca', 'cert_file': 'server_cert', 'key_file': 'client_key'}
  if _is_true(uri, 'tls') or files.keys() & options.keys():
    config.ssl_config.SetInParent()
    for option in files.keys() & options.keys():
      setattr(config.ssl_config, files[option], _read_pem(uri, options[option]))
  store = mlmd.MetadataStore(config)
  try:
    store.get_context_types()
  except mlmd.errors.StatusError as error:
    raise UserError(
      f'--metadata {uri.text}: what answers there is no metadata server, or is one with other TLS settings '
      f'({_one_line(str(error))})'
    ) from None
  return store


def _sqlite(uri: StoreUri) -> mlmd_pb2.ConnectionConfig:
  path = uri.path
  try:
    # Nothing else may open the file: whoever closes it takes this process's locks, another connection's too, from it.
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
  except OSError as error:
    raise UserError(
      f'--metadata {uri.text}: the store cannot be opened ({storage.why(error)}); {_CHECK_PATH}'
    ) from error
  config = mlmd_pb2.ConnectionConfig()
  config.sqlite.filename_uri = path
  config.sqlite.connection_mode = mlmd_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
  return config


def _mysql(uri: StoreUri, password: str) -> mlmd_pb2.ConnectionConfig:
  config = mlmd_pb2.ConnectionConfig()
  database = config.mysql
  database.database, database.user, database.password = uri.database, uri.user, password
  database.skip_db_creation = True
  if 'socket' in uri.options:
    database.socket = uri.options['socket']
  else:
    database.host, database.port = uri.host, uri.port
  for option, field in (('ssl_ca', 'ca'), ('ssl_cert', 'cert'), ('ssl_key', 'key')):
    if option in uri.options:
      setattr(database.ssl_options, field, uri.options[option])
  return config


def _postgresql(uri: StoreUri, password: str) -> mlmd_pb2.ConnectionConfig:
  config = mlmd_pb2.ConnectionConfig()
  database = config.postgresql
  database.dbname, database.user, database.password = uri.database, uri.user, password
  database.skip_db_creation = True
  # libpq takes a path in the host's place for the folder of a socket.
  database.host, database.port = uri.options.get('socket', uri.host), str(uri.port)
  return config


def _reach(uri: StoreUri) -> None:
  """Raises UserError where nothing listens, which MLMD does not tell from a wrong password."""
  try:
    socket.create_connection((uri.host, uri.port), timeout=_PATIENCE_S).close()
  except OSError as error:
    raise UserError(
      f'--metadata {uri.text}: the store cannot be reached at {uri.host}:{uri.port} ({error.strerror or error}); is it '
      'running, and may this machine connect to it?'
    ) from None


# What MLMD makes of SQLite's "database is locked" when it has tried again for a while itself.
_LOCKED = 'Concurrent writes aborted'
_CHECK_PATH = 'check the path and its permissions, and that the file is an SQLite store of MLMD'


def _reason(uri: StoreUri, config: mlmd_pb2.ConnectionConfig, error: str, said: str) -> str:
  """Why MLMD did not open the store, in one line, and what to do."""
  if 'is greater than library version' in error:
    return (
      f'the store is of a newer MLMD than {mlmd.__version__}, which is installed; upgrade ml-metadata '
      f'({_one_line(error).split(". ")[0]})'
    )
  if uri.kind == 'sqlite':
    if _LOCKED in error:
      return 'another process keeps the SQLite file locked; try again once that is done'
    if 'file is not a database' in error:
      return 'the store cannot be opened (it is no SQLite file); name another file'
    remedy = 'free some space' if 'disk is full' in error else _CHECK_PATH
    return f'the store cannot be opened ({reason_of(error)}); {remedy}'
  if 'error in your SQL syntax' in error:
    return (
      f'MLMD cannot use a MySQL database called {uri.database!r}, for it does not quote names; choose one of letters, '
      'digits and underscores that is no word of SQL'
    )
  cause = '' if uri.kind == 'mysql' else _postgresql_cause(said)
  if 'mysql_real_connect' in error:
    cause = _mysql_cause(config.mysql)
  missing = 'Unknown database' in error or 'Unknown database' in cause or 'does not exist' in cause
  if missing and 'role' not in cause:
    statement = _CREATE[uri.kind].format(uri.database, uri.user)
    return f'the server has no database {uri.database!r}; make it: {statement}'
  if 'no schema_version can be found' in error:
    # MySQL keeps each table that MLMD has made, whatever becomes of the others.
    return (
      'not all tables of the store are there; unless another command is making them now, making them was cut short: '
      f'make the database anew (DROP DATABASE {uri.database}; {_CREATE[uri.kind].format(uri.database, uri.user)})'
    )
  if 'no encryption' in cause:
    return (
      f"the server asks for TLS ({cause}), and MLMD's PostgreSQL client has no TLS; reach it by a socket, such as that "
      'of the Cloud SQL Auth Proxy: ?socket=FOLDER'
    )
  return f'the store cannot be opened ({cause or _one_line(error)}); check user, password and database'


def _mysql_cause(config: mlmd_pb2.MySQLDatabaseConfig) -> str:
  """What the server says, which MLMD leaves out: asked with another client."""
  import pymysql

  tls = config.ssl_options
  try:
    pymysql.connect(
      host=config.host or 'localhost',
      port=config.port,
      unix_socket=config.socket or None,
      user=config.user,
      password=config.password,
      database=config.database,
      connect_timeout=_PATIENCE_S,
      ssl_ca=tls.ca or None,
      ssl_cert=tls.cert or None,
      ssl_key=tls.key or None,
    ).close()
  except (pymysql.err.MySQLError, OSError, RuntimeError) as error:
    return _one_line(str(error.args[-1]) if error.args else str(error))
  return (
    "MLMD's client cannot log in where another can: it needs accounts with mysql_native_password, and ssl_ca= where "
    'the server asks for TLS'
  )


def _postgresql_cause(said: str) -> str:
  """What the server said, from MLMD's log."""
  _, mark, cause = said.partition('PostgreSQL error: ')
  return cause.splitlines()[0].strip() if mark else ''


def _is_true(uri: StoreUri, option: str) -> bool:
  value = uri.options.get(option, 'false')
  if value not in ('true', 'false'):
    raise UserError(f'--metadata {uri.text}: {option} is true or false')
  return value == 'true'


def _read_pem(uri: StoreUri, path: str) -> str:
  try:
    return storage.read_bytes(path).decode('ascii')
  except UnicodeDecodeError as error:
    raise UserError(f'--metadata {uri.text}: {path} is not in PEM format; convert it with openssl') from error
  except OSError as error:
    raise UserError(f'--metadata {uri.text}: {path} cannot be read ({error.strerror or error})') from error


def _one_line(text: str) -> str:
  return textwrap.shorten(text, _LONGEST_REASON, placeholder=' ...')
