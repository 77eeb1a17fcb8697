"""CSV files as a run finds them, for tests of what is done with them."""

from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi.inputs.column_form import ColumnForm
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.csv_input import CsvInput
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.files import input_files
from beam_taxi.inputs.input_files import InputFile
from beam_taxi.inputs.layout import InputPlan, Layout
from beam_taxi.inputs.matching import list_files


def match_files(patterns: Sequence[str], dialect: Dialect) -> list[InputFile]:
  """The files that patterns name."""
  return input_files(list_files(patterns), dialect)


def plan_input(
  files: Sequence[Any], dialect: Dialect, column_types: Mapping[str, ColumnType], schema: str
) -> InputPlan:
  """What is known of files before their rows are read."""
  return CsvInput(dialect).plan(files, ColumnForm(column_types, schema))


def layout_of(
  columns: Sequence[str], types: Sequence[ColumnType | None] = (), dialect: Dialect | None = None
) -> Layout:
  """A layout; without types all are inferred."""
  return Layout(dialect or Dialect(), tuple(columns), tuple(types) or (None,) * len(columns))
