"""Files, wherever they are: plain calls for local paths, Beam's FileSystems for every other scheme.

Beam is imported only when a path needs it, so that what looks at local files stays quick to start.
"""

import base64
import contextlib
import dataclasses
import glob
import os
import secrets
from binascii import Error as BinasciiError
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from beam_taxi.errors import UserError


def is_local(path: str) -> bool:
  """Whether a path has no scheme, and so is this machine's own."""
  return '://' not in path


def join(base: str, *parts: str) -> str:
  """Joins with '/', which is right for object stores and for every system that this project runs on."""
  return '/'.join([base.rstrip('/'), *parts])


def identity(path: str) -> str:
  """What two spellings of one file's path have in common."""
  return os.path.realpath(path) if is_local(path) else path


def why(error: OSError) -> str:
  """What a file system says against a path, as a message has it in brackets."""
  if isinstance(error, FileExistsError | NotADirectoryError):
    # Which of the two it is depends on how many folders are to be made.
    return 'a folder in this path is a file'
  return ' '.join(str(error.strerror or error).split())


def use_options(options: Any) -> None:
  """Has Beam's file systems take credentials and the like from a run's PipelineOptions, before the run begins."""
  from apache_beam.io.filesystems import FileSystems

  FileSystems.set_options(options)


@dataclasses.dataclass(frozen=True)
class StoredFile:
  """A file: its path, its bytes as stored, and what changes when it is written anew.

  `version` is the time of the last change, as the file system tells it: in nanoseconds of a local file, in seconds of
  others; '' where it tells none.
  """

  path: str
  size: int
  version: str


def match(pattern: str) -> list[tuple[str, int]]:
  """(path, bytes) of what match_files finds."""
  return [(file.path, file.size) for file in match_files(pattern)]


def match_files(pattern: str) -> list[StoredFile]:
  """Every file that a path, a folder or a glob pattern names, in no particular order.

  A folder stands for the files right in it, but for hidden ones and those that begin with '_', by which other programs
  mark what is not data. In a pattern '**' goes through any number of folders, none included.

  Raises:
    UserError: no file system for the pattern's scheme, or it does not answer.
  """
  if not is_local(pattern):
    return _match_remote(pattern)
  if os.path.isfile(pattern):
    names = [pattern]
  elif os.path.isdir(pattern):
    names = [join(pattern, name) for name in os.listdir(pattern) if _is_data(name)]
  else:
    names = glob.glob(pattern, recursive=True)
  return [_local_file(name) for name in names if os.path.isfile(name)]


def stat(path: str) -> StoredFile:
  """A file as it is now. Raises FileNotFoundError where it is gone."""
  if is_local(path):
    return _local_file(path)
  found = _match_remote(path)
  if not found:
    raise FileNotFoundError(f'{path} is gone')
  return found[0]


def stat_of(stream: BinaryIO, path: str) -> StoredFile:
  """A local file that is open."""
  found = os.fstat(stream.fileno())
  return StoredFile(path, found.st_size, version_of(found))


def _local_file(path: str) -> StoredFile:
  found = os.stat(path)
  return StoredFile(path, found.st_size, version_of(found))


def version_of(found: os.stat_result) -> str:
  """What tells versions of a local file apart."""
  return str(found.st_mtime_ns)


def _is_data(name: str) -> bool:
  return not name.startswith(('.', '_'))


def _match_remote(pattern: str) -> list[StoredFile]:
  from apache_beam.io.filesystem import BeamIOError
  from apache_beam.io.filesystems import FileSystems

  # Beam takes '/**/' for one folder or more.
  patterns = list(dict.fromkeys([pattern, pattern.replace('/**/', '/')]))
  try:
    if not pattern.endswith('/'):
      results = FileSystems.match(patterns)
      # An object store may have an empty object that stands for a folder.
      found = {file.path: _remote_file(file) for result in results for file in result.metadata_list}
      if found:
        return [file for path, file in found.items() if not path.endswith('/')]
    if glob.has_magic(pattern):
      return []
    [result] = FileSystems.match([join(pattern, '*')])
  except (BeamIOError, ValueError) as error:
    raise UserError(f'{pattern}: cannot be looked up ({" ".join(str(error).split())})') from error
  files = [_remote_file(file) for file in result.metadata_list]
  return [file for file in files if _is_data(file.path.rpartition('/')[2]) and not file.path.endswith('/')]


def _remote_file(file: Any) -> StoredFile:
  """What Beam's file systems say of a file; those that know no time say 0."""
  updated = file.last_updated_in_seconds
  return StoredFile(file.path, file.size_in_bytes, f'{updated:.6f}' if updated else '')


def size(path: str) -> int:
  """A file's bytes as stored."""
  return stat(path).size


def stored_crc32c(path: str) -> int | None:
  """The CRC-32C that Cloud Storage keeps of an object; None where nothing keeps one, and the file has to be read."""
  if not path.startswith('gs://'):
    return None
  from apache_beam.io.filesystems import FileSystems

  try:
    # As the service shows it: base64 of four bytes, the highest first.
    return int.from_bytes(base64.b64decode(FileSystems.checksum(path), validate=True), 'big')
  except (BinasciiError, TypeError):
    return None


