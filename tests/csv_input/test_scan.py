"""Pass 1 and pass 2 together, against Python's csv module, for ranges of any size."""

import bz2
import csv
import gzip
import io
import pathlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beam_taxi.csv_input import ranges
from beam_taxi.csv_input.column_types import ColumnType
from beam_taxi.csv_input.decode import decode
from beam_taxi.csv_input.dialect import Dialect
from beam_taxi.csv_input.files import match_files, read_header
from beam_taxi.csv_input.ranges import plan_ranges
from beam_taxi.csv_input.records import Block, read_records
from beam_taxi.csv_input.scan import Findings, Problem, Settled, merge_findings, scan_range, scan_records, settle
from beam_taxi.errors import UserError

DIALECT = Dialect()
BLOCK_SIZES = [1, 2, 3, 5, 8, 13, 21, 34, 100, 10_000]


@pytest.fixture(scope='module', autouse=True)
def ranges_of_any_size() -> Iterator[None]:
  """Lets ranges be as small as a block, where they otherwise have 256 KiB."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(ranges, '_SMALLEST_RANGE', 1)
    patch.setattr(ranges, '_FEWEST_RANGES', 1)
    yield


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  return tmp_path_factory.mktemp('scan')


def scan_file(path: pathlib.Path, block_size: int, dialect: Dialect = DIALECT) -> tuple[Settled, Findings]:
  """Both rounds of pass 1 over one file. The ranges are settled in the reverse of their order."""
  [file] = match_files([str(path)])
  header = read_header(file, dialect)
  parts = plan_ranges([file], block_size, 1024)
  settled = settle([scan_range(part, header, dialect, block_size) for part in parts][::-1])
  again = [scan_records(part, header.columns, dialect, block_size) for part in settled.unsure]
  return settled, merge_findings([settled.findings, *again])


def blocks_of(settled: Settled, block_size: int, dialect: Dialect = DIALECT) -> list[Block]:
  return [block for part in settled.records for block in read_records(part, dialect, block_size)]


def rows_of(data: bytes) -> list[list[str]]:
  """Python's reading of CSV bytes; blank lines are no rows."""
  text = data.decode('utf-8-sig')
  return [row for row in csv.reader(io.StringIO(text, newline='')) if row]


def type_by_python(cells: Sequence[str]) -> ColumnType:
  """TFX's rule, cell by cell."""
  found = ColumnType.UNKNOWN
  for cell in filter(None, cells):
    try:
      kind = ColumnType.INT if -(2**63) <= int(cell.encode()) < 2**63 else ColumnType.STRING
    except ValueError:
      try:
        float(cell.encode())
        kind = ColumnType.FLOAT
      except ValueError:
        kind = ColumnType.STRING
    found = max(found, kind)
  return found


def values_by_python(cells: Sequence[str], kind: ColumnType) -> list[int | float | bytes | None]:
  convert: dict[ColumnType, Callable[[str], int | float | bytes | None]] = {
    ColumnType.UNKNOWN: lambda cell: None,
    ColumnType.INT: int,
    ColumnType.FLOAT: lambda cell: float(np.float32(float(cell))),
    ColumnType.STRING: str.encode,
  }
  return [convert[kind](cell) if cell else None for cell in cells]


# Cells as they may stand in a file.
_TEXT = st.text(st.sampled_from('ab1",\n\r é'), max_size=6)
_BARE = st.text(st.sampled_from('ab1" é'), max_size=5).filter(lambda text: not text.startswith('"'))
_NUMBERS = st.sampled_from(['', '0', '7', '-12', '3.5', '1e3', '0x1F', '+5', '1_0', '9223372036854775808'])


def _quoted(text: str) -> str:
  return '"' + text.replace('"', '""') + '"'


_CELLS = st.one_of(
  _NUMBERS,
  _NUMBERS.map(_quoted),
  _BARE,
  _TEXT.map(_quoted),
  st.builds(lambda text, tail: _quoted(text) + tail, _TEXT, _BARE),
)
_LINE_ENDS = st.sampled_from(['\n', '\n', '\r\n', '\n\n', '\r\n\r\n'])


@st.composite
def csv_files(draw: st.DrawFn) -> bytes:
  """Any CSV file whose rows have as many cells as the header."""
  width = draw(st.integers(1, 3))
  names = draw(st.lists(_TEXT.filter(str.strip), min_size=width, max_size=width, unique=True))
  # Columns of numbers are as likely as columns of anything.
  columns = [draw(st.sampled_from([_NUMBERS, _CELLS, _CELLS])) for _ in names]
  lines = [','.join(map(_quoted, names)), *draw(st.lists(st.tuples(*columns).map(','.join), max_size=8))]
  text = ''.join(line + draw(_LINE_ENDS) for line in lines[:-1]) + lines[-1]
  text += draw(st.one_of(st.just(''), _LINE_ENDS))
  return text.encode(draw(st.sampled_from(['utf-8', 'utf-8-sig'])))


