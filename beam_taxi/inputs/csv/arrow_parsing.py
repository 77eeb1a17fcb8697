"""Whole records to an Arrow table of the good rows, and the bad rows beside it.

Arrow parses a block on the calling thread. Only where that fails are the block's rows looked at one by one, and then by
numpy: the bad ones are taken out, and Arrow parses what is left.
"""

import codecs
import dataclasses
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.conversion import convert
from beam_taxi.inputs.csv.bad_rows import BadRow, Reasons, bad_rows, misread, without
from beam_taxi.inputs.csv.column_types import as_type, may_spell_numbers_oddly, type_of_cell
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.rows import Rows, find_rows, has_too_wide_row
from beam_taxi.inputs.csv.text_encoding import EncodingError, encoding_of_blocks, to_utf_8
from beam_taxi.inputs.layout import Layout

ARROW_TYPES = {
  ColumnType.UNKNOWN: pa.null(),
  ColumnType.INT: pa.int64(),
  ColumnType.FLOAT: pa.float64(),
  ColumnType.STRING: pa.binary(),
}

_NUMBERS = (ColumnType.INT, ColumnType.FLOAT)


@dataclasses.dataclass(frozen=True)
class Parsed:
  """A block's rows.

  Attributes:
    table: the good ones. A column whose type is given has ARROW_TYPES's, another one what Arrow infers; empty cells are
      null. Columns that are skipped are left out.
    text: their bytes, in UTF-8.
    bad: the others.
  """

  table: pa.Table
  text: bytes
  bad: tuple[BadRow, ...] = ()


class _CellsError(ValueError):
  """Some row has too many or too few cells, or may repeat the header."""


def parse(data: bytes, layout: Layout) -> Parsed:
  """Parses a block.

  Args:
    data: whole CSV records, in the encoding of blocks.
    layout: what their rows must look like.
  """
  rows: Rows | None = None
  reasons: Reasons = {}
  try:
    if not layout.checked and has_too_wide_row(data, len(layout.columns), layout.settings):
      # Arrow 10 writes such a row beyond its buffer before it says that it is too wide (apache/arrow issue 45497).
      raise _CellsError
    if not layout.checked and may_repeat_header(data, layout):
      raise _CellsError
    text = to_utf_8(data, encoding_of_blocks(layout.settings))
    table, misfits = _read_typed(text, layout)
  except (EncodingError, _CellsError):
    rows = find_rows(data, layout.settings)
    encoding = encoding_of_blocks(layout.settings)
    reasons = misread(data, rows, len(layout.columns), layout.settings, encoding, layout.header)
    text = to_utf_8(without(data, rows, reasons), encoding_of_blocks(layout.settings))
    table, misfits = _read_typed(text, layout)
  if misfits:
    rows = rows or find_rows(data, layout.settings)
    numbers = np.delete(np.arange(rows.begins.size), list(reasons))
    reasons.update({int(numbers[place]): reason for place, reason in misfits.items()})
    text = to_utf_8(without(data, rows, reasons), encoding_of_blocks(layout.settings))
    table, misfits = _read_typed(text, layout)
    if misfits:
      raise RuntimeError(f'rows that were taken out are still there: {misfits}')
  return Parsed(table, text, tuple(bad_rows(data, rows, reasons)) if rows else ())


def fits_header(types: Sequence[ColumnType], layout: Layout) -> bool:
  """Whether a row that repeats the header would be of these types.

  Where a column has only numbers it is not, and so nobody has to look for one.
  """
  return all(kind >= type_of_cell(name.encode()) for kind, name in zip(types, layout.columns, strict=True))


def may_repeat_header(data: bytes, layout: Layout, begin: int = 0, end: int | None = None) -> bool:
  """Whether the bytes of the header are in data[begin:end] again, as a row or within one."""
  return bool(layout.header) and data.find(layout.header, begin, end) >= 0


def parse_bytes(text: bytes, layout: Layout, columns: tuple[str, ...]) -> pa.Table:
  """Some columns of good rows in UTF-8, their cells as bytes: null where empty."""
  return _read(text, layout, dict.fromkeys(columns, pa.binary())).select(columns)


def one_chunk(column: pa.ChunkedArray) -> pa.Array:
  """A table's column as one array."""
  chunks = column.combine_chunks()
  return chunks if isinstance(chunks, pa.Array) else chunks.chunk(0)


