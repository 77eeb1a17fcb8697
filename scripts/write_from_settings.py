#!/usr/bin/env python
"""Writes the files that are made from the table of settings: docker/metadata.json and docs/FLAGS.md."""

import json
import pathlib
import sys
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from beam_taxi.setting_fields import Flag, Parameter, Setting  # noqa: E402
from beam_taxi.settings.config import all_settings  # noqa: E402

_SWITCH = ('true', 'false')

# This parameter is Beam's. Without it Dataflow would take an image that lacks this program and its packages.
_IMAGE = {
  'name': 'sdk_container_image',
  'label': "Workers' image",
  'helpText': 'the image that this template was built from: what launches a job and what works for it must have the '
  'same packages',
  'paramType': 'TEXT',
  'regexes': ['^[^ /]+/[^ ]+$'],
}

_FLAGS_PAGE = """\
# Which flags does a run have?

`main.py --help` says the same more briefly. A switch is given alone, or with `=true` or `=false`.
`scripts/write_from_settings.py` writes this page and the flex template's parameters
([docker/metadata.json](../docker/metadata.json)), from `beam_taxi/settings/config.py` and the settings of each kind of
input.
{groups}
## Every other flag

goes to Apache Beam: `--runner`, `--project`, `--region`, `--temp_location`, `--direct_num_workers` and so on. Without
`--runner` the run happens in this process, on all cores, or on fewer for a small input.
"""


def template_metadata() -> str:
  """The flex template's parameters, the required ones first."""
  required: list[dict[str, Any]] = []
  optional: list[dict[str, Any]] = []
  excluded = {name for each in all_settings() if each.instead_of for name in (each.name, each.instead_of)}
  for setting in all_settings():
    for flag in setting.flags:
      if isinstance(flag.template, Parameter):
        needed = setting.required or flag.template.required
        # The console fills in defaults, and a default would exclude the parameter that may be given instead.
        default = '' if needed or setting.name in excluded else _default(setting, flag)
        (required if needed else optional).append(_parameter(setting, flag, flag.template, default, needed=needed))
  metadata = {
    'name': 'beam_taxi',
    'description': 'Reads CSV files, writes tf.Examples as TFRecord shards, their statistics and a schema, and records '
    'it all in ML Metadata.',
    'streaming': False,
    'parameters': [*required, _IMAGE, *optional],
  }
  return json.dumps(metadata, indent=2) + '\n'


def _parameter(setting: Setting, flag: Flag, parameter: Parameter, default: str, *, needed: bool) -> dict[str, Any]:
  choices = () if parameter.kind else tuple(setting.choices)
  values = choices if flag.says is None else _SWITCH
  kind = 'BOOLEAN' if flag.says is not None else 'ENUM' if choices else 'TEXT'
  found: dict[str, Any] = {
    'name': flag.name,
    'label': parameter.label,
    'helpText': setting.help_of(flag),
    'paramType': parameter.kind or kind,
  }
  if not needed:
    found['isOptional'] = True
  if default:
    found['defaultValue'] = default
  if choices:
    found['enumOptions'] = [{'value': value, 'label': label} for value, label in setting.choices.items()]
  found['regexes'] = [parameter.regex or (f'^({"|".join(values)})$' if values else '^.+$')]
  return found


def _default(setting: Setting, flag: Flag) -> str:
  """The default as a user types it; for a switch, whether it counts as given."""
  return setting.typed if flag.says is None else str(setting.default == flag.says).lower()


def flags_page() -> str:
  """The page of all flags, with one table per group and one row per flag."""
  groups: dict[str, list[str]] = {}
  for setting in all_settings():
    rows = groups.setdefault(setting.group, [])
    for flag in setting.flags:
      rows.append(f'| {_call(setting, flag)} | {_meaning(setting, flag)} | {_default_cell(setting, flag)} |\n')
  tables = (
    f'\n## {title.capitalize()}\n\n| flag | meaning | default |\n| --- | --- | --- |\n{"".join(rows)}'
    for title, rows in groups.items()
  )
  return _FLAGS_PAGE.format(groups=''.join(tables))


def _call(setting: Setting, flag: Flag) -> str:
  if flag.says is not None:
    return f'`--{flag.name}`'
  value = setting.metavar or '|'.join(setting.choices)
  repeated = ' ...' if 'nargs' in setting.arguments else ''
  return _cell(f'`--{flag.name} {value}{repeated}`')


def _meaning(setting: Setting, flag: Flag) -> str:
  details = setting.details if flag is setting.flags[-1] else ''
  return _cell(f'{flag.text}. {details}' if details else flag.text)


def _default_cell(setting: Setting, flag: Flag) -> str:
  return _cell('required' if setting.required else setting.default_text if flag.says is None else '')


def _cell(text: str) -> str:
  """Text for a table cell, where a bar would begin the next cell and stars would mean emphasis."""
  return text.replace('|', r'\|').replace('**', r'\*\*')


# The files that are written, and the functions that make them.
FILES = {'docker/metadata.json': template_metadata, 'docs/FLAGS.md': flags_page}


if __name__ == '__main__':
  for path, made in FILES.items():
    (ROOT / path).write_text(made())
    print(path)
