"""How the cells of a CSV file are written."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Dialect:
  """RFC 4180 with a chosen delimiter and quote, and what counts as an empty cell besides the empty string."""

  delimiter: bytes = b','
  quote: bytes = b'"'
  null_values: tuple[str, ...] = ()

  @property
  def empty_spellings(self) -> tuple[str, ...]:
    return ('', *self.null_values)
