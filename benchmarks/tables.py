"""The Markdown tables that are printed."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
  table = Table(title, box=box.MARKDOWN)
  for heading in headings:
    table.add_column(heading, justify='right')
  for row in rows:
    table.add_row(*row)
  Console(width=180).print(table)
