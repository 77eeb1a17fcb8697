"""Reads a CSV file in one way, once, and prints the seconds and CPU seconds that it took; run.py compares them.

  python benchmarks/read_csv.py {arrow,pass_1,pass_2,graph} FILE WORKERS

pass_1 finds record boundaries and column types, pass_2 decodes to typed RecordBatches; both on a pool of threads. graph
is the part of the Beam graph that does both, on Beam's in-process runner. arrow is pyarrow.csv.read_csv, as users call
it. Imports and, for pass_2, what comes before it are not counted.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from beam_taxi.inputs.column_form import ColumnForm
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.parsing import MIB
from beam_taxi.settings.config import RunConfig


def arrow(path: str, workers: int) -> Callable[[], None]:
  import pyarrow.csv

  def run() -> None:
    # Like the passes it reads quoted newlines right; its blocks are as large as ours.
    pyarrow.csv.read_csv(
      path,
      pyarrow.csv.ReadOptions(use_threads=workers > 1, block_size=4 * MIB),
      pyarrow.csv.ParseOptions(newlines_in_values=True),
    )

  return run


def pass_1(path: str, workers: int) -> Callable[[], None]:
  from beam_taxi.inputs.csv.csv_input import CsvInput
  from beam_taxi.inputs.csv.files import input_files
  from beam_taxi.inputs.csv.scan import scan_range, scan_records, settle
  from beam_taxi.inputs.matching import list_files
  from beam_taxi.inputs.ranges import plan_ranges
  from beam_taxi.inputs.shard_sizes import Sizes

  listed = list_files([path])
  files, plan = input_files(listed, Dialect()), CsvInput(Dialect()).plan(listed, ColumnForm())

  def run() -> None:
    with ThreadPoolExecutor(workers) as pool:
      ranges = plan_ranges(files, Sizes(4 * MIB, 256 * MIB))
      settled = settle(pool.map(lambda part: scan_range(part, plan, 4 * MIB), ranges))
      list(pool.map(lambda records: scan_records(records, plan.layout, 4 * MIB), settled.unsure))

  return run


def pass_2(path: str, workers: int) -> Callable[[], None]:
  from beam_taxi.inputs.csv.csv_input import CsvInput
  from beam_taxi.inputs.csv.decode import decode
  from beam_taxi.inputs.csv.files import input_files
  from beam_taxi.inputs.csv.records import read_records
  from beam_taxi.inputs.csv.scan import scan_range, scan_records, settle
  from beam_taxi.inputs.findings import merge_findings
  from beam_taxi.inputs.matching import list_files
  from beam_taxi.inputs.ranges import RecordRange, plan_ranges
  from beam_taxi.inputs.shard_sizes import Sizes

  listed = list_files([path])
  files, plan = input_files(listed, Dialect()), CsvInput(Dialect()).plan(listed, ColumnForm())
  settled = settle(scan_range(part, plan, 4 * MIB) for part in plan_ranges(files, Sizes(4 * MIB, 256 * MIB)))
  again = [scan_records(records, plan.layout, 4 * MIB) for records in settled.unsure]
  layout = merge_findings([settled.findings, *again]).settle_types(plan.layout)

  def read(records: RecordRange) -> int:
    return sum(decode(block.data, layout).rows.num_rows for block in read_records(records, Dialect(), 4 * MIB))

  def run() -> None:
    with ThreadPoolExecutor(workers) as pool:
      sum(pool.map(read, settled.records))

  return run


def graph(path: str, workers: int) -> Callable[[], None]:
  import apache_beam as beam
  from apache_beam.options.pipeline_options import PipelineOptions

  from beam_taxi.graph.input_steps import read_source
  from beam_taxi.record.resolving import list_sources
  from beam_taxi.runners.options import parse_beam_args

  config = RunConfig(input=(path,), output='unused', run_id='unused')
  runner, _ = parse_beam_args([])
  mode = 'multi_threading' if workers > 1 else 'in_memory'
  options = PipelineOptions([f'--direct_num_workers={workers}', f'--direct_running_mode={mode}'])

  def run() -> None:
    with beam.Pipeline(runner=runner, options=options) as root:
      listing = root | 'Listing' >> beam.Create([list_sources(config)])
      read = read_source(listing, 0, config.input_form, quarantine='')
      read.blocks | 'Drop' >> beam.Filter(lambda block: False)

  return run


def main() -> None:
  what, path, workers = sys.argv[1:]
  import pandas  # noqa: F401 - pyarrow imports it by itself, at its first conversion

  run = {'arrow': arrow, 'pass_1': pass_1, 'pass_2': pass_2, 'graph': graph}[what](path, int(workers))
  began, cpu_began = time.perf_counter(), time.process_time()
  run()
  print(time.perf_counter() - began, time.process_time() - cpu_began)


if __name__ == '__main__':
  main()
