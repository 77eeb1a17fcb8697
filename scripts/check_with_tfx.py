"""Runs TFX 1.16 pipelines on what a run recorded, and reports where TFX makes something else of it.

  data/tfx-1.16/bin/python scripts/check_with_tfx.py OUTPUT FOLDER

OUTPUT is the --output of one run of main.py, with its metadata.sqlite. TFX works on a copy of that in FOLDER, which
must not exist. Resolvers look for the run's Examples, statistics and schema, once in a pipeline with the run's pipeline
name and once in another. StatisticsGen reads the Examples that they find, and ExampleValidator compares all statistics
with the schema; of a run that was judged, its anomalies have to be the same. The Python is that of
requirements/tfx-3.10.txt, which `benchmarks/run.py --with-tfx` installs.
"""

import pathlib
import shutil
import sys

import tensorflow_data_validation as tfdv
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import v1 as tfx
from tfx.orchestration import metadata
from tfx.types import channel_utils

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'tests' / 'end_to_end'))
from compare_statistics import differences  # type: ignore[import-not-found]

# The pipeline name of main.py without --pipeline_name.
OURS = 'beam_taxi'

TYPES = tfx.types.standard_artifacts
SPANS = {
  'static': tfx.proto.RangeConfig(static_range=tfx.proto.StaticRange(start_span_number=0, end_span_number=0)),
  'rolling': tfx.proto.RangeConfig(rolling_range=tfx.proto.RollingRange(num_spans=1)),
}


def channel(pipeline_name: str, kind: type, node: str, key: str) -> tfx.dsl.Channel:
  """What a node of our pipeline made, for a Resolver in the pipeline with this name."""
  if pipeline_name == OURS:
    return tfx.dsl.Channel(type=kind, producer_component_id=node, output_key=key)
  return channel_utils.external_pipeline_artifact_query(
    kind, owner='any', pipeline_name=OURS, producer_component_id=node, output_key=key
  )


def pipeline(name: str, folder: pathlib.Path, connection: mlmd_pb2.ConnectionConfig) -> tfx.dsl.Pipeline:
  """Resolvers, and the components that read their outputs."""
  examples = channel(name, TYPES.Examples, 'ExampleGen', 'examples')
  latest = tfx.dsl.Resolver(
    strategy_class=tfx.dsl.experimental.LatestArtifactStrategy,
    examples=examples,
    statistics=channel(name, TYPES.ExampleStatistics, 'StatisticsGen', 'statistics'),
    schema=channel(name, TYPES.Schema, 'SchemaGen', 'schema'),
  ).with_id('latest')
  by_span = [
    tfx.dsl.Resolver(
      strategy_class=tfx.dsl.experimental.SpanRangeStrategy, config={'range_config': span}, examples=examples
    ).with_id(id_)
    for id_, span in SPANS.items()
  ]
  generators = [
    tfx.components.StatisticsGen(examples=resolver.outputs['examples']).with_id(f'StatisticsGen_{resolver.id}')
    for resolver in (latest, *by_span)
  ]
  validators = [
    tfx.components.ExampleValidator(statistics=source.outputs['statistics'], schema=latest.outputs['schema']).with_id(
      f'ExampleValidator_{source.id}'
    )
    for source in (latest, *generators)
  ]
  return tfx.dsl.Pipeline(
    pipeline_name=name,
    pipeline_root=str(folder / name),
    components=[latest, *by_span, *generators, *validators],
    metadata_connection_config=connection,
    beam_pipeline_args=['--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner'],
  )


def described(artifact: mlmd_pb2.Artifact) -> object:
  """What TFX sets of anomalies."""
  blessed = dict(artifact.custom_properties['blessed'].struct_value)
  return blessed, artifact.properties['span'].int_value, artifact.properties['split_names'].string_value


def main() -> None:
  output, folder = (pathlib.Path(argument).absolute() for argument in sys.argv[1:])
  [ours] = output.glob('runs/*/statistics')
  folder.mkdir()
  store = shutil.copy(output / 'metadata.sqlite', folder)
  connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(store))
  for name in (OURS, 'another'):
    tfx.orchestration.LocalDagRunner().run(pipeline(name, folder, connection))

  wrong = []
  with metadata.Metadata(connection) as handle:
    statistics = handle.store.get_artifacts_by_type('ExampleStatistics')
    anomalies = handle.store.get_artifacts_by_type('ExampleAnomalies')
  for artifact in statistics:
    for path in ours.glob('Split-*/FeatureStats.pb'):
      theirs = pathlib.Path(artifact.uri) / path.relative_to(ours)
      found = differences(tfdv.load_stats_binary(str(theirs)), tfdv.load_stats_binary(str(path)))
      wrong += [f'{theirs}: {line}' for line in found]
  # A run that was judged has its own, which are to be the same.
  judged = {artifact.uri: artifact for artifact in anomalies if artifact.uri.startswith(str(output))}
  for artifact in anomalies:
    for path in pathlib.Path(artifact.uri).glob('Split-*/SchemaDiff.pb'):
      found = anomalies_pb2.Anomalies.FromString(path.read_bytes())
      if judged:
        [(uri, own)] = judged.items()
        same = found == anomalies_pb2.Anomalies.FromString(
          (pathlib.Path(uri) / path.relative_to(artifact.uri)).read_bytes()
        )
        same = same and described(artifact) == described(own)
        wrong += [] if same else [f'{path}: not what {uri} has']
      else:
        wrong += [f'{path}: {name}' for name in found.anomaly_info]
  print(f'{len(statistics)} statistics compared, {len(anomalies)} anomalies read, {len(wrong)} wrong', *wrong, sep='\n')
  sys.exit(bool(wrong))


if __name__ == '__main__':
  main()
