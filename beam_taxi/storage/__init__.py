"""Files, wherever they are: plain calls for local paths, requests for object stores, Beam's FileSystems for the rest.

What only some paths need is imported only for them, so that what looks at local files stays quick to start.
"""

import contextlib
import errno
import glob
import os
import secrets
from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol, cast

from beam_taxi.errors import UserError
from beam_taxi.storage import beam_files
from beam_taxi.storage.objects import ObjectReader, ObjectStore, ObjectUpload, match_objects
from beam_taxi.storage.stored_file import StoredFile as StoredFile


def is_local(path: str) -> bool:
  """Whether a path has no scheme, and so is this machine's own."""
  return '://' not in path


def join(base: str, *parts: str) -> str:
  """Joins with '/', which is right for object stores and for every system that this project runs on."""
  return '/'.join([base.rstrip('/'), *parts])


def expanded(path: str) -> str:
  """A local path with its ~ and $VARIABLES replaced, which a shell leaves as they are in quotes and behind a '='.

  Not where something has the very name; a variable that is not set stays.
  """
  if not is_local(path) or os.path.lexists(path):
    return path
  return os.path.expandvars(os.path.expanduser(path))


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
  """Has every file system take credentials and the like from a run's PipelineOptions, before the run begins."""
  from beam_taxi.storage import options as of_stores

  of_stores.use(options)


def match(pattern: str) -> list[tuple[str, int]]:
  """(path, bytes) of what match_files finds."""
  return [(file.path, file.size) for file in match_files(pattern)]


def match_files(pattern: str) -> list[StoredFile]:
  """Every file that a path, a folder or a glob pattern names, in no particular order.

  A folder stands for the files right in it, but for hidden ones and those that begin with '_', by which other programs
  mark what is not data. In a pattern '**' goes through any number of folders, none included.

  Raises:
    UserError: no file system for the pattern's scheme, or it refuses.
    MishapError: it does not answer.
  """
  if store := _object_store(pattern):
    return match_objects(store, pattern)
  if not is_local(pattern):
    return beam_files.match(pattern)
  if os.path.isfile(pattern):
    names = [pattern]
  elif os.path.isdir(pattern):
    try:
      names = [join(pattern, name) for name in os.listdir(pattern) if _is_data(name)]
    except PermissionError as error:
      raise _closed(pattern, error) from error
  else:
    names = glob.glob(pattern, recursive=True)
    if not names:
      _check_folders(pattern)
  return [_local_file(name) for name in names if os.path.isfile(name)]


def _check_folders(pattern: str) -> None:
  """Raises UserError where the folders that a pattern begins with cannot be looked into."""
  folder = ''
  for part in pattern.split('/')[:-1]:
    folder += f'{part}/'
    if glob.has_magic(part):
      return
    try:
      os.stat(folder + '.')
      # Without the right to list a folder, a name in it is still found, and a pattern is not.
      if glob.has_magic(pattern.removeprefix(folder).partition('/')[0]):
        os.listdir(folder)
    except PermissionError as error:
      raise _closed(folder.rstrip('/') or '/', error) from error
    except OSError:
      return


def _closed(folder: str, error: PermissionError) -> UserError:
  return UserError(f'{folder}: cannot be looked into ({error.strerror}); ask for the right to read this folder')


def stat(path: str) -> StoredFile:
  """A file as it is now. Raises FileNotFoundError where it is gone."""
  if is_local(path):
    return _local_file(path)
  store = _object_store(path)
  found = store.find(path) if store else next(iter(beam_files.match(path)), None)
  if not found:
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
  return found


def tells_changes(path: str) -> bool:
  """Whether reading a file of a known version fails where it has another one by now, so that nobody need ask."""
  return path.startswith(('s3://', 'azfs://'))


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


