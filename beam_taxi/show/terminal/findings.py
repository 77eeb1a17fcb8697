"""What is wrong with the data, as a run's summary and `validate` print it: a line for each thing, the worst first."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from beam_taxi.errors import on_one_line
from beam_taxi.show.formats import plural
from beam_taxi.validation.findings import Finding, grouped, splits_of, verdict_of

_COLORS = {'ok': 'green', 'warning': 'yellow', 'error': 'bold red'}
_MOST = 20


def print_findings(console: Console, findings: Sequence[Finding], path: str = '') -> None:
  """Prints the verdict, and what led to it. `path` is the file that has all of it."""
  verdict = verdict_of(findings)
  groups = grouped(findings)
  counts = [
    f'{count:,} {severity}{plural(count)}'
    for severity in ('error', 'warning')
    if (count := sum(group[0].severity == severity for group in groups))
  ]
  console.print(
    f'Verdict: [{_COLORS[verdict]}]{verdict}[/]{": " if counts else ""}{", ".join(counts)}', highlight=False
  )
  for group in groups[:_MOST]:
    worst = group[0]
    severity = f'[{_COLORS[worst.severity]}]{worst.severity:7}[/]'
    console.print(f'  {severity} {escape(on_one_line(_line(group)))}', highlight=False, soft_wrap=True)
  if len(groups) > _MOST:
    console.print(f'  ... and {len(groups) - _MOST:,} more, in {escape(path)}', highlight=False, soft_wrap=True)


def _line(group: Sequence[Finding]) -> str:
  """The worst of findings that are alike, where they are, and what to do."""
  worst = group[0]
  place = '; against '.join(filter(None, (splits_of(group), worst.baseline)))
  return f'{worst.line}{f" [{place}]" if place else ""}: {worst.remedy}'
