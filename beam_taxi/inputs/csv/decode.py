"""A block of CSV to what each pass wants of it: its columns' types, or its typed RecordBatch."""

import dataclasses
from collections.abc import Sequence

import pyarrow as pa

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.arrow_parsing import ARROW_TYPES, one_chunk, parse, parse_bytes
from beam_taxi.inputs.csv.bad_rows import BadRow
from beam_taxi.inputs.csv.boundaries import kernel_dialect
from beam_taxi.inputs.csv.column_types import may_spell_numbers_oddly, type_of_cells, type_of_inferred
from beam_taxi.inputs.csv.text_encoding import EncodingError, encoding_of_blocks, to_utf_8
from beam_taxi.inputs.layout import Layout
from beam_taxi.kernel import csv as csv_kernel
from beam_taxi.kernel.library import kernel

# The types of the columns that `decode` returns: TFX's tf.Examples hold floats in single precision.
_DECODED_TYPES = {**ARROW_TYPES, ColumnType.FLOAT: pa.float32()}


@dataclasses.dataclass(frozen=True)
class BlockTypes:
  """The type of each column over a block's good rows, and its bad rows."""

  types: tuple[ColumnType, ...]
  bad: tuple[BadRow, ...]


@dataclasses.dataclass(frozen=True)
class DecodedBlock:
  """A block's good rows, and its bad ones."""

  rows: pa.RecordBatch
  bad: tuple[BadRow, ...]


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
    column = one_chunk(parsed.table[name])
    types[name] = given if given is not None else type_of_inferred(column, odd=odd)
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
    Columns in the header's order: INT as int64, FLOAT as float32, STRING as binary, UNKNOWN as null.
  """
  fields = [(name, _DECODED_TYPES[kind]) for name, kind in layout.fields]
  if kernel() == 'compiled' and (rows := _decode_plain(data, layout, fields)) is not None:
    return DecodedBlock(rows, ())
  parsed = parse(data, layout)
  # What is beyond single precision becomes infinite.
  arrays = [one_chunk(parsed.table[name]).cast(kind, safe=False) for name, kind in fields]
  return DecodedBlock(pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields)), parsed.bad)


def _decode_plain(data: bytes, layout: Layout, fields: Sequence[tuple[str, pa.DataType]]) -> pa.RecordBatch | None:
  """Asks the kernel; None where some row is bad or not plain."""
  try:
    text = to_utf_8(data, encoding_of_blocks(layout.settings))
  except EncodingError:
    return None
  return csv_kernel.decode(text, kernel_dialect(layout.settings), fields)
