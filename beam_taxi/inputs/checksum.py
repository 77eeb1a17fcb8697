"""CRC-32C of a file, from its ranges: each is read once, by whichever worker, and their checksums are then joined.

The result is the one that cloud storage shows of the same bytes, however the file was cut.
"""

import dataclasses
import functools
from collections.abc import Iterable

from beam_taxi import storage
from beam_taxi.kernel.crc32c import crc32c

# The Castagnoli polynomial as CRC-32C uses it: bit 31 stands for x^0. (Source: RFC 3720, 12.1.)
_POLYNOMIAL = 0x82F63B78
_X_TO_8 = 0x00800000

_STEP = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Stretch:
  """The CRC-32C of a file's bytes up to `end`, from where the stretch before it ends."""

  end: int
  checksum: int


def stretches(data: bytes, offset: int, cuts: Iterable[int]) -> tuple[Stretch, ...]:
  """The stretches of some bytes that are cut in some places; none where there are no bytes.

  Args:
    data: the bytes.
    offset: that of the first of them in the file.
    cuts: offsets in the file, in any order. Those that are not inside the bytes cut nothing.
  """
  view, begin, end = memoryview(data), offset, offset + len(data)
  found = []
  for cut in sorted({*cuts, end}):
    if begin < cut <= end:
      found.append(Stretch(cut, crc32c(view[begin - offset : cut - offset])))
      begin = cut
  return tuple(found)


def checksum_of_file(file: storage.StoredFile) -> int:
  """The CRC-32C of a file's bytes as stored."""
  checksum = 0
  with storage.open_for_reading(file.path, file) as stream:
    while data := stream.read(_STEP):
      checksum = crc32c(data, checksum)
  return checksum


def joined(read: Iterable[Stretch], begin: int) -> int:
  """The CRC-32C of a file's bytes from `begin` on, from stretches that lie one behind the other."""
  checksum = 0
  for stretch in read:
    checksum = join_checksums(checksum, stretch.checksum, stretch.end - begin)
    begin = stretch.end
  return checksum


def join_checksums(first: int, second: int, size: int) -> int:
  """The CRC-32C of some bytes followed by `size` others, from those of the two."""
  for bit in range(size.bit_length()):
    if size >> bit & 1:
      first = _multiply(first, _x_to_8_times_2_to(bit))
  return first ^ second


@functools.cache
def _x_to_8_times_2_to(power: int) -> int:
  """The polynomial x^(8 * 2^power): what so many bytes behind them do to a checksum."""
  if not power:
    return _X_TO_8
  root = _x_to_8_times_2_to(power - 1)
  return _multiply(root, root)


def _multiply(left: int, right: int) -> int:
  """The product of two polynomials over GF(2), modulo the CRC's."""
  product = 0
  for bit in range(31, -1, -1):
    if left >> bit & 1:
      product ^= right
    right = right >> 1 ^ (_POLYNOMIAL if right & 1 else 0)
  return product
