"""CRC-32C of a file, from its ranges: each is read once, by whichever worker, and their checksums are then joined.

The result is the one that cloud storage shows of the same bytes, however the file was cut.
"""

import google_crc32c

from beam_taxi import storage

# The Castagnoli polynomial as CRC-32C uses it: bit 31 stands for x^0. (Source: RFC 3720, 12.1.)
_POLYNOMIAL = 0x82F63B78
_ONE = 0x80000000
_X_TO_8 = 0x00800000

_STEP = 1024 * 1024


def checksum_of_file(path: str) -> int:
  """The CRC-32C of a file's bytes as stored."""
  checksum = 0
  with storage.open_for_reading(path) as stream:
    while data := stream.read(_STEP):
      checksum = google_crc32c.extend(checksum, data)
  return checksum


def join_checksums(first: int, second: int, size: int) -> int:
  """The CRC-32C of some bytes followed by `size` others, from those of the two."""
  shift, power = _ONE, _X_TO_8
  while size:
    if size & 1:
      shift = _multiply(shift, power)
    power = _multiply(power, power)
    size >>= 1
  return _multiply(first, shift) ^ second


def _multiply(left: int, right: int) -> int:
  """The product of two polynomials over GF(2), modulo the CRC's."""
  product = 0
  for bit in range(31, -1, -1):
    if left >> bit & 1:
      product ^= right
    right = right >> 1 ^ (_POLYNOMIAL if right & 1 else 0)
  return product
