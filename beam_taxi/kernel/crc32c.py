"""CRC-32C: by the compiled kernel, which releases Python's lock, or else by google_crc32c, which holds it."""

import google_crc32c
import pyarrow as pa

from beam_taxi.kernel.library import library


def crc32c(data: bytes | memoryview | pa.Buffer, checksum: int = 0) -> int:
  """The CRC-32C of some bytes, or of these behind others, from the `checksum` of those."""
  buffer, loaded = pa.py_buffer(data), library()
  if not loaded:
    return int(google_crc32c.extend(checksum, buffer))
  return int(loaded.beam_taxi_crc32c(checksum, buffer.address, buffer.size))
