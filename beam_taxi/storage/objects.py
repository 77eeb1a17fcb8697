"""What object stores have in common: objects that are listed by prefix, read by ranges, and there whole or not at all.

A store itself, such as `s3.py`, is a few requests. What is here decides how many of them are made.
"""

import contextlib
import glob
import io
import re
from collections.abc import Iterator
from typing import Any, Protocol

from beam_taxi.errors import UserError
from beam_taxi.parsing import MIB
from beam_taxi.storage.stored_file import StoredFile

# The most that one request reads, and the least where nobody says how much will be read.
MOST_READ = 16 * MIB
LEAST_READ = MIB // 4
# An upload is one request if it is no larger than a part. S3 takes 10,000 parts, of which all but the last have 5 MiB
# or more. They become larger so that even the largest object, of 5 TiB, has no more.
PART = 8 * MIB
_PARTS_OF_A_SIZE = 1000


class Parts(Protocol):
  """An upload in parts, which shows nothing before it is complete."""

  def add(self, data: bytes) -> None:
    """Sends the next part."""

  def complete(self) -> None:
    """Makes the object of all parts visible."""

  def abort(self) -> None:
    """Gives the parts up."""


class ObjectStore(Protocol):
  """One kind of object store. Paths are whole URIs.

  Each method raises UserError where the store refuses, and MishapError where it does not answer.
  """

  def list(self, prefix: str, *, deep: bool) -> Iterator[StoredFile]:
    """The objects whose paths begin so; unless `deep` only those with no '/' behind the prefix. A request a page."""

  def find(self, path: str) -> StoredFile | None:
    """The object of this very name. One request."""

  def read(self, file: StoredFile, start: int, end: int) -> bytes:
    """Bytes [start, end) of an object. One request.

    Raises FileNotFoundError where it is gone, and UserError where it has another version than `file`, if the store can
    tell.
    """

  def read_all(self, path: str) -> bytes:
    """A whole object. One request. Raises FileNotFoundError where there is none."""

  def write(self, path: str, data: bytes, mime_type: str) -> None:
    """Writes a whole object. One request."""

  def begin(self, path: str, mime_type: str) -> Parts:
    """Begins an upload in parts. One request at most."""

  def delete(self, path: str) -> None:
    """Deletes an object, if there is one. One request."""


def match_objects(store: ObjectStore, pattern: str) -> list[StoredFile]:
  """What a path, a folder or a pattern names; see storage.match_files.

  One request where a path names an object, and else one for each page of a listing, besides that.
  """
  if glob.has_magic(pattern):
    literal = re.match(r'[^*?[]*', pattern)
    assert literal
    prefix, rest = literal[0], pattern[literal.end() :]
    try:
      name = re.compile(_regular_expression(pattern), re.DOTALL)
    except re.error as error:
      raise UserError(f'{pattern}: is no pattern ({error})') from error
    found = store.list(prefix, deep='/' in rest or '**' in rest)
    return [file for file in found if name.fullmatch(file.path) and not _is_folder(file)]
  if not pattern.endswith('/'):
    file = store.find(pattern)
    if file:
      return [file]
  folder = pattern.rstrip('/') + '/'
  return [
    file
    for file in store.list(folder, deep=False)
    if not _is_folder(file) and not file.path.removeprefix(folder).startswith(('.', '_'))
  ]


def _is_folder(file: StoredFile) -> bool:
  """Whether an object, which is empty, stands for a folder."""
  return file.path.endswith('/')


