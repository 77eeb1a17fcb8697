"""Everything that decides what a run does: one frozen value, checked once, with every default in it."""

import codecs
import csv
import dataclasses
import datetime
import decimal
import enum
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Literal

from beam_taxi.errors import UserError

MIB = 1024 * 1024

# Splits are found with 64-bit arithmetic on 32-bit words.
MOST_BUCKETS = 2**32

_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]*')


class ColumnType(enum.IntEnum):
  """A column's type; the higher of two is the type of both together. UNKNOWN is a column without any value."""

  UNKNOWN = 0
  INT = 1
  FLOAT = 2
  STRING = 3


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


COMPRESSIONS = ('auto', 'none', 'gzip', 'bzip2', 'zstd')


def fault_in_names(columns: Sequence[str]) -> str:
  """What is wrong with columns' names, or ''."""
  seen: set[str] = set()
  for position, name in enumerate(columns, 1):
    if not name:
      return f'column {position} has no name; name every column'
    if name in seen:
      return f'two columns are named {name!r}; give each its own name'
    seen.add(name)
  return ''


BadRowPolicy = Literal['fail', 'quarantine']


@dataclasses.dataclass(frozen=True)
class BadRowLimit:
  """How many bad rows a run stands: a number of rows, or a share of all rows in percent."""

  amount: decimal.Decimal
  percent: bool = False

  def allows(self, bad: int, rows: int) -> bool:
    """Whether `bad` of `rows` rows are not too many."""
    return 100 * bad <= self.amount * rows if self.percent else bad <= self.amount

  def __str__(self) -> str:
    return f'{self.amount}%' if self.percent else f'{self.amount}'


@dataclasses.dataclass(frozen=True)
class Split:
  """One output split and its share: `buckets` of the sum of all splits' hash buckets, as in TFX's SplitConfig."""

  name: str
  buckets: int


@dataclasses.dataclass(frozen=True)
class InputSplit:
  """Input that is a split of its own, as in TFX's Input.Split: all its records go to the output split of that name."""

  name: str
  patterns: tuple[str, ...]


# How a run can be, by its record.
RUN_STATES = ('RUNNING', 'COMPLETE', 'CACHED', 'FAILED', 'CANCELED')

RECORDERS = ('driver', 'graph', 'manifest')

OUTPUT_FORMATS = ('tfrecord', 'parquet')

FASTEST, SMALLEST = 0, 9


