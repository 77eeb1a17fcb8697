"""Which columns become features, under which names, and how their cells are written. Imports nothing heavy."""

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping

from beam_taxi.errors import UserError
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.written import PARTS, Part, Picture, Timestamp, Written, parse_written
from beam_taxi.parsing import nearest, parse_names

GivenType = ColumnType | Timestamp | Picture

_TYPES = {kind.name: kind for kind in (ColumnType.INT, ColumnType.FLOAT, ColumnType.STRING)}
_TYPE = re.compile(r'(?P<name>.+):(?P<kind>INT|FLOAT|STRING|TIMESTAMP)(?:\((?P<how>.*)\))?', re.IGNORECASE | re.DOTALL)
_BEGUN = re.compile(r'.+:(?:INT|FLOAT|TIMESTAMP)\([^)]*', re.IGNORECASE | re.DOTALL)
_DERIVED = re.compile(rf'(?P<feature>.+):(?P<part>{"|".join(PARTS)})\((?P<column>.+)\)', re.IGNORECASE | re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Derived:
  """A feature that is a part of a column's time."""

  part: Part
  column: str


@dataclasses.dataclass(frozen=True)
class ColumnForm:
  """What becomes of an input's columns, each of which is named as the files name it.

  Attributes:
    column_types: types that are not to be inferred, by column.
    schema: the path of a curated schema, or ''. It gives types to features that have none yet.
    select_columns: the columns that become features, in this order; () for all.
    drop_columns: those that do not.
    rename_columns: features' names, by column.
    derive_features: features that are parts of times, by name. They come last.

  Raises UserError where these contradict each other.
  """

  column_types: Mapping[str, GivenType] = dataclasses.field(default_factory=dict)
  schema: str = ''
  select_columns: tuple[str, ...] = ()
  drop_columns: tuple[str, ...] = ()
  rename_columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
  derive_features: Mapping[str, Derived] = dataclasses.field(default_factory=dict)

  def __post_init__(self) -> None:
    for name, kind in self.column_types.items():
      if not isinstance(kind, GivenType):
        raise UserError(f'column_types: {name!r} is {kind!r}; give a ColumnType, such as ColumnType.STRING')
    if self.select_columns and self.drop_columns:
      raise UserError('--select_columns says which columns stay, and --drop_columns which go: give one of them')
    for feature, derived in self.derive_features.items():
      if not isinstance(self.column_types.get(derived.column), Timestamp):
        raise UserError(
          f'--derive_features {feature!r}: column {derived.column!r} is no TIMESTAMP; give it that type with '
          '--column_types'
        )

  def chosen(self, columns: tuple[str, ...], where: str, unwanted: Collection[str] = ()) -> list[tuple[int, str]]:
    """The columns that become features, by their places, and the features' names.

    Args:
      columns: all of the input's.
      where: the file that they are of.
      unwanted: those that become features only if they are selected.

    Raises:
      UserError: a name is none of theirs, or two features have one name.
    """
    derived = [each.column for each in self.derive_features.values()]
    for flag, names in (
      ('select_columns', self.select_columns),
      ('drop_columns', self.drop_columns),
      ('rename_columns', self.rename_columns),
      ('derive_features', derived),
      ('column_types', self.column_types),
    ):
      _check_known(flag, names, columns, where)
    _check_once('--select_columns names column', self.select_columns)
    selected = self.select_columns or tuple(name for name in columns if name not in {*self.drop_columns, *unwanted})
    if not selected and not derived:
      raise UserError(f'--drop_columns: {where} has no other columns')
    for flag, names in (('rename_columns', self.rename_columns), ('column_types', self.column_types)):
      for name in names:
        if name not in selected and not (flag == 'column_types' and name in derived):
          raise UserError(f'--{flag}: column {name!r} is not selected')
    found = [(columns.index(name), self.rename_columns.get(name, name)) for name in selected]
    _check_once('two features are named', [name for _, name in found] + list(self.derive_features))
    return found


def _check_known(flag: str, names: Iterable[str], columns: tuple[str, ...], where: str) -> None:
  known = set(columns)
  for name in names:
    if name not in known:
      raise UserError(f'--{flag}: {where} has no column {name!r}; {nearest(name, columns)}')


def _check_once(what: str, names: Iterable[str]) -> None:
  seen: set[str] = set()
  for name in names:
    if name in seen:
      raise UserError(f'{what} {name!r} twice; each needs a name of its own')
    seen.add(name)


def parse_column_types(text: str) -> dict[str, GivenType]:
  """'fare:FLOAT($1,234.5),company:STRING' -> the types. Raises UserError on any other form."""
  types: dict[str, GivenType] = {}
  for part in _whole_parts(parse_names(text)):
    if not (found := _TYPE.fullmatch(part)):
      raise UserError(
        f'--column_types {part!r}: give NAME:TYPE pairs, with a TYPE of {", ".join(_TYPES)} or TIMESTAMP; a pair whose '
        'name has a comma goes into quotes, as in "a,b:INT"'
      )
    name, kind = found['name'], parse_type(f'{found["kind"]}({found["how"]})' if found['how'] else found['kind'])
    if types.setdefault(name, kind) != kind:
      raise UserError(f'--column_types gives {name!r} two types: {type_text(types[name])} and {type_text(kind)}')
  return types


def parse_type(text: str) -> GivenType:
  """'INT', 'TIMESTAMP(%Y-%m-%d)' and the like -> the type. Raises UserError on any other form."""
  found = _TYPE.fullmatch(f'-:{text}')
  if not found or (found['kind'].upper() == 'STRING' and found['how']):
    raise UserError(
      f'{text!r} is no type; give INT, FLOAT, STRING, TIMESTAMP(FORMAT) or a number such as FLOAT($1,234.5)'
    )
  kind = found['kind'].upper()
  return parse_written(kind, found['how'] or '') if found['how'] or kind == 'TIMESTAMP' else _TYPES[kind]


def type_text(kind: GivenType) -> str:
  """A type as it can be typed."""
  return kind.name if isinstance(kind, ColumnType) else str(kind)


def _whole_parts(parts: Iterable[str]) -> list[str]:
  """The parts of a list, where a comma in the brackets of a type has cut none."""
  whole: list[str] = []
  for part in parts:
    if whole and _BEGUN.fullmatch(whole[-1]):
      whole[-1] += f',{part}'
    else:
      whole.append(part)
  return whole


def parse_renamed(text: str) -> dict[str, str]:
  """'Trip Miles:trip_miles,Fare:fare' -> features' names by column. Raises UserError on any other form."""
  renamed: dict[str, str] = {}
  for part in parse_names(text):
    name, _, feature = part.rpartition(':')
    if not name or not feature:
      raise UserError(f'--rename_columns {part!r}: give NAME:FEATURE pairs; what has a comma goes into quotes')
    if renamed.setdefault(name, feature) != feature:
      raise UserError(f'--rename_columns gives {name!r} two names: {renamed[name]} and {feature}')
  return renamed


def parse_derived(text: str) -> dict[str, Derived]:
  """'trip_hour:hour(Trip Start)' -> what is derived, by feature. Raises UserError on any other form."""
  derived: dict[str, Derived] = {}
  for part in parse_names(text):
    found = _DERIVED.fullmatch(part)
    if not found:
      raise UserError(
        f'--derive_features {part!r}: give FEATURE:PART(COLUMN), with a PART of {", ".join(PARTS)}, as in '
        'start_hour:hour(Trip Start)'
      )
    [which] = [each for each in PARTS if each == found['part'].lower()]
    if derived.setdefault(found['feature'], Derived(which, found['column'])) != Derived(which, found['column']):
      raise UserError(f'--derive_features makes {found["feature"]!r} twice')
  return derived


def written_of(kind: GivenType | None) -> Written | None:
  """How cells of a given type are written, where that is not as TFX reads them."""
  return kind if isinstance(kind, Timestamp | Picture) else None
