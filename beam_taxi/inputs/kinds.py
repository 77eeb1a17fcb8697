"""The kinds of input. Imports nothing heavy.

A kind is a package beside this module and a line in KINDS. Its settings, one frozen dataclass, say how its files are
written. Its reader is made of them, and does what reader.InputReader says.
"""

import dataclasses
import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from beam_taxi.errors import UserError
from beam_taxi.inputs.compression import without_ending
from beam_taxi.inputs.csv.dialect import Dialect

if TYPE_CHECKING:
  from beam_taxi.inputs.reader import InputReader


@dataclasses.dataclass(frozen=True)
class Kind:
  """A kind of input: its settings, the module and class that read with them, and how its files' names end."""

  name: str
  settings: type
  reader: str
  endings: tuple[str, ...]


# What nothing else says is of the first.
KINDS: tuple[Kind, ...] = (Kind('csv', Dialect, 'beam_taxi.inputs.csv.csv_input:CsvInput', ('.csv', '.tsv')),)


def kind_of_names(patterns: Iterable[str]) -> Kind:
  """The kind of files that some patterns name, by how they end; an ending of compression is passed over.

  Raises:
    UserError: they are of two kinds.
  """
  found: dict[str, tuple[Kind, str]] = {}
  for pattern in patterns:
    if kind := _named(pattern):
      found.setdefault(kind.name, (kind, pattern))
  if len(found) > 1:
    (first, one), (second, other), *_ = found.values()
    raise UserError(f'{one} is {first.name} and {other} is {second.name}: a run reads input of one kind')
  return next((kind for kind, _ in found.values()), KINDS[0])


def kind_of(settings: Any) -> Kind:
  """The kind that some settings are of."""
  [kind] = [kind for kind in KINDS if type(settings) is kind.settings]
  return kind


def check_names(paths: Iterable[str], settings: Any) -> None:
  """Raises UserError where a file is, by its name, of another kind than that of some settings."""
  kind = kind_of(settings)
  for path in paths:
    named = _named(path)
    if named and named is not kind:
      raise UserError(
        f'{path}: is {named.name} by its name, and would be read as {kind.name}; give patterns that end in '
        f'{" or ".join(named.endings)}, and no flags of {kind.name}'
      )


def _named(path: str) -> Kind | None:
  """The kind that the name of a file, or a pattern of names, says; None where it says none."""
  return next((kind for kind in KINDS if without_ending(path).lower().endswith(kind.endings)), None)


def reader_of(settings: Any) -> 'InputReader':
  """What reads an input of the kind that some settings are of."""
  kind = kind_of(settings)
  module, _, name = kind.reader.partition(':')
  return cast('InputReader', getattr(importlib.import_module(module), name)(settings))
