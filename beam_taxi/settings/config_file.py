"""A file of settings, in TOML: read as the words of a command line that say the same, and written.

A key is the name of a flag, and its value what the flag takes, or a list or table where the flag takes a list. Under
[beam] are the arguments of Beam. Imports nothing heavy.
"""

import dataclasses
import datetime
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from beam_taxi import storage
from beam_taxi.errors import UserError, on_one_line
from beam_taxi.inputs.column_form import Derived, type_text
from beam_taxi.parsing import names_text, nearest, parse_names, parse_number
from beam_taxi.process.provenance import without_secrets
from beam_taxi.setting_fields import Flag, Setting

if sys.version_info >= (3, 11):
  import tomllib
else:
  import tomli as tomllib

_BEAM = 'beam'


@dataclasses.dataclass(frozen=True)
class ConfigFile:
  """A file of settings that was read.

  Attributes:
    path: where it is.
    flags: what a run took from it, as a command line without secrets. Flags that were typed are not in it.
  """

  path: str
  flags: str = ''


def config_words(path: str, settings: Iterable[Setting], typed: Sequence[str]) -> list[str]:
  """What a file says, as words of a command line.

  Args:
    path: the file.
    settings: those that there are.
    typed: the command line that names the file. What it says of a setting goes before the file.

  Raises:
    UserError: there is no such file, it is no TOML, or it has a key or a value that no flag has.
  """
  settings = tuple(settings)
  table = _read(path)
  given = {word[2:].partition('=')[0] for word in typed if word.startswith('--')}
  words: list[str] = []
  beam = table.pop(_BEAM, {})
  if not isinstance(beam, dict):
    raise UserError(f'{path}: {_BEAM} is a table: write [{_BEAM}], and the arguments of Beam below')
  flags = {flag.name: (each, flag) for each in settings for flag in each.flags}
  said = {_slot(flags[name][0]) for name in given if name in flags}
  for key, value in table.items():
    if key not in flags or key == 'config':
      raise UserError(
        f'{path}: there is no setting {key!r}; {nearest(key, (name for name in flags if name != "config"))}. '
        f'What is meant for Beam goes under [{_BEAM}]'
      )
    if _slot(flags[key][0]) not in said:
      words += (f'--{key}={text}' for text in _texts(f'{path}: {key}', *flags[key], value))
  for key, value in beam.items():
    if key in flags:
      raise UserError(f'{path}: {key} is no argument of Beam: write it above [{_BEAM}]')
    if key not in given:
      words += _beam_words(f'{path}: {_BEAM}.{key}', key, value)
  return words


def config_read(path: str, words: Sequence[str]) -> ConfigFile:
  """What is recorded of a file of settings."""
  return ConfigFile(path, without_secrets(words))


def _read(path: str) -> dict[str, Any]:
  try:
    return tomllib.loads(storage.read_bytes(storage.expanded(path)).decode())
  except OSError as error:
    raise UserError(f'--config {path}: cannot be read ({storage.why(error)})') from error
  except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
    raise UserError(f'--config {path}: is not TOML ({error})') from error


def _slot(setting: Setting) -> str:
  """What two settings have in common of which one can be given instead of the other."""
  return setting.instead_of or setting.name


def _texts(place: str, setting: Setting, flag: Flag, value: Any) -> list[str]:
  """What would be typed behind a flag, each time that it has to be given. Raises UserError."""
  if flag.says is not None:
    if not isinstance(value, bool):
      raise UserError(f'{place} is true or false, and not {value!r}')
    return [str(value).lower()]
  metavar, repeated = setting.metavar or '', 'action' in setting.arguments
  mark = next((each for each in ':=' if each in metavar), '')
  if isinstance(value, list) and (repeated or metavar.endswith(',...')):
    texts = [_text(place, each) for each in value]
  elif isinstance(value, dict) and mark:
    pairs = [(name, each) for name, some in value.items() for each in (some if isinstance(some, list) else [some])]
    texts = [f'{name}{mark}{_text(place, each)}' for name, each in pairs]
  else:
    return [_text(place, value)]
  return texts if repeated else [names_text(texts)]


def _text(place: str, value: Any) -> str:
  if isinstance(value, str | int | float) and not isinstance(value, bool):
    return str(value)
  if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
    return value.isoformat()
  kinds = {bool: 'true or false', list: 'a list', dict: 'a table'}
  raise UserError(f'{place} cannot be {kinds.get(type(value), "a time")}; write what the flag takes, in quotes')


def _beam_words(place: str, key: str, value: Any) -> Iterator[str]:
  for each in value if isinstance(value, list) else [value]:
    if isinstance(each, bool):
      if each:
        yield f'--{key}'
    else:
      yield f'--{key}={_text(place, each)}'


def config_text(values: Mapping[str, Any], settings: Iterable[Setting], comments: Iterable[str] = ()) -> str:
  """A file of settings.

  Args:
    values: what was typed, by settings' and switches' names, as argparse has it.
    settings: those that there are.
    comments: lines for its beginning.
  """
  named = {each.name: each for each in settings}
  plain, tables = [], []
  for name, typed in values.items():
    setting = named.get(name)
    key, value = _entry(setting, typed) if setting else (name, typed)
    if isinstance(value, dict):
      tables += ['', f'[{key}]', *(f'{_toml(each)} = {_toml(text)}' for each, text in value.items())]
    else:
      plain.append(f'{key} = {_toml(value)}')
  return ''.join(f'{line}\n' for line in [*(f'# {on_one_line(each)}' for each in comments), *plain, *tables])


def _entry(setting: Setting, typed: Any) -> tuple[str, Any]:
  """What was typed for a setting, as it is best written in a file, and under which name."""
  if isinstance(typed, bool):
    [flag] = [each for each in setting.flags if each.says == typed]
    return flag.name, True
  return setting.flags[-1].name, _value(setting, typed) if isinstance(typed, str) else typed


def _value(setting: Setting, typed: str) -> Any:
  if setting.parse and isinstance(setting.default, dict):
    return {name: _parsed_text(value) for name, value in setting.parse(typed).items()}
  if (setting.metavar or '').endswith(',...'):
    return list(parse_names(typed))
  return parse_number(typed) if setting.parse is parse_number else typed


def _parsed_text(value: Any) -> str:
  if isinstance(value, Derived):
    return f'{value.part}({value.column})'
  return value if isinstance(value, str) else type_text(value)


def _toml(value: Any) -> str:
  if isinstance(value, list):
    lines = ''.join(f'  {_toml(each)},\n' for each in value)
    return f'[{_toml(value[0])}]' if len(value) == 1 else f'[\n{lines}]'
  # TOML's strings are JSON's, but for one control character.
  return json.dumps(value, ensure_ascii=False).replace('\x7f', '\\u007f')
