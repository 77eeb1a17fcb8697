"""Runs as `runs`, `show` and `reconcile` print them."""

import datetime
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from beam_taxi.errors import on_one_line
from beam_taxi.metadata.reconciling import Settlement
from beam_taxi.metadata.recording import ACCEPTED_BY
from beam_taxi.metadata.runs import RecordedArtifact, Run
from beam_taxi.show.formats import duration

_COLORS = {'COMPLETE': 'green', 'CACHED': 'green', 'RUNNING': 'cyan', 'FAILED': 'red', 'CANCELED': 'yellow'}

# What `show` says in lines of its own.
_SHOWN = ('run_id', 'pipeline_name', 'folder', 'started', 'seconds', 'rows')


def print_runs(console: Console, runs: Sequence[Run], now: datetime.datetime) -> None:
  """Prints a line a run."""
  if not runs:
    console.print('There is no such run.')
    return
  judged = ['Verdict'] if any(run.properties.get('verdict') for run in runs) else []
  table = _table('Run', 'Pipeline', 'State', 'Started', 'Took', 'Rows', 'Bad rows', *judged)
  for run in runs:
    bad = run.properties.get('bad_rows')
    table.add_row(
      escape(run.run_id),
      escape(run.pipeline_name),
      _state(run.state),
      _when(run.started, now),
      '' if run.seconds is None else duration(run.seconds),
      '' if run.rows is None else f'{run.rows:,}',
      f'{bad:,}' if bad else '',
      *([_verdict(run)] if judged else []),
    )
  console.print(table)


def _verdict(run: Run) -> str:
  """What a run says of its data, and whether somebody has accepted it."""
  verdict = str(run.properties.get('verdict', ''))
  accepted = ', accepted' if ACCEPTED_BY in run.properties else ''
  color = {'error': 'red', 'warning': 'yellow'}.get(verdict, 'green')
  return f'[{color}]{escape(verdict)}{accepted}[/]' if verdict else ''


def print_run(console: Console, run: Run, artifacts: Sequence[RecordedArtifact]) -> None:
  """Prints all that is recorded of a run."""
  took = '' if run.seconds is None else f', took {duration(run.seconds)}'
  rows = '' if run.rows is None else f', {run.rows:,} rows'
  console.print(f'{_state(run.state)} [bold]{escape(run.run_id)}[/] of {escape(run.pipeline_name)}', highlight=False)
  console.print(f'began {run.started:%Y-%m-%d %H:%M:%S} UTC{took}{rows}', highlight=False)
  if artifacts:
    table = _table('Artifact', 'Type', 'MLMD id', 'State', 'Where')
    for artifact in artifacts:
      table.add_row(artifact.key, artifact.type, str(artifact.id), artifact.state, escape(on_one_line(artifact.uri)))
    console.print()
    console.print(table)
  table = _table('Property', 'Value')
  for name, value in run.properties.items():
    if name not in _SHOWN and value != '':
      table.add_row(escape(name), escape(on_one_line(f'{value:,}' if isinstance(value, int) else str(value))))
  console.print()
  console.print(table)
  console.print(f'\nWhere: {run.folder}', markup=False, highlight=False, soft_wrap=True)


def print_settlements(console: Console, settled: Sequence[Settlement]) -> None:
  """Prints what became of each run that was RUNNING by its record."""
  if not settled:
    console.print('No run is RUNNING: there is nothing to settle.')
    return
  table = _table('Run', 'State now', 'Why')
  for each in settled:
    table.add_row(escape(each.run.run_id), _state(each.state), escape(on_one_line(each.why)))
  console.print(table)


def run_to_json(run: Run, artifacts: Sequence[RecordedArtifact] | None = None) -> dict[str, Any]:
  """A run as JSON: its attributes, times as in 2026-01-31T12:00:00+00:00, and its artifacts where they are given."""
  values = {
    'run_id': run.run_id,
    'pipeline_name': run.pipeline_name,
    'state': run.state,
    'folder': run.folder,
    'started': run.started.isoformat(timespec='seconds'),
    'seconds': run.seconds,
    'rows': run.rows,
    'properties': dict(run.properties),
  }
  return values if artifacts is None else {**values, 'artifacts': [vars(artifact) for artifact in artifacts]}


def settlement_to_json(settled: Settlement) -> dict[str, str]:
  """What became of a run, as JSON."""
  return {'run_id': settled.run.run_id, 'state': settled.state, 'why': settled.why}


def _table(*headings: str) -> Table:
  table = Table(box=None, header_style='bold cyan', pad_edge=False)
  for heading in headings:
    numbers = heading in ('Took', 'Rows', 'Bad rows', 'MLMD id')
    table.add_column(heading, justify='right' if numbers else 'left', overflow='fold', no_wrap=heading == 'Run')
  return table


def _state(state: str) -> str:
  return f'[{_COLORS.get(state, "default")}]{state}[/]'


def _when(time: datetime.datetime, now: datetime.datetime) -> str:
  """As short as it can be read: this day's hour, or the day."""
  return f'{time:%H:%M:%S}' if time.date() == now.date() else f'{time:%Y-%m-%d %H:%M}'