def _object_store(path: str) -> ObjectStore | None:
  """The object store that a path is in; None of a local one, and of those that only Beam knows."""
  scheme = path.partition('://')[0]
  if scheme == 'gs':
    from beam_taxi.storage.gcs import GcsStore

    return GcsStore()
  if scheme == 's3':
    from beam_taxi.storage.s3 import S3Store

    return S3Store()
  if scheme == 'azfs':
    from beam_taxi.storage.azure import AzureStore

    return AzureStore()
  return None


def size(path: str) -> int:
  """A file's bytes as stored."""
  return stat(path).size


def stored_crc32c(path: str) -> int | None:
  """The CRC-32C that Cloud Storage keeps of an object; None where nothing keeps one, and the file has to be read."""
  if not path.startswith('gs://'):
    return None
  from beam_taxi.storage.gcs import GcsStore

  return GcsStore().crc32c(path)


def open_for_reading(path: str, known: StoredFile | None = None, span: tuple[int, int] | None = None) -> BinaryIO:
  """A seekable stream of a file's bytes as they are stored: nothing is decompressed.

  Args:
    path: the file.
    known: what a listing says of it, which an object store then need not be asked.
    span: the bytes that will be read, from the first to the one behind the last, where that is known.

  Raises:
    FileNotFoundError: there is none.
  """
  if is_local(path):
    return open(path, 'rb', buffering=0)
  if store := _object_store(path):
    return cast(BinaryIO, ObjectReader(store, known or stat(path), span))
  return beam_files.open_for_reading(path)


def read_bytes(path: str) -> bytes:
  """A whole small file."""
  if store := _object_store(path):
    return store.read_all(path)
  with open_for_reading(path) as stream:
    return stream.read()


def delete(path: str) -> None:
  """Deletes a file."""
  if is_local(path):
    os.remove(path)
  elif store := _object_store(path):
    store.delete(path)
  else:
    beam_files.delete(path)


def exists(path: str) -> bool:
  """Whether there is a file, a folder or, in an object store, an object of this very name."""
  if is_local(path):
    return os.path.lexists(path)
  if store := _object_store(path):
    return store.find(path) is not None
  return beam_files.exists(path)


class _Upload(Protocol):
  """A file that is being written elsewhere."""

  def write(self, data: memoryview) -> int | None:
    """Takes some bytes; how many, if not all."""

  def commit(self) -> None:
    """Makes the file visible."""

  def discard(self) -> None:
    """Gives it up."""


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
    self._upload: _Upload
    if is_local(path):
      self._upload = _LocalUpload(path, durable=durable)
    elif store := _object_store(path):
      self._upload = ObjectUpload(store, path, mime_type)
    else:
      self._upload = beam_files.BeamUpload(path, mime_type)

  def write(self, data: bytes | memoryview) -> None:
    """Appends all of `data`."""
    view = memoryview(data)
    with _named(self._path):
      while len(view):
        view = view[self._upload.write(view) or len(view) :]

  def commit(self) -> None:
    """Makes the file visible under its name."""
    try:
      with _named(self._path):
        self._upload.commit()
    except BaseException:
      self.discard()
      raise

  def discard(self) -> None:
    """Leaves nothing behind."""
    self._upload.discard()


class _LocalUpload:
  """A local file under a name of its own, until it is renamed."""

  def __init__(self, path: str, *, durable: bool):
    self._path = path
    self._durable = durable
    self._folder, name = os.path.split(path)
    os.makedirs(self._folder or '.', exist_ok=True)
    self._temporary = os.path.join(self._folder, f'.{name}.{secrets.token_hex(4)}.tmp')
    self._stream = open(self._temporary, 'wb', buffering=0)  # noqa: SIM115 - commit or discard closes it

  def write(self, data: memoryview) -> int | None:
    return self._stream.write(data)

  def commit(self) -> None:
    if self._durable:
      os.fsync(self._stream.fileno())
    self._stream.close()
    os.replace(self._temporary, self._path)
    if self._durable:
      _sync_folder(self._folder or '.')

  def discard(self) -> None:
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
