"""Columns of an input: their types, and what their names must be. Imports nothing heavy."""

import enum
from collections.abc import Iterable, Sequence


class ColumnType(enum.IntEnum):
  """A column's type; the higher of two is the type of both together.

  UNKNOWN is a column without any value, and SKIPPED one that nobody wants, whose cells are not looked at.
  """

  UNKNOWN = 0
  INT = 1
  FLOAT = 2
  STRING = 3
  SKIPPED = 4


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
