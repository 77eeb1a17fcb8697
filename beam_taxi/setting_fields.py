"""A setting is a field of a dataclass: what the field says of itself, besides its name, type and default.

Flags, their --help, docs/FLAGS.md, the flex template's parameters and the key by which earlier runs are found again are
all made from it. Each room declares settings of its own with this; it knows none of them. Imports nothing heavy.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from beam_taxi.errors import UserError

_METADATA = 'setting'


@dataclasses.dataclass(frozen=True)
class Parameter:
  """A flag as a parameter of the flex template.

  Attributes:
    label: its name on the console.
    regex: what it takes, as both egrep and Python read it; '' for one of the choices, or else anything but nothing.
    kind: Dataflow's ParameterType of it; '' for what follows from the flag.
    required: whether a launch needs it, even where the flag can be left out.
  """

  label: str
  regex: str = ''
  kind: str = ''
  required: bool = False


@dataclasses.dataclass(frozen=True)
class Flag:
  """A flag.

  Attributes:
    text: what it does, as --help says it.
    template: the template's parameter of the same name, or why there is none.
    name: without dashes; '' for the setting's.
    says: of a switch, what it says of the setting; None where the flag has a value.
    target: what holds its value once it is parsed; '' for the setting.
  """

  text: str
  template: Parameter | str
  name: str = ''
  says: bool | None = None
  target: str = ''


@dataclasses.dataclass(frozen=True)
class Setting:
  """All that is known of a setting; `setting` explains what is not said here.

  Attributes:
    name: of its field.
    flags: its flags, in the order of --help; the last is its own.
    typed: its default as one would type it; '' where that cannot be typed.
    default_text: its default in words; '' where there is nothing to say.
  """

  name: str
  flags: tuple[Flag, ...]
  default: Any
  typed: str
  default_text: str
  group: str
  metavar: str | None
  choices: Mapping[str, str]
  parse: Callable[[Any], Any] | None
  required: bool
  instead_of: str
  together: str
  arguments: Mapping[str, Any]
  details: str
  counts_for_reuse: bool

  def help_of(self, flag: Flag) -> str:
    """What --help says of one of the flags, with the default where the flag has a value."""
    default = f'default: {self.default_text}' if self.default_text and flag.says is None else ''
    return '; '.join(filter(None, (flag.text, default)))


def setting(
  default: Any,
  text: str,
  *,
  template: Parameter | str,
  group: str = '',
  flag: str = '',
  metavar: str | None = None,
  choices: Mapping[str, str] | None = None,
  parse: Callable[[Any], Any] | None = None,
  default_text: str = '{}',
  details: str = '',
  required: bool = False,
  instead_of: str = '',
  opposite: Flag | None = None,
  along_with: Flag | None = None,
  together: str = '',
  arguments: Mapping[str, Any] | None = None,
  counts_for_reuse: bool = True,
) -> Any:
  """A field that is a setting.

  Args:
    default: of the field; as it is typed, where it is text and has a parser. A setting that is True or False is set by
      a switch, which says the other.
    text: what it does, as --help says it, in a phrase that goes on with '; default: ...'.
    template: the flex template's parameter, or why there is none.
    group: the heading under which --help has it; '' where all settings of a dataclass are under one.
    flag: the flag, where it is called something else than the field.
    metavar: what stands for the value.
    choices: the values that there are, each in a word or two; none for any value.
    parse: makes a value of what was typed. Raises UserError.
    default_text: the default in words, in which '{}' is the default as it is typed.
    details: more to know, for docs/FLAGS.md; one sentence or two.
    required: whether nothing goes without.
    instead_of: the setting in whose place this one can be given.
    opposite: a switch that says the default, and so takes back what was said before it.
    along_with: a switch that has to be given where this setting is, and only there.
    together: why that is so.
    arguments: what else argparse has to know of the flag.
    counts_for_reuse: whether runs that differ in it make something else.
  """
  typed = default if isinstance(default, str) else ''
  if parse and isinstance(default, str) and default:
    default = parse(default)
  own = Flag(text, template, flag, says=not default if isinstance(default, bool) else None)
  flags = [own]
  if opposite:
    flags.insert(0, dataclasses.replace(opposite, says=default))
  if along_with:
    flags.insert(0, dataclasses.replace(along_with, says=True, target=along_with.name))
  found = Setting(
    name='',
    flags=tuple(flags),
    default=default,
    typed=typed,
    default_text=default_text.format(typed),
    group=group,
    metavar=metavar,
    choices=choices or {},
    parse=parse,
    required=required,
    instead_of=instead_of,
    together=together,
    arguments=arguments or {},
    details=details,
    counts_for_reuse=counts_for_reuse,
  )
  if isinstance(default, dict):
    return dataclasses.field(default_factory=default.copy, metadata={_METADATA: found})
  return dataclasses.field(default=default, metadata={_METADATA: found})


def settings_of(kind: type) -> tuple[Setting, ...]:
  """The settings of a dataclass, in their order."""
  fields = [field for field in dataclasses.fields(kind) if _METADATA in field.metadata]
  return tuple(_named(field.metadata[_METADATA], field.name) for field in fields)


def take_settings(kind: type, values: dict[str, Any]) -> dict[str, Any]:
  """Takes what was typed for a dataclass's settings out of `values`, as what its fields are to be.

  Raises:
    UserError: a value is wrong, or flags that go together are not all there.
  """
  given = {}
  for each in settings_of(kind):
    switches = [flag.name for flag in each.flags if flag.target != each.name]
    for switch in switches:
      if values.pop(switch, False) != (each.name in values):
        raise UserError(f'--{switch} and --{each.flags[-1].name} go together: {each.together}')
    if each.name in values:
      given[each.name] = _parsed(each, values.pop(each.name))
  return given


def _parsed(setting: Setting, typed: Any) -> Any:
  if not setting.parse:
    return typed
  try:
    return setting.parse(typed)
  except UserError as error:
    # A parser that many settings share cannot say whose value it is.
    said = str(error)
    raise UserError(said if said.startswith('--') else f'--{setting.flags[-1].name} {said}') from error


def check_choices(settings: Any) -> None:
  """Raises UserError where a setting of a dataclass is none of its choices, as one from Python can be."""
  for each in settings_of(type(settings)):
    value = getattr(settings, each.name)
    if each.choices and value != each.default and value not in each.choices:
      raise UserError(f'--{each.flags[-1].name} {value!r}: give one of {", ".join(each.choices)}')


def values_for_reuse(settings: Any) -> dict[str, Any]:
  """The fields of a dataclass, without the settings that change nothing about what a run makes."""
  ignored = {each.name for each in settings_of(type(settings)) if not each.counts_for_reuse}
  return {
    field.name: getattr(settings, field.name) for field in dataclasses.fields(settings) if field.name not in ignored
  }


def _named(found: Setting, name: str) -> Setting:
  flags = (dataclasses.replace(flag, name=flag.name or name, target=flag.target or name) for flag in found.flags)
  return dataclasses.replace(found, name=name, flags=tuple(flags))
