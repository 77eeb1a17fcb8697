"""The flags of the command line: their parsers, and what they make of what was typed. Imports nothing heavy."""

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any

from beam_taxi import storage
from beam_taxi.errors import UserError
from beam_taxi.examples.splits import parse_splits
from beam_taxi.inputs.bad_row_policy import parse_max_bad_rows
from beam_taxi.inputs.columns import parse_column_types
from beam_taxi.inputs.csv.dialect import COMPRESSIONS, Dialect, parse_delimiter
from beam_taxi.inputs.input_splits import parse_input_splits
from beam_taxi.parsing import parse_names, parse_number, parse_size
from beam_taxi.settings.config import OUTPUT_FORMATS, RECORDERS, RunConfig, new_run_id

_DESCRIPTION = """\
Reads CSV files, writes tf.Examples as TFRecord shards, their statistics and an inferred schema, and records it all in
ML Metadata: the artifacts of TFX's CsvExampleGen, StatisticsGen and SchemaGen, from one Apache Beam graph.

  main.py preflight      checks all that can be known to fail before a run begins, and begins none
  main.py sniff FILE...  shows how files are written and which types their columns have, and writes nothing
  main.py runs           lists the runs that a metadata store has
  main.py show RUN       shows all that is recorded of one
  main.py lineage WHAT   shows what a run or an artifact was made from, and what was made from it
  main.py diff RUN RUN   shows what is different between two runs
  main.py report WHAT    writes a page about a run or statistics, or about two side by side
  main.py record RUN_URI records a finished run from its manifest
  main.py reconcile      settles runs that were killed, and so are RUNNING by their record
  main.py site           builds a static web site of all runs that a store has
  main.py rehearse FLAGS runs a command line for Dataflow on this machine, against doubles of it and of Cloud Storage

Each has a --help of its own."""

_EPILOG = """\
Every other flag goes to Apache Beam: --runner, --project, --region, --temp_location and so on. Without --runner the run
happens in this process, on all cores, or on fewer for a small input; --direct_num_workers sets how many.

Exit codes: 0 the run is complete or left to itself, 1 it or its recording failed, 2 wrong input, output, flags or
store, 130 interrupted by Ctrl-C or SIGTERM."""

_PREFLIGHT_DESCRIPTION = """\
Checks all that can be known to fail of a run with the same flags, all at once: its input, output, disk space and
store; and on Dataflow credentials, buckets and their regions, the API, the workers' account, image or package, and
quotas. Each is ok, a warning, failed, or not checked, with the command or role that mends it. Nothing is begun, and
nothing is left behind but the tables that MLMD makes in an empty database."""

_PREFLIGHT_EPILOG = """\
Every other flag goes to Apache Beam. CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM, CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE and
STORAGE_EMULATOR_HOST put other servers in the place of Google's.

Exit codes: 0 nothing has failed, 2 something has, or a flag is wrong."""

_SNIFF_DESCRIPTION = """\
Reads CSV files as a run would and shows what it finds: delimiter, quotes and encoding, columns with their types and the
rows that forced them, how many rows there are and which are bad, and the first rows. It writes nothing. Flags that are
not given are guessed from the beginning of the first file; the command that reads the files so comes last. Flags of
Apache Beam's file systems can be given too."""


_REHEARSE_DESCRIPTION = """\
Runs a command line for Dataflow whole, without a cloud: buckets of the same names in an emulator of Cloud Storage, a
double of Dataflow that takes the job and runs what was staged in a process of its own, and a store in the place of
yours. Give the flags of the run as they are. The beginning of the input is read from where it is; nothing is written
there. It shows whether the job can be staged, submitted, imported, run and recorded; what it cannot show - permissions,
quotas, the container image - is for preflight."""


