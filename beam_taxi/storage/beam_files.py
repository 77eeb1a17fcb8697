"""Files in what only Beam knows, such as hdfs://, through its FileSystems."""

import glob
from typing import Any, BinaryIO, cast

from beam_taxi.errors import UserError
from beam_taxi.storage.stored_file import StoredFile


def match(pattern: str) -> list[StoredFile]:
  """What a path, a folder or a pattern names; see storage.match_files."""
  from apache_beam.io.filesystem import BeamIOError
  from apache_beam.io.filesystems import FileSystems

  # Beam takes '/**/' for one folder or more.
  patterns = list(dict.fromkeys([pattern, pattern.replace('/**/', '/')]))
  try:
    found = [] if pattern.endswith('/') else FileSystems.match(patterns)
    files = {file.path: _stored(file) for result in found for file in result.metadata_list}
    if files or glob.has_magic(pattern):
      return list(files.values())
    [result] = FileSystems.match([f'{pattern.rstrip("/")}/*'])
  except (BeamIOError, ValueError) as error:
    raise UserError(f'{pattern}: cannot be looked up ({" ".join(str(error).split())})') from error
  found = [_stored(file) for file in result.metadata_list]
  return [file for file in found if not file.path.rpartition('/')[2].startswith(('.', '_'))]


def _stored(file: Any) -> StoredFile:
  """What Beam's file systems say of a file; those that know no time say 0."""
  updated = file.last_updated_in_seconds
  return StoredFile(file.path, file.size_in_bytes, f'{updated:.6f}' if updated else '')


def _file_systems(path: str) -> Any:
  """Beam's FileSystems. Raises UserError where they have none for a path's scheme."""
  from apache_beam.io.filesystems import FileSystems

  try:
    FileSystems.get_filesystem(path)
  except ValueError as error:
    raise UserError(f'{path}: Apache Beam has no file system for {path.partition("://")[0]}://') from error
  return FileSystems


def open_for_reading(path: str) -> BinaryIO:
  """See storage.open_for_reading."""
  from apache_beam.io.filesystem import CompressionTypes

  return cast(BinaryIO, _file_systems(path).open(path, compression_type=CompressionTypes.UNCOMPRESSED))


def delete(path: str) -> None:
  """Deletes a file."""
  _file_systems(path).delete([path])


def exists(path: str) -> bool:
  """Whether there is a file or a folder."""
  return bool(_file_systems(path).exists(path))


class BeamUpload:
  """A file that Beam writes. It cannot be abandoned: a part of it may remain, until it is written again."""

  def __init__(self, path: str, mime_type: str):
    from apache_beam.io.filesystem import CompressionTypes

    self._stream = _file_systems(path).create(path, mime_type, CompressionTypes.UNCOMPRESSED)

  def write(self, data: memoryview) -> int | None:
    return cast(int | None, self._stream.write(data))

  def commit(self) -> None:
    self._stream.close()

  def discard(self) -> None:
    """See above."""
