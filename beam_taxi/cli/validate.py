"""`validate`: statistics that exist already, judged."""

import dataclasses
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi import storage
from beam_taxi.cli._beam_args import use_beam_args
from beam_taxi.cli._store import EPILOG as _EPILOG
from beam_taxi.cli._store import add_json_flag, add_store_flags, print_json, uri_of_store
from beam_taxi.errors import UserError
from beam_taxi.setting_fields import settings_of, take_settings
from beam_taxi.settings.config import RunConfig
from beam_taxi.settings.flags import add_flags

OPERANDS = 'RUN'
SUMMARY = 'says what is wrong with data whose statistics exist already'
DESCRIPTION = """\
Judges statistics that exist already: a run's, or those of TFX or TFDV, in a folder of Split-NAME/FeatureStats.pb or in
one such file. Without --schema it is the run's own. Nothing is written but what --junit asks for."""
EPILOG = f"""\
Exit codes: 0 if nothing is wrong or there are only warnings, 3 if the verdict is an error, 2 for wrong use.
{_EPILOG}"""

_SETTINGS = ('schema', 'environment', 'baseline', 'serving_statistics', 'rules', 'severities', 'pipeline_name')


def add_arguments(parser: ArgumentParser) -> None:
  parser.add_argument(
    'what',
    metavar='RUN|STATISTICS',
    help='the id of a run, with --output or --metadata; the folder of a run; or statistics',
  )
  add_store_flags(parser, required=False)
  found = {each.name: each for each in settings_of(RunConfig)}
  add_flags(parser, [dataclasses.replace(found[name], group='how to judge the data') for name in _SETTINGS])
  parser.add_argument('--junit', metavar='FILE', help='write JUnit XML as well')
  add_json_flag(parser)


def run(flags: Mapping[str, Any], beam_args: Sequence[str]) -> int:
  use_beam_args(beam_args)
  from beam_taxi.inputs.matching import absolute
  from beam_taxi.metadata.attempts import mishaps_of_store
  from beam_taxi.metadata.uri import NO_STORE
  from beam_taxi.process import native_stderr
  from beam_taxi.record.baselines import with_baseline
  from beam_taxi.record.expectations import expectations_of
  from beam_taxi.show.junit import junit_xml
  from beam_taxi.show.terminal.consoles import console
  from beam_taxi.show.terminal.findings import print_findings
  from beam_taxi.validation.findings import to_json, verdict_of
  from beam_taxi.validation.validating import judge, read_reference, splits_in

  has_store = flags.get('metadata') or flags.get('output')
  uri = uri_of_store(flags) if has_store else NO_STORE
  with native_stderr.withheld(), mishaps_of_store():
    path, own_schema = _statistics(flags['what'], uri)
  schema = absolute(flags.get('schema', '')) or own_schema
  if not schema:
    raise UserError(f'{path}: has no schema beside it; give one with --schema')
  splits = splits_in(path)
  given = take_settings(RunConfig, {name: flags[name] for name in _SETTINGS if name in flags})
  # What a run would be that has made these statistics.
  config = RunConfig((path,), flags.get('output', '') or path, metadata=uri, **given)
  with native_stderr.withheld(), mishaps_of_store():
    config = with_baseline(dataclasses.replace(config, schema=schema if 'schema' in given else ''))
  found = judge(
    read_reference(path, path, splits, 'statistics').splits, expectations_of(config, schema, splits)
  ).findings
  if 'junit' in flags:
    try:
      storage.write_bytes(flags['junit'], junit_xml(flags['what'], found))
    except OSError as error:
      raise UserError(f'--junit {flags["junit"]}: cannot be written ({storage.why(error)})') from error
  if 'json' in flags:
    print_json(to_json(found))
  else:
    print_findings(console(), found)
  return 3 if verdict_of(found) == 'error' else 0


def _statistics(what: str, uri: str) -> tuple[str, str]:
  """The path of the statistics of what was named, and of the schema beside them; '' where there is none."""
  from beam_taxi.artifacts.manifest import RunFolder
  from beam_taxi.inputs.matching import absolute
  from beam_taxi.metadata.runs import find_run
  from beam_taxi.metadata.store import connect
  from beam_taxi.metadata.uri import NO_STORE

  path = absolute(what)
  folder = RunFolder(path.rstrip('/'))
  if uri != NO_STORE and not storage.exists(path):
    run = find_run(connect(uri, create=False), what)
    folder = RunFolder(run.folder)
    if run.state != 'COMPLETE':
      raise UserError(f'{what} is {run.state}; a complete run has statistics')
  elif not storage.exists(folder.manifest):
    return path, ''
  return folder.statistics, folder.schema_file if storage.exists(folder.schema_file) else ''
