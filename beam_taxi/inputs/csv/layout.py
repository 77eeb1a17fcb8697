"""What the rows of an input must look like, and what is known of an input before they are read."""

import dataclasses
from collections.abc import Mapping, Sequence

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from beam_taxi import storage
from beam_taxi.errors import UserError
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.encoding import UTF_8, needs_stream
from beam_taxi.inputs.csv.files import Header, InputFile, read_header

_TYPES = {
  schema_pb2.INT: ColumnType.INT,
  schema_pb2.FLOAT: ColumnType.FLOAT,
  schema_pb2.BYTES: ColumnType.STRING,
}


@dataclasses.dataclass(frozen=True)
class Layout:
  """What each row of an input must look like.

  Attributes:
    dialect: how rows are written.
    columns: the columns' names.
    types: the columns' types; None for each that is to be inferred.
    checked: whether all rows are known to fit the types.
  """

  dialect: Dialect
  columns: tuple[str, ...]
  types: tuple[ColumnType | None, ...]
  checked: bool = False

  @property
  def encoding(self) -> str:
    """That of blocks: what is converted as a stream comes in UTF-8."""
    return UTF_8 if needs_stream(self.dialect) else self.dialect.encoding

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
  """The whole input: how many files and stored bytes it has, the header of its first file, and the rows' layout."""

  files: int
  bytes: int
  header: Header
  layout: Layout


def plan_input(
  files: Sequence[InputFile], dialect: Dialect, column_types: Mapping[str, ColumnType], schema: str
) -> InputPlan:
  """What is known of the input before its records are read.

  Args:
    files: the input.
    dialect: how they are written.
    column_types: types that were given, by column.
    schema: the path of a curated schema, or ''. It gives the types of the columns that `column_types` leaves open.

  Raises:
    UserError: as read_header and types_in_schema do, or a type is given to a column that is not there.
  """
  header = read_header(files[0], dialect)
  for name in column_types:
    if name not in header.columns:
      raise UserError(f'--column_types: {header.path} has no column {name!r}; it has {", ".join(header.columns)}')
  given = {**(types_in_schema(schema) if schema else {}), **column_types}
  layout = Layout(dialect, header.columns, tuple(map(given.get, header.columns)))
  return InputPlan(len(files), sum(file.size for file in files), header, layout)


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
