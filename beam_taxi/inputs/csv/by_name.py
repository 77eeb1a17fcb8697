"""Files that are read by the names in their own headers: each is read as it is, and then looks like the others."""

import dataclasses
from collections.abc import Iterable, Sequence

import pyarrow as pa

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.decode import features_schema
from beam_taxi.inputs.csv.header import Header
from beam_taxi.inputs.layout import Feature, FileColumns, Layout

# What is read of a file that has none of the columns that are wanted, for its rows to be counted.
_NOTHING = Feature('', 0)


def all_columns(headers: Iterable[Header]) -> tuple[str, ...]:
  """The columns of all files, in the order in which they come up."""
  return tuple(dict.fromkeys(name for header in headers for name in header.columns))


def columns_of_files(headers: Sequence[Header], columns: Sequence[str]) -> tuple[FileColumns, ...]:
  """Which columns each file has. Those of equal headers are one value, which is pickled once."""
  places = {name: place for place, name in enumerate(columns)}
  known: dict[tuple[tuple[str, ...], bytes], FileColumns] = {}
  return tuple(
    known.setdefault(
      (header.columns, header.row), FileColumns(tuple(places[name] for name in header.columns), header.row)
    )
    for header in headers
  )


def layout_in(layout: Layout, file: int) -> Layout:
  """What the rows of one of the files look like, with the features of which it has the columns."""
  if not layout.of_files:
    return layout
  own = layout.of_files[file]
  here = {place: mine for mine, place in enumerate(own.places)}
  types = [layout.types[place] for place in own.places]
  features = tuple(
    dataclasses.replace(feature, column=here[feature.column]) for feature in layout.features if feature.column in here
  )
  if not features:
    features, types[0] = (_NOTHING,), ColumnType.STRING
  columns = tuple(layout.columns[place] for place in own.places)
  return Layout(layout.settings, columns, tuple(types), layout.checked, features, own.header)


def types_in_all(types: Sequence[ColumnType], layout: Layout, file: int) -> tuple[ColumnType, ...]:
  """The types that were found in a file, as types of the input's columns; () where none were."""
  if not layout.of_files or not types:
    return tuple(types)
  found = [ColumnType.UNKNOWN if given is None else given for given in layout.types]
  for place, kind in zip(layout.of_files[file].places, types, strict=True):
    if layout.types[place] is None:
      found[place] = kind
  return tuple(found)


def completed(rows: pa.RecordBatch, layout: Layout) -> pa.RecordBatch:
  """Rows of one file, with nulls for the features of which it lacks the columns."""
  if not layout.of_files:
    return rows
  arrays = {name: rows.column(place) for place, name in enumerate(rows.schema.names)}
  schema = features_schema(layout)
  return pa.RecordBatch.from_arrays(
    [arrays.get(field.name, pa.nulls(rows.num_rows, field.type)) for field in schema], schema=schema
  )
