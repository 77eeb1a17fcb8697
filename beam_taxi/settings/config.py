"""Everything that decides what a run does: one frozen value, checked when it is made.

A new setting is a field here, or of what a kind of input can be told (inputs/), and nothing besides where it is used.
"""

import dataclasses
import datetime
import secrets
from collections.abc import Mapping
from typing import Any, Literal

from beam_taxi.errors import UserError
from beam_taxi.examples.output_form import OutputForm
from beam_taxi.examples.splits import Split, parse_splits
from beam_taxi.inputs.bad_row_policy import BadRowLimit, BadRowPolicy, parse_max_bad_rows
from beam_taxi.inputs.column_form import (
  ColumnForm,
  Derived,
  GivenType,
  parse_column_types,
  parse_derived,
  parse_renamed,
)
from beam_taxi.inputs.input_form import InputForm
from beam_taxi.inputs.input_splits import InputSplit, parse_input_splits
from beam_taxi.inputs.kinds import KINDS, kind_of_names
from beam_taxi.inputs.shard_sizes import Sizes
from beam_taxi.parsing import NAME, parse_names, parse_number, parse_size
from beam_taxi.setting_fields import Parameter, Setting, check_choices, setting, settings_of
from beam_taxi.settings.config_file import ConfigFile
from beam_taxi.validation.findings import Severity, parse_severities

# The headings under which --help has the settings.
_PLACES = 'what to read and where to write'
_FILES = 'how the files are written'
_ROWS = 'what to make of the rows'
_JUDGE = 'how to judge the data'
_OUTPUT = 'how to write it'

_OBJECT = '^gs://[^/]+/.+$'
_PLAIN_NAME = '^[A-Za-z0-9][A-Za-z0-9._-]*$'
_SIZE = '^[0-9]+ *[KMGkmg]?([Ii]?[Bb])?$'