def build_rehearse_parser() -> argparse.ArgumentParser:
  """The parser of `rehearse`, which leaves the flags of the run to parse_flags."""
  parser = new_parser('main.py rehearse', _REHEARSE_DESCRIPTION, 'Every other flag is one of the run.')
  parser.add_argument('--sample_size', default='4M', metavar='BYTES', help='of input to take, as CSV; default: 4M')
  parser.add_argument(
    '--sample_from',
    default='',
    metavar='FILE',
    help='a CSV file that stands for the input, which then need not be there',
  )
  parser.add_argument('--keep', default='', metavar='DIR', help='copy what the run wrote to DIR')
  return parser


def build_parser() -> argparse.ArgumentParser:
  """The parser of a run's own flags. Defaults are RunConfig's and Dialect's: what is not given is not returned."""
  defaults = {field: value.default for field, value in RunConfig.__dataclass_fields__.items()}
  parser = new_parser('main.py', _DESCRIPTION, _EPILOG)
  data = parser.add_argument_group('what to read and where to write')
  source = data.add_mutually_exclusive_group(required=True)
  source.add_argument(
    '--input',
    nargs='+',
    action='extend',
    metavar='PATTERN',
    help='CSV files, folders or glob patterns (** goes through folders), local or gs://; all need the same header',
  )
  source.add_argument(
    '--input_split',
    dest='input_splits',
    action='append',
    metavar='NAME=PATTERN',
    help='instead of --input: input that is split NAME, with a header and types of its own; once for each pattern',
  )
  data.add_argument('--output', required=True, metavar='DIR', help='the run is written to DIR/runs/RUN_ID')
  data.add_argument('--run_id', metavar='ID', help='default: the time and four random digits')
  data.add_argument(
    '--pipeline_name',
    metavar='NAME',
    help=f'the pipeline that the run belongs to in the metadata; default: {defaults["pipeline_name"]}',
  )
  data.add_argument(
    '--metadata',
    metavar='URI',
    help='where to record the run: sqlite:///PATH, mysql://USER@HOST/DATABASE, postgresql://USER@HOST/DATABASE, '
    'grpc://HOST:PORT, or none; default: metadata.sqlite in a local DIR. A password comes from ?password_env=NAME, '
    '?password_file=PATH or ?password_secret=projects/PROJECT/secrets/NAME',
  )
  data.add_argument(
    '--record',
    choices=RECORDERS,
    help="who records the run's end: this command, the graph's last step on a worker, or nobody, so that "
    "'main.py record' does it later; default: this command where it waits for the end, else the graph",
  )
  data.add_argument(
    '--cache',
    action='store_true',
    help='take what an earlier run made of the same input with the same settings and packages, where it is still there',
  )
  data.add_argument(
    '--no_wait',
    action='store_true',
    help='leave a job on a service to itself once it is submitted; then its last step records its end',
  )
  data.add_argument(
    '--skip_preflight',
    dest='preflight',
    action='store_false',
    help='begin without the checks of "main.py preflight"; a run in this process makes only those of disk space',
  )
  _add_dialect_flags(parser)
  rows = parser.add_argument_group('what to make of the rows')
  _add_type_flags(rows)
  rows.add_argument(
    '--bad_rows',
    choices=['fail', 'quarantine'],
    help='a row that cannot be read ends the run, or is set aside in DIR/runs/RUN_ID/quarantine; default: fail',
  )
  rows.add_argument(
    '--max_bad_rows',
    metavar='N|N%',
    help='fail all the same beyond so many bad rows, or such a share; default: no limit',
  )
  rows.add_argument(
    '--splits',
    metavar='NAME:BUCKETS,...',
    help="output splits and their hash buckets, as in train:8,eval:1,test:1; default: train:2,eval:1, which is TFX's",
  )
  rows.add_argument(
    '--partition_feature',
    metavar='NAME',
    help='the column whose value alone decides the split; INT or STRING; default: the whole record does',
  )
  rows.add_argument(
    '--empty_cells',
    choices=['empty', 'missing'],
    help='an empty cell becomes a feature with an empty list, as in TFX, or no feature at all; default: empty',
  )
  output = parser.add_argument_group('how to write it')
  output.add_argument(
    '--output_format',
    choices=OUTPUT_FORMATS,
    help='gzip TFRecords of tf.Examples, or Parquet of the typed columns, in the same splits; default: tfrecord',
  )
  output.add_argument(
    '--compression_level',
    metavar='N',
    help='of TFRecord shards: 0 to 3 are fast, by ISA-L, 4 to 9 slow and smaller, by zlib; default: 1',
  )
  output.add_argument(
    '--shuffle_seed',
    metavar='N',
    help="shuffle records within each block, the same for the same N; default: the files' order",
  )
  output.add_argument(
    '--block_size',
    metavar='BYTES',
    help='CSV that is parsed at a time: memory grows with it and with the number of workers; default: 4M',
  )
  size = output.add_mutually_exclusive_group()
  size.add_argument(
    '--shard_size',
    metavar='BYTES',
    help='uncompressed CSV that goes into one shard, over all splits; a small input still has up to 16; default: 512M',
  )
  size.add_argument('--num_shards', metavar='N', help='how many shards each split has, instead of --shard_size')
  return parser


