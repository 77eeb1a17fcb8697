"""What is asked once, by whoever needs it first, from any thread."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar('T')


class Once(Generic[T]):
  """What several need, made by the first that asks. What it raises is raised for each."""

  def __init__(self, make: Callable[[], T]):
    self._make = make
    self._lock = threading.Lock()
    self._result: tuple[T] | Exception | None = None

  def __call__(self) -> T:
    with self._lock:
      if self._result is None:
        try:
          self._result = (self._make(),)
        except Exception as error:  # Kept for the others.
          self._result = error
    if isinstance(self._result, Exception):
      raise self._result
    return self._result[0]

  @property
  def made(self) -> T | None:
    """It, where it is made by now."""
    return self._result[0] if isinstance(self._result, tuple) else None
