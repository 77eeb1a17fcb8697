"""How CSV files are written, in words and as the flags that say so."""

from collections.abc import Mapping, Sequence

from beam_taxi.inputs.compression import compression_of
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.guess import Guess
from beam_taxi.inputs.layout import InputPlan
from beam_taxi.parsing import names_text

_DELIMITERS = {',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'pipe', ' ': 'blank'}


def facts_of(guess: Guess, plan: InputPlan) -> dict[str, str]:
  """What a guess found of how files are written, by its name."""
  dialect = guess.dialect
  columns = len(plan.layout.columns)
  return {
    'Delimiter': _DELIMITERS.get(dialect.delimiter, dialect.delimiter),
    'Quote': dialect.quote_char or 'none',
    'Header': 'none' if dialect.columns else f'{columns:,} column' + ('s' if columns > 1 else ''),
    'Line ends': guess.line_ends,
    'Encoding': dialect.encoding + (' with a byte-order mark' if guess.byte_order_mark else ''),
    'Compression': compression_of(plan.own.path, dialect.compression) or 'none',
  }


def dialect_flags(dialect: Dialect) -> list[str]:
  """The flags of a run that say how its files are written, where they are not as they are by default."""
  default = Dialect()
  flags: Mapping[str, Sequence[str]] = {
    'delimiter': ['--delimiter=' + ('tab' if dialect.delimiter == '\t' else dialect.delimiter)],
    'quote_char': [f'--quote_char={dialect.quote_char}'],
    'columns': ['--no_header', f'--columns={names_text(dialect.columns)}'],
    'skip_lines': [f'--skip_lines={dialect.skip_lines}'],
    'comment_char': [f'--comment_char={dialect.comment_char}'],
    'unnamed_columns': [f'--unnamed_columns={dialect.unnamed_columns}'],
    'columns_by': [f'--columns_by={dialect.columns_by}'],
    'null_values': [f'--null_values={names_text(dialect.null_values)}'],
    'skip_blank_lines': ['--no_skip_blank_lines'],
    'encoding': [f'--encoding={dialect.encoding}'],
    'compression': [f'--compression={dialect.compression}'],
  }
  changed = [words for name, words in flags.items() if getattr(dialect, name) != getattr(default, name)]
  return [word for words in changed for word in words]
