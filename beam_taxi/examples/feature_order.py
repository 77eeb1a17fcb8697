"""In which order an Example's features stand. Imports nothing heavy."""

from collections.abc import Sequence
from typing import Literal

# Protobuf has had two orders of a map's keys in deterministic serialization, by which TFX hashes an Example to find its
# split. 'plain' is that of 3.20 and of all pure Python implementations: the order of the names' bytes, in UTF-8. 'upb'
# is that of upb, which is protobuf for Python since 4.21: the same, but a name stands behind all that begin with it, as
# 'trip' behind 'trip_end'. (Source: protobuf's map_field.h and encoder.py, and _upb_mapsorter_cmpstr in upb.)
FeatureOrder = Literal['upb', 'plain']

# More than any byte.
_END = 256


def feature_order(names: Sequence[str], rule: FeatureOrder) -> list[int]:
  """The index of each feature's name, in the order in which the features stand in an Example."""
  keys = [(*name.encode(), _END) if rule == 'upb' else tuple(name.encode()) for name in names]
  return sorted(range(len(names)), key=keys.__getitem__)
