"""CSV files of all kinds of cells, ways in which they are written, and ways in which they are damaged."""

import bz2
import dataclasses
import gzip
import random
from collections.abc import Callable, Mapping

import zstandard

from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect

ENDINGS = {'': '.csv', 'gzip': '.csv.gz', 'bzip2': '.csv.bz2', 'zstd': '.csv.zst'}

_CELLS = ['', '7', '-1.5', 'x', 'é', '"q"', '"a,b"', '"two\nlines"', '"say ""hi"""', '""', ' ', "it's", '5" pipe', 'NA']
_NUMBERS = [
  '',
  '0',
  '7',
  '-12',
  '+5',
  '"8"',
  ' 9 ',
  '1_000',
  '007',
  '9223372036854775807',
  '-9223372036854775808',
  '12',
]
_FLOATS = [
  '',
  '1',
  '1.5',
  '-.5',
  '2.',
  '1e3',
  '-0.0',
  'nan',
  'inf',
  '-Infinity',
  '1e400',
  '+.5',
  '"3.25"',
  ' 4.5',
  '1_0.0',
]
_ODD = ['0x1F', 'nan(1)', '9223372036854775808', '2020-01-01', 'true', '١', '1,5', '1e', '--1', '1__0', 'NULL', '"1"2']
_JAPANESE = ['ソ', '表', '能', 'テスト']
_BYTES = b'""",,,\n\n\r\0;|\t\\\' \xff\x81'


@dataclasses.dataclass(frozen=True)
class Writing:
  """How the files of a run are written, and what the run is told of them."""

  dialect: Dialect = Dialect()
  given: Mapping[str, ColumnType] = dataclasses.field(default_factory=dict)
  numbers: bool = False

  def flags(self) -> list[str]:
    """The command line's, without those that have their defaults."""
    dialect, words = self.dialect, []
    for flag, value, default in (
      ('delimiter', dialect.delimiter, ','),
      ('quote_char', dialect.quote_char, '"'),
      ('encoding', dialect.encoding, 'utf-8'),
      ('null_values', ','.join(dialect.null_values), ''),
      ('column_types', ','.join(f'{name}:{kind.name}' for name, kind in self.given.items()), ''),
    ):
      if value != default:
        words.append(f'--{flag}={value}')
    if dialect.columns:
      words += ['--no_header', f'--columns={",".join(dialect.columns)}']
    return words if dialect.skip_blank_lines else [*words, '--no_skip_blank_lines']


_TYPES = {'a': ColumnType.INT, 'b': ColumnType.FLOAT, 'c': ColumnType.STRING}
WRITINGS = (
  Writing(),
  Writing(numbers=True),
  Writing(given=_TYPES, numbers=True),
  Writing(given={'a': ColumnType.INT}, numbers=True),
  Writing(given=dict.fromkeys('abc', ColumnType.STRING)),
  Writing(Dialect(columns=('a', 'b', 'c'))),
  Writing(Dialect(skip_blank_lines=False)),
  Writing(Dialect(skip_blank_lines=False, columns=('a', 'b', 'c')), numbers=True),
  Writing(Dialect(null_values=('NA', 'x')), numbers=True),
  Writing(Dialect(null_values=('NULL', '7')), given=_TYPES, numbers=True),
  Writing(Dialect(delimiter=';', encoding='latin-1')),
  Writing(Dialect(delimiter='\t', quote_char='')),
  Writing(Dialect(delimiter='|', quote_char="'", encoding='cp1252')),
  Writing(Dialect(delimiter=' ')),
  Writing(Dialect(encoding='shift_jis')),
  Writing(Dialect(encoding='gb18030')),
  Writing(Dialect(encoding='euc_jp', columns=('a', 'b', 'c'))),
  Writing(Dialect(encoding='utf-16')),
  Writing(Dialect(encoding='utf-16-le', delimiter=';'), numbers=True),
  Writing(Dialect(encoding='utf-32')),
  Writing(Dialect(encoding='iso2022_jp')),
  Writing(Dialect(encoding='utf-7')),
  Writing(Dialect(encoding='cp500')),
)


def whole_file(chooser: random.Random, rows: int, writing: Writing = WRITINGS[0]) -> bytes:
  """A CSV file of all kinds of cells, with fewer than so many rows, in the encoding that it is said to be in."""
  pools = [_NUMBERS, _FLOATS, _CELLS] if writing.numbers else [[*_CELLS, *_JAPANESE]] * 3
  odd = chooser.choice([0, 0, 0.05, 0.3]) if writing.numbers else 0
  line_end = chooser.choice(['\n', '\r\n', '\r'])
  lines = [] if writing.dialect.columns else ['a,b,c']
  for _ in range(chooser.randrange(rows)):
    lines.append(','.join(chooser.choice(_ODD if chooser.random() < odd else pool) for pool in pools))
  text = line_end.join([*lines, ''][: None if chooser.random() < 0.9 else -1])
  dialect = writing.dialect
  marks = {',': dialect.delimiter, '"': dialect.quote_char or "'", '\n': ' ' if not dialect.quote_char else '\n'}
  if line_end == '\n' and not dialect.quote_char:
    del marks['\n']
  return text.translate(str.maketrans(marks)).encode(dialect.encoding, 'replace')


