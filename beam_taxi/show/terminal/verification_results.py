"""What `verify` found, on a terminal and as JSON."""

import dataclasses
from typing import Any

from rich.console import Console
from rich.markup import escape

from beam_taxi.errors import on_one_line
from beam_taxi.show.formats import plural, size
from beam_taxi.verification.results import Verified


def print_verified(console: Console, verified: Verified) -> None:
  """Prints a line for the run, and one for each finding and for each thing that was not checked."""
  wrong = len(verified.findings)
  good = 'OK' if verified.shards_read == verified.shards else 'nothing wrong in what was checked'
  verdict = f'[bold red]{wrong} problem{plural(wrong)}[/]' if wrong else f'[bold green]{good}[/]'
  shards = f'{verified.shards_read:,} of {verified.shards:,} shard{plural(verified.shards)}'
  files = f'{verified.files:,} file{plural(verified.files)} in {escape(on_one_line(verified.folder))}'
  what = f'{files}; read {size(verified.bytes)}, {shards} with '
  line = f'{escape(on_one_line(verified.run_id))}: {verdict}: {what}{verified.records:,} records'
  console.print(line, highlight=False, soft_wrap=True)
  for finding in verified.findings:
    line = f'{finding.file}: expected {finding.expected}, found {finding.found}'
    console.print(f'  {on_one_line(line)}', markup=False, highlight=False, soft_wrap=True)
  for each in verified.not_checked:
    console.print(f'  [cyan]not checked:[/] {escape(on_one_line(each))}', highlight=False, soft_wrap=True)


def verified_to_json(verified: Verified) -> dict[str, Any]:
  """What was found of a run as JSON: the attributes of Verified, and `ok`."""
  return {'ok': verified.ok, **dataclasses.asdict(verified)}
