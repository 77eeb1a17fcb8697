"""A block of CSV to what each pass wants of it: its columns' types, or its typed RecordBatch."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence

import pyarrow as pa

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.conversion import convert
from beam_taxi.inputs.csv.arrow_parsing import (
  ARROW_TYPES,
  fits_header,
  may_repeat_header,
  one_chunk,
  parse,
  parse_bytes,
)
from beam_taxi.inputs.csv.bad_rows import BadRow
from beam_taxi.inputs.csv.boundaries import kernel_dialect
from beam_taxi.inputs.csv.column_types import may_spell_numbers_oddly, type_of_cells, type_of_inferred
from beam_taxi.inputs.csv.text_encoding import EncodingError, encoding_of_blocks, to_utf_8
from beam_taxi.inputs.layout import Layout
from beam_taxi.kernel import csv as csv_kernel
from beam_taxi.kernel.library import kernel

# The types of the columns that `decode` returns: TFX's tf.Examples hold floats in single precision.
_DECODED_TYPES = {**ARROW_TYPES, ColumnType.FLOAT: pa.float32()}
# What nobody wants is not decoded.
_WANTED_TYPES = {**_DECODED_TYPES, ColumnType.SKIPPED: None}


@dataclasses.dataclass(frozen=True)
class BlockTypes:
  """The type of each column over a block's good rows, and its bad rows."""

  types: tuple[ColumnType, ...]
  bad: tuple[BadRow, ...]


@dataclasses.dataclass(frozen=True)
class DecodedBlock:
  """A block's good rows, its bad ones, and how many cells were special in which way."""

  rows: pa.RecordBatch
  bad: tuple[BadRow, ...]
  counts: Mapping[str, int] = dataclasses.field(default_factory=dict)


def infer_types(data: bytes, layout: Layout) -> BlockTypes:
  """The type of each column over whole records: the layout's or, where it has none, TFX's.

  Args:
    data: whole CSV records.
    layout: what their rows must look like.
  """
  parsed = parse(data, layout)
  odd = may_spell_numbers_oddly(parsed.text, layout.settings)
  types: dict[str, ColumnType | None] = {}
  for name, given in zip(layout.columns, layout.types, strict=True):
    types[name] = given
    if given is None:
      column = one_chunk(parsed.table[name])
      types[name] = type_of_inferred(column, odd=odd)
      if types[name] is None and pa.types.is_string(column.type):
        types[name] = type_of_cells(column.cast(pa.binary()))
  unclear = tuple(name for name, found in types.items() if found is None)
  if unclear:
    cells = parse_bytes(parsed.text, layout, unclear)
    types.update({name: type_of_cells(one_chunk(cells[name])) for name in unclear})
  return BlockTypes(tuple(kind for kind in types.values() if kind is not None), parsed.bad)


def decode(data: bytes, layout: Layout) -> DecodedBlock:
  """Whole CSV records as one RecordBatch; an empty cell is null.

  Args:
    data: whole CSV records.
    layout: what their rows must look like, with all types.

  Returns:
    The layout's features in their order: INT as int64, FLOAT as float32, STRING as binary, UNKNOWN as null.
  """
  kinds = [_WANTED_TYPES[kind] for kind in layout.types if kind is not None]
  seen = layout.checked or not fits_header([kind for kind in layout.types if kind is not None], layout)
  if kernel() == 'compiled' and (seen or not may_repeat_header(data, layout)):
    columns = _decode_plain(data, layout, kinds)
    if columns is not None:
      made, counts, misfits = _features(columns, layout)
      if not misfits:
        return DecodedBlock(made, (), counts)
  parsed = parse(data, layout)
  # What is beyond single precision becomes infinite.
  arrays = {place: one_chunk(parsed.table[name]).cast(kinds[place], safe=False) for place, name in layout.read_columns}
  made, counts, _ = _features(arrays, layout)
  return DecodedBlock(made, parsed.bad, counts)


def _features(columns: Mapping[int, pa.Array], layout: Layout) -> tuple[pa.RecordBatch, dict[str, int], bool]:
  """What is made of columns, by their places; what there is to count; and whether some cell is not as it is written."""
  arrays, counts, misfits = [], collections.Counter[str](), False
  for feature in layout.features:
    array = columns[feature.column]
    if feature.written:
      converted = convert(array, feature.written)
      misfits |= bool(converted.misfits.any())
      counts.update(converted.counts)
      array = converted.values
    arrays.append(array)
  return pa.RecordBatch.from_arrays(arrays, schema=features_schema(layout)), dict(counts), misfits


def features_schema(layout: Layout) -> pa.Schema:
  """What Arrow calls the features of a layout that has all types."""
  return pa.schema([(name, _DECODED_TYPES[kind]) for name, kind in layout.fields])


def fit_as_written(data: bytes, begin: int, end: int, layout: Layout) -> bool:
  """Whether all cells of plain records, data[begin:end] in UTF-8, are as their columns are written."""
  if not layout.written:
    return True
  kinds = [pa.binary() if place in layout.written else None for place in range(len(layout.columns))]
  columns = csv_kernel.decode(data[begin:end], kernel_dialect(layout.settings), kinds)
  if columns is None:
    return False
  return not any(convert(columns[place], written).misfits.any() for place, written in layout.written.items())


def _decode_plain(data: bytes, layout: Layout, kinds: Sequence[pa.DataType | None]) -> dict[int, pa.Array] | None:
  """Asks the kernel; None where some row is bad or not plain."""
  try:
    text = to_utf_8(data, encoding_of_blocks(layout.settings))
  except EncodingError:
    return None
  return csv_kernel.decode(text, kernel_dialect(layout.settings), kinds)
