"""Comment lines, which are read as blank ones: a quote in one never opens or closes a cell.

Whether a line that begins with the mark is a comment depends on all quotes before it, and which of those count on the
comments among them. So a file with comments is read from its beginning to its end.
"""

import re
from typing import BinaryIO

from beam_taxi.inputs.csv.boundaries import enter
from beam_taxi.inputs.csv.dialect import Dialect

_LINE_END = re.compile(rb'\r\n|\r|\n')


class WithoutComments:
  """A stream of CSV in which comment lines are blank; all lines keep their numbers."""

  def __init__(self, stream: BinaryIO, dialect: Dialect):
    self._stream = stream
    self._dialect = dialect
    self._mark = re.compile(rb'(?:\A|(?<=[\r\n]))' + re.escape(dialect.comment_char.encode()))
    self._skip_lines = dialect.skip_lines
    self._inside = False
    # What is read and not yet looked at: at most a line; and what is looked at and not yet given.
    self._rest = b''
    self._ready = b''
    self._ended = False

  def read(self, size: int) -> bytes:
    """The next `size` bytes, or fewer at the end."""
    while len(self._ready) < size and not self._ended:
      data = self._stream.read(max(size, len(self._rest)))
      self._ended = not data
      data = self._rest + data
      # A CR at the end may have an LF behind it.
      whole = len(data) if self._ended else 1 + max(data.rfind(b'\n'), data.rfind(b'\r', 0, len(data) - 1))
      self._rest = data[whole:]
      self._ready += self._without_comments(data[:whole])
    given, self._ready = self._ready[:size], self._ready[size:]
    return given

  def close(self) -> None:
    """Closes the stream that it reads."""
    self._stream.close()

  def _without_comments(self, data: bytes) -> bytes:
    """Whole lines, with which a line begins."""
    done = 0
    while self._skip_lines and (found := _LINE_END.search(data, done)):
      done = found.end()
      self._skip_lines -= 1
    kept = [data[:done]]
    if self._skip_lines:
      return data
    while found := self._mark.search(data, done):
      kept.append(self._followed(data[done : found.start()]))
      done = found.start()
      if self._inside:
        # The mark is text. Behind it no line begins.
        kept.append(self._followed(data[done : done + 1]))
        done += 1
        continue
      end = _LINE_END.search(data, done)
      done = end.start() if end else len(data)
    return b''.join([*kept, self._followed(data[done:])])

  def _followed(self, data: bytes) -> bytes:
    """Data, behind which the state is known."""
    entered = enter(data, self._dialect, b'\n')
    self._inside = (entered.inside if self._inside else entered.outside).ends_inside
    return data
