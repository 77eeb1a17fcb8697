"""How long tests with random input search: seconds, or as much longer as BEAM_TAXI_FUZZ says."""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import settings


def fuzzed(examples: int) -> Callable[[Any], Any]:
  """Runs a test with so many random examples, times BEAM_TAXI_FUZZ."""
  return settings(max_examples=examples * int(os.environ.get('BEAM_TAXI_FUZZ', '1')), deadline=None)
