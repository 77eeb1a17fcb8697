"""Listing an input: the one place that matches patterns. It reads nothing but the file systems' own lists."""

import logging
import os
from collections.abc import Iterable, Sequence

from beam_taxi import storage
from beam_taxi.artifacts.listing import ListedFile, ListedSource, Listing
from beam_taxi.errors import UserError, on_one_line

_LOG = logging.getLogger(__name__)


def list_input(sources: Iterable[tuple[str, Sequence[str]]], written: Sequence[str] = ()) -> Listing:
  """Lists an input.

  Args:
    sources: of each part that is read as if it were alone the split that it is ('' for all), and its patterns.
    written: what runs write, as list_files takes it.

  Raises:
    UserError: a pattern names no file, or a file system does not answer.
  """
  return Listing(
    tuple(ListedSource(split, tuple(patterns), list_files(patterns, written)) for split, patterns in sources)
  )


def list_files(patterns: Iterable[str], written: Sequence[str] = ()) -> tuple[ListedFile, ...]:
  """The files that paths, folders and patterns name, each once however it is spelled, sorted by path.

  Local paths are made absolute: what is listed means the same from another folder.

  Args:
    patterns: the patterns.
    written: how the paths of files begin that runs write. They are left out, but for a pattern that begins so itself.

  Raises:
    UserError: one of them names no file.
  """
  files: dict[str, ListedFile] = {}
  left_out: set[str] = set()
  for pattern in patterns:
    if not pattern:
      raise UserError("'' names no file; give a path or a pattern; a variable of the shell may be empty")
    matched = storage.match_files(absolute(pattern))
    own = () if absolute(pattern).startswith(tuple(written)) else tuple(written)
    found = [file for file in matched if not file.path.startswith(own)]
    left_out.update(file.path for file in matched if file.path.startswith(own))
    if matched and not found:
      raise UserError(f'{pattern}: matches only what runs have written, such as {matched[0].path}; name the input')
    if not found:
      if '$' in pattern and storage.is_local(pattern):
        raise UserError(f'{pattern}: no file matches; check the path, and whether its variables are set')
      raise UserError(f'{pattern}: no file matches; check the path, and quote a pattern that a shell should not expand')
    for file in found:
      if not file.path.isprintable():
        raise UserError(f'{on_one_line(file.path)}: this name cannot be printed, nor recorded; rename the file')
      files.setdefault(storage.identity(file.path), ListedFile(file.path, file.size, file.version))
  if left_out:
    files_are = f'{len(left_out):,} files are' if len(left_out) > 1 else '1 file is'
    _LOG.warning('%s not read as input, for runs have written such files: %s', files_are, min(left_out))
  return tuple(sorted(files.values(), key=lambda file: (file.path, file.size)))


def faults_of_patterns(patterns: Iterable[str]) -> list[UserError]:
  """What is amiss with each of some patterns that is amiss."""
  faults = []
  for pattern in patterns:
    try:
      list_files([pattern])
    except UserError as fault:
      faults.append(fault)
  return faults


def absolute(path: str) -> str:
  """A local path or pattern from the root on, as storage.expanded has it, any other as it is; a last slash stays."""
  if not path or not storage.is_local(path):
    return path
  path = storage.expanded(path)
  return os.path.abspath(path) + ('/' if path.endswith('/') and path != '/' else '')