@dataclasses.dataclass(frozen=True)
class RunConfig:
  """A run's settings.

  Attributes:
    input: files, folders or file patterns, local or of any file system that Beam reads; of all `input_splits`, where
      there are some.
    input_splits: input that comes in splits. Each is read as if it were alone: with its own header and column types.
    dialect: how the files are written.
    column_types: the types of some columns, by name; those of the others are inferred from all rows.
    schema: the path of a curated schema (text of a tensorflow_metadata Schema), or ''. It gives the types of the
      columns in it that `column_types` does not, and takes the place of the inferred schema.
    bad_rows: 'fail' ends the run at a bad row; 'quarantine' writes bad rows to files of their own and goes on.
    max_bad_rows: how many bad rows may be set aside before the run fails all the same; None for any number.
    output: the folder under which `runs/RUN_ID` is made.
    run_id: names the run's folder and its `pipeline_run` context.
    pipeline_name: names the `pipeline` context, under which runs are found again.
    splits: the output splits, in the order in which TFX would name them; those of `input_splits`, where there are some.
    partition_feature: the column whose value alone decides a record's split, as TFX's partition_feature_name; '' for
      the whole record.
    empty_cells: 'empty' writes an empty cell as a feature with an empty list, as TFX's CsvExampleGen does;
      'missing' leaves the feature out, and the statistics count it missing.
    metadata: the URI of a store (metadata/uri.py), `none`, or '' for `metadata.sqlite` in a local output.
    record: who records how the run ended: 'driver', the process that began it; 'graph', the graph's last step, on a
      worker; 'manifest', nobody, until `record` does it from the manifest; '' for the driver where it waits for the
      run's end, and else the graph.
    no_wait: whether a job on a service is left to itself once it is submitted.
    cache: whether an earlier run that made the same of the same input is taken instead.
    preflight: whether what can be known to fail is checked before the run begins.
    output_format: 'tfrecord' for gzip TFRecords of tf.Examples, 'parquet' for Parquet of the typed columns.
    compression_level: of TFRecord shards, from 0, the fastest, to 9, the smallest.
    shuffle_seed: shuffles the records within each block, always in the same way for the same seed; None keeps the
      files' order.
    block_size: bytes of CSV that are parsed at a time. A worker's memory grows with it, the input's size does not.
    shard_size: uncompressed bytes of CSV that go into one shard, over all splits.
    num_shards: how many shards each split has; None for as many as follow from `shard_size`.
  """

  input: tuple[str, ...] = ()
  output: str = ''
  run_id: str = ''
  pipeline_name: str = 'beam_taxi'
  input_splits: tuple[InputSplit, ...] = ()
  splits: tuple[Split, ...] = (Split('train', 2), Split('eval', 1))
  partition_feature: str = ''
  dialect: Dialect = Dialect()
  column_types: Mapping[str, ColumnType] = dataclasses.field(default_factory=dict)
  schema: str = ''
  bad_rows: BadRowPolicy = 'fail'
  max_bad_rows: BadRowLimit | None = None
  empty_cells: Literal['empty', 'missing'] = 'empty'
  metadata: str = ''
  record: Literal['', 'driver', 'graph', 'manifest'] = ''
  no_wait: bool = False
  cache: bool = False
  preflight: bool = True
  output_format: Literal['tfrecord', 'parquet'] = 'tfrecord'
  compression_level: int = 1
  shuffle_seed: int | None = None
  block_size: int = 4 * MIB
  shard_size: int = 512 * MIB
  num_shards: int | None = None

  def __post_init__(self) -> None:
    if self.input_splits:
      patterns = tuple(pattern for split in self.input_splits for pattern in split.patterns)
      object.__setattr__(self, 'input', patterns)
      object.__setattr__(self, 'splits', tuple(Split(split.name, 1) for split in self.input_splits))
      if self.partition_feature:
        raise UserError('--partition_feature chooses among output splits, and with --input_split the input does')
    if not self.input:
      raise UserError('no input: give at least one file or pattern with --input')
    if not self.output:
      raise UserError('no output: give a folder with --output')
    for flag, name in (('run_id', self.run_id), ('pipeline_name', self.pipeline_name)):
      if not _NAME.fullmatch(name):
        raise UserError(f'--{flag} {name!r}: use letters, digits, ".", "_" and "-", and begin with a letter or digit')
    if not self.splits:
      raise UserError('no splits: give at least one, as in --splits train:2,eval:1')
    names = [split.name for split in self.splits]
    if len(set(names)) < len(names):
      flag = 'input_split' if self.input_splits else 'splits'
      raise UserError(f'--{flag} names a split twice: {", ".join(names)}')
    for split in self.splits:
      if not _NAME.fullmatch(split.name):
        raise UserError(f'split name {split.name!r}: use letters, digits, ".", "_" and "-"')
      if split.buckets < 1:
        raise UserError(f'split {split.name!r} has {split.buckets} buckets: give at least 1')
    if sum(split.buckets for split in self.splits) >= MOST_BUCKETS:
      raise UserError(f'--splits has {MOST_BUCKETS:,} buckets or more in all: divide them by what they have in common')
    if self.max_bad_rows and self.bad_rows != 'quarantine':
      raise UserError('--max_bad_rows says how many rows may be set aside: give --bad_rows quarantine as well')
    for flag, size in (('block_size', self.block_size), ('shard_size', self.shard_size)):
      if size < 1:
        raise UserError(f'--{flag} {size}: give a positive number of bytes')
    if self.num_shards is not None and self.num_shards < 1:
      raise UserError(f'--num_shards {self.num_shards}: give at least 1')
    if not FASTEST <= self.compression_level <= SMALLEST:
      raise UserError(f'--compression_level {self.compression_level}: give {FASTEST} to {SMALLEST}')
    if self.output_format == 'parquet' and self.compression_level != RunConfig.compression_level:
      raise UserError('--compression_level is of TFRecord shards; those of --output_format parquet are in Snappy')
    if self.shuffle_seed is not None and self.shuffle_seed < 0:
      raise UserError(f'--shuffle_seed {self.shuffle_seed}: give 0 or more')

  @property
  def sources(self) -> tuple['RunConfig', ...]:
    """The settings for each part of the input that is read as if it were alone."""
    if not self.input_splits:
      return (self,)
    return tuple(dataclasses.replace(self, input_splits=(split,)) for split in self.input_splits)