def _file_systems(path: str) -> Any:
  """Beam's FileSystems. Raises UserError where they have none for a path's scheme."""
  from apache_beam.io.filesystems import FileSystems

  try:
    FileSystems.get_filesystem(path)
  except ValueError as error:
    raise UserError(f'{path}: Apache Beam has no file system for {path.partition("://")[0]}://') from error
  return FileSystems


def open_for_reading(path: str) -> BinaryIO:
  """A seekable stream of a file's bytes as they are stored: nothing is decompressed."""
  if is_local(path):
    return open(path, 'rb', buffering=0)
  from apache_beam.io.filesystem import CompressionTypes

  return cast(BinaryIO, _file_systems(path).open(path, compression_type=CompressionTypes.UNCOMPRESSED))


def read_bytes(path: str) -> bytes:
  """A whole small file."""
  with open_for_reading(path) as stream:
    return stream.read()


def delete(path: str) -> None:
  """Deletes a file."""
  if is_local(path):
    os.remove(path)
    return
  from apache_beam.io.filesystems import FileSystems

  FileSystems.delete([path])


def exists(path: str) -> bool:
  """Whether there is a file, a folder or, in an object store, an object of this very name."""
  if is_local(path):
    return os.path.lexists(path)
  return bool(_file_systems(path).exists(path))


class AtomicFile:
  """A file that appears whole, under its own name, when it is committed, and not at all when it is discarded.

  A local file is written beside its place under a name that nobody else has and then renamed; an object store shows an
  object only once its upload ends. Two writers of the same bytes to the same path, as when a runner repeats a bundle,
  leave one file.
  """

  def __init__(self, path: str, mime_type: str = 'application/octet-stream', *, durable: bool = False):
    """Begins.

    Args:
      path: where the file will be.
      mime_type: what an object store keeps, by which a browser knows what to do with the object.
      durable: whether a local file is on the disk before it has its name, and its name before `commit` returns, so that
        it is whole after a power cut too. All that a manifest names is, shards included, and the manifest itself: then
        one that is there is true. Measured on ext4: a millisecond a megabyte, and a few a file; what can be
        made again in a moment, such as the pages of a site, goes without.
    """
    self._path = path
    self._durable = durable
    self._temporary = ''
    if is_local(path):
      folder, name = os.path.split(path)
      os.makedirs(folder or '.', exist_ok=True)
      self._temporary = os.path.join(folder, f'.{name}.{secrets.token_hex(4)}.tmp')
      self._stream: BinaryIO = open(self._temporary, 'wb', buffering=0)  # noqa: SIM115 - commit or discard closes it
    else:
      from apache_beam.io.filesystem import CompressionTypes

      self._stream = cast(BinaryIO, _file_systems(path).create(path, mime_type, CompressionTypes.UNCOMPRESSED))

  def write(self, data: bytes | memoryview) -> None:
    """Appends all of `data`."""
    view = memoryview(data)
    with _named(self._path):
      while len(view):
        view = view[self._stream.write(view) or len(view) :]

  def commit(self) -> None:
    """Makes the file visible under its name."""
    try:
      with _named(self._path):
        if self._temporary and self._durable:
          os.fsync(self._stream.fileno())
        self._stream.close()
      if self._temporary:
        os.replace(self._temporary, self._path)
    except BaseException:
      self.discard()
      raise
    if self._temporary and self._durable:
      _sync_folder(os.path.dirname(self._path) or '.')

  def discard(self) -> None:
    """Leaves nothing behind of a local file.

    Beam's writers cannot abandon an upload: an object store may keep what was sent, until it is written again.
    """
    if self._temporary:
      self._stream.close()
      with contextlib.suppress(FileNotFoundError):
        os.remove(self._temporary)


@contextlib.contextmanager
def _named(path: str) -> Iterator[None]:
  """Has the system's errors name the file, which those of an open file do not."""
  try:
    yield
  except OSError as error:
    error.filename = error.filename or path
    raise


def _sync_folder(folder: str) -> None:
  """Has the names in a folder on the disk."""
  file = os.open(folder, os.O_RDONLY)
  try:
    with contextlib.suppress(OSError):  # Not all file systems can.
      os.fsync(file)
  finally:
    os.close(file)


@contextlib.contextmanager
def atomic_file(
  path: str, mime_type: str = 'application/octet-stream', *, durable: bool = False
) -> Iterator[AtomicFile]:
  """An AtomicFile that is committed when the block ends and discarded when it raises."""
  file = AtomicFile(path, mime_type, durable=durable)
  try:
    yield file
    file.commit()
  except BaseException:
    file.discard()
    raise


def write_bytes(path: str, data: bytes, mime_type: str = 'application/octet-stream', *, durable: bool = False) -> None:
  """Writes a whole small file, atomically; see AtomicFile."""
  with atomic_file(path, mime_type, durable=durable) as file:
    file.write(data)
