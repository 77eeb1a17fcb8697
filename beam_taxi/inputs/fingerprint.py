"""What tells one input from another: a number that changes with any file's path, size or content, and nothing else."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from beam_taxi import storage
from beam_taxi.artifacts.listing import ListedFile
from beam_taxi.inputs.checksum import checksum_of_file

_MODULUS = 2**256


def fingerprint_of_file(path: str, size: int, checksum: int) -> int:
  """A SHA-256 over a file's path, size and CRC-32C. An input's fingerprint is the sum over its files, modulo 2**256."""
  identity = f'{path}\0{size}\0{checksum:08x}'
  return int.from_bytes(hashlib.sha256(identity.encode()).digest(), 'big')


def fingerprint_text(parts: Iterable[int]) -> str:
  """An input's fingerprint as it is recorded, from those of its parts."""
  return f'sha256-sum:{sum(parts) % _MODULUS:064x}'


def fingerprint_of(files: Sequence[ListedFile]) -> int:
  """An input's fingerprint from the files as they are now: a cloud's own checksums, or else every byte is read."""

  def of(file: ListedFile) -> int:
    checksum = storage.stored_crc32c(file.path)
    if checksum is None:
      checksum = checksum_of_file(storage.StoredFile(file.path, file.size, file.version))
    return fingerprint_of_file(file.path, file.size, checksum)

  with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
    return sum(pool.map(of, files)) % _MODULUS