def parse_input_splits(texts: Sequence[str]) -> tuple[InputSplit, ...]:
  """['train=a/*.csv', 'eval=b.csv', 'eval=c.csv'] -> the splits, in that order. Raises UserError on any other form."""
  patterns: dict[str, list[str]] = {}
  for text in texts:
    name, equals, pattern = text.partition('=')
    if not equals or not pattern:
      raise UserError(f'--input_split {text!r}: give NAME=PATTERN, as in train=trips/2013*.csv')
    patterns.setdefault(name, []).append(pattern)
  return tuple(InputSplit(name, tuple(found)) for name, found in patterns.items())


def parse_splits(text: str) -> tuple[Split, ...]:
  """'train:8,eval:1,test:1' -> the splits, in that order. Raises UserError on any other form."""
  splits = []
  for part in text.split(','):
    name, colon, buckets = part.strip().partition(':')
    if not colon or not buckets.strip().isdecimal():
      raise UserError(f'--splits {text!r}: give NAME:BUCKETS pairs, as in train:8,eval:1,test:1')
    splits.append(Split(name.strip(), int(buckets)))
  return tuple(splits)


def parse_names(text: str) -> tuple[str, ...]:
  """'a,b,"c,d"' -> the names in a list that is written as a CSV row. Raises UserError."""
  try:
    [names] = csv.reader([text], strict=True)
  except (csv.Error, ValueError) as error:
    raise UserError(f'{text!r} is not a list: give A,B,C, and what has a comma in quotes') from error
  return tuple(names)


def parse_column_types(text: str) -> dict[str, ColumnType]:
  """'fare:FLOAT,company:STRING' -> the types. Raises UserError on any other form."""
  types: dict[str, ColumnType] = {}
  for part in parse_names(text):
    name, _, kind = part.rpartition(':')
    if not name or kind.upper() not in _TYPES:
      raise UserError(
        f'--column_types {part!r}: give NAME:TYPE pairs, with a TYPE of {", ".join(_TYPES)}; a pair whose name has a '
        'comma goes into quotes, as in "a,b:INT"'
      )
    if types.setdefault(name, _TYPES[kind.upper()]) != _TYPES[kind.upper()]:
      raise UserError(f'--column_types gives {name!r} two types: {types[name].name} and {kind.upper()}')
  return types


_TYPES = {kind.name: kind for kind in (ColumnType.INT, ColumnType.FLOAT, ColumnType.STRING)}


def parse_max_bad_rows(text: str) -> BadRowLimit:
  """'100' or '0.5%' -> the limit. Raises UserError on any other form."""
  match = re.fullmatch(r'(\d+)|(\d+(?:\.\d+)?)%', text.strip())
  if not match or (match[2] and float(match[2]) > 100):
    raise UserError(f'--max_bad_rows {text!r}: give a number of rows, or a share of them, as in 0.5%')
  return BadRowLimit(decimal.Decimal(match[1] or match[2]), percent=match[1] is None)


def parse_delimiter(text: str) -> str:
  """A delimiter as it can be typed: itself, or 'tab' or '\\t'."""
  return '\t' if text in ('tab', '\\t') else text


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


def new_run_id(now: datetime.datetime | None = None) -> str:
  """A run id that sorts by time and that two runs begun in the same second do not share."""
  now = now or datetime.datetime.now(datetime.timezone.utc)
  return f'{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}'
