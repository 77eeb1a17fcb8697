"""What is different between two schemas, feature by feature."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

# By these a schema says which strings a feature may have; they are compared as sets of strings.
_DOMAINS = ('domain', 'string_domain')


@dataclasses.dataclass(frozen=True)
class SchemaChange:
  """Something that a schema says of a feature, or of all its features, and the other does not.

  Attributes:
    feature: its name; '' for what is said of all features.
    what: 'feature' where only one schema has it, 'string domain', or else the name of the field in the schema's proto,
      as in 'type', 'presence', 'value_count', 'shape' or 'int_domain'.
    first: what the first schema says, as one line of the text format; '' where it says nothing.
    second: what the second says.
    added: the strings that only the second's string domain has, sorted.
    removed: those that only the first's has.
  """

  feature: str
  what: str
  first: str
  second: str
  added: tuple[str, ...] = ()
  removed: tuple[str, ...] = ()


def schema_changes(first: schema_pb2.Schema, second: schema_pb2.Schema) -> tuple[SchemaChange, ...]:
  """All that is different between two schemas, in the order of the first one's features, then the second's."""
  features = [{feature.name: feature for feature in schema.feature} for schema in (first, second)]
  changes = _field_changes('', first, second, skip=('feature', 'string_domain'))
  for name in dict.fromkeys([*features[0], *features[1]]):
    one, other = (each.get(name) for each in features)
    if one is None or other is None:
      changes.append(SchemaChange(name, 'feature', _type(one), _type(other)))
      continue
    changes += _field_changes(name, one, other, skip=('name', *_DOMAINS))
    changes += _domain_changes(name, _strings(first, one), _strings(second, other))
  return tuple(changes)


def _type(feature: schema_pb2.Feature | None) -> str:
  return '' if feature is None else schema_pb2.FeatureType.Name(feature.type)


def _field_changes(feature: str, first: Any, second: Any, skip: tuple[str, ...]) -> list[SchemaChange]:
  """The fields of two messages of one type that are not the same, in the proto's order."""
  one, other = _fields(first, skip), _fields(second, skip)
  names = [field.name for field in first.DESCRIPTOR.fields if field.name in {*one, *other}]
  return [
    SchemaChange(feature, name, one.get(name, ''), other.get(name, ''))
    for name in names
    if one.get(name) != other.get(name)
  ]


def _fields(message: Any, skip: tuple[str, ...]) -> Mapping[str, str]:
  """Each field that is set, as one line."""
  return {field.name: _text(field, value) for field, value in message.ListFields() if field.name not in skip}


def _text(field: Any, value: Any) -> str:
  if isinstance(value, str | bytes | int | float):
    name = field.enum_type.values_by_number.get(value) if field.enum_type else None
    return str(name.name if name else value)
  if hasattr(value, 'DESCRIPTOR'):
    # A message without a field may say something too, as bool_domain does.
    return str(text_format.MessageToString(value, as_one_line=True)) or 'any'
  return ', '.join(_text(field, item) for item in value)


def _strings(schema: schema_pb2.Schema, feature: schema_pb2.Feature) -> frozenset[str] | None:
  """The strings that a feature may have, by a domain of its own or of the schema; None where it may have any."""
  which = feature.WhichOneof('domain_info')
  if which == 'string_domain':
    return frozenset(feature.string_domain.value)
  if which == 'domain':
    return next((frozenset(domain.value) for domain in schema.string_domain if domain.name == feature.domain), None)
  return None


def _domain_changes(feature: str, first: frozenset[str] | None, second: frozenset[str] | None) -> list[SchemaChange]:
  if first == second:
    return []
  one, other = ('' if domain is None else f'{len(domain):,} strings' for domain in (first, second))
  if first is None or second is None:
    return [SchemaChange(feature, 'string domain', one, other)]
  return [
    SchemaChange(feature, 'string domain', one, other, tuple(sorted(second - first)), tuple(sorted(first - second)))
  ]