def _regular_expression(pattern: str) -> str:
  """A glob pattern as a regular expression of whole paths; '**' goes through any number of folders.

  As in Python's glob, what can be any character is none where a hidden name begins, with a point.
  """
  said = ''
  for piece in re.findall(r'/\*\*(?=/)|\*\*|\[!?\]?[^\]]*\]|.', pattern, re.DOTALL):
    begins = r'(?!\.)' if said.endswith('/') else ''
    if piece == '/**':
      said += r'(?:/(?!\.)[^/]*)*'
    elif piece == '**':
      said += begins + r'(?:[^/]|/(?!\.))*'
    elif piece == '*':
      said += f'{begins}[^/]*'
    elif piece == '?':
      said += f'{begins}[^/]'
    elif piece[0] == '[' and len(piece) > 2:
      negated, characters = piece[1] == '!', piece[2 if piece[1] == '!' else 1 : -1]
      characters = characters.replace('\\', r'\\').replace('^', r'\^').replace('[', r'\[')
      said += f'{begins}[{"^" if negated else ""}{characters}]'
    else:
      said += re.escape(piece)
  return said


def one_line(error: object) -> str:
  """What an error of a client says, as a message has it in brackets."""
  return ' '.join(str(error).split())[:300].rstrip('.')


class ObjectReader(io.RawIOBase):
  """A seekable stream of an object, whose size is known. What is read is fetched in few requests.

  A reader that says which span it will read gets it by one request for each MOST_READ bytes. Whoever reads on
  gets twice as much with every request, up to that.
  """

  def __init__(self, store: ObjectStore, file: StoredFile, span: tuple[int, int] | None = None):
    super().__init__()
    self._store = store
    self._file = file
    self._span = span or (0, 0)
    self._position = 0
    self._window = b''
    self._window_start = 0
    self._ahead = LEAST_READ

  def readable(self) -> bool:
    return True

  def seekable(self) -> bool:
    return True

  def tell(self) -> int:
    return self._position

  def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
    base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
    self._position = max(0, base + offset)
    return self._position

  def readinto(self, buffer: Any) -> int:
    """Fills the buffer, unless the object ends before."""
    view = memoryview(buffer).cast('B')
    filled = 0
    while filled < len(view) and self._position < self._file.size:
      begin = self._position - self._window_start
      if not 0 <= begin < len(self._window):
        self._fetch(len(view) - filled)
        begin = 0
      if not self._window:  # It has become shorter.
        break
      piece = self._window[begin : begin + len(view) - filled]
      view[filled : filled + len(piece)] = piece
      filled += len(piece)
      self._position += len(piece)
    return filled

  def _fetch(self, wanted: int) -> None:
    start = self._position
    if self._span[0] <= start < self._span[1]:
      wanted = max(wanted, self._span[1] - start)
    else:
      wanted = max(wanted, self._ahead)
      self._ahead = min(2 * self._ahead, MOST_READ)
    self._window, self._window_start = b'', start  # Two windows at a time would take twice the memory.
    self._window = self._store.read(self._file, start, min(start + min(wanted, MOST_READ), self._file.size))


class ObjectUpload:
  """An object in the making. It is written by one request, or if it is larger than a part, in parts."""

  def __init__(self, store: ObjectStore, path: str, mime_type: str):
    self._store = store
    self._path = path
    self._mime_type = mime_type
    self._waiting = bytearray()
    self._parts: Parts | None = None
    self._sent = 0

  def write(self, data: memoryview) -> int:
    self._waiting += data
    size = _part_size(self._sent)
    while len(self._waiting) > size:
      self._send(size)
      size = _part_size(self._sent)
    return len(data)

  def commit(self) -> None:
    """Makes the object visible."""
    if not self._parts:
      self._store.write(self._path, bytes(self._waiting), self._mime_type)
      return
    self._send(len(self._waiting))
    self._parts.complete()
    self._parts = None

  def discard(self) -> None:
    """Gives up what has been sent, if it has not been made visible."""
    self._waiting.clear()
    parts, self._parts = self._parts, None
    if parts:
      # What went wrong before is what matters.
      with contextlib.suppress(Exception):
        parts.abort()

  def _send(self, size: int) -> None:
    self._parts = self._parts or self._store.begin(self._path, self._mime_type)
    self._parts.add(bytes(self._waiting[:size]))
    del self._waiting[:size]
    self._sent += 1


def _part_size(number: int) -> int:
  return PART << number // _PARTS_OF_A_SIZE