def damaged(data: bytes, chooser: random.Random, header: int = 6) -> bytes:
  """The file with some bytes changed, put in or taken out, wherever they stand behind the header."""
  broken = bytearray(data)
  for _ in range(chooser.randrange(1, 12)):
    place = chooser.randrange(min(header, len(broken)), len(broken) + 1)
    byte = chooser.choice([*b'""",,\n\r\0', chooser.randrange(256), chooser.randrange(128, 256)])
    broken[place : place + chooser.randrange(2)] = [byte] * chooser.randrange(1, 3)
  return bytes(broken)


def _place(data: bytes, chooser: random.Random) -> int:
  """Mostly behind a header."""
  return chooser.randrange(min(0 if chooser.random() < 0.15 else 16, len(data)), len(data) + 1)


def _slice(data: bytes, chooser: random.Random, longest: int = 60) -> bytes:
  begin = chooser.randrange(len(data) + 1)
  return data[begin : begin + chooser.randrange(1, longest)]


def flipped(data: bytes, chooser: random.Random) -> bytes:
  """Some bits turned."""
  broken = bytearray(data)
  for _ in range(chooser.randrange(1, 6) if data else 0):
    broken[min(_place(data, chooser), len(data) - 1)] ^= 1 << chooser.randrange(8)
  return bytes(broken)


def marked(data: bytes, chooser: random.Random) -> bytes:
  """Bytes that mean something to a reader of CSV, put in or over others."""
  for _ in range(chooser.randrange(1, 9)):
    place = _place(data, chooser)
    byte = bytes([chooser.choice(_BYTES)]) * chooser.choice([1, 1, 1, 2, 3])
    data = data[:place] + byte + data[place + chooser.randrange(2) :]
  return data


def cut(data: bytes, chooser: random.Random) -> bytes:
  """The end, or something in the middle, taken away."""
  place = _place(data, chooser)
  return data[:place] + (data[place + chooser.randrange(1, 40) :] if chooser.random() < 0.6 else b'')


def doubled(data: bytes, chooser: random.Random) -> bytes:
  """A piece of it twice, or all of it."""
  if chooser.random() < 0.2:
    return data * 2
  place, piece = _place(data, chooser), _slice(data, chooser)
  return data[:place] + piece * chooser.randrange(1, 4) + data[place:]


def spliced(data: bytes, chooser: random.Random) -> bytes:
  """A piece of another file in it."""
  other = whole_file(chooser, 20, chooser.choice(WRITINGS))
  place = _place(data, chooser)
  return data[:place] + _slice(other, chooser, 200) + data[place + chooser.randrange(20) :]


def lengthened(data: bytes, chooser: random.Random) -> bytes:
  """A cell that is longer than blocks are, or a row that is much wider than the others."""
  place = _place(data, chooser)
  return (
    data[:place] + chooser.choice([b'x', b',', b'"', b'\n', b'7', b' ']) * chooser.randrange(1, 3000) + data[place:]
  )


def other_line_ends(data: bytes, chooser: random.Random) -> bytes:
  """Some of its line ends of another kind, or more than one."""
  ends = [b'\n', b'\r\n', b'\r', b'\n\n', b'\r\r\n', b'\n\r']
  return b''.join(chooser.choice(ends) if line == b'\n' and chooser.random() < 0.4 else line for line in _lines(data))


def _lines(data: bytes) -> list[bytes]:
  pieces = data.replace(b'\r\n', b'\n').split(b'\n')
  return [part for piece in pieces[:-1] for part in (piece, b'\n')] + pieces[-1:]


def with_mark(data: bytes, chooser: random.Random) -> bytes:
  """A byte-order mark at its beginning, or somewhere else."""
  place = chooser.choice([0, 0, _place(data, chooser)])
  return data[:place] + chooser.choice([b'\xef\xbb\xbf', b'\xff\xfe', b'\xfe\xff']) + data[place:]


def unchanged(data: bytes, _: random.Random) -> bytes:
  return data


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
  damaged,
  damaged,
  flipped,
  marked,
  marked,
  cut,
  doubled,
  spliced,
  lengthened,
  other_line_ends,
  with_mark,
  unchanged,
)


def compressed(data: bytes, compression: str, chooser: random.Random) -> bytes:
  """The bytes of a file that holds some, as they are stored. A tenth of them is damaged."""
  pieces = [data] if chooser.random() < 0.8 or not compression else [data[: len(data) // 2], data[len(data) // 2 :]]
  pack = {
    'gzip': lambda piece: gzip.compress(piece, mtime=0),
    'bzip2': bz2.compress,
    'zstd': zstandard.ZstdCompressor(write_checksum=True).compress,
  }.get(compression, bytes)
  stored = b''.join(map(pack, pieces))
  if not compression or chooser.random() < 0.9:
    return stored
  return chooser.choice([flipped, cut, cut, marked, doubled, lambda *_: data, lambda *_: stored + b'\0' * 9])(
    stored, chooser
  )


def mutated_file(chooser: random.Random, writing: Writing, rows: int) -> tuple[bytes, str]:
  """A file that was damaged in one or two ways, as it is stored, and how it is compressed."""
  data = whole_file(chooser, rows, writing)
  for _ in range(chooser.choice([1, 1, 1, 2])):
    data = chooser.choice(MUTATIONS)(data, chooser)
  compression = chooser.choice(['', '', '', '', '', 'gzip', 'bzip2', 'zstd'])
  return compressed(data, compression, chooser), compression
