"""Where commands print."""

from rich.console import Console

# Nothing is as wide: lines that a program reads, or a file, are not wrapped.
_WIDE = 10_000


def console(*, stderr: bool = False) -> Console:
  """A console as wide as the terminal; one that is no terminal has whole lines, which can be searched."""
  found = Console(stderr=stderr)
  return found if found.is_terminal else Console(stderr=stderr, width=_WIDE)
