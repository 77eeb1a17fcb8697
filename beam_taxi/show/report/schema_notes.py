"""A schema feature by feature, and what in the statistics made each line of it, by the rules of TFDV's inference."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0.schema_pb2 import Feature, FeatureType, Schema

from beam_taxi.analysis.feature_statistics import NUMBER, STRING, DatasetStatistics, FeatureStatistics
from beam_taxi.show.formats import cut, plural

# Of tfdv.infer_schema, which runs leave as it is.
_MAX_DOMAIN = 100
_SHOWN_STRINGS = 100
_LONGEST = 80

# What has a line of its own, or says only what the feature is called.
_TOLD = (
  'name',
  'type',
  'presence',
  'shape',
  'value_count',
  'domain',
  'string_domain',
  'int_domain',
  'float_domain',
)


def schema_notes(
  schema: Schema, datasets: Mapping[str, DatasetStatistics], curated: str = ''
) -> dict[str, dict[str, Any]]:
  """What a schema says of each feature, and why.

  Args:
    schema: the schema.
    datasets: the statistics that it was made from, by split.
    curated: the file that gave the schema, where statistics did not make it.

  Returns:
    By the feature's name: `type`, `presence`, `valency` and `domain` as short texts; `values`, the strings of the
    domain, and how many `more` there are; and `notes`, each of what is said of, what is said, and why.
  """
  return {
    feature.name: _note(
      feature,
      schema,
      {split: each.features[feature.name] for split, each in datasets.items() if feature.name in each.features},
      curated,
    )
    for feature in schema.feature
  }


_Found = Mapping[str, FeatureStatistics]


def _note(feature: Feature, schema: Schema, found: _Found, curated: str) -> dict[str, Any]:
  kind = FeatureType.Name(feature.type)
  presence, valency = _presence(feature), _valency(feature)
  domain, values = _domain(feature, schema)
  facts = [
    ('Type', kind, _why_type(found)),
    ('Presence', presence, _why_presence(found)),
    ('Valency', valency, _why_valency(found)),
    ('Domain', domain, _why_domain(feature, found, len(values))),
  ]
  facts += [
    (field.name.replace('_', ' ').capitalize(), _one_line(value), 'only a schema that was edited says so')
    for field, value in feature.ListFields()
    if field.name not in _TOLD
  ]
  given = f'given by {curated}; ' if curated else ''
  notes = [[what, says, f'{given}{why}' if why else given.rstrip('; ')] for what, says, why in facts]
  return {
    'type': kind,
    'presence': presence,
    'valency': valency,
    'domain': domain,
    'values': [cut(value, _LONGEST) for value in values[:_SHOWN_STRINGS]],
    'more': max(len(values) - _SHOWN_STRINGS, 0),
    'notes': notes,
  }


def _presence(feature: Feature) -> str:
  if not feature.HasField('presence'):
    return 'may be absent'
  fraction, count = feature.presence.min_fraction, feature.presence.min_count
  if fraction >= 1:
    return 'required'
  if fraction > 0:
    return f'in {fraction:.1%} of rows or more'
  return f'optional, in {count:,} row{plural(count)} or more' if count else 'optional'


def _valency(feature: Feature) -> str:
  which = feature.WhichOneof('shape_type')
  if which == 'shape':
    sizes = [dim.size for dim in feature.shape.dim]
    if sizes == [1]:
      return 'one value'
    return 'shape ' + ' x '.join(map(str, sizes)) if sizes else 'scalar'
  if which == 'value_count':
    least, most = feature.value_count.min, feature.value_count.max
    if most:
      return f'{least:,} to {most:,} values' if least != most else f'{most:,} value{plural(most)}'
    return f'{least:,} values or more'
  return 'any number of values'


def _domain(feature: Feature, schema: Schema) -> tuple[str, Sequence[str]]:
  which = feature.WhichOneof('domain_info')
  if which in ('domain', 'string_domain'):
    if which == 'string_domain':
      values = list(feature.string_domain.value)
    else:
      values = next((list(each.value) for each in schema.string_domain if each.name == feature.domain), [])
    return f'{len(values):,} string{plural(len(values))}', values
  if which in ('int_domain', 'float_domain'):
    limits = getattr(feature, which)
    names = [field.name for field, _ in limits.ListFields()]
    least = f'{limits.min:,}' if 'min' in names else '-∞'
    most = f'{limits.max:,}' if 'max' in names else '∞'
    written = ', written as text' if feature.type == FeatureType.BYTES else ''
    return f'{least} to {most}{written}', ()
  return (which.removesuffix('_domain').replace('_', ' ') if which else 'any'), ()


def _why_type(found: _Found) -> str:
  return _each({split: f'as {feature.type}' for split, feature in found.items()})


def _why_presence(found: _Found) -> str:
  lacking = {split: 1 - feature.present / feature.rows for split, feature in found.items() if feature.rows}
  if not lacking:
    return ''
  if not any(lacking.values()):
    empty = any(feature.valency[0] == 0 for feature in found.values())
    return f'no row of {_and(lacking)} is without it' + (', though in some it is an empty list' if empty else '')
  return '; '.join(f'{share:.1%} of the rows of {split} are without it' for split, share in lacking.items())


def _why_valency(found: _Found) -> str:
  texts = {}
  for split, feature in found.items():
    least, _, most = feature.valency
    texts[split] = f'{least:,} to {most:,} a row' if least != most else f'{most:,} in each row that has it'
  return _each(texts)


def _why_domain(feature: Feature, found: _Found, size: int) -> str:
  strings = {split: each.unique for split, each in found.items() if each.kind == STRING}
  if not strings:
    ranges = {
      split: f'{each.min:,.6g} to {each.max:,.6g}'
      for split, each in found.items()
      if each.kind == NUMBER and each.values
    }
    return f'{_each(ranges)}; numbers get no domain from statistics' if ranges else ''
  counted = _each({split: f'{unique:,} distinct' for split, unique in strings.items()})
  if feature.WhichOneof('domain_info') in ('int_domain', 'float_domain'):
    return f'{counted}; strings that are all numbers get a domain of numbers'
  if not any(strings.values()):
    return f'{counted}; without a string there is no domain'
  if size:
    return f'{counted}; up to {_MAX_DOMAIN} distinct strings become a domain'
  return f'{counted}; more than {_MAX_DOMAIN}, or values that are no text, become none'


def _one_line(value: Any) -> str:
  if hasattr(value, 'DESCRIPTOR'):
    return str(text_format.MessageToString(value, as_one_line=True, as_utf8=True)) or 'yes'
  if isinstance(value, str | int | float):
    return str(value)
  return ', '.join(map(_one_line, value))


def _each(texts: Mapping[str, str]) -> str:
  """As in 'train and eval: as INT; test: as FLOAT': what is the same is said once."""
  splits: dict[str, list[str]] = {}
  for split, text in texts.items():
    splits.setdefault(text, []).append(split)
  return '; '.join(f'{_and(names)}: {text}' for text, names in splits.items())


def _and(names: Any) -> str:
  *most, last = names
  return f'{", ".join(most)} and {last}' if most else str(last)
