"""Text encodings: blocks of CSV to UTF-8, and whole streams where blocks cannot be cut before they are converted."""

import codecs
import functools
from typing import BinaryIO

import pyarrow as pa

from beam_taxi.inputs.csv.dialect import Dialect

UTF_8 = 'utf-8'

_LAST_OF_BASIC_PLANE = 0xFFFF
_SURROGATES = range(0xD800, 0xE000)


class EncodingError(ValueError):
  """Some bytes are not text of the input's encoding."""


def encoding_of_blocks(dialect: Dialect) -> str:
  """The encoding that blocks are in: what is converted as a stream comes in UTF-8."""
  return UTF_8 if needs_stream(dialect) else dialect.encoding


def needs_stream(dialect: Dialect) -> bool:
  """Whether files must be converted from their beginning, and not block by block.

  That is so where the bytes of a line end, delimiter or quote can be part of another character, as in UTF-16, or can
  mean something else, as in EBCDIC, and where there are escapes, as in ISO 2022. In Latin-1, Shift JIS, GBK and most
  others they stand for themselves.
  """
  return dialect.encoding != UTF_8 and not _keeps(dialect.encoding, dialect.delimiter + dialect.quote_char + '\r\n')


@functools.cache
def _keeps(encoding: str, marks: str) -> bool:
  """Whether ASCII is encoded as in ASCII, and the bytes of `marks` are in no other character's bytes."""
  ascii_text = ''.join(map(chr, range(128)))
  try:
    if ascii_text.encode(encoding) != ascii_text.encode('ascii'):
      return False
  except UnicodeError:
    return False
  others = (chr(code) for code in range(128, _LAST_OF_BASIC_PLANE + 1) if code not in _SURROGATES)
  encoded = [other.encode(encoding, 'ignore') for other in others]
  # What writes a character with several of ASCII's has escapes. (One: Shift JIS has a yen sign for the backslash.)
  if any(len(character) > 1 and character.isascii() for character in encoded):
    return False
  return not any(mark.encode() in b''.join(encoded) for mark in marks)


def to_utf_8(data: bytes, encoding: str) -> bytes:
  """A block's text in UTF-8.

  Args:
    data: text in an encoding whose ASCII characters are ASCII's.
    encoding: its name.

  Raises:
    EncodingError: it is not of that encoding.
  """
  if data.isascii():
    return data
  try:
    if encoding != UTF_8:
      return data.decode(encoding).encode()
    # Arrow checks UTF-8 faster than Python, and without a copy.
    offsets = pa.py_buffer(bytes(8) + len(data).to_bytes(8, 'little'))
    pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(data)).validate(full=True)
  except (UnicodeError, pa.ArrowInvalid) as error:
    raise EncodingError(str(error)) from error
  return data


def first_wrong_byte(data: bytes, encoding: str) -> int | None:
  """The position of the first byte that is not text of the encoding, or None."""
  try:
    data.decode(encoding).encode()
  except (UnicodeDecodeError, UnicodeEncodeError) as error:
    return error.start
  return None


class Utf8Stream:
  """A stream of text in any encoding, read as UTF-8."""

  def __init__(self, stream: BinaryIO, encoding: str):
    self._stream = stream
    self._decoder = codecs.getincrementaldecoder(encoding)()
    self._encoding = encoding
    self._rest = b''
    self._taken = 0
    self._ended = False

  def read(self, size: int) -> bytes:
    """The next `size` bytes, or fewer at the end.

    Raises:
      EncodingError: the stream has bytes that are not of its encoding.
    """
    pieces = [self._rest]
    missing = size - len(self._rest)
    while missing > 0 and not self._ended:
      data = self._stream.read(missing)
      self._ended = not data
      try:
        pieces.append(self._decoder.decode(data, final=self._ended).encode())
      except UnicodeError as error:
        raise EncodingError(f'{error}, in the piece of it that begins at byte {self._taken:,}') from error
      self._taken += len(data)
      missing -= len(pieces[-1])
    whole = b''.join(pieces)
    self._rest = whole[size:]
    return whole[:size]

  def close(self) -> None:
    """Closes the stream that it reads."""
    self._stream.close()
