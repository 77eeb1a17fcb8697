"""Frames of TFRecords, checked by the compiled kernel."""

import ctypes
from typing import NamedTuple

import pyarrow as pa

from beam_taxi.kernel.library import library


class CheckedFrames(NamedTuple):
  """How many bytes whole frames take, how many they are, and BeamTaxiDamage of the one behind them."""

  bytes: int
  records: int
  damage: int


def check_frames(data: bytes, begin: int) -> CheckedFrames:
  """Checks the frames that lie side by side from `begin` on, up to one that is damaged or not whole."""
  loaded = library()
  assert loaded
  records, damage = ctypes.c_int64(), ctypes.c_int64()
  taken = loaded.beam_taxi_check_frames(
    pa.py_buffer(data).address + begin, len(data) - begin, ctypes.byref(records), ctypes.byref(damage)
  )
  return CheckedFrames(taken, records.value, damage.value)
