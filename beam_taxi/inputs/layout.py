"""What the rows of an input must look like, and what is known of an input before they are read."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from beam_taxi import storage
from beam_taxi.errors import UserError
from beam_taxi.inputs.columns import ColumnType

_TYPES = {
  schema_pb2.INT: ColumnType.INT,
  schema_pb2.FLOAT: ColumnType.FLOAT,
  schema_pb2.BYTES: ColumnType.STRING,
}


@dataclasses.dataclass(frozen=True)
class Layout:
  """What each row of an input must look like.

  Attributes:
    settings: how rows are written: those of the input's kind.
    columns: the columns' names.
    types: the columns' types; None for each that is to be inferred.
    checked: whether all rows are known to fit the types.
  """

  settings: Any
  columns: tuple[str, ...]
  types: tuple[ColumnType | None, ...]
  checked: bool = False

  @property
  def has_all_types(self) -> bool:
    """Whether no type is to be inferred."""
    return None not in self.types

  @property
  def fields(self) -> list[tuple[str, ColumnType]]:
    """Each column's name and type, where it has all types."""
    assert self.has_all_types
    return [(name, kind) for name, kind in zip(self.columns, self.types, strict=True) if kind is not None]


@dataclasses.dataclass(frozen=True)
class InputPlan:
  """What is known of an input before its rows are read.

  Attributes:
    files: how many there are.
    bytes: theirs as stored.
    text_bytes: about how many they are when they are decompressed.
    layout: what each row must look like.
    doubts: what the user should be told, for it may be wrong.
    own: what the input's kind itself needs to know in its passes.
  """

  files: int
  bytes: int
  text_bytes: int
  layout: Layout
  doubts: tuple[str, ...] = ()
  own: Any = None


def given_types(
  columns: tuple[str, ...], column_types: Mapping[str, ColumnType], schema: str, where: str
) -> tuple[ColumnType | None, ...]:
  """The types that were given of some columns; None for each that is to be inferred.

  Args:
    columns: the columns' names.
    column_types: types by column.
    schema: the path of a curated schema, or ''. It gives the types of the columns that `column_types` leaves open.
    where: the file that the columns are of.

  Raises:
    UserError: as types_in_schema does, or a type is given to a column that is not there.
  """
  for name in column_types:
    if name not in columns:
      raise UserError(f'--column_types: {where} has no column {name!r}; it has {", ".join(columns)}')
  given = {**(types_in_schema(schema) if schema else {}), **column_types}
  return tuple(map(given.get, columns))


def types_in_schema(path: str) -> dict[str, ColumnType]:
  """The columns' types in a curated schema.

  Raises:
    UserError: there is no such file, it is no Schema in text form, or a feature has a type that a cell cannot have.
  """
  try:
    schema = text_format.Parse(storage.read_bytes(path).decode(), schema_pb2.Schema())
  except OSError as error:
    raise UserError(f'--schema {path}: cannot be read ({error.strerror or error})') from error
  except (text_format.ParseError, UnicodeDecodeError) as error:
    raise UserError(
      f'--schema {path}: is not a schema in text form ({" ".join(str(error).split())}); give a schema.pbtxt'
    ) from error
  types = {}
  for feature in schema.feature:
    if feature.type not in _TYPES:
      kind = schema_pb2.FeatureType.Name(feature.type)
      raise UserError(f'--schema {path}: feature {feature.name!r} is {kind}; a column can be INT, FLOAT or BYTES')
    types[feature.name] = _TYPES[feature.type]
  return types
