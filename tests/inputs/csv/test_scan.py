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
from csv_files import match_files, plan_input
from fuzzing import fuzzed
from hypothesis import example, given
from hypothesis import strategies as st
from reader import read

from beam_taxi.errors import UserError
from beam_taxi.inputs import ranges
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv import boundaries, examine
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.scan import scan_range
from beam_taxi.inputs.findings import Findings, Problem, merge_findings
from beam_taxi.inputs.ranges import plan_ranges
from beam_taxi.inputs.shard_sizes import Sizes

DIALECT = Dialect()
BLOCK_SIZES = [1, 2, 3, 5, 8, 13, 21, 34, 100, 10_000]


@pytest.fixture(scope='module', autouse=True)
def ranges_of_any_size() -> Iterator[None]:
  """Lets ranges be as small as a block, where they otherwise have 256 KiB, and looks at them in pieces as small."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(ranges, 'SMALLEST_RANGE', 1)
    patch.setattr(ranges, 'FEWEST', 1)
    patch.setattr(boundaries, 'PIECE', 3)
    yield


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  return tmp_path_factory.mktemp('scan')


def rows_of(data: bytes, dialect: Dialect = DIALECT) -> list[list[str]]:
  """Python's reading of CSV bytes; blank lines are no rows."""
  reader = csv.reader(
    io.StringIO(data.decode('utf-8-sig'), newline=''),
    delimiter=dialect.delimiter,
    quotechar=dialect.quote_char or None,
    quoting=csv.QUOTE_MINIMAL if dialect.quote_char else csv.QUOTE_NONE,
  )
  return [row for row in reader if row]


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


DIALECTS = [DIALECT, Dialect(delimiter='\t'), Dialect(delimiter=';', quote_char="'"), Dialect(quote_char='')]
LINE_ENDS = ['\n', '\n', '\r\n', '\r', '\n\n', '\r\n\r\n', '\r\r']

_NUMBERS = st.sampled_from(['', '0', '7', '-12', '3.5', '1e3', '0x1F', '+5', '1_0', '9223372036854775808'])


def cells_of(dialect: Dialect) -> st.SearchStrategy[str]:
  """Cells as they may stand in a file."""
  quote, delimiter = dialect.quote_char, dialect.delimiter
  if not quote:
    return st.one_of(_NUMBERS, st.text(st.sampled_from('ab1"\' é'), max_size=5))
  text = st.text(st.sampled_from(f'ab1{quote}{delimiter}\n\r é'), max_size=6)
  bare = st.text(st.sampled_from(f'ab1{quote} é'), max_size=5).filter(lambda cell: not cell.startswith(quote))
  quoted = st.one_of(_NUMBERS, text).map(lambda cell: quote + cell.replace(quote, 2 * quote) + quote)
  return st.one_of(_NUMBERS, bare, quoted, st.builds(str.__add__, quoted, bare))


@st.composite
def csv_files(draw: st.DrawFn) -> tuple[bytes, Dialect]:
  """Any CSV file whose rows have as many cells as the header."""
  dialect = draw(st.sampled_from(DIALECTS))
  width = draw(st.integers(1, 3))
  # Columns of numbers are as likely as columns of anything.
  columns = [draw(st.sampled_from([_NUMBERS, cells_of(dialect), cells_of(dialect)])) for _ in range(width)]
  rows = draw(st.lists(st.tuples(*columns).map(dialect.delimiter.join), max_size=8))
  lines = [dialect.delimiter.join('abc'[:width]), *rows]
  line_ends = st.sampled_from(LINE_ENDS)
  text = ''.join(line + draw(line_ends) for line in lines[:-1]) + lines[-1]
  text += draw(st.one_of(st.just(''), line_ends))
  return text.encode(draw(st.sampled_from(['utf-8', 'utf-8-sig']))), dialect


