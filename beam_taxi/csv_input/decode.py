"""CSV bytes to Arrow: the types of a block's columns, its typed RecordBatch, and what is wrong with a row."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from beam_taxi.csv_input.boundaries import outside, quote_edges
from beam_taxi.csv_input.column_types import ColumnType, may_spell_numbers_oddly, type_of_cells, type_of_inferred
from beam_taxi.csv_input.dialect import Dialect

_ARROW_TYPES = {
  ColumnType.UNKNOWN: pa.null(),
  ColumnType.INT: pa.int64(),
  ColumnType.FLOAT: pa.float64(),
  ColumnType.STRING: pa.binary(),
}

# The types of the columns that `decode` returns: TFX's tf.Examples hold floats in single precision.
_DECODED_TYPES = {**_ARROW_TYPES, ColumnType.FLOAT: pa.float32()}

_SHOWN_BYTES = 80


@dataclasses.dataclass(frozen=True)
class RowProblem:
  """The first bad row of some bytes: its offset in them, the lines before it, and what is wrong."""

  offset: int
  lines: int
  reason: str

  def behind(self, offset: int, lines: int) -> 'RowProblem':
    """The same row, seen from `offset` bytes and `lines` lines before those bytes."""
    return RowProblem(offset + self.offset, lines + self.lines, self.reason)


class BadRowError(ValueError):
  """Some row of a block cannot be read."""

  def __init__(self, problem: RowProblem):
    super().__init__(problem.reason)
    self.problem = problem


def infer_types(data: bytes, columns: Sequence[str], dialect: Dialect) -> tuple[tuple[ColumnType, ...], int]:
  """The type of each column over whole records, and how many records there are.

  Args:
    data: whole CSV records. Blank lines are no records.
    columns: the names in the header.
    dialect: how cells are written.

  Raises:
    BadRowError: a row has too many or too few cells, or is not UTF-8.
  """
  table = _read(data, columns, dialect)
  if table is None:
    return (ColumnType.UNKNOWN,) * len(columns), 0
  odd = may_spell_numbers_oddly(data, dialect)
  types: dict[str, ColumnType | None] = {}
  for name in columns:
    column = _one_chunk(table[name])
    if pa.types.is_binary(column.type):
      raise BadRowError(_row_problem(data, len(columns), dialect, 'a cell is not valid UTF-8'))
    types[name] = type_of_inferred(column, odd=odd)
    if types[name] is None and pa.types.is_string(column.type):
      types[name] = type_of_cells(column.cast(pa.binary()))
  unclear = [name for name, found in types.items() if found is None]
  if unclear:
    cells = _read(data, columns, dialect, dict.fromkeys(unclear, pa.binary()))
    assert cells is not None
    types.update({name: type_of_cells(_one_chunk(cells[name])) for name in unclear})
  return tuple(kind for kind in types.values() if kind is not None), table.num_rows


def decode(data: bytes, columns: Sequence[str], types: Sequence[ColumnType], dialect: Dialect) -> pa.RecordBatch:
  """Whole CSV records as one RecordBatch; an empty cell is null.

  Args:
    data: whole CSV records.
    columns: the names in the header.
    types: the columns' types, as wide as every cell in `data` needs.
    dialect: how cells are written.

  Returns:
    Columns in the header's order: INT as int64, FLOAT as float32, STRING as binary, UNKNOWN as null.

  Raises:
    BadRowError: a row has too many or too few cells, or a cell that its column's type does not take.
  """
  wanted = {name: _ARROW_TYPES[kind] for name, kind in zip(columns, types, strict=True)}
  try:
    table = _read(data, columns, dialect, wanted)
  except pa.ArrowInvalid:
    # A number that Python reads and Arrow does not, such as "+5".
    table = _read(data, columns, dialect, dict.fromkeys(columns, pa.binary()))
  schema = pa.schema([(name, _DECODED_TYPES[kind]) for name, kind in zip(columns, types, strict=True)])
  if table is None:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
  arrays = [
    _convert(_one_chunk(table[name]), name, kind, data, dialect) for name, kind in zip(columns, types, strict=True)
  ]
  return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _read(
  data: bytes, columns: Sequence[str], dialect: Dialect, types: Mapping[str, pa.DataType] | None = None
) -> pa.Table | None:
  """Parses with Arrow, on this thread; None where there are only blank lines."""
  if not data.strip(b'\r\n'):
    return None
  try:
    return pa_csv.read_csv(
      pa.BufferReader(data),
      pa_csv.ReadOptions(use_threads=False, column_names=columns, block_size=len(data) + 1),
      pa_csv.ParseOptions(
        delimiter=dialect.delimiter.decode(), quote_char=dialect.quote.decode(), newlines_in_values=True
      ),
      pa_csv.ConvertOptions(
        column_types=types,
        null_values=dialect.empty_spellings,
        strings_can_be_null=True,
        true_values=[],
        false_values=[],
      ),
    )
  except pa.ArrowInvalid as error:
    if 'CSV parse error' not in str(error):
      raise
    raise BadRowError(_row_problem(data, len(columns), dialect, str(error))) from error


def _convert(cells: pa.Array, name: str, kind: ColumnType, data: bytes, dialect: Dialect) -> pa.Array:
  """A column as Arrow read it -> as `decode` returns it."""
  if pa.types.is_binary(cells.type) and kind in (ColumnType.INT, ColumnType.FLOAT):
    number = int if kind is ColumnType.INT else float
    try:
      values = [None if cell is None else number(cell) for cell in cells.to_pylist()]
      cells = pa.array(values, _ARROW_TYPES[kind])
    except (ValueError, OverflowError) as error:
      raise BadRowError(RowProblem(0, 0, f'a cell of column {name!r} is not {kind.name} ({error})')) from error
  if kind is ColumnType.UNKNOWN and pa.types.is_binary(cells.type):
    if cells.null_count < len(cells):
      raise BadRowError(RowProblem(0, 0, f'a cell of column {name!r} is not empty, as all were before'))
    return pa.nulls(len(cells))
  if pa.types.is_float64(cells.type):
    return cells.cast(pa.float32(), safe=False)
  return cells.cast(_DECODED_TYPES[kind])


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
  chunks = column.combine_chunks()
  return chunks if isinstance(chunks, pa.Array) else chunks.chunk(0)


def _row_problem(data: bytes, cells: int, dialect: Dialect, otherwise: str) -> RowProblem:
  """Finds the first row that has not `cells` cells or is not UTF-8; says `otherwise` of the first where none is so."""
  edges = quote_edges(data, dialect)
  bytes_ = np.frombuffer(data, np.uint8)
  ends = outside(np.flatnonzero(bytes_ == ord('\n')), edges)
  starts = np.concatenate([[0], ends + 1])
  ends = np.concatenate([ends, [len(data)]])
  delimiters = outside(np.flatnonzero(bytes_ == ord(dialect.delimiter)), edges)
  counts = np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, starts) + 1
  for index in range(len(starts)):
    row = data[starts[index] : ends[index]].rstrip(b'\r')
    if not row:
      continue
    reason = ''
    if counts[index] != cells:
      reason = f'{counts[index]} cell{"s" if counts[index] > 1 else ""} where the header has {cells}'
    else:
      try:
        row.decode('utf-8')
      except UnicodeDecodeError as error:
        reason = f'byte {error.start + 1} of the row is not UTF-8'
    if reason:
      offset = int(starts[index])
      return RowProblem(offset, data.count(b'\n', 0, offset), f'{reason}: {_shown(row)}')
  return RowProblem(0, 0, otherwise)


def _shown(row: bytes) -> str:
  """The beginning of a row, on one line of printable characters."""
  text = row[:_SHOWN_BYTES].decode('utf-8', 'backslashreplace')
  shown = ''.join(character if character.isprintable() else repr(character)[1:-1] for character in text)
  return shown + ('...' if len(row) > _SHOWN_BYTES else '')
