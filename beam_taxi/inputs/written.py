"""How the cells of a column are written that TFX would take for text: times, and numbers as people write them.

Imports nothing heavy; conversion.py reads such cells.
"""

import dataclasses
import datetime
import re
import zoneinfo
from typing import Literal, get_args

from beam_taxi.errors import UserError
from beam_taxi.inputs.columns import ColumnType

ISO = 'iso'
UTC = 'UTC'

# The letters of a format that have the year.
_YEARS = set('YyGcx')


@dataclasses.dataclass(frozen=True)
class Timestamp:
  """A point in time, which becomes seconds since 1970, rounded down.

  Attributes:
    format: as Python's strptime takes it, or 'iso' for ISO 8601.
    zone: the zone of cells that have no offset of their own, by its name in the time zone database.

  Raises UserError where there is no such format or zone.
  """

  format: str = ISO
  zone: str = UTC
  type = ColumnType.INT

  def __post_init__(self) -> None:
    if self.format != ISO and (fault := _fault_in_format(self.format)):
      raise UserError(f'{self}: {fault}; give a format of strptime such as %m/%d/%Y, or {ISO}')
    try:
      zoneinfo.ZoneInfo(self.zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
      raise UserError(
        f'{self}: there is no time zone {self.zone!r}; give one such as America/Chicago (the package tzdata has them '
        'where the system does not)'
      ) from error

  def __str__(self) -> str:
    how = [self.format] if self.format != ISO or self.zone != UTC else []
    how += [f'in {self.zone}'] if self.zone != UTC else []
    return f'TIMESTAMP({" ".join(how)})' if how else 'TIMESTAMP'


def _fault_in_format(format_: str) -> str:
  """What is wrong with a format of strptime's, or ''."""
  if not _YEARS & set(re.findall('%(.)', format_.replace('%%', ''))):
    return 'the format has no year'
  try:
    datetime.datetime.strptime('', format_)
  except ValueError as error:
    # Any other does not fit the empty text.
    return str(error) if 'directive' in str(error) or 'stray' in str(error) else ''
  return ''


@dataclasses.dataclass(frozen=True)
class Picture:
  """A number as people write it, shown by how 1234.5 would be written, or 1234 where it is INT.

  Attributes:
    type: INT or FLOAT.
    picture: such as $1,234.5 or 1.234,5%. A number of hundredths (%) is divided by 100.

  Raises UserError where it is no such picture.
  """

  type: ColumnType
  picture: str

  def __post_init__(self) -> None:
    if not (found := _PICTURE.fullmatch(self.picture)) or found['thousands'] == found['decimal'] != '':
      raise UserError(
        f'{self}: show how 1234.5 is written, as in FLOAT($1,234.5), FLOAT(1.234,5 €), FLOAT(1234.5%) or INT(1,234)'
      )
    if self.type is ColumnType.INT and found['decimal']:
      raise UserError(f'{self}: an INT has no fraction; show how 1234 is written, as in INT(1,234)')
    if self.type is ColumnType.INT and self.is_percent:
      raise UserError(f'{self}: a percentage is a hundredth, which no INT can be; give FLOAT({self.picture})')

  @property
  def thousands(self) -> str:
    """What stands between thousands; '' for nothing."""
    return self._parts['thousands']

  @property
  def decimal(self) -> str:
    """What stands before the fraction; '' where there is none."""
    return self._parts['decimal'] or ''

  @property
  def sign(self) -> str:
    """The currency's sign; '' for none."""
    return (self._parts['before'] + self._parts['after']).replace('%', '').strip()

  @property
  def is_percent(self) -> bool:
    """Whether numbers are hundredths."""
    return '%' in self._parts['before'] + self._parts['after']

  @property
  def _parts(self) -> 're.Match[str]':
    found = _PICTURE.fullmatch(self.picture)
    assert found
    return found

  def __str__(self) -> str:
    return f'{self.type.name}({self.picture})'


_PICTURE = re.compile(
  r'(?P<before>[^\d()+-]{0,6}?)1(?P<thousands>[^\d\w()+-]?)234(?:(?P<decimal>[^\d\w\s()+-])5)?(?P<after>[^\d()+-]{0,6})'
)


Part = Literal['hour', 'day', 'month']


@dataclasses.dataclass(frozen=True)
class PartOf:
  """A part of a time, in its zone: the hour (0 to 23), the day of the week (1, Sunday, to 7) or the month (1 to 12).

  So are the hours, days and months of the taxi sample.
  """

  part: Part
  of: Timestamp
  type = ColumnType.INT

  def value(self, time: datetime.datetime) -> int:
    """Of a time in its zone."""
    return {'hour': time.hour, 'day': time.isoweekday() % 7 + 1, 'month': time.month}[self.part]

  def __str__(self) -> str:
    return f'{self.part} of {self.of}'


PARTS = get_args(Part)
Written = Timestamp | Picture | PartOf


def parse_written(kind: str, how: str) -> Timestamp | Picture:
  """What a type says that has something in brackets, or is TIMESTAMP. Raises UserError."""
  if kind == 'TIMESTAMP':
    format_, found, zone = f' {how}'.rpartition(' in ')
    format_, zone = (format_, zone) if found else (zone, '')
    return Timestamp(format_.strip() or ISO, zone.strip() or UTC)
  return Picture(ColumnType[kind], how)
