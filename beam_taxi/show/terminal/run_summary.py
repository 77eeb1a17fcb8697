"""The summary that a run ends with, on a terminal."""

import dataclasses
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from beam_taxi.analysis.feature_statistics import DatasetStatistics, FeatureStatistics, of_all_rows, read_statistics
from beam_taxi.analysis.figures import FIGURES
from beam_taxi.artifacts.manifest import Manifest, RunFolder, total_bytes
from beam_taxi.errors import on_one_line
from beam_taxi.metadata.uri import NO_STORE
from beam_taxi.process.program import program
from beam_taxi.show.figure_formats import figure
from beam_taxi.show.formats import cut, plural, share, size
from beam_taxi.show.terminal.findings import print_findings
from beam_taxi.steps import outputs
from beam_taxi.storage import read_bytes
from beam_taxi.validation.findings import from_json

# The steps that count their time, in their order; another stands behind them without words.
_STEPS = {
  'ScanRanges': 'find records and column types',
  'ReadRows': 'read typed rows',
  'EncodeExamples': 'encode, hash and frame Examples',
  'WriteShards': 'compress and write shards',
  'GenerateStatistics': 'statistics',
}

_LONGEST_VALUE = 28


@dataclasses.dataclass(frozen=True)
class RunSummary:
  """What a complete run is summed up from: its manifest and counters, its seconds, and where it is recorded.

  The manifest is an earlier run's, where this one took what that had made; then there are no counters.
  """

  run_id: str
  manifest: Manifest
  folder: RunFolder
  counters: Mapping[str, int]
  seconds: float
  metadata: str
  artifact_ids: Mapping[str, int]


def print_summary(console: Console, summary: RunSummary) -> None:
  """Prints the summary of a complete run."""
  manifest = summary.manifest
  data = manifest.input
  console.print()
  what = 'is complete' if summary.run_id == manifest.run_id else f'takes what {manifest.run_id} made,'
  console.print(f'[bold green]Run {summary.run_id} {what}[/] in {summary.seconds:.1f} s', highlight=False)
  files = f'{data.files:,} file{plural(data.files)}'
  console.print(f'{data.rows:,} rows, {size(data.bytes)} in {files}', highlight=False)
  for file in manifest.files('findings'):
    print_findings(console, from_json(read_bytes(file.path), file.path), file.path)
  if manifest.held:
    command = f'{program()} accept {manifest.run_id} --why "..."'
    console.print(f'Its Examples are held back. To let them go on: {command}', markup=False, highlight=False)
  steps = [_steps(summary)] if summary.counters else []
  for table in (
    _splits(manifest),
    *_bad_rows(summary),
    *_local_times(summary),
    *_features(manifest),
    *steps,
    _artifacts(summary),
  ):
    console.print()
    console.print(table)
  # Never wrapped, so that they can be copied.
  console.print(f'\nWhere: {summary.folder.uri}', markup=False, highlight=False, soft_wrap=True)
  recorded = 'not recorded' if summary.metadata == NO_STORE else f'recorded in {summary.metadata}'
  console.print(f'Metadata: {recorded}', markup=False, highlight=False, soft_wrap=True)
  if kernel := manifest.provenance.get('kernel'):
    console.print(f'Kernel: {kernel}', markup=False, highlight=False)


def _splits(manifest: Manifest) -> Table:
  table = _table('Split', 'Records', 'Share', 'Shards', 'Size', text_columns=1)
  for split, records in manifest.splits.items():
    shards = [shard for shard in manifest.examples if shard.split == split]
    stored = size(total_bytes(shards))
    table.add_row(split, f'{records:,}', share(records, sum(manifest.splits.values())), f'{len(shards):,}', stored)
  return table


def _bad_rows(summary: RunSummary) -> list[Table]:
  """The rows that were set aside, if any were."""
  manifest = summary.manifest
  table = _table('Bad rows', 'Rows', 'Share', text_columns=1)
  for reason, rows in manifest.bad_rows.items():
    table.add_row(reason.replace('_', ' '), f'{rows:,}', share(rows, manifest.input.rows))
  return [table] if table.row_count else []


