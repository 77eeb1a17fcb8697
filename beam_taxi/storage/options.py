"""What the object stores are asked with: Beam's options, the environment, and a client for both that is made once."""

import functools
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

Client = TypeVar('Client')

_clients: dict[tuple[Any, ...], Any] = {}
_lock = threading.Lock()


def use(options: Any) -> None:
  """Has Beam's file systems, and the stores of this package, take credentials and the like from PipelineOptions."""
  from apache_beam.io.filesystems import FileSystems

  FileSystems.set_options(options)


def current() -> Any:
  """The PipelineOptions of this process: of its run, or of the run that it is a worker of; else empty ones."""
  from apache_beam.io.filesystems import FileSystems

  # Beam's workers set them before they work; so does `use`.
  return FileSystems._pipeline_options or _none()


@functools.cache
def _none() -> Any:
  from apache_beam.options.pipeline_options import PipelineOptions

  return PipelineOptions([])


def given(view: str) -> Mapping[str, Any]:
  """What `current` sets of one of Beam's classes of options, such as 'S3Options'."""
  return _given(current(), view)


@functools.lru_cache(maxsize=8)
def _given(options: Any, view: str) -> Mapping[str, Any]:
  from apache_beam.options import pipeline_options

  viewed = options.view_as(getattr(pipeline_options, view))
  found: Mapping[str, Any] = viewed.get_all_options(drop_default=True, current_only=True)
  return found


def client(kind: str, options: Mapping[str, Any], variables: tuple[str, ...], make: Callable[[], Client]) -> Client:
  """A client, the same for the same options and environment: its connections are used again.

  Args:
    kind: of which store.
    options: all that `make` takes from Beam's options.
    variables: how the names of the environment's variables begin that matter.
    make: makes one.
  """
  set_ = tuple(sorted(options.items()))
  around = tuple(sorted(item for item in os.environ.items() if item[0].startswith(variables)))
  with _lock:
    if (kind, set_, around) not in _clients:
      _clients[kind, set_, around] = make()
    return cast(Client, _clients[kind, set_, around])
