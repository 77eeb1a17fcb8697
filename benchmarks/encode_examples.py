"""Encodes a CSV's rows as tf.Examples, in blocks that are read beforehand, and prints seconds, CPU seconds and MB.

  encode_examples.py ours|tfx_bsl FILE

Both are given the same rows: tfx_bsl's encoder as lists, as it wants them, ours as the flat columns that it is given in
a run. One thread, without imports and without reading.
"""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from beam_taxi.examples.encoding import encode_examples
from beam_taxi.examples.list_columns import to_list_columns
from beam_taxi.inputs.column_form import ColumnForm
from beam_taxi.inputs.csv.csv_input import CsvInput
from beam_taxi.inputs.csv.decode import decode
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.files import input_files
from beam_taxi.inputs.csv.records import read_records
from beam_taxi.inputs.csv.scan import scan_range, settle
from beam_taxi.inputs.matching import list_files
from beam_taxi.inputs.ranges import plan_ranges
from beam_taxi.inputs.shard_sizes import Sizes
from beam_taxi.parsing import MIB


def blocks(path: str) -> list[pa.RecordBatch]:
  """The rows, in the blocks of a run."""
  listed = list_files([path])
  files, plan = input_files(listed, Dialect()), CsvInput(Dialect()).plan(listed, ColumnForm())
  settled = settle(scan_range(part, plan, 4 * MIB) for part in plan_ranges(files, Sizes(4 * MIB, 512 * MIB)))
  layout = settled.findings.settle_types(plan.layout)
  return [
    decode(block.data, layout).rows
    for records in settled.records
    for block in read_records(records, Dialect(), 4 * MIB)
  ]


def ours(rows: Sequence[pa.RecordBatch]) -> Callable[[], int]:
  """Encodes into a buffer a block; how many bytes."""
  return lambda: sum(encode_examples(batch, 'empty').buffers()[2].size for batch in rows)


def tfx_bsl(rows: Sequence[pa.RecordBatch]) -> Callable[[], int]:
  """Encodes into a list of Python's bytes a block, which is what tfx_bsl returns; how many bytes."""
  from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

  encoder = RecordBatchToExamplesEncoder()
  batches = [to_list_columns(batch, 'empty') for batch in rows]
  return lambda: sum(sum(map(len, encoder.encode(batch))) for batch in batches)


def main() -> None:
  what, path = sys.argv[1:]
  encode: Any = {'ours': ours, 'tfx_bsl': tfx_bsl}[what](blocks(path))
  began, cpu_began = time.perf_counter(), time.process_time()
  size = encode()
  print(time.perf_counter() - began, time.process_time() - cpu_began, size / 1e6)


if __name__ == '__main__':
  main()
