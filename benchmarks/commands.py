"""What is measured: whole programs, encoders, and the reading of CSV alone."""

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
    yield Command(f'{MAIN}, 15,002 rows', (*run, taxi()), cores, start_up='import tensorflow_data_validation')
    yield Command('import tensorflow_data_validation', (python, '-c', 'import tensorflow_data_validation'), cores)
    yield Command('import duckdb', (python, '-c', 'import duckdb'), cores)
    for size in (rows, 10 * rows):
      path, work = large(size), f'{size} rows, {cores} cores'
      start_up = 'import tensorflow_data_validation'
      yield Command(f'{MAIN}, {size:,} rows', (*run, path), cores, start_up, work)
      summarize = (python, HERE / 'summarize_csv.py', path, str(cores))
      yield Command(f'DuckDB SUMMARIZE, {size:,} rows', summarize, cores, 'import duckdb', work)
      if size == rows or (long and cores == 2):
        words = (python, '-c', TFDV_ALONE, path, '{run}/statistics.tfrecord')
        name = f'tfdv.generate_statistics_from_csv, {size:,} rows'
        yield Command(name, words, cores, start_up, work, once=size > rows)
    if tfx_python and cores == 2:
      yield from _tfx(tfx_python, rows, cores)


def _tfx(python: pathlib.Path, rows: int, cores: int) -> Iterator[Command]:
  script = HERE / 'tfx_pipeline.py'
  start_up = 'TFX: CsvExampleGen, StatisticsGen, SchemaGen, 15,002 rows'
  yield Command(start_up, (python, script, taxi(), '{run}'), cores, once=True)
  yield Command(
    f'TFX: CsvExampleGen, StatisticsGen, SchemaGen, {rows:,} rows',
    (python, script, large(rows), '{run}'),
    cores,
    start_up,
    f'{rows} rows, {cores} cores',
    once=True,
  )


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
  """The Python of an environment with TFX, which a Python 3.10 makes if it is not there.

  Ends the program where `python` is none.
  """
  folder = DATA / 'tfx-1.16'
  if not (folder / 'complete').exists():
    found = subprocess.run(
      [python, '-c', 'import sys; print(*sys.version_info[:2], sep=".")'], capture_output=True, text=True, check=False
    )
    if found.stdout.strip() != '3.10':
      sys.exit(f'--with-tfx: TFX 1.16 needs a Python 3.10, which {python} is not; give the path of one')
    uv = [sys.executable, '-m', 'uv']
    subprocess.run([*uv, 'venv', '--clear', '--python', python, folder], check=True)
    lock = ROOT / 'requirements' / 'tfx-3.10.txt'
    subprocess.run(
      [*uv, 'pip', 'install', '--python', folder / 'bin' / 'python', '--require-hashes', '-r', lock], check=True
    )
    (folder / 'complete').touch()
  return folder / 'bin' / 'python'