def _local_times(summary: RunSummary) -> list[Table]:
  """The cells with times of an hour that clocks have twice, or skip."""
  table = _table('Local times', 'Cells', text_columns=1)
  for counter, what in (
    ('ambiguous_times', 'there twice, read as the first'),
    ('skipped_times', 'skipped by the clock'),
  ):
    if cells := summary.counters.get(f'ReadRows.{counter}'):
      table.add_row(what, f'{cells:,}')
  return [table] if table.row_count else []


# What the tables of numbers and of strings have besides the most common string.
_OF_NUMBERS = ('missing', 'min', 'mean', 'max')
_OF_STRINGS = ('missing', 'unique')


def _features(manifest: Manifest) -> list[Table]:
  """The features by the statistics of the largest split: a table of numbers and one of strings, each if it has rows."""
  split = max(manifest.splits, key=lambda name: manifest.splits[name])
  [path] = [file.path for file in manifest.statistics if file.split == split]
  dataset = of_all_rows(read_statistics(path)) or DatasetStatistics(0, {})
  numbers = _table(f'Number ({split})', 'Type', *_names(_OF_NUMBERS), text_columns=2)
  strings = _table(f'String ({split})', 'Type', *_names(_OF_STRINGS), 'Most common', text_columns=2)
  for name, kind in manifest.columns.items():
    feature, shown = dataset.features.get(name), escape(on_one_line(name))
    if kind in ('INT', 'FLOAT'):
      numbers.add_row(shown, kind, *_figures(feature, _OF_NUMBERS))
    else:
      strings.add_row(shown, kind, *_figures(feature, _OF_STRINGS), _most_common(feature))
  return [table for table in (numbers, strings) if table.row_count]


def _names(keys: Sequence[str]) -> list[str]:
  return [FIGURES[key].name for key in keys]


def _figures(feature: FeatureStatistics | None, keys: Sequence[str]) -> list[str]:
  """A feature's figures; a split without records has no features, and then every cell of the row stays empty."""
  if feature is None:
    return [''] * len(keys)
  estimated = {'unique'} if feature.count_error is not None else set()
  return [('≈ ' if key in estimated else '') + figure(FIGURES[key].of(feature), FIGURES[key].unit) for key in keys]


def _most_common(feature: FeatureStatistics | None) -> str:
  if feature is None or not feature.counts:
    return ''
  value, part = _figures(feature, ('common', 'common_share'))
  return f'{escape(cut(on_one_line(value), _LONGEST_VALUE))} ({part})'


def _steps(summary: RunSummary) -> Table:
  table = _table('Step', 'What it does', 'Worker seconds', text_columns=2)
  timed = {name.removesuffix('.msecs') for name in summary.counters if name.endswith('.msecs')}
  for step in (*_STEPS, *sorted(timed - _STEPS.keys())):
    table.add_row(step, _STEPS.get(step, ''), f'{summary.counters.get(f"{step}.msecs", 0) / 1000:.1f}')
  return table


def _artifacts(summary: RunSummary) -> Table:
  table = _table('Artifact', 'MLMD id', 'Where', text_columns=1)
  folder, manifest = summary.folder, summary.manifest
  made = [output.key for output in outputs() if output.key in manifest.artifacts]
  places = {key: _place(manifest, folder, key) for key in made}
  if manifest.verdict:
    places['findings'] = folder.findings
  if manifest.report:
    places['report'] = folder.report
  if manifest.quarantine:
    places['bad rows'] = folder.quarantine
  for name, uri in {**places, 'manifest': folder.manifest}.items():
    table.add_row(name, str(summary.artifact_ids.get(name, '-')), escape(uri.removeprefix(f'{folder.uri}/')))
  return table


def _place(manifest: Manifest, folder: RunFolder, key: str) -> str:
  """An artifact's folder, or its file, where it has but one and this is of all splits."""
  files = manifest.files(key)
  return files[0].path if len(files) == 1 and not files[0].split else folder.artifact(key)


def _table(*headings: str, text_columns: int) -> Table:
  """A table whose first columns hold text and whose others hold figures."""
  table = Table(box=None, header_style='bold cyan', pad_edge=False)
  for place, heading in enumerate(headings):
    text = place < text_columns or heading in ('Most common', 'Where')
    table.add_column(heading, justify='left' if text else 'right', overflow='fold')
  return table
