"""Columns of an input: their types, and what their names must be. Imports nothing heavy."""

import enum
from collections.abc import Iterable, Sequence

from beam_taxi.errors import UserError
from beam_taxi.parsing import parse_names


class ColumnType(enum.IntEnum):
  """A column's type; the higher of two is the type of both together. UNKNOWN is a column without any value."""

  UNKNOWN = 0
  INT = 1
  FLOAT = 2
  STRING = 3


def widest(types: Iterable[Sequence[ColumnType]]) -> tuple[ColumnType, ...]:
  """Per column the highest of several types; () where there are none."""
  return tuple(ColumnType(max(column)) for column in zip(*types, strict=True))


def fault_in_names(columns: Sequence[str]) -> str:
  """What is wrong with columns' names, or ''."""
  seen: set[str] = set()
  for position, name in enumerate(columns, 1):
    if not name:
      return f'column {position} has no name; name every column'
    if '\0' in name:  # So does tfx_bsl, with which `read` decodes.
      return (
        f'column {position} is named {name!r}, and readers of tf.Examples end a name at a NUL; name it otherwise, or '
        'give the --encoding that the file has'
      )
    if name in seen:
      return f'two columns are named {name!r}; give each its own name'
    seen.add(name)
  return ''


def parse_column_types(text: str) -> dict[str, ColumnType]:
  """'fare:FLOAT,company:STRING' -> the types. Raises UserError on any other form."""
  types: dict[str, ColumnType] = {}
  for part in parse_names(text):
    name, _, kind = part.rpartition(':')
    if not name or kind.upper() not in _TYPES:
      raise UserError(
        f'--column_types {part!r}: give NAME:TYPE pairs, with a TYPE of {", ".join(_TYPES)}; a pair whose name has a '
        'comma goes into quotes, as in "a,b:INT"'
      )
    if types.setdefault(name, _TYPES[kind.upper()]) != _TYPES[kind.upper()]:
      raise UserError(f'--column_types gives {name!r} two types: {types[name].name} and {kind.upper()}')
  return types


_TYPES = {kind.name: kind for kind in (ColumnType.INT, ColumnType.FLOAT, ColumnType.STRING)}
