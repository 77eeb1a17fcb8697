r"""Bad rows set aside, as JSON lines.

A line has the keys file, line, offset, reason, detail and row. `row` is the row's bytes as text: what is UTF-8 stands
as it is, any other byte as \xNN, and a backslash is doubled, so that `unescape` gives the very bytes back.
"""

import collections
import dataclasses
import hashlib
import json
import re
from collections.abc import Sequence
from types import TracebackType

from beam_taxi import storage
from beam_taxi.artifacts.manifest import WrittenFile
from beam_taxi.inputs.findings import Problem
from beam_taxi.inputs.shard_sizes import Shard

_ESCAPED = re.compile(r'\\(?:\\|x([0-9a-f]{2}))')


@dataclasses.dataclass(frozen=True)
class BadRecord:
  """A row that cannot be read: where it is, why it is bad, its bytes, and what an error message says of it.

  `line` counts from 1, `offset` in the file's uncompressed bytes.
  """

  file: str
  line: int
  offset: int
  reason: str
  detail: str
  data: bytes
  problem: Problem


def quarantine_file(folder: str, shard: Shard) -> str:
  """The file in a folder that has the bad rows of a shard, where there are any."""
  return storage.join(folder, f'rows-{shard.index:05d}-of-{shard.count:05d}.jsonl')


class QuarantineWriter:
  """Writes the bad rows of one shard. There is no file until there is a bad row, and none when the block raises."""

  def __init__(self, path: str):
    self._path = path
    self._file: storage.AtomicFile | None = None
    self._reasons: collections.Counter[str] = collections.Counter()
    self._hash = hashlib.sha256()
    self._bytes = 0

  def __enter__(self) -> 'QuarantineWriter':
    return self

  def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
    if self._file and kind:
      self._file.discard()

  def append(self, rows: Sequence[BadRecord]) -> None:
    """Writes bad rows."""
    for row in rows:
      self._reasons[row.reason] += 1
      line = {
        'file': row.file,
        'line': row.line,
        'offset': row.offset,
        'reason': row.reason,
        'detail': row.detail,
        'row': escape(row.data),
      }
      self._write(json.dumps(line, ensure_ascii=False).encode() + b'\n')

  def finish(self) -> WrittenFile | None:
    """Completes the file and makes it visible; None where no row was bad."""
    if not self._file:
      return None
    self._file.commit()
    reasons = dict(sorted(self._reasons.items()))
    return WrittenFile(self._path, self._hash.hexdigest(), bytes=self._bytes, counts=reasons)

  def _write(self, data: bytes) -> None:
    self._file = self._file or storage.AtomicFile(self._path, durable=True)
    self._file.write(data)
    self._hash.update(data)
    self._bytes += len(data)


def escape(data: bytes) -> str:
  """Any bytes as text, from which `unescape` makes them again."""
  return data.replace(b'\\', b'\\\\').decode('utf-8', 'backslashreplace')


def unescape(text: str) -> bytes:
  """The bytes that `escape` made into text."""
  pieces = []
  end = 0
  for found in _ESCAPED.finditer(text):
    pieces += [text[end : found.start()].encode(), bytes.fromhex(found[1]) if found[1] else b'\\']
    end = found.end()
  return b''.join([*pieces, text[end:].encode()])