@fuzzed(300)
@given(file=csv_files(), block_size=st.one_of(st.integers(1, 12), st.integers(1, 200)))
@example(file=(b'a,b\n,+5', DIALECT), block_size=1)
@example(file=(b'\xef\xbb\xbf"a\n""b"\r\n"x"y"z"\r\n""', DIALECT), block_size=1)
@example(file=(b'a\n' + b'"""\n"""\n' * 5, DIALECT), block_size=3)
@example(file=(b'a\r\n"\r"\r\r\n\r"\r\n"\n', DIALECT), block_size=1)
def test_blocks_of_any_size_hold_the_rows_that_pythons_csv_reader_finds(
  folder: pathlib.Path, file: tuple[bytes, Dialect], block_size: int
) -> None:
  data, dialect = file
  path = folder / 'any.csv'
  path.write_bytes(data)
  [header, *rows] = rows_of(data, dialect)
  expected = list(zip(*rows, strict=True)) if rows else [()] * len(header)

  found = read([path], block_size, dialect)

  assert (found.findings.fault, found.bad) == (None, ())
  assert found.findings.rows == len(rows)
  types = tuple(map(type_by_python, expected))
  assert found.findings.settle_types(found.plan.layout).types == types
  assert found.cells() == [values_by_python(cells, kind) for cells, kind in zip(expected, types, strict=True)]
  for block in found.blocks:
    assert data[block.offset :].startswith(block.data)
    assert block.lines == lines_in(data[: block.offset])
  as_text = read([path], block_size, dialect, dict.fromkeys(header, ColumnType.STRING))
  assert as_text.findings.rows == len(rows)
  assert as_text.cells() == [values_by_python(cells, ColumnType.STRING) for cells in expected]


def lines_in(data: bytes) -> int:
  """How many lines end in data; Python alone takes other characters for line ends too, in text."""
  return sum(line.endswith((b'\r', b'\n')) for line in data.splitlines(keepends=True))


@fuzzed(200)
@given(
  rows=st.lists(st.sampled_from(['1,2', '"a,\n",b', 'x', '1,2,3', '', '\udce9,1', '7,"é', 'y,"\n""\n"']), max_size=8),
  line_end=st.sampled_from(LINE_ENDS),
  block_size=st.one_of(st.integers(1, 12), st.integers(1, 200)),
)
def test_every_row_is_read_or_bad_or_the_file_is_refused(
  folder: pathlib.Path, rows: list[str], line_end: str, block_size: int
) -> None:
  path = folder / 'rows.csv'
  data = ''.join(row + line_end for row in ['a,b', *rows]).encode('utf-8', 'surrogateescape')
  path.write_bytes(data)
  # Python reads any bytes as Latin-1, and says which rows it has.
  expected = [row for row in csv.reader(io.StringIO(data.decode('latin-1'), newline='')) if row][1:]

  found = read([path], block_size)

  if found.findings.fault:
    assert '"é' in ''.join(rows)
    return
  good = [row for row in expected if len(row) == 2 and is_utf8(','.join(row))]
  assert found.findings.rows == len(expected) == found.rows.num_rows + len(found.bad)
  assert sum(found.findings.bad_rows.values()) == len(found.bad) == len(expected) - len(good)
  as_text = read([path], block_size, column_types=dict.fromkeys('ab', ColumnType.STRING))
  assert as_text.cells() == [[cell.encode('latin-1') or None for cell in column] for column in columns_of(good, 2)]
  for block, row in found.bad:
    assert data[block.offset + row.offset :].startswith(row.data)
    assert block.lines + row.lines == lines_in(data[: block.offset + row.offset])


def is_utf8(text: str) -> bool:
  try:
    text.encode('latin-1').decode()
  except UnicodeDecodeError:
    return False
  return True


