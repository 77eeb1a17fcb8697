"""Which sub-commands there are, and how one is run."""

import difflib
import importlib
import pkgutil
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import beam_taxi.cli
from beam_taxi.errors import UserError
from beam_taxi.process.program import program
from beam_taxi.settings.flags import new_parser, parse_known


class Command(Protocol):
  """What a module of this package has that is a sub-command, which is called as the module is.

  Attributes:
    OPERANDS: what stands behind it that is no flag, as in 'RUN RUN'; '' for nothing.
    SUMMARY: what it does, in one line that goes on after its name.
    DESCRIPTION: the same at length, for its --help.
    EPILOG: what its --help ends with.
  """

  OPERANDS: str
  SUMMARY: str
  DESCRIPTION: str
  EPILOG: str

  def add_arguments(self, parser: ArgumentParser) -> None:
    """Adds its arguments to its parser."""

  def run(self, flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
    """Does it.

    Args:
      flags: what the parser found. What was not given and has no default is not there.
      beam_args: what the parser left, which is Beam's.

    Returns:
      The exit code.

    Raises:
      UserError: what was typed, or what it names, is wrong.
    """


def command_names() -> list[str]:
  """All sub-commands. Found through the package's loader, which may be one of a zip file."""
  modules = pkgutil.iter_modules(beam_taxi.cli.__path__)
  return sorted(each.name for each in modules if not each.name.startswith('_'))


def command_called(name: str) -> Command:
  return cast(Command, importlib.import_module(f'{beam_taxi.cli.__name__}.{name}'))


def command_list() -> str:
  """The sub-commands with their summaries, a line each."""
  commands = {name: command_called(name) for name in command_names()}
  calls = {f'{name} {command.OPERANDS}'.strip(): command.SUMMARY for name, command in commands.items()}
  width = max(map(len, calls))
  return '\n'.join(f'  {call:{width}}  {summary}' for call, summary in calls.items())


def parser_of(name: str) -> ArgumentParser:
  """A sub-command's parser."""
  command = command_called(name)
  parser = new_parser(f'{program()} {name}', command.DESCRIPTION, command.EPILOG)
  command.add_arguments(parser)
  return parser


def run_command(name: str, argv: Sequence[str]) -> int:
  """Runs a sub-command with the words behind its name; the exit code.

  Raises:
    UserError: there is none of this name, or as Command.run does.
    SystemExit: as argparse does.
  """
  names = command_names()
  if name not in names:
    near = ' or '.join(difflib.get_close_matches(name, names))
    hint = f'did you mean {near}?' if near else 'there are ' + ', '.join(names)
    raise UserError(f'{name}: no such command; {hint}')
  flags, beam_args = parse_known(parser_of(name), argv)
  return command_called(name).run(flags, beam_args)
