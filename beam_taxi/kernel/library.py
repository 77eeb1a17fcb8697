"""The compiled kernel as ctypes finds it: loading it, and the structs and functions of source/kernel.h.

It is optional. Without a compiler there is none, and the Python that it stands for does its work.
"""

import ctypes
import functools
import os
import weakref
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

Kernel = Literal['compiled', 'python']

# BeamTaxiStatus.
OK, NO_MEMORY, TOO_LARGE, NOT_PLAIN = range(4)
# BeamTaxiDamage.
UNDAMAGED, DAMAGED_LENGTH, DAMAGED_DATA = range(3)
# BeamTaxiKind.
KINDS = {pa.null(): 0, pa.int64(): 1, pa.float32(): 2, pa.binary(): 3, None: 4}

# As in kernel.h: a build of another version is not used.
VERSION = 3
_PATTERN = '_kernel.*'


class Column(ctypes.Structure):
  """BeamTaxiColumn."""

  _fields_ = (
    ('name', ctypes.c_char_p),
    ('name_size', ctypes.c_int64),
    ('kind', ctypes.c_int64),
    ('list_width', ctypes.c_int64),
    ('offset', ctypes.c_int64),
    ('item_offset', ctypes.c_int64),
    ('validity', ctypes.c_void_p),
    ('lists', ctypes.c_void_p),
    ('ends', ctypes.c_void_p),
    ('data', ctypes.c_void_p),
  )


class Records(ctypes.Structure):
  """BeamTaxiRecords."""

  _fields_ = (('data', ctypes.c_void_p), ('ends', ctypes.c_void_p), ('records', ctypes.c_int64))


class Dialect(ctypes.Structure):
  """BeamTaxiDialect."""

  _fields_ = (
    ('delimiter', ctypes.c_int64),
    ('quote', ctypes.c_int64),
    ('skip_blank_lines', ctypes.c_int64),
    ('nulls', ctypes.POINTER(ctypes.c_char_p)),
    ('null_sizes', ctypes.POINTER(ctypes.c_int64)),
    ('null_count', ctypes.c_int64),
  )


class Outcome(ctypes.Structure):
  """BeamTaxiOutcome."""

  _fields_ = tuple(
    (name, ctypes.c_int64)
    for name in ('first_end', 'first_lines', 'last_end', 'ends_inside', 'open_quote', 'quote_lines', 'plausible')
  )


class Cell(ctypes.Structure):
  """BeamTaxiCell."""

  _fields_ = (('column', ctypes.c_int64), ('begin', ctypes.c_int64), ('size', ctypes.c_int64))


class Values(ctypes.Structure):
  """BeamTaxiValues."""

  _fields_ = (
    ('data', ctypes.c_void_p),
    ('ends', ctypes.c_void_p),
    ('validity', ctypes.c_void_p),
    ('nulls', ctypes.c_int64),
    ('size', ctypes.c_int64),
  )


def kernel() -> Kernel:
  """Which kernel this process uses."""
  return 'compiled' if library() else 'python'


@functools.cache
def library() -> ctypes.CDLL | None:
  """The compiled kernel; None where there is none, it is another version's, or BEAM_TAXI_KERNEL is 'python'.

  Calls release Python's lock.

  Raises:
    ValueError: BEAM_TAXI_KERNEL is something else.
    RuntimeError: BEAM_TAXI_KERNEL is 'compiled', and there is none.
  """
  wanted = os.environ.get('BEAM_TAXI_KERNEL', '')
  if wanted not in ('', 'compiled', 'python'):
    raise ValueError(f'BEAM_TAXI_KERNEL is {wanted!r}; it can be compiled, python or nothing')
  found = None if wanted == 'python' else load(Path(__file__).parent)
  if wanted == 'compiled' and not found:
    raise RuntimeError(
      'BEAM_TAXI_KERNEL is compiled, but the kernel is not; `pip install` it where there is a compiler'
    )
  return found


def load(folder: Path) -> ctypes.CDLL | None:
  """The compiled kernel that a folder has, if it is of this version."""
  for path in folder.glob(_PATTERN):
    try:
      loaded = ctypes.CDLL(str(path))
      loaded.beam_taxi_kernel_version.restype = ctypes.c_int64
      if loaded.beam_taxi_kernel_version() == VERSION:
        return _declared(loaded)
    except (OSError, AttributeError):  # Of another system, or not ours.
      continue
  return None


def owned(address: int | None, size: int) -> Any:
  """Memory that the kernel gave, as a pyarrow.Buffer that gives it back; None for none."""
  return None if address is None else pa.foreign_buffer(address, size, _Owner(address))


class _Owner:
  """Gives memory back to the kernel when nobody looks at it any more."""

  def __init__(self, address: int):
    loaded = library()
    assert loaded
    # Not at exit: threads of a run that was interrupted may still read it then.
    weakref.finalize(self, loaded.beam_taxi_free, address).atexit = False


def _declared(loaded: ctypes.CDLL) -> ctypes.CDLL:
  number, pointer = ctypes.c_int64, ctypes.c_void_p
  loaded.beam_taxi_use_instructions.argtypes = (number,)
  loaded.beam_taxi_use_instructions.restype = number
  loaded.beam_taxi_crc32c.argtypes = (ctypes.c_uint32, pointer, number)
  loaded.beam_taxi_crc32c.restype = ctypes.c_uint32
  loaded.beam_taxi_encode.argtypes = (
    ctypes.POINTER(Column), number, number, number, number, pointer, number, pointer, ctypes.POINTER(Records)
  )  # fmt: skip
  loaded.beam_taxi_encode.restype = number
  loaded.beam_taxi_free.argtypes = (pointer,)
  loaded.beam_taxi_free.restype = None
  # ctypes hands on where Python's bytes are.
  dialect = ctypes.POINTER(Dialect)
  loaded.beam_taxi_enter.argtypes = (ctypes.c_char_p, number, dialect, number, ctypes.POINTER(Outcome))
  loaded.beam_taxi_enter.restype = number
  loaded.beam_taxi_examine.argtypes = (
    pointer, number, dialect, number, pointer, ctypes.POINTER(Cell), number, ctypes.POINTER(number),
    ctypes.POINTER(number)
  )  # fmt: skip
  loaded.beam_taxi_examine.restype = number
  loaded.beam_taxi_decode.argtypes = (
    ctypes.c_char_p, number, dialect, number, pointer, ctypes.POINTER(Values), ctypes.POINTER(number)
  )  # fmt: skip
  loaded.beam_taxi_decode.restype = number
  loaded.beam_taxi_check_frames.argtypes = (pointer, number, ctypes.POINTER(number), ctypes.POINTER(number))
  loaded.beam_taxi_check_frames.restype = number
  return loaded