@settings(max_examples=150, deadline=None)
@given(data=csv_files(), block_size=st.one_of(st.integers(1, 12), st.integers(1, 200)))
@example(data=b'a,b\n,+5', block_size=1)
@example(data=b'\xef\xbb\xbf"a\n""b"\r\n"x"y"z"\r\n""', block_size=1)
@example(data=b'a\n' + b'"""\n"""\n' * 5, block_size=3)
def test_blocks_of_any_size_hold_the_rows_that_pythons_csv_reader_finds(
  folder: pathlib.Path, data: bytes, block_size: int
) -> None:
  path = folder / 'any.csv'
  path.write_bytes(data)
  [header, *rows] = rows_of(data)
  expected = list(zip(*rows, strict=True)) if rows else [()] * len(header)

  settled, findings = scan_file(path, block_size)

  assert findings.problem is None
  assert findings.rows == len(rows)
  assert findings.types_of(header) == tuple(map(type_by_python, expected))
  blocks = blocks_of(settled, block_size)
  for block in blocks:
    assert data[block.offset :].startswith(block.data)
    assert block.lines == data.count(b'\n', 0, block.offset)
  for types in (findings.types_of(header), (ColumnType.STRING,) * len(header)):
    batches = [decode(block.data, header, types, DIALECT) for block in blocks]
    found = [[value for batch in batches for value in batch.column(index).to_pylist()] for index in range(len(header))]
    assert found == [values_by_python(cells, kind) for cells, kind in zip(expected, types, strict=True)]


def test_a_range_that_was_guessed_wrong_is_looked_at_again(folder: pathlib.Path) -> None:
  inside_quotes = '1,2\n' * 10
  path = folder / 'guess.csv'
  path.write_text(f'a,b\n7,"{inside_quotes}"\n8,x\n')

  settled, findings = scan_file(path, 20)

  assert len(settled.unsure) == 1
  assert (findings.rows, findings.types) == (2, (ColumnType.INT, ColumnType.STRING))


def test_a_file_without_quotes_is_read_once(folder: pathlib.Path) -> None:
  path = folder / 'plain.csv'
  path.write_text('a,b\n' + '1,2.5\n' * 10)

  settled, findings = scan_file(path, 7)

  assert settled.unsure == ()
  assert (findings.rows, findings.types) == (10, (ColumnType.INT, ColumnType.FLOAT))


PROBLEMS = {
  'too_many_cells': (b'BAD,2,3', '3 cells where the header has 2'),
  'too_few_cells': (b'BAD', '1 cell where the header has 2'),
  'not_utf8': (b'BAD,\xff', 'byte 5 of the row is not UTF-8'),
}


@pytest.mark.parametrize('block_size', BLOCK_SIZES)
@pytest.mark.parametrize('line_end', [b'\n', b'\r\n'], ids=['lf', 'crlf'])
@pytest.mark.parametrize(('row', 'reason'), PROBLEMS.values(), ids=PROBLEMS)
def test_the_first_bad_row_is_told_with_its_line_and_byte(
  folder: pathlib.Path, row: bytes, reason: str, line_end: bytes, block_size: int
) -> None:
  data = line_end.join([b'a,b', b'1,"x\ny,\n"', b'', b'2,z', row, b'3,z', b'too,many,cells', b''])
  path = folder / 'bad.csv'
  path.write_bytes(data)

  _, findings = scan_file(path, block_size)

  offset = data.index(b'BAD')
  lines = data.count(b'\n', 0, offset)
  assert findings.problem is not None
  assert findings.problem.offset == offset
  assert findings.problem.message.startswith(f'{path}: line {lines + 1} (byte {offset}): {reason}')


@pytest.mark.parametrize('block_size', BLOCK_SIZES)
def test_a_quote_that_is_never_closed_is_told_where_it_opens(folder: pathlib.Path, block_size: int) -> None:
  data = b'a,b\n1,"x\ny"\n2,"never closed\n3,z\n' + b'4,z\n' * 20
  offset = data.index(b'"never')
  path = folder / 'open.csv'
  path.write_bytes(data)

  _, findings = scan_file(path, block_size)

  assert findings.problem is not None
  assert findings.problem.offset == offset
  assert findings.problem.message.startswith(f'{path}: line 4 (byte {offset}): a quote opens here')


