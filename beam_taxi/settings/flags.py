"""Settings as flags: how they are parsed, and what is made of what was typed. Imports nothing heavy."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from beam_taxi.errors import UserError
from beam_taxi.inputs.kinds import KINDS, Kind, kind_of_names
from beam_taxi.process.program import program
from beam_taxi.setting_fields import Flag, Setting, settings_of, take_settings
from beam_taxi.settings.config import RunConfig, all_settings
from beam_taxi.settings.config_file import config_read, config_words


def new_parser(program: str, description: str = '', epilog: str = '') -> argparse.ArgumentParser:
  """A parser that takes no abbreviations and returns no flag that is not given."""
  return argparse.ArgumentParser(
    prog=program,
    description=description,
    epilog=epilog,
    formatter_class=argparse.RawDescriptionHelpFormatter,
    allow_abbrev=False,
    argument_default=argparse.SUPPRESS,
  )


def add_flags(parser: argparse.ArgumentParser, settings: Iterable[Setting]) -> None:
  """Adds the flags of settings, each group of settings under its heading."""
  settings = tuple(settings)
  groups: dict[str, Any] = {}
  either: dict[str, Any] = {}
  replaced = {each.instead_of for each in settings}
  for each in settings:
    group = groups.get(each.group) or groups.setdefault(each.group, parser.add_argument_group(each.group))
    if each.name in replaced:
      group = either[each.name] = group.add_mutually_exclusive_group(required=each.required)
    elif each.instead_of:
      group = either[each.instead_of]
    for flag in each.flags:
      _add(group, each, flag, required=each.required and each.name not in replaced)


def _add(group: Any, setting: Setting, flag: Flag, *, required: bool) -> None:
  arguments: dict[str, Any] = {'dest': flag.target, 'help': setting.help_of(flag).replace('%', '%%')}
  if flag.says is not None:
    arguments |= {'action': 'store_true' if flag.says else 'store_false'}
  else:
    arguments |= {'metavar': setting.metavar, 'choices': list(setting.choices) or None, 'required': required}
    arguments |= setting.arguments
  group.add_argument(f'--{flag.name}', **arguments)


def parse_flags(argv: Sequence[str]) -> tuple[RunConfig, list[str]]:
  """The RunConfig of a run's command line, and the arguments that are Beam's.

  Raises:
    UserError: a flag's value is wrong.
    SystemExit: as argparse does, with 2 where a flag is missing and 0 after --help.
  """
  parser = new_parser(program())
  add_flags(parser, all_settings())
  values, beam_args = parse_known(parser, argv)
  return config_of(values), beam_args


def parse_known(parser: argparse.ArgumentParser, argv: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
  """What a parser finds in a command line and the file of settings that it names, and what it leaves to Beam.

  Raises UserError and SystemExit, as parse_flags does.
  """
  path = _config_path(parser, argv)
  words = config_words(path, all_settings(), argv) if path else []
  known = parser._option_string_actions
  of_others = {f'--{flag.name}' for each in all_settings() for flag in each.flags} - known.keys()
  taken = [word for word in words if word.partition('=')[0] not in of_others]
  flags, rest = parser.parse_known_args(_settle_switches(parser, [*taken, *argv]))
  values = vars(flags)
  if path:
    values['config'] = config_read(path, taken)
  return values, rest


def _config_path(parser: argparse.ArgumentParser, argv: Sequence[str]) -> str:
  """The file of settings that a command line names; '' for none, or where the parser has no such flag."""
  if '--config' not in parser._option_string_actions:
    return ''
  finder = argparse.ArgumentParser(prog=parser.prog, add_help=False, allow_abbrev=False)
  finder.add_argument('--config', default='', metavar='FILE')
  return str(finder.parse_known_args(argv)[0].config)


def config_of(values: Mapping[str, Any]) -> RunConfig:
  """The RunConfig of what a parser found. Raises UserError."""
  if 'splits' in values and 'input_splits' in values:
    raise UserError('--splits makes splits of --input; with --input_split each input is one already')
  settings = take_settings(RunConfig, dict(values))
  patterns = [
    *settings.get('input', ()),
    *(path for split in settings.get('input_splits', ()) for path in split.patterns),
  ]
  return RunConfig(input_settings=_input_settings(values, kind_of_names(patterns)), **settings)


def _input_settings(values: Mapping[str, Any], named: Kind) -> Any:
  """The settings of the kind of input that the flags are of or, where they leave it open, that the files' names say.

  A flag that is given its default leaves it open: a template's launcher may give all of them.
  """
  given = {kind.name: take_settings(kind.settings, dict(values)) for kind in KINDS}
  said = {
    each.name: each.flags[-1].name
    for kind in KINDS
    for each in settings_of(kind.settings)
    if each.name in given[kind.name] and given[kind.name][each.name] != each.default
  }
  having_all = [kind for kind in KINDS if said.keys() <= {each.name for each in settings_of(kind.settings)}]
  if not having_all:
    flags = ' and '.join(f'--{flag}' for flag in said.values())
    raise UserError(f'{flags} are of different kinds of input, and a run reads one kind')
  kind = named if named in having_all else having_all[0]
  return kind.settings(**given[kind.name])


def _settle_switches(parser: argparse.ArgumentParser, argv: Sequence[str]) -> list[str]:
  """A command line whose switches are as argparse takes them: --cache for --cache=true, nothing for --cache=false.

  The launcher of a flex template gives each flag a value. A switch that has an opposite, as --skip_blank_lines has
  --no_skip_blank_lines, becomes that where it is false.

  Raises:
    UserError: a switch has another value.
  """
  switches = {flag: each for each in parser._actions if isinstance(each.const, bool) for flag in each.option_strings}
  saying = {(action.dest, action.const): flag for flag, action in switches.items()}
  settled: list[str] = []
  for word in argv:
    flag, equals, value = word.partition('=')
    if not equals or flag not in switches:
      settled.append(word)
    elif value not in ('true', 'false'):
      raise UserError(f'{word}: give {flag} alone, or with =true or =false')
    else:
      action = switches[flag]
      said = saying.get((action.dest, action.const == (value == 'true')))
      settled += [said] if said else []
  return settled
