"""What a user types, as values: numbers, sizes, lists. Imports nothing heavy."""

import csv
import difflib
import io
import re
from collections.abc import Iterable

from beam_taxi.errors import UserError

MIB = 1024 * 1024

# What names of runs, pipelines and splits are made of: they become folders.
NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]*')


def parse_names(text: str) -> tuple[str, ...]:
  """'a,b,"c,d"' -> the names in a list that is written as a CSV row. Raises UserError."""
  try:
    [names] = csv.reader([text], strict=True)
  except (csv.Error, ValueError) as error:
    raise UserError(f'{text!r} is not a list: give A,B,C, and what has a comma in quotes') from error
  return tuple(names)


def names_text(names: Iterable[str]) -> str:
  """Names as parse_names takes them."""
  text = io.StringIO()
  csv.writer(text, lineterminator='').writerow(names)
  return text.getvalue()


_MOST_NAMES = 12


def nearest(name: str, names: Iterable[str]) -> str:
  """Which of some names one that is none of them may mean, for an error message."""
  names = list(names)
  lower = {each.lower(): each for each in reversed(names)}
  close = [lower[each] for each in difflib.get_close_matches(name.lower(), lower, cutoff=0.5)]
  if close:
    return f'nearest: {", ".join(map(repr, close))}'
  more = ', ...' if len(names) > _MOST_NAMES else ''
  return f'there are {", ".join(names[:_MOST_NAMES])}{more}'


def parse_number(text: str) -> int:
  """A whole number, written in digits. Raises UserError."""
  if not re.fullmatch(r'-?\d+', text.strip(), re.ASCII):
    raise UserError(f'{text!r} is not a whole number')
  return int(text)


_SIZE = re.compile(r'(\d+)\s*([KMG]?)(?:I?B)?', re.IGNORECASE)
_UNITS = {'': 1, 'K': 1024, 'M': MIB, 'G': 1024 * MIB}


def parse_size(text: str) -> int:
  """'64MB', '64MiB', '64M' or '67108864' -> bytes (K, M and G are powers of 1024). Raises UserError."""
  match = _SIZE.fullmatch(text.strip())
  if not match:
    raise UserError(f'{text!r} is not a size: give bytes, or a number with K, M or G, as in 64M')
  return int(match[1]) * _UNITS[match[2].upper()]
