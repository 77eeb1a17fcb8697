"""What is measured: whole programs, encoders, and the reading of CSV alone."""

import hashlib
import pathlib
import subprocess
import sys
from collections.abc import Iterator

from inputs import DATA, large, taxi, with_cells_quoted
from measuring import ROOT, Command

HERE = ROOT / 'benchmarks'

# Beam's in-process runner by name: its default first tries to download another one.
TFDV_ALONE = """
import sys
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
tfdv.generate_statistics_from_csv(
  data_location=sys.argv[1], output_path=sys.argv[2], pipeline_options=PipelineOptions(['--runner=FnApiRunner']))
"""

MAIN = 'main.py'

# What main.py imports, in its own way: without garbage collection, and gone without taking modules apart.
IMPORTS = """
import os
from beam_taxi.process import heavy_imports
with heavy_imports.uncollected():
  import beam_taxi.lifecycle.run
  import beam_taxi.graph.pipeline
os._exit(0)
"""


def programs(rows: int, *, long: bool, tfx_python: pathlib.Path | None) -> Iterator[Command]:
  """Whole programs, on two cores and on one.

  Args:
    rows: of the smaller synthetic CSV; the larger has ten times as many.
    long: whether generate_statistics_from_csv is measured on the larger as well.
    tfx_python: the Python that has TFX, or None to leave TFX out.
  """
  python = sys.executable
  run = (python, ROOT / 'main.py', '--output', '{run}', '--input')
  yield Command('main.py --help', (python, ROOT / 'main.py', '--help'))
  for cores in (2, 1):
    for library in ('tensorflow_data_validation', 'duckdb'):
      yield Command(f'import {library}', (python, '-c', f'import {library}'), cores)
    yield Command('import what main.py does', (python, '-c', IMPORTS), cores)
    for path, size in ((taxi(), 15_002), (large(rows), rows), (large(10 * rows), 10 * rows)):
      work = f'{size} rows, {cores} cores'
      yield Command(f'{MAIN}, {size:,} rows', (*run, path), cores, 'import what main.py does', work)
      summarize = (python, HERE / 'summarize_csv.py', path, str(cores))
      yield Command(f'DuckDB SUMMARIZE, {size:,} rows', summarize, cores, 'import duckdb', work)
      if size <= rows or (long and cores == 2):
        words = (python, '-c', TFDV_ALONE, path, '{run}/statistics.tfrecord')
        name = f'tfdv.generate_statistics_from_csv, {size:,} rows'
        yield Command(name, words, cores, 'import tensorflow_data_validation', work, once=size > rows)
    if tfx_python and cores == 2:
      yield from _tfx(tfx_python, rows, cores)


def _tfx(python: pathlib.Path, rows: int, cores: int) -> Iterator[Command]:
  start_up = 'import tfx.v1'
  yield Command(start_up, (python, '-c', start_up), cores)
  for path, size in ((taxi(), 15_002), (large(rows), rows)):
    name = f'TFX: CsvExampleGen, StatisticsGen, SchemaGen, {size:,} rows'
    words = (python, HERE / 'tfx_pipeline.py', path, '{run}')
    yield Command(name, words, cores, start_up, f'{size} rows, {cores} cores', once=True)


def encoders(rows: int) -> Iterator[Command]:
  """RecordBatches to tf.Examples, on one core: tfx_bsl's encoder and ours."""
  for which, name in (('ours', 'encode_examples'), ('tfx_bsl', "tfx_bsl's RecordBatchToExamplesEncoder")):
    words = (sys.executable, HERE / 'encode_examples.py', which, large(rows))
    yield Command(f'{name}, {rows:,} rows', words, cores=1, tells=True)


def readings(rows: int) -> Iterator[Command]:
  """CSV to typed RecordBatches, and the passes that it takes."""
  ways = {'arrow': 'pyarrow.csv.read_csv', 'pass_1': 'pass 1', 'pass_2': 'pass 2', 'graph': 'both passes in Beam'}
  small, larger = large(rows), large(10 * rows)
  for file, name, counts in (
    (small, f'{rows:,} rows', (1, 2)),
    (larger, f'{10 * rows:,} rows', (1, 2)),
    (with_cells_quoted(small, quoted=False), f'{rows:,} rows, every third cell with a blank', (1,)),
    (with_cells_quoted(small, quoted=True), f'{rows:,} rows, every third cell with a quoted newline', (1,)),
  ):
    for way, title in ways.items():
      for threads in counts:
        words = (sys.executable, HERE / 'read_csv.py', way, file, str(threads))
        yield Command(f'{title}, {name}, {threads} thread{"s" if threads > 1 else ""}', words, tells=True)


def tfx_environment(python: str) -> pathlib.Path:
  """The Python of an environment with TFX, made in data/ if it is not there or its lock has changed.

  Ends the program where there is no Python 3.10.

  Args:
    python: a Python 3.10: a path, or what uv finds it by.
  """
  folder, lock = DATA / 'tfx-1.16', ROOT / 'requirements' / 'tfx-3.10.txt'
  made, key = folder / 'lock.sha256', hashlib.sha256(lock.read_bytes()).hexdigest()
  if not made.exists() or made.read_text() != key:
    uv: list[str | pathlib.Path] = [sys.executable, '-m', 'uv']
    find = [*uv, 'python', 'find', '--no-project', '--no-python-downloads', python]
    found = subprocess.run(find, capture_output=True, text=True, check=False)
    version = [found.stdout.strip(), '-c', 'import sys; print(*sys.version_info[:2], sep=".")']
    if found.returncode or subprocess.run(version, capture_output=True, text=True).stdout.strip() != '3.10':
      sys.exit(f'--with-tfx: TFX 1.16 needs a Python 3.10, and {python} leads to none; give the path of one')
    subprocess.run([*uv, 'venv', '--clear', '--no-project', '--python', found.stdout.strip(), folder], check=True)
    install = [*uv, 'pip', 'install', '--python', folder / 'bin' / 'python']
    subprocess.run([*install, '--require-hashes', '-r', lock], check=True)
    made.write_text(key)
  return folder / 'bin' / 'python'