def test_the_header_of_another_file_is_the_problem_where_it_differs(folder: pathlib.Path) -> None:
  paths = [folder / 'differs-1.csv', folder / 'differs-2.csv']
  paths[0].write_text('a,b\n1,2\n')
  paths[1].write_text('a,c\n1,2\n')
  files = match_files(map(str, paths))
  first = read_header(files[0], DIALECT)
  parts = [part for part in plan_ranges(files, 100, 100) if part.file.index == 1]

  settled = settle(scan_range(part, first, DIALECT, 100) for part in parts)

  assert settled.findings.problem is not None
  assert f"{paths[1]}: line 1: headers differ: column 2 is 'c'" in settled.findings.problem.message


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
  'gz': gzip.compress,
  'bz2': bz2.compress,
  'zst': lambda data: pa.Codec('zstd').compress(data, asbytes=True),
}


@pytest.mark.parametrize('block_size', [1, 7, 64, 10_000])
@pytest.mark.parametrize('ending', COMPRESSIONS)
def test_a_compressed_file_has_the_rows_of_the_plain_one(folder: pathlib.Path, ending: str, block_size: int) -> None:
  data = b'a,b\n' + b'1,"x\ny"\n\n-2,"""z"""\r\n' * 20
  path = folder / f'packed.csv.{ending}'
  path.write_bytes(COMPRESSIONS[ending](data))

  settled, findings = scan_file(path, block_size)

  blocks = blocks_of(settled, block_size)
  assert b''.join(block.data for block in blocks) == data.removeprefix(b'a,b\n')
  assert [block.lines for block in blocks] == [data.count(b'\n', 0, block.offset) for block in blocks]
  assert (findings.rows, findings.types) == (40, (ColumnType.INT, ColumnType.STRING))


@pytest.mark.parametrize('block_size', [1, 7, 64, 10_000])
@pytest.mark.parametrize(
  ('row', 'reason'),
  [(b'2,3,4', '3 cells where the header has 2'), (b'2,"4', 'a quote opens here and is never closed')],
  ids=['too_many_cells', 'unclosed_quote'],
)
def test_a_bad_row_of_a_compressed_file_is_told_with_its_line(
  folder: pathlib.Path, row: bytes, reason: str, block_size: int
) -> None:
  path = folder / 'bad.csv.gz'
  path.write_bytes(gzip.compress(b'a,b\n1,"x\ny"\n' + row))

  _, findings = scan_file(path, block_size)

  assert findings.problem is not None
  assert ': line 4 (byte ' in findings.problem.message
  assert reason in findings.problem.message


@pytest.mark.parametrize('block_size', [3, 1000])
def test_the_fingerprint_follows_the_content(folder: pathlib.Path, block_size: int) -> None:
  path = folder / 'content.csv'
  fingerprints = []
  for content in ('a\n1\n2\n', 'a\n1\n3\n', 'a\n1\n2\n'):
    path.write_text(content)
    fingerprints.append(scan_file(path, block_size)[1].fingerprint)

  assert fingerprints[0] == fingerprints[2] != fingerprints[1]


def test_findings_merge_in_any_order_and_grouping() -> None:
  integer, text = (ColumnType.INT, ColumnType.UNKNOWN), (ColumnType.UNKNOWN, ColumnType.STRING)
  early, late = Problem(0, 90, 'early'), Problem(1, 5, 'late')
  parts = [
    Findings(integer, 2, late, 2**256 - 1),
    Findings(text, 3, early, 5),
    Findings(fingerprint=7),
  ]

  whole = Findings((ColumnType.INT, ColumnType.STRING), 5, early, 11)

  assert merge_findings(parts) == merge_findings(parts[::-1]) == whole
  assert merge_findings([merge_findings(parts[:2]), merge_findings(parts[2:])]) == whole
  assert merge_findings([]) == Findings()


@pytest.mark.parametrize('block_size', [3, 1000])
def test_a_file_that_grew_since_it_was_planned_is_refused(folder: pathlib.Path, block_size: int) -> None:
  path = folder / 'grows.csv'
  path.write_text('a\n1\n2\n')
  [file] = match_files([str(path)])
  header = read_header(file, DIALECT)
  parts = list(plan_ranges([file], block_size, 1000))
  with path.open('a') as stream:
    stream.write('3\n')

  with pytest.raises(UserError, match='is longer now than the 6 bytes it had'):
    scan_range(parts[-1], header, DIALECT, block_size)


@pytest.mark.parametrize('block_size', [3, 1000])
def test_a_file_that_shrank_since_it_was_planned_is_refused(folder: pathlib.Path, block_size: int) -> None:
  path = folder / 'shrinks.csv'
  path.write_text('a\n1\n2\n')
  [file] = match_files([str(path)])
  header = read_header(file, DIALECT)
  parts = list(plan_ranges([file], block_size, 1000))
  path.write_text('a\n1\n')

  with pytest.raises(UserError, match='is shorter now than the 6 bytes it had'):
    scan_range(parts[-1], header, DIALECT, block_size)
