"""What the rows of an input must look like, and what is known of an input before they are read."""

import dataclasses
import functools
from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from beam_taxi import storage
from beam_taxi.errors import UserError
from beam_taxi.inputs.column_form import ColumnForm, written_of
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.written import PartOf, Picture, Timestamp, Written

_TYPES = {
  schema_pb2.INT: ColumnType.INT,
  schema_pb2.FLOAT: ColumnType.FLOAT,
  schema_pb2.BYTES: ColumnType.STRING,
}


@dataclasses.dataclass(frozen=True)
class Feature:
  """A feature that is made of a column: its name, the column's place, and how cells are written if not as TFX reads."""

  name: str
  column: int
  written: Written | None = None


@dataclasses.dataclass(frozen=True)
class FileColumns:
  """The columns of a file, in its order, by their places among the input's; and its Layout's `header`."""

  places: tuple[int, ...]
  header: bytes


@dataclasses.dataclass(frozen=True)
class Layout:
  """What each row of an input must look like.

  Attributes:
    settings: how rows are written: those of the input's kind.
    columns: the columns' names.
    types: what the columns' cells are read as; None for each type that is to be inferred. Cells that are written in
      another way are STRING, and those of a column that nothing is made of are SKIPPED.
    checked: whether all rows are known to fit the types.
    features: what is made of the columns; each as it is, where it is not given.
    header: the bytes of a row that repeats the header, and so is bad; b'' where there is no such row.
    of_files: of each file by its index, which of the columns it has, and its header; () where all are alike.
  """

  settings: Any
  columns: tuple[str, ...]
  types: tuple[ColumnType | None, ...]
  checked: bool = False
  features: tuple[Feature, ...] = ()
  header: bytes = b''
  of_files: tuple[FileColumns, ...] = ()

  def __post_init__(self) -> None:
    if not self.features:
      object.__setattr__(self, 'features', tuple(Feature(name, place) for place, name in enumerate(self.columns)))

  @property
  def has_all_types(self) -> bool:
    """Whether no type is to be inferred."""
    return None not in self.types

  @property
  def names(self) -> tuple[str, ...]:
    """The features' names."""
    return tuple(feature.name for feature in self.features)

  @property
  def fields(self) -> list[tuple[str, ColumnType]]:
    """Each feature's name and type, where it has all types."""
    kinds = [feature.written.type if feature.written else self.types[feature.column] for feature in self.features]
    assert None not in kinds
    return [(name, kind) for name, kind in zip(self.names, kinds, strict=True) if kind is not None]

  @property
  def read_columns(self) -> tuple[tuple[int, str], ...]:
    """The places and names of the columns that are not skipped."""
    kinds = enumerate(zip(self.columns, self.types, strict=True))
    return tuple((place, name) for place, (name, kind) in kinds if kind is not ColumnType.SKIPPED)

  @functools.cached_property
  def written(self) -> Mapping[int, Timestamp | Picture]:
    """How the cells of columns are written where TFX would not know, by the columns' places."""
    ways = {feature.column: feature.written for feature in self.features if feature.written}
    return {place: way.of if isinstance(way, PartOf) else way for place, way in ways.items()}


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


def layout_of(
  settings: Any, columns: tuple[str, ...], form: ColumnForm, where: str, unwanted: Collection[str] = ()
) -> Layout:
  """What the rows of an input must look like.

  Args:
    settings: how they are written.
    columns: the columns' names.
    form: what becomes of them.
    where: the file that they are of.
    unwanted: columns that become features only if they are selected.

  Raises:
    UserError: as types_in_schema does, or the form names a column that is not there.
  """
  chosen = form.chosen(columns, where, unwanted)
  in_schema = types_in_schema(form.schema) if form.schema else {}
  types: list[ColumnType | None] = [ColumnType.SKIPPED] * len(columns)
  features = []
  for place, name in chosen:
    given = form.column_types.get(columns[place])
    written = written_of(given)
    features.append(Feature(name, place, written))
    plain = given if isinstance(given, ColumnType) else in_schema.get(name)
    types[place] = ColumnType.STRING if written else plain
  for name, derived in form.derive_features.items():
    place = columns.index(derived.column)
    timestamp = form.column_types[derived.column]
    assert isinstance(timestamp, Timestamp)
    features.append(Feature(name, place, PartOf(derived.part, timestamp)))
    types[place] = ColumnType.STRING
  return Layout(settings, columns, tuple(types), features=tuple(features))


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