def columns_of(rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
  return [[row[column] for row in rows] for column in range(width)]


def test_a_range_that_was_guessed_wrong_is_looked_at_again(folder: pathlib.Path) -> None:
  inside_quotes = '1,2\n' * 10
  path = folder / 'guess.csv'
  path.write_text(f'a,b\n7,"{inside_quotes}"\n8,x\n')

  found = read([path], 20)

  assert len(found.settled[0].unsure) == 1
  assert (found.findings.rows, found.findings.types) == (2, (ColumnType.INT, ColumnType.STRING))


def test_a_file_without_quotes_is_read_once(folder: pathlib.Path) -> None:
  path = folder / 'plain.csv'
  path.write_text('a,b\n' + '1,2.5\n' * 10)

  found = read([path], 7)

  assert found.settled[0].unsure == ()
  assert (found.findings.rows, found.findings.types) == (10, (ColumnType.INT, ColumnType.FLOAT))


def test_where_all_types_are_given_pass_1_looks_for_rows_alone(folder: pathlib.Path, monkeypatch) -> None:
  path = folder / 'given.csv'
  path.write_text('a,b\n' + '1,"x\n"\ny,2\n' * 10)

  def infer_types(*_: object) -> None:
    raise AssertionError('types were inferred')

  monkeypatch.setattr(examine, 'infer_types', infer_types)
  found = read([path], 7, column_types={'a': ColumnType.INT, 'b': ColumnType.STRING})

  assert (found.findings.rows, found.rows.num_rows) == (20, 10)
  assert {row.detail for _, row in found.bad} == {"'y' in column 'a' is not INT"}


def test_types_that_are_given_are_not_widened_and_the_others_are_inferred(folder: pathlib.Path) -> None:
  path = folder / 'some.csv'
  path.write_text('a,b,c\n1,1,1\n2,x,2\n3,3,2.5\nx,3,x\n')

  found = read([path], 5, column_types={'a': ColumnType.FLOAT})

  assert found.cells() == [[1.0, 2.0, 3.0], [b'1', b'x', b'3'], [1.0, 2.0, 2.5]]
  assert found.findings.bad_rows == {'wrong_type': 1}


PROBLEMS = {
  'too_many_cells': (b'BAD,2,3', '3 cells where 2 are expected'),
  'too_few_cells': (b'BAD', '1 cell where 2 are expected'),
  'not_utf8': (b'BAD,\xff', 'byte 5 of the row is not UTF-8'),
}


@pytest.mark.parametrize('block_size', BLOCK_SIZES)
@pytest.mark.parametrize('line_end', [b'\n', b'\r\n', b'\r'], ids=['lf', 'crlf', 'cr'])
@pytest.mark.parametrize(('row', 'reason'), PROBLEMS.values(), ids=PROBLEMS)
def test_the_first_bad_row_is_told_with_its_line_and_byte(
  folder: pathlib.Path, row: bytes, reason: str, line_end: bytes, block_size: int
) -> None:
  data = line_end.join([b'a,b', b'1,"x\ny,\n"', b'', b'2,z', row, b'3,z', b'too,many,cells', b''])
  path = folder / 'bad.csv'
  path.write_bytes(data)

  findings = read([path], block_size).findings

  offset = data.index(b'BAD')
  assert findings.first_bad_row is not None
  assert findings.first_bad_row.offset == offset
  assert findings.first_bad_row.message.startswith(f'{path}: line 7 (byte {offset}): {reason}')
  assert sum(findings.bad_rows.values()) == 2


@pytest.mark.parametrize('block_size', BLOCK_SIZES)
def test_a_quote_that_is_never_closed_is_told_where_it_opens(folder: pathlib.Path, block_size: int) -> None:
  data = b'a,b\n1,"x\ny"\n2,"never closed\n3,z\n' + b'4,z\n' * 20
  offset = data.index(b'"never')
  path = folder / 'open.csv'
  path.write_bytes(data)

  findings = read([path], block_size).findings

  assert findings.fault is not None
  assert findings.fault.offset == offset
  assert findings.fault.message.startswith(f'{path}: line 4 (byte {offset}): a quote opens here')


def test_the_header_of_another_file_is_the_fault_where_it_differs(folder: pathlib.Path) -> None:
  paths = [folder / 'differs-1.csv', folder / 'differs-2.csv']
  paths[0].write_text('a,b\n1,2\n')
  paths[1].write_text('a,c\n1,2\n')

  findings = read(paths, 100).findings

  assert findings.fault is not None
  assert f"{paths[1]}: line 1: headers differ: column 2 is 'c'" in findings.fault.message


def test_files_without_a_header_have_all_their_rows_read(folder: pathlib.Path) -> None:
  paths = [folder / 'bare-1.csv', folder / 'bare-2.csv']
  paths[0].write_bytes(b'\xef\xbb\xbf1,x\n2,y\n')
  paths[1].write_bytes(b'3,z')

  for block_size in BLOCK_SIZES:
    found = read(paths, block_size, Dialect(columns=('n', 's')))

    assert found.findings.rows == 3
    assert found.rows.to_pydict() == {'n': [1, 2, 3], 's': [b'x', b'y', b'z']}


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

  found = read([path], block_size)

  assert b''.join(block.data for block in found.blocks) == data.removeprefix(b'a,b\n')
  assert [block.lines for block in found.blocks] == [data.count(b'\n', 0, block.offset) for block in found.blocks]
  assert (found.findings.rows, found.findings.types) == (40, (ColumnType.INT, ColumnType.STRING))


@pytest.mark.parametrize('block_size', [1, 7, 64, 10_000])
@pytest.mark.parametrize('encoding', ['utf-16', 'utf-16-le', 'utf-32', 'utf-7', 'cp037', 'iso2022_jp', 'cp1252', 'gbk'])
def test_a_file_in_another_encoding_has_the_rows_of_the_same_in_utf8(
  folder: pathlib.Path, encoding: str, block_size: int
) -> None:
  text = 'a,b\n' + '1,"x\ny,"\n\n-2,"""z"""\r\n' * 20 + ('3,東京' if encoding in ('iso2022_jp', 'gbk') else '3,é')
  path = folder / 'encoded.csv'
  path.write_text(text, encoding, newline='')

  found = read([path], block_size, Dialect(encoding=encoding))

  [last] = found.rows.slice(40).to_pylist()
  assert found.findings.rows == 41
  assert found.rows.slice(0, 40).to_pydict() == {'a': [1, -2] * 20, 'b': [b'x\ny,', b'"z"'] * 20}
  assert last == {'a': 3, 'b': text[-2:].lstrip(',').encode()}


def test_bytes_that_are_not_of_a_streams_encoding_are_told_with_their_place(folder: pathlib.Path) -> None:
  path = folder / 'broken.csv'
  path.write_bytes('a,b\n1,2\n'.encode('utf-16-le') + b'\x00')

  with pytest.raises(UserError, match=r'broken.csv: .*utf-16-le.*truncated data.*--encoding'):
    read([path], 100, Dialect(encoding='utf-16-le'))


@pytest.mark.parametrize('block_size', [1, 7, 64, 10_000])
def test_a_bad_row_of_a_compressed_file_is_told_with_its_line(folder: pathlib.Path, block_size: int) -> None:
  path = folder / 'bad.csv.gz'
  path.write_bytes(gzip.compress(b'a,b\n1,"x\ny"\n2,3,4'))

  found = read([path], block_size)

  assert found.findings.first_bad_row is not None
  assert ': line 4 (byte 12): 3 cells where 2 are expected' in found.findings.first_bad_row.message
  assert (found.findings.rows, found.rows.num_rows) == (2, 1)


@pytest.mark.parametrize('block_size', [1, 7, 64, 10_000])
def test_an_unclosed_quote_of_a_compressed_file_is_told_with_its_line(folder: pathlib.Path, block_size: int) -> None:
  path = folder / 'open.csv.gz'
  path.write_bytes(gzip.compress(b'a,b\n1,"x\ny"\n2,"4'))

  fault = read([path], block_size).findings.fault

  assert fault is not None
  assert ': line 4 (byte 14): a quote opens here and is never closed' in fault.message


@pytest.mark.parametrize('block_size', [3, 1000])
def test_the_fingerprint_follows_the_content(folder: pathlib.Path, block_size: int) -> None:
  path = folder / 'content.csv'
  fingerprints = []
  for content in ('a\n1\n2\n', 'a\n1\n3\n', 'a\n1\n2\n'):
    path.write_text(content)
    fingerprints.append(read([path], block_size).findings.fingerprint)

  assert fingerprints[0] == fingerprints[2] != fingerprints[1]


def test_findings_merge_in_any_order_and_grouping() -> None:
  integer, text = (ColumnType.INT, ColumnType.UNKNOWN), (ColumnType.UNKNOWN, ColumnType.STRING)
  early, late = Problem(0, 90, 'early'), Problem(1, 5, 'late')
  parts = [
    Findings(integer, 2, {'wrong_type': 1}, late, None, 2**256 - 1),
    Findings(text, 3, {'wrong_type': 1, 'wrong_encoding': 2}, early, late, 5),
    Findings(fault=early, fingerprint=7),
  ]

  bad_rows = {'wrong_encoding': 2, 'wrong_type': 2}
  whole = Findings((ColumnType.INT, ColumnType.STRING), 5, bad_rows, early, early, 11)

  assert merge_findings(parts) == merge_findings(parts[::-1]) == whole
  assert merge_findings([merge_findings(parts[:2]), merge_findings(parts[2:])]) == whole
  assert merge_findings([]) == Findings()


@pytest.mark.parametrize('block_size', [3, 1000])
def test_a_file_that_grew_since_it_was_planned_is_refused(folder: pathlib.Path, block_size: int) -> None:
  path = folder / 'grows.csv'
  path.write_text('a\n1\n2\n')
  files = match_files([str(path)], DIALECT)
  plan = plan_input(files, DIALECT, {}, '')
  parts = list(plan_ranges(files, Sizes(block_size, 1000)))
  with path.open('a') as stream:
    stream.write('3\n')

  with pytest.raises(UserError, match='is longer now than the 6 bytes it had'):
    scan_range(parts[-1], plan, block_size)


@pytest.mark.parametrize('block_size', [3, 1000])
def test_a_file_that_shrank_since_it_was_planned_is_refused(folder: pathlib.Path, block_size: int) -> None:
  path = folder / 'shrinks.csv'
  path.write_text('a\n1\n2\n')
  files = match_files([str(path)], DIALECT)
  plan = plan_input(files, DIALECT, {}, '')
  parts = list(plan_ranges(files, Sizes(block_size, 1000)))
  path.write_text('a\n1\n')

  with pytest.raises(UserError, match='is shorter now than the 6 bytes it had'):
    scan_range(parts[-1], plan, block_size)
