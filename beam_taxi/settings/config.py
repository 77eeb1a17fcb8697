"""Everything that decides what a run does: one frozen value, checked once, with every default in it."""

import dataclasses
import datetime
import re
import secrets
from collections.abc import Mapping
from typing import Literal

from beam_taxi.errors import UserError
from beam_taxi.examples.splits import MOST_BUCKETS, Split
from beam_taxi.inputs.bad_row_policy import BadRowLimit, BadRowPolicy
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.input_splits import InputSplit
from beam_taxi.parsing import MIB

_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]*')


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
    input_settings: how the files are written: what one kind of input can be told.
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
  input_settings: Dialect = dataclasses.field(default_factory=Dialect)
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


def new_run_id(now: datetime.datetime | None = None) -> str:
  """A run id that sorts by time and that two runs begun in the same second do not share."""
  now = now or datetime.datetime.now(datetime.timezone.utc)
  return f'{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}'
