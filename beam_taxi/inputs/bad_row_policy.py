"""What becomes of rows that cannot be read, and how many of them a run stands. Imports nothing heavy."""

import dataclasses
import decimal
import re
from typing import Literal

from beam_taxi.errors import UserError

BadRowPolicy = Literal['fail', 'quarantine']


@dataclasses.dataclass(frozen=True)
class BadRowLimit:
  """How many bad rows a run stands: a number of rows, or a share of all rows in percent.

  The amount is kept as a Decimal, whatever number or text it is given as. Raises UserError where it is neither.
  """

  amount: decimal.Decimal | int | str
  percent: bool = False

  def __post_init__(self) -> None:
    try:
      object.__setattr__(self, 'amount', decimal.Decimal(self.amount))
    except (decimal.InvalidOperation, TypeError, ValueError) as error:
      raise UserError(f'BadRowLimit: {self.amount!r} is no number') from error

  def allows(self, bad: int, rows: int) -> bool:
    """Whether `bad` of `rows` rows are not too many."""
    amount = decimal.Decimal(self.amount)
    return 100 * bad <= amount * rows if self.percent else bad <= amount

  def __str__(self) -> str:
    return f'{self.amount}%' if self.percent else f'{self.amount}'


def too_many(bad: int, rows: int, limit: BadRowLimit | None) -> str:
  """Why so many bad rows end a run that sets them aside, or '' where they do not."""
  if limit is None or limit.allows(bad, rows):
    return ''
  return f'{bad:,} of {rows:,} rows are bad, and --max_bad_rows is {limit}'


def parse_max_bad_rows(text: str) -> BadRowLimit:
  """'100' or '0.5%' -> the limit. Raises UserError on any other form."""
  match = re.fullmatch(r'(\d+)|(\d+(?:\.\d+)?)%', text.strip())
  if not match or (match[2] and float(match[2]) > 100):
    raise UserError(f'--max_bad_rows {text!r}: give a number of rows, or a share of them, as in 0.5%')
  return BadRowLimit(decimal.Decimal(match[1] or match[2]), percent=match[1] is None)
