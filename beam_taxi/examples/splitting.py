"""Which split an Example goes to: by the hash of its bytes, as TFX's ExampleGen decides.

TFX takes int(sha256(serialized Example)) modulo the sum of all hash buckets; the splits' buckets lie side by side in
that range. (Source: tfx/components/example_gen/base_example_gen_executor.py, _PartitionFn.)
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from beam_taxi.config import Split

_WORD = 2**32


def assign_splits(examples: Sequence[bytes], splits: Sequence[Split]) -> npt.NDArray[np.intp]:
  """The index of each Example's split.

  Args:
    examples: serialized tf.Examples.
    splits: the splits and their hash buckets, fewer than config.MOST_BUCKETS in all.

  Returns:
    One index into `splits` an Example.
  """
  if len(splits) == 1:
    return np.zeros(len(examples), np.intp)
  sha256 = hashlib.sha256
  digests = b''.join([sha256(example).digest() for example in examples])
  limits = np.cumsum([split.buckets for split in splits])
  words = np.frombuffer(digests, '>u4').reshape(-1, 8).astype(np.uint64)
  buckets = np.zeros(len(words), np.uint64)
  for place in range(words.shape[1]):
    buckets = (buckets * np.uint64(_WORD) + words[:, place]) % np.uint64(limits[-1])
  return np.searchsorted(limits, buckets.astype(np.int64), side='right')