def _read_typed(text: bytes, layout: Layout) -> tuple[pa.Table, Reasons]:
  """Reads rows and, where types are given, the rows with a cell that does not fit, by their numbers.

  Raises:
    _CellsError: some row has too many or too few cells.
  """
  given = {layout.columns[place]: kind for place, _ in layout.read_columns if (kind := layout.types[place]) is not None}
  numbers = [name for name, kind in given.items() if kind in _NUMBERS]
  if layout.checked or not numbers or not may_spell_numbers_oddly(text, layout.settings):
    try:
      table = _read(text, layout, {name: ARROW_TYPES[kind] for name, kind in given.items()})
    except pa.ArrowInvalid:
      pass  # A number that Python reads and Arrow does not, such as 1_000, or a cell that does not fit.
    else:
      # Arrow takes nan(1) for NaN.
      floats = () if layout.checked else (table[name] for name, kind in given.items() if kind is ColumnType.FLOAT)
      if not any(pc.any(pc.is_nan(column)).as_py() for column in floats):
        return table, _written_otherwise(table, layout)
  table = _read(text, layout, dict.fromkeys(given, pa.binary()))
  reasons = _written_otherwise(table, layout)
  for name, kind in given.items():
    cells = one_chunk(table[name])
    values, misfits = as_type(cells, kind)
    table = table.set_column(table.schema.get_field_index(name), name, values)
    for place in np.flatnonzero(misfits).tolist():
      cell = cells[place].as_py().decode()
      reasons.setdefault(place, ('wrong_type', f'{cell!r} in column {name!r} is not {kind.name}'))
  return table, reasons


def _written_otherwise(table: pa.Table, layout: Layout) -> Reasons:
  """The rows with a cell that is not as its column is written, by their numbers."""
  reasons: Reasons = {}
  for place, written in sorted(layout.written.items()):
    name = layout.columns[place]
    cells = one_chunk(table[name])
    for row in np.flatnonzero(convert(cells, written).misfits).tolist():
      cell = cells[row].as_py().decode()
      reasons.setdefault(row, ('wrong_type', f'{cell!r} in column {name!r} is not {written}'))
  return reasons


def _read(text: bytes, layout: Layout, types: dict[str, pa.DataType]) -> pa.Table:
  """Parses with Arrow, on this thread.

  Raises:
    _CellsError: some row has too many or too few cells.
    pyarrow.ArrowInvalid: some cell is not of its type.
  """
  dialect: Dialect = layout.settings
  if not dialect.skip_blank_lines:
    text = _fill_blank_lines(text, layout)
  # Of a long text without blank lines at its beginning, strip would make a copy.
  if text[:1] in b'\r\n' and not text.strip(b'\r\n'):
    rows = len(find_rows(text, dialect).begins)
    schema = pa.schema([(name, types.get(name, pa.null())) for _, name in layout.read_columns])
    return pa.table([pa.nulls(rows, field.type) for field in schema], schema=schema)
  if text.startswith(codecs.BOM_UTF8):
    # Arrow takes a mark at the beginning of any block for the file's, which is gone already; so it gets one to take.
    text = codecs.BOM_UTF8 + text
  try:
    return pa_csv.read_csv(
      pa.BufferReader(text),
      pa_csv.ReadOptions(use_threads=False, column_names=layout.columns, block_size=len(text) + 1),
      pa_csv.ParseOptions(
        delimiter=dialect.delimiter,
        quote_char=dialect.quote_char or False,
        newlines_in_values=bool(dialect.quote_char),
        ignore_empty_lines=dialect.skip_blank_lines,
      ),
      pa_csv.ConvertOptions(
        include_columns=[name for _, name in layout.read_columns],
        column_types=types,
        check_utf8=False,
        null_values=('', *dialect.null_values),
        strings_can_be_null=True,
        true_values=[],
        false_values=[],
      ),
    )
  except pa.ArrowInvalid as error:
    if 'CSV parse error' not in str(error):
      raise
    raise _CellsError(str(error)) from error


def _fill_blank_lines(text: bytes, layout: Layout) -> bytes:
  """Blank lines as rows of empty cells. In a file of one column they are that already."""
  rows = find_rows(text, layout.settings)
  blank = rows.begins[rows.begins == rows.ends].tolist()
  if len(layout.columns) == 1 or not blank:
    return text
  filling: bytes = layout.settings.delimiter.encode() * (len(layout.columns) - 1)
  return filling.join(text[begin:end] for begin, end in zip([0, *blank], [*blank, len(text)], strict=True))
