"""Checking the frames of TFRecords whose records nobody wants: as their bytes come, in pieces of any size."""

from typing import NamedTuple

from beam_taxi.examples.tfrecord import FOOTER_SIZE, HEADER_SIZE, footer_of, footer_of_checksum, header_of
from beam_taxi.kernel import frames
from beam_taxi.kernel.crc32c import crc32c
from beam_taxi.kernel.library import DAMAGED_DATA, DAMAGED_LENGTH, UNDAMAGED, kernel

_DAMAGES = {UNDAMAGED: '', DAMAGED_LENGTH: 'length', DAMAGED_DATA: 'data'}


class FrameCheck:
  """Checks frames, up to the first that is damaged. It keeps no record, so memory does not depend on their sizes.

  Attributes:
    records: how many whole frames there have been.
    damage: what of the frame behind them is damaged, 'length' or 'data'; '' for nothing.
  """

  def __init__(self) -> None:
    self.records = 0
    self.damage = ''
    # Of the frame that goes on in the next piece: what has come of its header, its data and its footer.
    self._header = b''
    self._missing = 0
    self._checksum = 0
    self._footer = b''

  @property
  def is_whole(self) -> bool:
    """Whether what has come so far ends with a frame."""
    return not self._header

  def add(self, data: bytes) -> None:
    """Checks the next piece."""
    begin = 0
    while begin < len(data) and not self.damage:
      if self.is_whole:
        found = whole_frames(data, begin)
        self.records += found.records
        self.damage = found.damage
        begin += found.bytes
      begin = self._go_on(data, begin)

  def _go_on(self, data: bytes, begin: int) -> int:
    """Takes the next part of a frame that does not lie in one piece; where it ends."""
    if len(self._header) < HEADER_SIZE:
      end = begin + HEADER_SIZE - len(self._header)
      self._header += data[begin:end]
      if len(self._header) == HEADER_SIZE:
        self._missing = int.from_bytes(self._header[:8], 'little')
        self._checksum, self._footer = 0, b''
        self.damage = '' if self._header == header_of(self._missing) else 'length'
      return end
    if self._missing:
      part = memoryview(data)[begin : begin + self._missing]
      self._checksum = crc32c(part, self._checksum)
      self._missing -= len(part)
      return begin + len(part)
    end = begin + FOOTER_SIZE - len(self._footer)
    self._footer += data[begin:end]
    if len(self._footer) == FOOTER_SIZE:
      if self._footer == footer_of_checksum(self._checksum):
        self.records += 1
        self._header = b''
      else:
        self.damage = 'data'
    return end


class WholeFrames(NamedTuple):
  """How many bytes whole frames take, how many they are, and what of the one behind them is damaged, as FrameCheck."""

  bytes: int
  records: int
  damage: str


def whole_frames(data: bytes, begin: int) -> WholeFrames:
  """Checks the frames that lie side by side from `begin` on, up to one that is damaged or goes on behind the bytes."""
  if kernel() == 'compiled':
    found = frames.check_frames(data, begin)
    return WholeFrames(found.bytes, found.records, _DAMAGES[found.damage])
  at, records = begin, 0
  while len(data) - at >= HEADER_SIZE:
    header = data[at : at + HEADER_SIZE]
    size = int.from_bytes(header[:8], 'little')
    if header != header_of(size):
      return WholeFrames(at - begin, records, 'length')
    footer = at + HEADER_SIZE + size
    if footer + FOOTER_SIZE > len(data):
      break
    if data[footer : footer + FOOTER_SIZE] != footer_of(data[at + HEADER_SIZE : footer]):
      return WholeFrames(at - begin, records, 'data')
    at = footer + FOOTER_SIZE
    records += 1
  return WholeFrames(at - begin, records, '')
