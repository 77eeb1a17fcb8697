"""Cells that are written as Written says, to numbers. Each distinct cell of a block is read once."""

import dataclasses
import datetime
import functools
import math
import re
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.fixed_times import FixedFormat, fixed_format, part_of, read_fixed
from beam_taxi.inputs.written import ISO, UTC, PartOf, Picture, Timestamp, Written

_INT64_LIMIT = 2**63
# Times repeat from block to block: a quarter of an hour has 35,000 of a year.
_REMEMBERED = 1 << 17
_QUARTER = 900

# Local times that there are twice, or not at all, when clocks are changed.
AMBIGUOUS, SKIPPED = 'ambiguous_times', 'skipped_times'


@dataclasses.dataclass(frozen=True)
class Converted:
  """The values of cells: int64 or float32, null where a cell is empty or does not fit.

  Attributes:
    values: one a cell.
    misfits: of each cell whether it does not fit.
    counts: how many cells are special in which way.
  """

  values: pa.Array
  misfits: npt.NDArray[np.bool_]
  counts: Mapping[str, int]


def convert(cells: pa.Array, written: Written) -> Converted:
  """Reads cells.

  Args:
    cells: binary, in UTF-8; null where empty.
    written: how they are written.
  """
  kind = np.int64 if written.type is ColumnType.INT else np.float32
  values, misfits = np.zeros(len(cells), kind), np.zeros(len(cells), bool)
  counts: dict[str, int] = {}
  filled = np.flatnonzero(np.asarray(cells.is_valid()))
  some = cells.drop_null()
  done, found = _read_many(some, written)
  values[filled[done]] = found[done]
  if not done.all():
    left = filled[~done]
    values[left], misfits[left], counts = _read_distinct(some.filter(pa.array(~done)), written, kind)
  return Converted(pa.array(values, mask=misfits | np.asarray(cells.is_null())), misfits, counts)


def _read_many(cells: pa.Array, written: Written) -> tuple[npt.NDArray[np.bool_], npt.NDArray[Any]]:
  """Reads the cells that numpy and Arrow can read, none of which is null: which these are, and their values."""
  if isinstance(written, Picture):
    return _plain_numbers(cells, written)
  timestamp = written.of if isinstance(written, PartOf) else written
  done, seconds = np.zeros(len(cells), bool), np.zeros(len(cells), np.int64)
  for format_ in _fixed_formats(timestamp.format):
    if not done.all():
      fits, found = read_fixed(cells, format_)
      done, seconds = done | fits, np.where(fits, found, seconds)
  if isinstance(written, PartOf):
    values = part_of(written.part, seconds)
    # Those that clocks skip are of another hour.
    return (done if timestamp.zone == UTC else done & _offsets(seconds, timestamp.zone)[0]), values
  if timestamp.zone == UTC:
    return done, seconds
  steady, offsets = _offsets(seconds, timestamp.zone)
  return done & steady, seconds - offsets


@functools.lru_cache(maxsize=64)
def _fixed_formats(format_: str) -> tuple[FixedFormat, ...]:
  formats = ('%Y-%m-%dT%H:%M:%S', '%Y-%m-%d %H:%M:%S', '%Y-%m-%d') if format_ == ISO else (format_,)
  return tuple(filter(None, map(fixed_format, formats)))


