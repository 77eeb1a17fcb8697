"""The graph, from file patterns to the manifest, readable from top to bottom.

What travels between the steps are blocks - byte ranges, RecordBatches, shard results - and never rows. Two passes are
made over the input: the first finds where records begin and what type each column has over all rows; the second reads
typed records and does everything else with them while they are in memory.
"""

import apache_beam as beam

from beam_taxi import beam_workarounds  # noqa: F401 - imported for what it does
from beam_taxi.analysis.statistics import generate_statistics
from beam_taxi.artifacts import Manifest
from beam_taxi.config import RunConfig
from beam_taxi.csv_input.layout import plan_input
from beam_taxi.transforms.reading import MatchFiles, PlanRanges, ReadCsv, ScanRanges
from beam_taxi.transforms.writing import (
  EncodeExamples,
  ImportSchema,
  InferSchema,
  WriteManifest,
  WriteShards,
  WriteStatistics,
  rows_of,
)


def build_graph(root: beam.Pipeline, config: RunConfig) -> beam.PCollection[Manifest]:
  """Adds the whole graph to a pipeline.

  Args:
    root: a pipeline, of any runner.
    config: what to read, what to make of it and where to write it. Its run's folder should be a new one: what is there
      under the same names is replaced.

  Returns:
    One Manifest, which by then is written. A run that has none did not finish.
  """
  files = root | 'MatchFiles' >> MatchFiles(config)
  plan = files | 'ReadHeader' >> beam.Map(plan_input, config.dialect, config.column_types, config.schema)
  ranges = files | 'PlanRanges' >> PlanRanges(config)

  scanned = ranges | 'ScanRanges' >> ScanRanges(config, plan)

  read = scanned.records | 'ReadCsv' >> ReadCsv(config, plan, scanned.findings)
  encoded = read.blocks | 'EncodeExamples' >> EncodeExamples(config)
  shards = encoded['examples'] | 'WriteShards' >> WriteShards(config)

  statistics = {
    split: encoded[rows_of(split)] | f'GenerateStatistics[{split.name}]' >> generate_statistics()
    for split in config.splits
  }
  statistics_files = [
    split_statistics | f'WriteStatistics[{split.name}]' >> WriteStatistics(config, split)
    for split, split_statistics in statistics.items()
  ]
  if config.schema:
    schema = root | 'ImportSchema' >> ImportSchema(config)
  else:
    schema = root | 'InferSchema' >> InferSchema(config, list(statistics.values()))

  return root | 'WriteManifest' >> WriteManifest(
    config, plan, scanned.findings, read.quarantine, shards, statistics_files, schema
  )