def build_preflight_parser() -> argparse.ArgumentParser:
  """The parser of `preflight`: a run's flags, and --json."""
  parser = build_parser()
  parser.prog = 'main.py preflight'
  parser.description, parser.epilog = _PREFLIGHT_DESCRIPTION, _PREFLIGHT_EPILOG
  parser.add_argument('--json', action='store_true', help='print JSON')
  return parser


def build_sniff_parser() -> argparse.ArgumentParser:
  """The parser of `sniff`."""
  parser = new_parser('main.py sniff', _SNIFF_DESCRIPTION, None)
  parser.add_argument('input', nargs='+', metavar='FILE', help='CSV files, folders or glob patterns, as for --input')
  _add_dialect_flags(parser)
  _add_type_flags(parser.add_argument_group('types'))
  return parser


def new_parser(name: str, description: str, epilog: str | None) -> argparse.ArgumentParser:
  """A parser that takes no abbreviations and returns no flag that is not given."""
  return argparse.ArgumentParser(
    prog=name,
    description=description,
    epilog=epilog,
    formatter_class=argparse.RawDescriptionHelpFormatter,
    allow_abbrev=False,
    argument_default=argparse.SUPPRESS,
  )


def _add_dialect_flags(parser: argparse.ArgumentParser) -> None:
  group = parser.add_argument_group('how the files are written')
  group.add_argument(
    '--delimiter', metavar='CHAR', help='what stands between cells, as in ";" or "|" or "tab"; default: a comma'
  )
  group.add_argument(
    '--quote_char', metavar='CHAR', help="""what cells are quoted with, or '' where none is quoted; default: \""""
  )
  group.add_argument('--no_header', action='store_true', help='the first row is data; --columns names the columns')
  group.add_argument('--columns', metavar='NAME,...', help='the names of the columns, of files without a header')
  group.add_argument('--null_values', metavar='TEXT,...', help='spellings that mean an empty cell too, as in NA,null')
  group.add_argument('--skip_blank_lines', action='store_true', help='a blank line is nothing, which is the default')
  group.add_argument(
    '--no_skip_blank_lines',
    dest='skip_blank_lines',
    action='store_false',
    help='a blank line is a row of empty cells',
  )
  group.add_argument('--encoding', metavar='NAME', help='as Python names it, as in latin-1 or utf-16; default: utf-8')
  group.add_argument(
    '--compression',
    choices=COMPRESSIONS,
    help='of all files; default: auto, which is by the endings .gz, .bz2 and .zst',
  )


