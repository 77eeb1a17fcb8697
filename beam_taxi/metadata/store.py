"""Connecting to the metadata store that a URI names."""

import os

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2

from beam_taxi import storage
from beam_taxi.errors import UserError

NO_STORE = 'none'
_SQLITE = 'sqlite:///'
_SQLITE_MAGIC = b'SQLite format 3\0'  # Source: the SQLite file format, 1.3.1.


def store_uri(metadata: str, output: str) -> str:
  """The URI of the store that a run records into.

  Args:
    metadata: what the user asked for; '' for the default.
    output: the run's output folder.

  Returns:
    `sqlite:///PATH` or 'none'.

  Raises:
    UserError: the URI is of no known kind, or there is no default for this output.
  """
  if metadata == NO_STORE:
    return NO_STORE
  if metadata.startswith(_SQLITE):
    if not metadata.removeprefix(_SQLITE):
      raise UserError(f'--metadata {metadata}: names no file; give sqlite:///PATH')
    return metadata
  if metadata:
    raise UserError(f'--metadata {metadata}: give sqlite:///PATH for an SQLite file, or none to record nothing')
  if not storage.is_local(output):
    raise UserError(
      f'--output {output}: SQLite cannot be kept there; name a local store with --metadata sqlite:///PATH, or none'
    )
  return _SQLITE + os.path.join(output, 'metadata.sqlite')


def connect(uri: str) -> mlmd.MetadataStore:
  """Opens the store at `sqlite:///PATH`, creating it where there is none.

  Raises:
    UserError: it cannot be opened, or is of a newer MLMD than is installed.
  """
  path = uri.removeprefix(_SQLITE)
  config = metadata_store_pb2.ConnectionConfig()
  config.sqlite.filename_uri = path
  config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
  if os.path.isfile(path) and os.path.getsize(path):
    with open(path, 'rb') as file:
      if file.read(len(_SQLITE_MAGIC)) != _SQLITE_MAGIC:
        raise UserError(f'--metadata {uri}: the store cannot be opened (it is no SQLite file); name another file')
  try:
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    return mlmd.MetadataStore(config)
  except (OSError, RuntimeError, mlmd.errors.StatusError) as error:
    # MLMD appends its whole SQL statement to what SQLite said.
    reason = ' '.join(str(error).split(' query:')[0].split())
    raise UserError(
      f'--metadata {uri}: the store cannot be opened ({reason}); check the path and its permissions, and that the file '
      'is an SQLite store of MLMD'
    ) from error