@dataclasses.dataclass(frozen=True)
class RunConfig:
  """A run's settings: the table from which its flags, their texts and the flex template's parameters are made.

  With `input_splits`, `input` and `splits` follow from them. Each is read as if it were alone: with its own header and
  column types. `input_settings` is what one kind of input can be told; None, the defaults of the kind that the files'
  names end like. None is no limit of `max_bad_rows`, no
  shuffling, and as many shards as follow from `shard_size`.
  """

  input: tuple[str, ...] = setting(
    (),
    'files, folders or glob patterns (** crosses folders), local, gs://, s3:// or azfs://; all need the same columns',
    group=_PLACES,
    metavar='PATTERN',
    parse=tuple,
    arguments={'nargs': '+', 'action': 'extend'},
    required=True,
    template=Parameter('Input', _OBJECT, 'GCS_READ_FILE'),
    counts_for_reuse=False,  # The input is known by its content.
  )
  output: str = setting(
    '',
    'where to write the run, as DIR/runs/RUN_ID',
    group=_PLACES,
    metavar='DIR',
    required=True,
    template=Parameter('Output folder', _OBJECT, 'GCS_WRITE_FOLDER'),
    counts_for_reuse=False,
  )
  run_id: str = setting(
    '',
    'the name of the run, for its folder and for the metadata',
    group=_PLACES,
    metavar='ID',
    default_text='the time and four random hex digits',
    template=Parameter('Run id', _PLAIN_NAME),
    counts_for_reuse=False,
  )
  _: dataclasses.KW_ONLY
  config: ConfigFile | None = setting(
    None,
    "a TOML file with any of these settings, by the names of their flags, and with Beam's under [beam]; flags that are "
    'given go before it',
    group=_PLACES,
    metavar='FILE',
    details='[CSV.md](CSV.md#settings-in-a-file) shows one.',
    template='a launch gives its parameters itself, as with --flags-file of gcloud',
    counts_for_reuse=False,
  )
  pipeline_name: str = setting(
    'beam_taxi',
    'the pipeline that the run belongs to in the metadata',
    group=_PLACES,
    metavar='NAME',
    template=Parameter('Pipeline name', _PLAIN_NAME),
    counts_for_reuse=False,
  )
  metadata: str = setting(
    '',
    'where to record the run: sqlite:///PATH, mysql://USER@HOST/DATABASE, postgresql://USER@HOST/DATABASE, '
    'grpc://HOST:PORT, or none. A password comes from ?password_env=NAME, ?password_file=PATH or '
    '?password_secret=projects/PROJECT/secrets/NAME',
    group=_PLACES,
    metavar='URI',
    default_text='DIR/metadata.sqlite if DIR is local',
    details='With an absolute PATH, sqlite: has four slashes.',
    template=Parameter('ML Metadata store', '^(none|(mysql|postgresql|grpc)://[^/]+.*)$', required=True),
    counts_for_reuse=False,
  )
  record: Literal['', 'driver', 'graph', 'manifest'] = setting(
    '',
    "who records the end of the run: this command (driver), the graph's last step on a worker (graph), or nobody "
    "(manifest), so that the command 'record' can do it later",
    group=_PLACES,
    choices={'driver': 'This command', 'graph': "The graph's last step", 'manifest': 'Nobody'},
    default_text='driver if this command waits for the end or only this machine reaches the store, else graph',
    # A launcher is gone before the end that a driver would record.
    template=Parameter('Who records the end', '^(graph|manifest)$', 'TEXT'),
    counts_for_reuse=False,
  )
  cache: bool = setting(
    False,
    'reuse the output of an earlier run with the same input, settings and packages, if it is still there',
    group=_PLACES,
    template=Parameter('Reuse an earlier run'),
    counts_for_reuse=False,
  )
  no_wait: bool = setting(
    False,
    'submit the job and exit; its last step records the end or, if workers cannot reach the store, the command '
    "'reconcile' does later",
    group=_PLACES,
    template='a launcher never waits',
    counts_for_reuse=False,
  )
  preflight: bool = setting(
    True,
    'start without the checks of the command "preflight"; a run in this process only checks the disk space',
    group=_PLACES,
    flag='skip_preflight',
    template=Parameter('Skip the preflight'),
    counts_for_reuse=False,
  )
  input_splits: tuple[InputSplit, ...] = setting(
    (),
    'instead of --input: files of split NAME, with a header and types of their own; repeat it for each pattern',
    group=_PLACES,
    flag='input_split',
    metavar='NAME=PATTERN',
    parse=parse_input_splits,
    arguments={'action': 'append'},
    instead_of='input',
    details='As TFX reads input splits.',
    template='is given once for each split, and a template takes each parameter once',
  )
  input_settings: Any = None
  select_columns: tuple[str, ...] = setting(
    (),
    'the columns that become features, in this order; the others are not decoded',
    group=_ROWS,
    metavar='NAME,...',
    parse=parse_names,
    default_text='all',
    template=Parameter('Columns that become features'),
  )
  drop_columns: tuple[str, ...] = setting(
    (),
    'the columns that do not become features, instead of --select_columns',
    group=_ROWS,
    metavar='NAME,...',
    parse=parse_names,
    template=Parameter('Columns that are left out'),
  )
  rename_columns: Mapping[str, str] = setting(
    {},
    'what the features of some columns are called; other flags go on naming columns as the files do, and only --schema '
    'and --partition_feature name features',
    group=_ROWS,
    metavar='NAME:FEATURE,...',
    parse=parse_renamed,
    template=Parameter('Names of features', '^.+:.+$'),
  )
  column_types: Mapping[str, GivenType] = setting(
    {},
    'types to use instead of inferring them: INT, FLOAT, STRING, TIMESTAMP(FORMAT), or a number as people write it, '
    'such as FLOAT($1,234.5); a row with a cell that does not fit is bad',
    group=_ROWS,
    metavar='NAME:TYPE,...',
    parse=parse_column_types,
    details='[CSV.md](CSV.md#times-and-numbers-as-people-write-them) has the grammar.',
    template=Parameter('Column types', '^.+:(INT|FLOAT|STRING|TIMESTAMP|int|float|string|timestamp)([(].*[)])?"?$'),
  )
  derive_features: Mapping[str, Derived] = setting(
    {},
    'features that are the hour, the day (of the week: 1 is Sunday) or the month of a TIMESTAMP column, such as '
    "'start_hour:hour(Trip Start)'",
    group=_ROWS,
    metavar='FEATURE:PART(NAME),...',
    parse=parse_derived,
    template=Parameter('Derived features', '^.+:(hour|day|month)[(].+[)]"?$'),
  )
  schema: str = setting(
    '',
    "a curated schema.pbtxt, which gives the columns their types and becomes the run's schema",
    group=_ROWS,
    metavar='FILE',
    details='--column_types overrides its types.',
    template=Parameter('Curated schema', _OBJECT, 'GCS_READ_FILE'),
    counts_for_reuse=False,  # It is known by its content, as the input is.
  )
  bad_rows: BadRowPolicy = setting(
    'fail',
    'whether a row that cannot be read ends the run, or is set aside in DIR/runs/RUN_ID/quarantine',
    group=_ROWS,
    choices={'fail': 'End the run', 'quarantine': 'Set aside'},
    template=Parameter('Bad rows'),
  )
  max_bad_rows: BadRowLimit | None = setting(
    None,
    'fail if more rows are bad than this number or share',
    group=_ROWS,
    metavar='N|N%',
    parse=parse_max_bad_rows,
    default_text='no limit',
    template=Parameter('Most bad rows', '^[0-9]+([.][0-9]+%|%)?$'),
  )
  splits: tuple[Split, ...] = setting(
    'train:2,eval:1',
    'output splits and their hash buckets, such as train:8,eval:1,test:1',
    group=_ROWS,
    metavar='NAME:BUCKETS,...',
    parse=parse_splits,
    default_text='{}, as in TFX',
    template=Parameter('Output splits', '^[A-Za-z0-9][A-Za-z0-9._-]*:[0-9]+(,[A-Za-z0-9][A-Za-z0-9._-]*:[0-9]+)*$'),
  )
  partition_feature: str = setting(
    '',
    'the column (INT or STRING) whose value decides the split',
    group=_ROWS,
    metavar='NAME',
    default_text='the whole record decides',
    details="As TFX's `partition_feature_name`.",
    template=Parameter('Partition feature'),
  )
  empty_cells: Literal['empty', 'missing'] = setting(
    'empty',
    'whether an empty cell becomes a feature with an empty list, as in TFX, or no feature',
    group=_ROWS,
    choices={'empty': 'An empty list', 'missing': 'No feature'},
    details='Statistics count what is no feature as missing.',
    template=Parameter('Empty cells'),
  )
  feature_order: Literal['upb', 'plain'] = setting(
    'upb',
    "which feature comes last where one's name begins another's: the shorter, as with protobuf 4.21 and later (upb), "
    'or the longer, as with protobuf 3.20 (plain)',
    group=_ROWS,
    choices={'upb': 'As protobuf 4.21 and later', 'plain': 'As protobuf 3.20'},
    details="The hash that finds an Example's split goes by it. TFX 1.16 installs protobuf 3.20.",
    template=Parameter('Feature order'),
  )
  schema_types: Literal['given', 'infer'] = setting(
    'given',
    'whether --schema gives the columns their types, so that a cell that does not fit makes its row bad (given), or '
    'types are inferred, and a column of another type is an anomaly (infer), as in TFX',
    group=_JUDGE,
    choices={'given': 'The schema gives them', 'infer': 'Inferred from the rows'},
    template=Parameter('Types of columns'),
  )
  environment: str = setting(
    '',
    "the schema's environment that holds for this data, such as SERVING",
    group=_JUDGE,
    metavar='NAME',
    default_text='none',
    template=Parameter('Environment of the schema'),
  )
  baseline: str = setting(
    '',
    'an earlier run to compare with: its id, a folder of statistics, or "latest": the last run of this pipeline whose '
    'verdict is no error',
    group=_JUDGE,
    metavar='latest|RUN|PATH',
    template=Parameter('Baseline'),
  )
  serving_statistics: str = setting(
    '',
    'statistics of data that should be like this, as of serving, in a folder or a file',
    group=_JUDGE,
    metavar='PATH',
    template=Parameter('Statistics of serving', _OBJECT),
  )
  rules: str = setting(
    '',
    'a TOML file of rules that statistics have to keep',
    group=_JUDGE,
    metavar='FILE',
    details='[VALIDATION.md](VALIDATION.md#rules-of-your-own) has the grammar.',
    template=Parameter('Rules', _OBJECT, 'GCS_READ_FILE'),
  )
  severities: Mapping[str, Severity] = setting(
    {},
    'how bad kinds of findings are: error, warning or ignore',
    group=_JUDGE,
    metavar='KIND:SEVERITY,...',
    parse=parse_severities,
    default_text="each kind's own",
    details='[VALIDATION.md](VALIDATION.md#what-is-found) has the kinds.',
    template=Parameter('Severities', '^[a-z_]+:(error|warning|ignore)(,[a-z_]+:(error|warning|ignore))*$'),
  )
  on_anomalies: Literal['report', 'fail'] = setting(
    'report',
    'what becomes of a run whose verdict is an error: it goes on (report), or ends with exit code 3, with everything '
    'kept, and its Examples not LIVE until they are accepted (fail)',
    group=_JUDGE,
    choices={'report': 'The run goes on', 'fail': 'It ends with exit code 3'},
    template=Parameter('On anomalies'),
  )
  output_format: Literal['tfrecord', 'parquet'] = setting(
    'tfrecord',
    'gzipped TFRecords of tf.Examples, or Parquet of the typed columns, in the same splits',
    group=_OUTPUT,
    choices={'tfrecord': 'TFRecords of tf.Examples', 'parquet': 'Parquet'},
    details='Parquet is in as many shards, `data_parquet-*.parquet`.',
    template=Parameter('Output format'),
  )
  statistics: Literal['shard', 'tfdv'] = setting(
    'shard',
    'what makes the statistics: accumulators of each shard, which are merged, or tfdv.GenerateStatistics, which takes '
    'much longer for many columns and for strings that hardly repeat',
    group=_OUTPUT,
    choices={'shard': 'Accumulators of each shard', 'tfdv': 'tfdv.GenerateStatistics'},
    details='[STATISTICS.md](STATISTICS.md) says what is exact.',
    template=Parameter('Statistics by'),
  )
  compression_level: int = setting(
    '2',
    'for TFRecord shards: from 1, fast, to 9, slow and small',
    group=_OUTPUT,
    metavar='N',
    parse=parse_number,
    details='Of taxi Examples: 1 makes an eighth of the size at 0.9 GB/s, 2 a tenth at 0.6, 6 a twelfth at 0.2.',
    template=Parameter('Compression level', '^[1-9]$', 'NUMBER'),
  )
  shuffle_seed: int | None = setting(
    None,
    'shuffle the records within each block, in the same way for the same N',
    group=_OUTPUT,
    metavar='N',
    parse=parse_number,
    default_text="the files' order",
    template=Parameter('Shuffle seed', '^[0-9]+$'),
  )
  block_size: int = setting(
    '4M',
    'how much input is parsed at a time; memory grows with it and with the number of workers',
    group=_OUTPUT,
    metavar='BYTES',
    parse=parse_size,
    details="The input's size does not matter to memory.",
    template=Parameter('Block size', _SIZE),
  )
  shard_size: int = setting(
    '512M',
    'uncompressed input per shard, over all splits; a small input still gets up to 16 shards',
    group=_OUTPUT,
    metavar='BYTES',
    parse=parse_size,
    details='512M of taxi trips make shards of 150 and 75 MB. A file that is one stream is in one shard.',
    template=Parameter('Shard size', _SIZE),
  )
  num_shards: int | None = setting(
    None,
    'the number of shards per split, instead of --shard_size',
    group=_OUTPUT,
    metavar='N',
    parse=parse_number,
    instead_of='shard_size',
    template=Parameter('Number of shards', '^[1-9][0-9]*$'),
  )

  def __post_init__(self) -> None:
    check_choices(self)
    if not self.run_id:
      object.__setattr__(self, 'run_id', new_run_id())
    if isinstance(self.input, str):
      raise UserError(f'input is a tuple of patterns: give ({self.input!r},)')
    if self.input_splits:
      names = [split.name for split in self.input_splits]
      if len(set(names)) < len(names):
        raise UserError(f'--input_split names a split twice: {", ".join(names)}')
      patterns = tuple(pattern for split in self.input_splits for pattern in split.patterns)
      object.__setattr__(self, 'input', patterns)
      object.__setattr__(self, 'splits', tuple(Split(split.name, 1) for split in self.input_splits))
      if self.partition_feature:
        raise UserError('--partition_feature chooses among output splits, and with --input_split the input does')
    if self.input_settings is None:
      object.__setattr__(self, 'input_settings', kind_of_names(self.input).settings())
    if not self.input:
      raise UserError('no input: give at least one file or pattern with --input')
    if not self.output:
      raise UserError('no output: give a folder with --output')
    for flag, name in (('run_id', self.run_id), ('pipeline_name', self.pipeline_name)):
      if not NAME.fullmatch(name):
        raise UserError(f'--{flag} {name!r}: use letters, digits, ".", "_" and "-", and begin with a letter or digit')
    _ = self.input_form, self.form  # Which check themselves.

  @property
  def input_form(self) -> InputForm:
    """How each source is read."""
    return InputForm(self.input_settings, self.column_form, self.bad_rows, self.max_bad_rows, self.sizes)

  @property
  def column_form(self) -> ColumnForm:
    """What becomes of the input's columns."""
    form = ColumnForm(**{field.name: getattr(self, field.name) for field in dataclasses.fields(ColumnForm)})
    return form if self.schema_types == 'given' else dataclasses.replace(form, schema='')

  @property
  def beside_input(self) -> dict[str, str]:
    """The paths of what is read besides the input, by whoever works for the run, by flag."""
    flags = ('schema', 'rules', 'serving_statistics')
    return {flag: path for flag in flags if (path := getattr(self, flag))}

  @property
  def is_judged(self) -> bool:
    """Whether there is something to judge the data by."""
    return bool(self.schema or self.baseline or self.serving_statistics or self.rules)

  @property
  def form(self) -> OutputForm:
    """What becomes of the rows."""
    return OutputForm(
      splits=self.splits,
      partition_feature=self.partition_feature,
      empty_cells=self.empty_cells,
      feature_order=self.feature_order,
      output_format=self.output_format,
      compression_level=self.compression_level,
      shuffle_seed=self.shuffle_seed,
      block_size=self.block_size,
    )

  @property
  def sizes(self) -> Sizes:
    """How the input is cut."""
    return Sizes(self.block_size, self.shard_size, self.num_shards)

  @property
  def sources(self) -> tuple['RunConfig', ...]:
    """The settings for each part of the input that is read as if it were alone."""
    if not self.input_splits:
      return (self,)
    return tuple(dataclasses.replace(self, input_splits=(split,)) for split in self.input_splits)


def input_settings(kind: type) -> tuple[Setting, ...]:
  """What a kind of input can be told, under its heading."""
  return tuple(dataclasses.replace(each, group=each.group or _FILES) for each in settings_of(kind))


def all_settings() -> tuple[Setting, ...]:
  """All settings of a run, as --help has them: those of the input where it has its field, and one that can be given
  instead of another right behind that.
  """
  of_run = {each.name: each for each in settings_of(RunConfig)}
  found: list[Setting] = []
  for field in dataclasses.fields(RunConfig):
    if field.name == 'input_settings':
      of_kinds = (each for kind in KINDS for each in input_settings(kind.settings))
      # Kinds may share a flag.
      found += {each.name: each for each in of_kinds}.values()
    elif not of_run[field.name].instead_of:
      found += [of_run[field.name], *(each for each in of_run.values() if each.instead_of == field.name)]
  return tuple(found)


def new_run_id(now: datetime.datetime | None = None) -> str:
  """A run id that sorts by time and that two runs begun in the same second do not share."""
  now = now or datetime.datetime.now(datetime.timezone.utc)
  return f'{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}'
