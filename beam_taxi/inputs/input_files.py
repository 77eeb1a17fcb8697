"""Files of an input: opening them, and noticing when one is not what was listed."""

import bz2
import contextlib
import dataclasses
import gzip
import os
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import pyarrow as pa

from beam_taxi import storage
from beam_taxi.errors import UserError
from beam_taxi.inputs.first_bytes import ENOUGH, codec_of, no_text


@dataclasses.dataclass(frozen=True)
class InputFile:
  """One input file.

  Attributes:
    path: where it is.
    size: its bytes as stored.
    index: its place in the sorted list of all files.
    version: what changes when it is written anew; '' where nothing tells.
    compression: 'gzip', 'bzip2', 'zstd' or None.
    converted_from: the encoding that must be converted to UTF-8 from the file's beginning on, or None where blocks are
      in UTF-8 or can be converted on their own.
    filtered_by: by what the input's kind leaves something out of the file from its beginning on, or None.
  """

  path: str
  size: int
  index: int
  version: str = ''
  compression: str | None = None
  converted_from: str | None = None
  filtered_by: Any = None

  @property
  def is_stream(self) -> bool:
    """Whether the file can only be read from its beginning to its end."""
    return any(each is not None for each in (self.compression, self.converted_from, self.filtered_by))

  @property
  def stored(self) -> storage.StoredFile:
    """What the listing says of it."""
    return storage.StoredFile(self.path, self.size, self.version)


@contextlib.contextmanager
def open_file(file: InputFile, span: tuple[int, int] | None = None, *, again: bool = False) -> Iterator[BinaryIO]:
  """A stream of the file's bytes from their beginning, decompressed as it is read where need be.

  Args:
    file: the file.
    span: the stored bytes that will be read, where that is known.
    again: whether it has been read to its end before; then a compressed stream that is broken has changed since.

  Raises:
    UserError: the file is gone, or its compressed stream is broken; or it is local, and not what was listed.
  """
  try:
    with (
      storage.open_for_reading(file.path, file.stored, span) as stored,
      contextlib.closing(_decompressed(stored, file)) as stream,
    ):
      if storage.is_local(file.path):
        _check(storage.stat_of(stored, file.path), file)
      yield stream
  except PermissionError as error:
    raise UserError(f'{file.path}: cannot be read ({error.strerror}); ask for the right to read it') from error
  except (FileNotFoundError, IsADirectoryError) as error:
    raise gone(file) from error
  except (EOFError, zlib.error, OSError) as error:
    if not file.compression:
      raise
    if again:
      raise changed_within(file, f'it is no whole {file.compression} file any more ({error})') from error
    raise UserError(f'{file.path}: is not a whole {file.compression} file ({error}); {_remedy(file)}') from error


def _remedy(file: InputFile) -> str:
  """What helps where a file's compression is broken, by its first bytes."""
  with storage.open_for_reading(file.path, file.stored, (0, ENOUGH)) as stream:
    head = stream.read(ENOUGH)
  if codec_of(head) == file.compression:
    return 'fetch or compress it again'
  return no_text(file.path, head).replace('is ', 'it is ', 1) or 'if it is not compressed, give --compression none'


def check_unchanged(file: InputFile) -> None:
  """Asks whether a file is still what was listed, unless reading it tells. Raises UserError where it is not.

  A local one is looked at whenever it is opened as well.
  """
  if storage.tells_changes(file.path):
    return
  if storage.is_local(file.path) and not os.path.isfile(file.path):
    raise gone(file)
  try:
    _check(storage.stat(file.path), file)
  except FileNotFoundError as error:
    raise gone(file) from error


def _check(found: storage.StoredFile, file: InputFile) -> None:
  if found.size != file.size:
    raise changed(file, 'longer' if found.size > file.size else 'shorter')
  if file.version and found.version != file.version:
    raise UserError(f'{file.path}: was written anew since the run began; run again when nothing writes to it')


def gone(file: InputFile) -> UserError:
  """The error for a file that is not there any more."""
  return UserError(f'{file.path}: is gone since the run began; run again when nothing moves it')


def _decompressed(stream: BinaryIO, file: InputFile) -> BinaryIO:
  if file.compression == 'gzip':
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream))
  if file.compression == 'bzip2':
    return cast(BinaryIO, bz2.BZ2File(stream))
  if file.compression == 'zstd':
    return cast(BinaryIO, pa.CompressedInputStream(pa.PythonFile(stream, 'r'), 'zstd'))
  return stream


def read_exactly(stream: BinaryIO, size: int, file: InputFile) -> bytes:
  """The next `size` bytes of a file that is no stream.

  Raises:
    UserError: the file ends before them, so it shrank after it was planned.
  """
  pieces = []
  missing = size
  while missing:
    piece = stream.read(missing)
    if not piece:
      raise changed(file, 'shorter')
    pieces.append(piece)
    missing -= len(piece)
  return b''.join(pieces)


def changed(file: InputFile, how: str) -> UserError:
  """The error for a file whose size is no longer the planned one."""
  return UserError(
    f'{file.path}: is {how} now than the {file.size:,} bytes it had when the run began; run again when nothing writes '
    'to it'
  )


def changed_within(file: InputFile, what: str) -> UserError:
  """The error for a file of the same size that is not the one that pass 1 read; `what` says by what that is known."""
  return UserError(f'{file.path}: changed while it was read: {what}; run again when nothing writes to it')
