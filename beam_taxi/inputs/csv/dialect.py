"""How CSV files are written. Imports nothing heavy."""

import codecs
import dataclasses

from beam_taxi.errors import UserError
from beam_taxi.inputs.columns import fault_in_names

COMPRESSIONS = ('auto', 'none', 'gzip', 'bzip2', 'zstd')


@dataclasses.dataclass(frozen=True)
class Dialect:
  """How the CSV of a run is written; all its files alike. Raises UserError where no file can be written so.

  Attributes:
    delimiter: one ASCII character.
    quote_char: one ASCII character, or '' where cells are never quoted.
    columns: the columns' names, of files that have no header; () where the first record of each file names them.
    null_values: spellings that mean an empty cell, besides the empty string.
    skip_blank_lines: whether a blank line is nothing, or a row of empty cells.
    encoding: one of Python's text encodings.
    compression: 'gzip', 'bzip2', 'zstd' or 'none' of all files, or 'auto' for what each name's ending says.
  """

  delimiter: str = ','
  quote_char: str = '"'
  columns: tuple[str, ...] = ()
  null_values: tuple[str, ...] = ()
  skip_blank_lines: bool = True
  encoding: str = 'utf-8'
  compression: str = 'auto'

  def __post_init__(self) -> None:
    for flag, character in (('delimiter', self.delimiter), ('quote_char', self.quote_char)):
      if character == '' and flag == 'quote_char':
        continue
      if len(character) != 1 or not character.isascii() or character in '\r\n\0':
        raise UserError(f'--{flag} {character!r}: give one ASCII character, and no line end')
    if self.delimiter == self.quote_char:
      raise UserError(f'--delimiter and --quote_char are both {self.delimiter!r}: they must differ')
    if fault := fault_in_names(self.columns):
      raise UserError(f'--columns: {fault}')
    if self.compression not in COMPRESSIONS:
      raise UserError(f'--compression {self.compression}: give one of {", ".join(COMPRESSIONS)}')
    try:
      codec = codecs.lookup(self.encoding)
      ''.encode(self.encoding)  # Raises LookupError where the codec is none of text, such as base64's.
    except (LookupError, ValueError) as error:
      raise UserError(f'--encoding {self.encoding}: {error}; give one that Python knows, as in latin-1') from error
    # One spelling of each, and a mark at the beginning is skipped in any case.
    name = 'utf-8' if codec.name == 'utf-8-sig' else codec.name
    object.__setattr__(self, 'encoding', name)


def parse_delimiter(text: str) -> str:
  """A delimiter as it can be typed: itself, or 'tab' or '\\t'."""
  return '\t' if text in ('tab', '\\t') else text
