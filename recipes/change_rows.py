"""Rows go through a function of your own between reading and encoding: here a column is added.

    python recipes/change_rows.py 'trips/*.csv' out

What follows the rows - Examples, statistics, schema - has the new column too. Blocks keep their shard and their number,
so the Examples stand where they would without the function.
"""

import argparse
import dataclasses
import logging

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

import beam_taxi


def with_miles_per_dollar(block: beam_taxi.ShardBlock) -> beam_taxi.ShardBlock:
  """The block with one more column, which is empty where one of the two cells is, or the fare is 0."""
  rows = block.rows
  miles, fare = (rows[name].cast(pa.float32()) for name in ('trip_miles', 'fare'))
  ratio = pc.divide(miles, pc.if_else(pc.greater(fare, 0), fare, None))
  changed = pa.RecordBatch.from_arrays([*rows.columns, ratio], names=[*rows.schema.names, 'miles_per_dollar'])
  return dataclasses.replace(block, rows=changed)


def main(pattern: str, output: str) -> None:
  """Reads, changes and writes what `pattern` names to the folder `output`."""
  form = beam_taxi.OutputForm()
  folder = beam_taxi.RunFolder(output)
  with beam.Pipeline(runner=FnApiRunner()) as pipeline:
    trips = pipeline | beam_taxi.ReadCsv(pattern)
    encoded = trips.blocks | beam.Map(with_miles_per_dollar) | beam_taxi.EncodeExamples(form)
    _ = encoded | beam_taxi.WriteExamples(folder)

    statistics = encoded | beam_taxi.GenerateStatistics(form)
    _ = statistics | beam_taxi.WriteStatistics(folder)
    _ = statistics | beam_taxi.InferSchema(folder, form.splits)


if __name__ == '__main__':
  parser = argparse.ArgumentParser()
  parser.add_argument('pattern')
  parser.add_argument('output')
  logging.getLogger('apache_beam').setLevel(logging.CRITICAL)  # Beam would show a traceback of what it raises.
  try:
    main(**vars(parser.parse_args()))
  except Exception as error:
    if not (wrong := beam_taxi.user_error_in(error)):
      raise
    parser.exit(2, f'error: {wrong}\n')
