"""Rows go through a function of your own between reading and encoding: here a column is added.

    python recipes/change_rows.py 'trips/*.csv' out

What follows the rows - Examples, statistics, schema - has the new column too. Blocks keep their shard and their number,
so the Examples stand where they would without the function.
"""

import dataclasses
import sys

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

import beam_taxi


def with_miles_per_dollar(block: beam_taxi.ShardBlock) -> beam_taxi.ShardBlock:
  """The block with one more column; it is empty where one of the two cells is."""
  rows = block.rows
  ratio = pc.divide(rows['trip_miles'], rows['fare']).cast(pa.float32())
  columns = [*rows.columns, ratio]
  changed = pa.RecordBatch.from_arrays(columns, names=[*rows.schema.names, 'miles_per_dollar'])
  return dataclasses.replace(block, rows=changed)


def main(pattern: str, output: str) -> None:
  """Reads, changes and writes what `pattern` names to OUTPUT/runs/changed."""
  config = beam_taxi.RunConfig((pattern,), output, 'changed')
  folder = beam_taxi.RunFolder.of(output, 'changed')
  with beam.Pipeline(runner=FnApiRunner()) as pipeline:
    blocks = pipeline | beam_taxi.ReadCsv(config) | 'Change' >> beam.Map(with_miles_per_dollar)
    encoded = blocks | beam_taxi.EncodeExamples(config.form)
    _ = encoded['examples'] | beam_taxi.WriteExamples(folder, config.form)

    statistics = []
    for split in config.splits:
      found = encoded[beam_taxi.rows_of(split)] | f'Statistics[{split.name}]' >> beam_taxi.GenerateStatistics()
      _ = found | f'WriteStatistics[{split.name}]' >> beam_taxi.WriteStatistics(folder, split)
      statistics.append(found)
    _ = pipeline | beam_taxi.InferSchema(folder, statistics)


if __name__ == '__main__':
  if len(sys.argv) != 3:
    sys.exit('usage: python recipes/change_rows.py PATTERN OUTPUT')
  main(*sys.argv[1:])
