"""A run: what is done where no sub-command is named."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from beam_taxi.cli._commands import command_list
from beam_taxi.process import heavy_imports
from beam_taxi.process.program import program
from beam_taxi.settings.config import all_settings
from beam_taxi.settings.flags import add_flags, config_of, new_parser, parse_known
from beam_taxi.version import __version__

_DESCRIPTION = """\
Reads CSV files, writes tf.Examples as TFRecord shards, with statistics and an inferred schema, and records it all in
ML Metadata. These are the artifacts of TFX's CsvExampleGen, StatisticsGen and SchemaGen, made by one Apache Beam graph.

Other commands, such as "{program} preflight", have a --help of their own:

{commands}"""

_EPILOG = """\
Every other flag goes to Apache Beam: --runner, --project, --region, --temp_location and so on. Without --runner, it
all happens in this process, on all cores, or on fewer if the input is small; --direct_num_workers sets how many.
Workers of --environment_type LOOPBACK, EXTERNAL and PROCESS need this package installed where they are.

Exit codes: 0 if the run is complete or was left to itself, 1 if it failed or could not be recorded, 2 for wrong input,
output, flags or store, 3 if the data is wrong and --on_anomalies is fail, 130 after Ctrl-C or SIGTERM."""


def run_parser() -> ArgumentParser:
  """The parser of a run's flags, whose --help lists the sub-commands too."""
  description = _DESCRIPTION.format(program=program(), commands=command_list())
  parser = new_parser(program(), description, _EPILOG)
  parser.add_argument('--version', action='version', version=f'beam_taxi {__version__}')
  add_flags(parser, all_settings())
  return parser


def run(argv: Sequence[str]) -> int:
  """Runs the pipeline as a command line says; the exit code.

  Raises:
    UserError: a flag's value is wrong.
    SystemExit: as argparse does.
  """
  flags, beam_args = parse_known(run_parser(), argv)
  config = config_of(flags)
  with heavy_imports.uncollected():
    from beam_taxi.lifecycle.run import run_command

  return run_command(config, beam_args, [sys.argv[0], *argv])
