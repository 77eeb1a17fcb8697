"""How CSV files are written. Imports nothing heavy."""

import codecs
import dataclasses
from typing import Literal

from beam_taxi.errors import UserError
from beam_taxi.inputs.columns import fault_in_names
from beam_taxi.inputs.compression import COMPRESSIONS
from beam_taxi.parsing import parse_names, parse_number
from beam_taxi.setting_fields import Flag, Parameter, check_choices, setting


def parse_delimiter(text: str) -> str:
  """A delimiter as it can be typed: itself, or 'tab' or '\\t'."""
  return '\t' if text in ('tab', '\\t') else text


def parse_columns(text: str) -> tuple[str, ...]:
  """The names of columns, of which there is at least one. Raises UserError."""
  names = parse_names(text)
  if not names:
    raise UserError('--columns names no column')
  return names


@dataclasses.dataclass(frozen=True)
class Dialect:
  """How the CSV of a run is written; all its files alike. Raises UserError where no file can be written so.

  `columns` is () where the first record of each file names them, `quote_char` is '' where cells are never quoted.
  """

  delimiter: str = setting(
    ',',
    'the character between cells, such as ";", "|" or "tab"',
    metavar='CHAR',
    parse=parse_delimiter,
    default_text='a comma',
    template=Parameter('Delimiter', '^(tab|.)$'),
  )
  quote_char: str = setting(
    '"',
    "the character around quoted cells, or '' if none are quoted",
    metavar='CHAR',
    template=Parameter('Quote character', '^.?$'),
  )
  columns: tuple[str, ...] = setting(
    (),
    'the names of the columns, if the files have no header',
    metavar='NAME,...',
    parse=parse_columns,
    template=Parameter('Columns'),
    along_with=Flag(
      'the first row is data; --columns names the columns', Parameter('Files have no header'), 'no_header'
    ),
    together='files without a header need names, and others have them',
  )
  null_values: tuple[str, ...] = setting(
    (),
    'other spellings of an empty cell, such as NA,null',
    metavar='TEXT,...',
    parse=parse_names,
    details='In quotes too.',
    template=Parameter('Null values'),
  )
  skip_blank_lines: bool = setting(
    True,
    'a blank line is a row of empty cells',
    flag='no_skip_blank_lines',
    template='skip_blank_lines=false says it',
    opposite=Flag('skip blank lines, which is the default', Parameter('Skip blank lines'), 'skip_blank_lines'),
  )
  encoding: str = setting(
    'utf-8',
    'as Python names it, such as latin-1 or utf-16',
    metavar='NAME',
    details="Latin-1, Windows's and most others are read in parallel like UTF-8; a file of UTF-16 or its like is one "
    'stream.',
    template=Parameter('Encoding', '^[A-Za-z0-9._-]+$'),
  )
  compression: str = setting(
    'auto',
    'how the files are compressed',
    choices=COMPRESSIONS,
    default_text='{}, by the endings .gz, .bz2 and .zst',
    details='Each compressed file is one stream.',
    template=Parameter('Compression'),
  )
  skip_lines: int = setting(
    '0',
    'how many lines stand above the header, or above the first row; whatever they hold is skipped',
    metavar='N',
    parse=parse_number,
    template=Parameter('Lines to skip', '^[0-9]+$'),
  )
  comment_char: str = setting(
    '',
    'lines that begin with this character are comments',
    metavar='CHAR',
    default_text='there are none',
    details='A file that may have comments is read as one stream, not in parallel.',
    template=Parameter('Comment character', '^.$'),
  )

  unnamed_columns: Literal['fail', 'name', 'drop'] = setting(
    'fail',
    'what becomes of columns that the header does not name, as the index that pandas writes, or cells behind a '
    'delimiter that ends each line: fail, name (column_1, by place) or drop',
    choices={'fail': 'The run fails', 'name': 'Named by their places', 'drop': 'Left out'},
    template=Parameter('Columns without a name'),
  )
  columns_by: Literal['position', 'name'] = setting(
    'position',
    'whether all files have the same columns in the same order, or each is read by the names in its own header',
    choices={'position': 'The same in all files', 'name': "By each file's header"},
    details='By name, a column that a file lacks is empty in its rows.',
    template=Parameter('Columns by'),
  )

  def __post_init__(self) -> None:
    for flag, character in (('delimiter', self.delimiter), ('quote_char', self.quote_char)):
      if character == '' and flag == 'quote_char':
        continue
      if len(character) != 1 or not character.isascii() or character in '\r\n\0':
        raise UserError(f'--{flag} {character!r}: give one ASCII character, and no line end')
    if self.comment_char and (len(self.comment_char) != 1 or not ' ' < self.comment_char <= '~'):
      raise UserError(f'--comment_char {self.comment_char!r}: give one ASCII character, such as "#"')
    if self.comment_char in (self.delimiter, self.quote_char) and self.comment_char:
      raise UserError(f'--comment_char is {self.comment_char!r}, as is the delimiter or the quote: they must differ')
    if self.comment_char and not self.skip_blank_lines:
      raise UserError('--comment_char: comments are read as blank lines, which --no_skip_blank_lines makes rows of')
    if self.skip_lines < 0:
      raise UserError(f'--skip_lines {self.skip_lines}: give how many lines to skip, 0 or more')
    if self.delimiter == self.quote_char:
      raise UserError(f'--delimiter and --quote_char are both {self.delimiter!r}: they must differ')
    if self.columns:
      for flag, value in (('columns_by', self.columns_by), ('unnamed_columns', self.unnamed_columns)):
        if value not in ('position', 'fail'):
          raise UserError(f'--{flag} {value}: goes by a header, and --no_header says that there is none')
    if fault := fault_in_names(self.columns):
      raise UserError(f'--columns: {fault}')
    check_choices(self)
    try:
      codec = codecs.lookup(self.encoding)
      ''.encode(self.encoding)  # Raises LookupError where the codec is none of text, such as base64's.
    except (LookupError, ValueError) as error:
      raise UserError(f'--encoding {self.encoding}: {error}; give one that Python knows, as in latin-1') from error
    # One spelling of each, and a mark at the beginning is skipped in any case.
    name = 'utf-8' if codec.name == 'utf-8-sig' else codec.name
    object.__setattr__(self, 'encoding', name)
