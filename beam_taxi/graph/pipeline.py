"""The graph, from the input listing to the manifest, readable from top to bottom.

What travels between the steps are blocks - byte ranges, RecordBatches, shard results - and never rows. Two passes are
made over the input: the first finds where records begin and what type each column has over all rows; the second reads
typed records and does everything else with them while they are in memory.
"""

from collections.abc import Mapping

import apache_beam as beam

from beam_taxi.artifacts.manifest import Manifest, RunFolder, Value
from beam_taxi.graph.input_steps import ListInput, PlanInput, PlanRanges, ReadShards, ScanRanges
from beam_taxi.graph.output_steps import (
  EncodeExamples,
  GenerateStatistics,
  ImportSchema,
  InferSchema,
  Made,
  RecordRun,
  SummarizeInput,
  WriteExamples,
  WriteManifest,
  WriteStatistics,
  rows_of,
)
from beam_taxi.runners import workarounds as beam_workarounds  # noqa: F401 - imported for what it does
from beam_taxi.settings.config import RunConfig


def build_graph(
  root: beam.Pipeline, config: RunConfig, provenance: Mapping[str, Value] | None = None, *, listed: bool = False
) -> beam.PCollection[Manifest]:
  """Adds the whole graph to a pipeline.

  Args:
    root: a pipeline, of any runner.
    config: what to read, what to make of it and where to write it. Its run's folder should be a new one: what is there
      under the same names is replaced. With `record='graph'` the last step also records the run in `metadata`.
    provenance: how the run is begun, kept in the manifest.
    listed: whether the run's folder has the listing of its input already; else the first step writes it.

  Returns:
    One Manifest, which by then is written. A run that has none did not finish.
  """
  folder = RunFolder.of(config.output, config.run_id)
  made = Made()
  statistics = []
  listing = root | 'ListInput' >> ListInput(config, listed=listed)
  # One source or, where the input comes in splits, one a split.
  for number, source in enumerate(config.sources):
    label = f'[{source.splits[0].name}]' if config.input_splits else ''

    plan = listing | f'PlanInput{label}' >> PlanInput(source, number)
    ranges = listing | f'PlanRanges{label}' >> PlanRanges(source, number)

    scanned = ranges | f'ScanRanges{label}' >> ScanRanges(source, plan)
    made.inputs.append(scanned.findings | f'SummarizeInput{label}' >> SummarizeInput(plan))

    read = scanned.records | f'ReadCsv{label}' >> ReadShards(source, plan, scanned.findings)
    encoded = read.blocks | f'EncodeExamples{label}' >> EncodeExamples(source.form)
    made.add('quarantine', read.quarantine)
    made.add('examples', encoded['examples'] | f'WriteShards{label}' >> WriteExamples(folder, source.form))

    for split in source.splits:
      found = encoded[rows_of(split)] | f'GenerateStatistics[{split.name}]' >> GenerateStatistics()
      statistics.append(found)
      made.add('statistics', found | f'WriteStatistics[{split.name}]' >> WriteStatistics(folder, split))

  if config.schema:
    schema = root | 'ImportSchema' >> ImportSchema(config)
  else:
    schema = root | 'InferSchema' >> InferSchema(folder, statistics)
  made.add('schema', schema)

  manifest = root | 'WriteManifest' >> WriteManifest(config, made, provenance or {})
  if config.record == 'graph':
    manifest = manifest | 'RecordRun' >> RecordRun(config)
  return manifest
