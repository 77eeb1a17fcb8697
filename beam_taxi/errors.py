"""The one kind of error that a user can mend, and how it is found again behind a Beam runner."""

import re


class UserError(Exception):
  """Wrong input, output, flags or metadata store: one line that says what, where and what to do. Exit code 2."""


def on_one_line(text: str) -> str:
  """Text as a message or a table can hold it: line ends and what else cannot be printed are escaped."""
  if text.isprintable():
    return text
  return ''.join(character if character.isprintable() else repr(character)[1:-1] for character in text)


_IN_A_TRACEBACK = re.compile(
  r'^(?:beam_taxi\.errors\.)?UserError: (?P<message>.*?)(?: \[while running .*)?$', re.MULTILINE
)


def user_error_in(error: BaseException) -> UserError | None:
  """The UserError that made a Beam run fail, or None where something else did.

  A runner hands an exception on as it likes: as itself, with the step's name appended, or as the text of a worker's
  traceback inside a RuntimeError. The text is all that they share, so a UserError's message is one line.
  """
  if isinstance(error, UserError):
    return UserError(re.sub(r' \[while running .*', '', str(error), flags=re.DOTALL))
  found = _IN_A_TRACEBACK.search(str(error))
  return UserError(found['message']) if found else None
