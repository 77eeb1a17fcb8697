"""Examples are written from RecordBatches of any origin: here they are made up.

    python recipes/write_batches.py out

Each batch has a key, a number or a text, from which its shard and its place in it follow; see beam_taxi.ShardBatches.
Keys must not depend on how the pipeline runs: take a file's path, the day that rows are of, or a row group's number.
"""

import argparse

import apache_beam as beam
import pyarrow as pa
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

import beam_taxi

SCHEMA = pa.schema([('number', pa.int64()), ('half', pa.float32()), ('name', pa.binary())])
FORM = beam_taxi.OutputForm(splits=(beam_taxi.Split('train', 3), beam_taxi.Split('eval', 1)))


def batch(number: int) -> tuple[int, pa.RecordBatch]:
  """Batch `number`, with its number for a key: ten rows that could come from anywhere."""
  rows = [{'number': n, 'half': n / 2, 'name': f'row {n}'.encode()} for n in range(10 * number, 10 * number + 10)]
  return number, pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def main(output: str) -> None:
  """Writes the Examples of eight batches, in two shards of each split, to OUTPUT/examples."""
  with beam.Pipeline(runner=FnApiRunner()) as pipeline:
    batches = pipeline | beam.Create(range(8)) | beam.Map(batch)
    encoded = batches | beam_taxi.ShardBatches(SCHEMA, num_shards=2) | beam_taxi.EncodeExamples(FORM)
    _ = encoded | beam_taxi.WriteExamples(beam_taxi.RunFolder(output))


if __name__ == '__main__':
  parser = argparse.ArgumentParser()
  parser.add_argument('output')
  main(**vars(parser.parse_args()))