def _add_type_flags(group: Any) -> None:
  group.add_argument(
    '--column_types',
    metavar='NAME:TYPE,...',
    help='types, INT, FLOAT or STRING, that are not to be inferred; a row with a cell that does not fit is bad',
  )
  group.add_argument(
    '--schema',
    metavar='FILE',
    help="a curated schema.pbtxt: its types are those of the columns, and it becomes the run's schema",
  )


def parse_flags(argv: Sequence[str]) -> tuple[RunConfig, list[str]]:
  """The command line's RunConfig, and the arguments that are Beam's.

  Raises:
    UserError: a flag's value is wrong.
    SystemExit: as argparse does, with 2 where a flag is missing and 0 after --help.
  """
  parser = build_parser()
  flags, beam_args = parser.parse_known_args(_settle_switches(parser, argv))
  return _config_of(vars(flags)), beam_args


def parse_preflight_flags(argv: Sequence[str]) -> tuple[RunConfig, list[str], bool]:
  """As parse_flags does of `preflight`'s command line, and whether it asks for JSON."""
  parser = build_preflight_parser()
  flags, beam_args = parser.parse_known_args(_settle_switches(parser, argv))
  values = vars(flags)
  as_json = values.pop('json', False)
  return _config_of(values), beam_args, as_json


def _config_of(values: dict[str, Any]) -> RunConfig:
  """The RunConfig of what a parser found. Raises UserError."""
  values['input_settings'] = Dialect(**dialect_values(values))
  if 'input' in values:
    values['input'] = tuple(values['input'])
  elif 'splits' in values:
    raise UserError('--splits makes splits of --input; with --input_split each input is one already')
  values.setdefault('run_id', new_run_id())
  parsers: dict[str, Callable[[Any], Any]] = {
    'input_splits': parse_input_splits,
    'splits': parse_splits,
    'column_types': parse_column_types,
    'max_bad_rows': parse_max_bad_rows,
    'compression_level': parse_number,
    'shuffle_seed': parse_number,
    'block_size': parse_size,
    'shard_size': parse_size,
    'num_shards': parse_number,
  }
  for name in parsers.keys() & values.keys():
    values[name] = parsers[name](values[name])
  if values['output'] and storage.is_local(values['output']):
    # What is recorded must mean the same from another folder.
    values['output'] = os.path.abspath(values['output'])
  return RunConfig(**values)


def _settle_switches(parser: argparse.ArgumentParser, argv: Sequence[str]) -> list[str]:
  """A command line whose switches are as argparse takes them: --cache for --cache=true, nothing for --cache=false.

  The launcher of a flex template gives each flag a value. A switch that has an opposite, as --skip_blank_lines has
  --no_skip_blank_lines, becomes that where it is false.

  Raises:
    UserError: a switch has another value.
  """
  switches = {flag: each for each in parser._actions if isinstance(each.const, bool) for flag in each.option_strings}
  saying = {(action.dest, action.const): flag for flag, action in switches.items()}
  settled: list[str] = []
  for word in argv:
    flag, equals, value = word.partition('=')
    if not equals or flag not in switches:
      settled.append(word)
    elif value not in ('true', 'false'):
      raise UserError(f'{word}: give {flag} alone, or with =true or =false')
    else:
      action = switches[flag]
      said = saying.get((action.dest, action.const == (value == 'true')))
      settled += [said] if said else []
  return settled


def dialect_values(values: dict[str, Any]) -> dict[str, Any]:
  """Takes the flags that say how files are written out of `values`, as fields of a Dialect."""
  no_header = values.pop('no_header', False)
  if no_header != ('columns' in values):
    raise UserError('--no_header and --columns go together: files without a header need names, and others have them')
  parsers = {'delimiter': parse_delimiter, 'columns': parse_names, 'null_values': parse_names}
  found = {name: values.pop(name) for name in Dialect.__dataclass_fields__ if name in values}
  found.update({name: parse(found[name]) for name, parse in parsers.items() if name in found})
  if not found.get('columns', True):
    raise UserError('--columns names no column')
  return found
