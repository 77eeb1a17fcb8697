"""What becomes of memory that is freed."""

import contextlib
import ctypes

# Of mallopt(3). Memory for a block's columns and Examples is less than the first, and so comes from a heap; a heap's
# unused end is kept up to the second.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_FROM_HEAP = 32 << 20
_KEPT = 512 << 20


def keep() -> None:
  """Has the C library keep what is freed, for whoever needs memory next.

  Left to itself it gives large pieces back to the system and asks for new ones, block by block. In a run with two
  threads over 10,000,000 rows, page faults for these took a tenth of the CPU time. For a process that makes a run.
  """
  with contextlib.suppress(OSError, AttributeError):  # Another library than glibc may have no such thing.
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(_M_MMAP_THRESHOLD, _LARGEST_FROM_HEAP)
    mallopt(_M_TRIM_THRESHOLD, _KEPT)