def _offsets(seconds: npt.NDArray[np.int64], zone: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
  """Of times on a zone's clock whether that is not changed in the same quarter of an hour, and what it is ahead."""
  quarters, codes = np.unique(seconds // _QUARTER, return_inverse=True)
  found = [_offset_of_quarter(zone, quarter) for quarter in quarters.tolist()]
  steady = np.array([offset is not None for offset in found], bool)
  return steady[codes], np.array([offset or 0 for offset in found], np.int64)[codes]


@functools.lru_cache(_REMEMBERED)
def _offset_of_quarter(zone: str, quarter: int) -> int | None:
  """How many seconds a zone's clock is ahead of UTC in a quarter of an hour on it; None where that changes."""
  zoned = zoneinfo.ZoneInfo(zone)
  offsets = set()
  for second in (0, _QUARTER - 1):
    time = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=quarter * _QUARTER + second)
    offsets |= {time.replace(tzinfo=zoned, fold=fold).utcoffset() for fold in (0, 1)}
  [offset, *others] = offsets
  return None if others or offset is None or offset.microseconds else int(offset.total_seconds())


def _plain_numbers(cells: pa.Array, picture: Picture) -> tuple[npt.NDArray[np.bool_], npt.NDArray[Any]]:
  text = cells.cast(pa.string())
  plain = pc.match_substring_regex(text, _plain_pattern(picture))
  text = pc.if_else(plain, text, '0')
  for mark, instead in ((picture.sign, ''), (picture.thousands, ''), (picture.decimal, '.')):
    text = pc.replace_substring(text, mark, instead) if mark not in ('', instead) else text
  if picture.type is ColumnType.INT:
    return np.asarray(plain), np.asarray(text.cast(pa.int64()))
  numbers = np.asarray(text.cast(pa.float64()))
  return np.asarray(plain), numbers / 100 if picture.is_percent else numbers


def _plain_pattern(picture: Picture) -> str:
  """Digits of the picture's, with its sign before them or none; of numbers that an int64 holds."""
  mark, point, sign = map(re.escape, (picture.thousands, picture.decimal, picture.sign))
  whole = rf'\d{{1,3}}(?:{mark}\d{{3}}){{0,5}}|\d{{1,18}}' if mark else r'\d{1,18}'
  return rf'^(?:{sign})?(?:{whole})' + (rf'(?:{point}\d{{1,18}})?$' if point else '$')


def _read_distinct(cells: pa.Array, written: Written, kind: type) -> tuple[Any, npt.NDArray[np.bool_], dict[str, int]]:
  """Reads each distinct cell once: the values, which do not fit, and how many there are to count of each sort."""
  read = _reader(written)
  coded = cells.dictionary_encode()
  found = [read(cell) for cell in coded.dictionary.to_pylist()]
  codes = np.asarray(coded.indices)
  times = np.bincount(codes, minlength=len(found))
  counts: dict[str, int] = {}
  for (_, note), cells_alike in zip(found, times.tolist(), strict=True):
    if note:
      counts[note] = counts.get(note, 0) + cells_alike
  with np.errstate(over='ignore'):  # What is beyond single precision becomes infinite.
    values: npt.NDArray[Any] = np.array([0 if number is None else number for number, _ in found]).astype(kind)
  return values[codes], np.array([number is None for number, _ in found])[codes], counts


# A number, or None for a cell that does not fit; and what there is to count.
_Read = tuple[float | None, str]


@functools.lru_cache(maxsize=64)
def _reader(written: Written) -> Callable[[bytes], _Read]:
  if isinstance(written, Picture):
    return functools.partial(_number, written, _pattern(written))
  timestamp = written.of if isinstance(written, PartOf) else written
  part = written if isinstance(written, PartOf) else None
  return functools.lru_cache(_REMEMBERED)(functools.partial(_time, timestamp, zoneinfo.ZoneInfo(timestamp.zone), part))


def _time(timestamp: Timestamp, zone: zoneinfo.ZoneInfo, part: PartOf | None, cell: bytes) -> _Read:
  """A cell's seconds since 1970, or a part of its time.

  Of two local times that are written alike it is the first; one that clocks skip counts on from the time before.
  (Source: PEP 495, fold=0.)
  """
  try:
    text = cell.decode().strip()
    if timestamp.format == ISO:
      # Python 3.10 does not know Z.
      time = datetime.datetime.fromisoformat(re.sub('[zZ]$', '+00:00', text))
    else:
      time = datetime.datetime.strptime(text, timestamp.format)
    note = '' if time.tzinfo else _note(time, zone)
    time = time.astimezone(zone) if time.tzinfo else time.replace(tzinfo=zone)
    if part:
      return part.value(time.astimezone(datetime.timezone.utc).astimezone(zone)), ''
    return math.floor(time.timestamp()), note
  except (ValueError, OverflowError):
    return None, ''


def _note(time: datetime.datetime, zone: zoneinfo.ZoneInfo) -> str:
  first, second = (time.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
  if first == second or first is None or second is None:
    return ''
  return AMBIGUOUS if first > second else SKIPPED


def _pattern(picture: Picture) -> 're.Pattern[str]':
  """What a cell must be. The currency's sign, the sign of hundredths and groups of three may be left out."""
  mark = _BLANK if picture.thousands.isspace() else re.escape(picture.thousands)
  whole = rf'(?:\d{{1,3}}(?:{mark}\d{{3}})+|\d+)' if mark else r'\d+'
  point = re.escape(picture.decimal)
  number = rf'(?:{whole}(?:{point}\d*)?|{point}\d+)' if point else whole
  sign = rf'(?:{re.escape(picture.sign)})?' if picture.sign else ''
  percent = '%?' if picture.is_percent else ''
  blanks = f'{_BLANK}*'
  parts = ['([-+]?)', sign, '([-+]?)', f'({number})', percent, sign]
  return re.compile(blanks.join(filter(None, parts)), re.ASCII)


# Between thousands, and before a sign, there is often one that does not break.
_BLANK = '[ \u00a0\u202f]'


def _number(picture: Picture, pattern: 're.Pattern[str]', cell: bytes) -> _Read:
  """A cell's number; in brackets, as accountants write it, it is negative."""
  try:
    text = cell.decode().strip()
  except UnicodeDecodeError:
    return None, ''
  in_brackets = text.startswith('(') and text.endswith(')')
  found = pattern.fullmatch(text[1:-1].strip() if in_brackets else text)
  if not found or len(found[1] + found[2]) + in_brackets > 1:
    return None, ''
  whole, point, fraction = found[3].partition(picture.decimal) if picture.decimal else (found[3], '', '')
  digits = ''.join(filter(str.isdigit, whole)) or '0'
  factor = -1 if in_brackets or '-' in found[1] + found[2] else 1
  if picture.type is ColumnType.FLOAT:
    return factor * float(f'{digits}.{fraction}' if point else digits) / (100 if picture.is_percent else 1), ''
  # Python reads no int of thousands of digits.
  value = factor * int(digits) if len(digits.lstrip('0')) < 20 else _INT64_LIMIT
  return (value if -_INT64_LIMIT <= value < _INT64_LIMIT else None), ''
