"""Numbers, times and names as people read them, wherever they are shown."""

import datetime
import hashlib
import math
import re

from rich import filesize

_SAFE = re.compile(r'[a-z0-9_][a-z0-9._-]{0,99}')
# Names that Windows keeps for devices, with whatever ending.
_DEVICES = re.compile(r'(con|prn|aux|nul|com\d|lpt\d)(\..*)?')


def size(count: int) -> str:
  """Bytes, as in '1.9 MB', with powers of 1000."""
  return filesize.decimal(count).replace('bytes', 'B').replace('byte', 'B')


def share(part: float, whole: float) -> str:
  """As in '3.1%'; '' of nothing."""
  return f'{part / whole:.1%}' if whole else ''


def not_finite(value: float) -> str:
  """'NaN', '∞' or '-∞'."""
  return 'NaN' if math.isnan(value) else ('∞' if value > 0 else '-∞')


def number(value: float) -> str:
  """All digits before the point where there are few enough to read, else six significant ones."""
  if not math.isfinite(value):
    return not_finite(value)
  if 10_000 <= abs(value) < 1e9 or (abs(value) < 10_000 and value == int(value)):
    return f'{value:,.0f}'
  return f'{value:,.4g}' if abs(value) < 10_000 else f'{value:.5e}'.replace('e+0', 'e').replace('e+', 'e')


def count(value: float) -> str:
  """As in '15,002'."""
  return f'{value:,}'


def plural(count: int) -> str:
  """The ending of a noun for so many."""
  return '' if count == 1 else 's'


def duration(seconds: float) -> str:
  """As in '4.2 s', '3 min 20 s' or '2 h 5 min'."""
  if seconds < 60:
    return f'{seconds:.1f} s'
  minutes, rest = divmod(round(seconds), 60)
  return f'{minutes} min {rest} s' if minutes < 60 else f'{minutes // 60} h {minutes % 60} min'


def when(time: datetime.datetime) -> str:
  """As in '2026-01-31 12:00'."""
  return f'{time:%Y-%m-%d %H:%M}'


def cut(text: str, longest: int) -> str:
  """A text, or as much of one that is longer as goes before a '…'."""
  return text if len(text) <= longest else text[: longest - 1] + '…'


def file_name(name: str) -> str:
  """What the file of something may be called on any file system and in any URL: another for any other name."""
  if _SAFE.fullmatch(name) and not _DEVICES.fullmatch(name) and not name.endswith('.'):
    return name
  readable = re.sub(r'[^a-z0-9_-]+', '-', name.lower())[:60].strip('-') or 'x'
  return f'{readable}~{hashlib.sha256(name.encode()).hexdigest()[:12]}'
