"""The CSV files that are measured on, made if they are not there."""

import functools
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / 'data'


@functools.cache
def taxi() -> pathlib.Path:
  """The taxi CSV, 15,002 rows."""
  subprocess.run([sys.executable, ROOT / 'scripts' / 'fetch_taxi_data.py'], check=True)
  return DATA / 'taxi' / 'data.csv'


def large(rows: int) -> pathlib.Path:
  """A synthetic taxi CSV of so many rows."""
  path = DATA / 'synthetic' / f'{rows}.csv'
  if not path.exists():
    script = ROOT / 'scripts' / 'make_taxi_csv.py'
    subprocess.run([sys.executable, script, '--rows', str(rows), '--out', path], check=True)
  return path


def with_cells_quoted(source: pathlib.Path, *, quoted: bool) -> pathlib.Path:
  """A CSV file with every third cell doubled: a newline between the two and quotes around them, or just a blank."""
  path = source.with_suffix('.quoted.csv' if quoted else '.unquoted.csv')
  if path.exists():
    return path
  partial = path.with_suffix('.partial')
  with source.open('rb') as lines, partial.open('wb') as out:
    out.write(next(lines))
    for line in lines:
      cells = line.rstrip(b'\n').split(b',')
      for place in range(2, len(cells), 3):
        cells[place] = b'"%b\n%b"' % ((cells[place],) * 2) if quoted else b'%b %b' % ((cells[place],) * 2)
      out.write(b','.join(cells) + b'\n')
  partial.replace(path)
  return path
