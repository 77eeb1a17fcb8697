"""The graph, from the input listing to the manifest, readable from top to bottom.

What travels between the steps are blocks - byte ranges, RecordBatches, shard results - and never rows. Two passes are
made over the input: the first finds where records begin and what type each column has over all rows; the second reads
typed records and does everything else with them while they are in memory.
"""

from collections.abc import Mapping

import apache_beam as beam

from beam_taxi.artifacts.manifest import Manifest, RunFolder, Value
from beam_taxi.graph.input_steps import ListInput, read_source
from beam_taxi.graph.output_steps import (
  EncodeExamples,
  ImportSchema,
  Made,
  RecordRun,
  SummarizeInput,
  WriteExamples,
  WriteManifest,
)
from beam_taxi.graph.statistics_steps import GenerateStatisticsOfRun, InferSchema, WriteStatistics
from beam_taxi.graph.validation_steps import ValidateExamples
from beam_taxi.record.resolving import with_absolute_paths, with_record
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

  Raises:
    UserError: the last step should record the run, and there is no store, or none that workers reach.
  """
  config = with_absolute_paths(config)
  if config.record == 'graph':
    config = with_record(config, root.runner, root.options)
  folder = RunFolder.of(config.output, config.run_id)
  made = Made()
  statistics = []
  others = []
  listing = root | 'ListInput' >> ListInput(config, listed=listed)
  # One source or, where the input comes in splits, one a split.
  for number, source in enumerate(config.sources):
    label = f'[{source.splits[0].name}]' if config.input_splits else ''

    quarantine = folder.quarantine_of(source.splits[0].name if config.input_splits else '')
    read = read_source(listing, number, source.input_form, quarantine, label)
    made.add('input', read.known | f'SummarizeInput{label}' >> SummarizeInput(number))
    made.add('quarantine', read.quarantine)
    others.append(read.quarantine)

    encoded = read.blocks | f'EncodeExamples{label}' >> EncodeExamples(source.form)
    made.add('examples', encoded | f'WriteShards{label}' >> WriteExamples(folder))

    generate = GenerateStatisticsOfRun(source.form, source.statistics, folder)
    found, accumulators = encoded | f'GenerateStatistics{label}' >> generate
    statistics.append(found)
    if accumulators:
      made.add('accumulators', accumulators)
      others.append(accumulators)
    made.add('statistics', found | f'WriteStatistics{label}' >> WriteStatistics(folder))

  if config.schema:
    schema = root | 'ImportSchema' >> ImportSchema(config)
  else:
    schema = tuple(statistics) | 'InferSchema' >> InferSchema(folder, config.splits)
  made.add('schema', schema)

  if config.is_judged:
    anomalies, findings = tuple(statistics) | 'ValidateExamples' >> ValidateExamples(config, schema, others)
    made.add('anomalies', anomalies)
    made.add('findings', findings)

  manifest = root | 'WriteManifest' >> WriteManifest(config, made, provenance or {})
  if config.record == 'graph':
    manifest = manifest | 'RecordRun' >> RecordRun(config)
  return manifest
