"""Times whose parts all stand in fixed places, such as 01/19/2024 05:00:00 PM: many at once, by numpy.

What is written in another way, though strptime may read it, is left to whoever reads times one by one.
"""

import dataclasses
import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_Ints = npt.NDArray[np.int64]

# How many digits there are of each.
_DIGITS = {'Y': 4, 'm': 2, 'd': 2, 'H': 2, 'I': 2, 'M': 2, 'S': 2}
_HALF = 'p'
_RANGES = {'Y': (1, 9999), 'm': (1, 12), 'd': (1, 31), 'H': (0, 23), 'I': (1, 12), 'M': (0, 59), 'S': (0, 59)}


@dataclasses.dataclass(frozen=True)
class FixedFormat:
  """A format as parts, each a letter of strptime's or a character that stands for itself, with its place."""

  width: int
  letters: tuple[tuple[str, int], ...]
  marks: tuple[tuple[int, int], ...]


def fixed_format(format_: str) -> FixedFormat | None:
  """A format of strptime's; None where its parts have no fixed places, or it has no whole date."""
  letters, marks, place = [], [], 0
  for token in re.findall('%.|[^%]', format_, re.DOTALL):
    if len(token) == 1 or token == '%%':
      # A blank stands for any number of blanks, of which one is usual.
      marks.append((place, ord(token[-1])))
      place += 1
    elif token[1] in _DIGITS or token[1] == _HALF:
      letters.append((token[1], place))
      place += _DIGITS.get(token[1], 2)
    else:
      return None
  found = [letter for letter, _ in letters]
  is_whole = len(set(found)) == len(found) and {'Y', 'm', 'd'} <= set(found) and not {'H', 'I'} <= set(found)
  if not is_whole or (_HALF in found) != ('I' in found) or not format_.isascii():
    return None
  return FixedFormat(place, tuple(letters), tuple(marks))


def read_fixed(cells: pa.Array, format_: FixedFormat) -> tuple[npt.NDArray[np.bool_], _Ints]:
  """Reads cells.

  Args:
    cells: binary, none of them null.
    format_: how they are written.

  Returns:
    Of each cell whether it is a time that is written so; and the seconds since 1970 on its own clock.
  """
  offsets = np.frombuffer(cells.buffers()[1], np.int32)[cells.offset : cells.offset + len(cells) + 1]
  fits = np.diff(offsets) == format_.width
  data = np.frombuffer(cells.buffers()[2] or b'', np.uint8)
  places = np.flatnonzero(fits)
  text = data[offsets[:-1][places, None] + np.arange(format_.width)]
  good = np.ones(len(places), bool)
  for place, mark in format_.marks:
    good &= text[:, place] == mark
  parts: dict[str, _Ints] = {}
  for letter, place in format_.letters:
    if letter == _HALF:
      half = text[:, place] | 0x20
      good &= ((half == ord('a')) | (half == ord('p'))) & (text[:, place + 1] | 0x20 == ord('m'))
      parts[letter] = (half == ord('p')).astype(np.int64)
      continue
    digits = text[:, place : place + _DIGITS[letter]].astype(np.int64) - ord('0')
    number = digits @ 10 ** np.arange(digits.shape[1])[::-1]
    low, high = _RANGES[letter]
    good &= ((digits >= 0) & (digits <= 9)).all(axis=1) & (number >= low) & (number <= high)
    parts[letter] = number
  good &= _has_day(parts, good)
  fits[places] = good
  seconds = np.zeros(len(cells), np.int64)
  seconds[places[good]] = _seconds({letter: part[good] for letter, part in parts.items()})
  return fits, seconds


def _months(parts: dict[str, _Ints]) -> npt.NDArray[np.datetime64]:
  return ((parts['Y'] - 1970) * 12 + parts['m'] - 1).astype('datetime64[M]')


def _has_day(parts: dict[str, _Ints], good: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
  months = _months({letter: np.where(good, part, 1) for letter, part in parts.items()})
  days: _Ints = ((months + 1).astype('datetime64[D]') - months.astype('datetime64[D]')).astype(np.int64)
  return np.less_equal(parts['d'], days)


def _seconds(parts: dict[str, _Ints]) -> _Ints:
  days: _Ints = _months(parts).astype('datetime64[D]').astype(np.int64) + parts['d'] - 1
  none = np.zeros_like(days)
  hours: _Ints = parts['I'] % 12 + 12 * parts[_HALF] if 'I' in parts else parts.get('H', none)
  minutes = days * 1440 + hours * 60 + parts.get('M', none)
  return np.add(minutes * 60, parts.get('S', none))


def part_of(part: str, seconds: _Ints) -> _Ints:
  """The hour (0 to 23), day of the week (1, Sunday, to 7) or month (1 to 12) of seconds since 1970 on their clock."""
  days = seconds // 86400
  if part == 'hour':
    return seconds % 86400 // 3600
  if part == 'day':
    return (days + 4) % 7 + 1  # 1970 began on a Thursday.
  return days.astype('datetime64[D]').astype('datetime64[M]').astype(np.int64) % 12 + 1
