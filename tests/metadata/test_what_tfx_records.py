"""What TFX records, in the same store or in its own, against what a run records.

The types are those that TFX 1.16.0 registers, read from stores that it wrote with CsvExampleGen, StatisticsGen,
SchemaGen, ExampleValidator and Resolver. TFX 1.21.0 has the same code (tfx/types/standard_artifacts.py,
tfx/orchestration/metadata.py).
"""

import dataclasses
from collections.abc import Mapping

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb
from stored import MANIFEST, RUN
from test_recording import NODES, execution, record

from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.metadata.recording import record_completion

Type = pb.ArtifactType | pb.ExecutionType | pb.ContextType

STRINGS_OF_EACH_EXECUTION = ('component_id', 'pipeline_name', 'pipeline_root', 'run_id', 'state')


def artifact(name: str, base: int = pb.ArtifactType.UNSET, **properties: int) -> pb.ArtifactType:
  kind = pb.ArtifactType(name=name, properties=properties)
  if base:
    kind.base_type = base
  return kind


ARTIFACTS = (
  artifact('Examples', pb.ArtifactType.DATASET, span=pb.INT, version=pb.INT, split_names=pb.STRING),
  artifact('ExampleStatistics', pb.ArtifactType.STATISTICS, span=pb.INT, split_names=pb.STRING),
  artifact('Schema'),
  artifact('ExampleAnomalies', span=pb.INT, split_names=pb.STRING),
)
TYPES: dict[str, tuple[Type, ...]] = {
  'LocalDagRunner': (
    *ARTIFACTS,
    pb.ExecutionType(name='tfx.components.example_gen.csv_example_gen.component.CsvExampleGen'),
    pb.ExecutionType(name='tfx.components.statistics_gen.component.StatisticsGen', base_type=pb.ExecutionType.PROCESS),
    pb.ExecutionType(name='tfx.dsl.components.common.resolver.Resolver'),
    pb.ContextType(name='pipeline'),
    pb.ContextType(name='pipeline_run'),
    pb.ContextType(name='node'),
    pb.ContextType(name='execution_cache'),
  ),
  'InteractiveContext': (
    *ARTIFACTS,
    pb.ExecutionType(
      name='tfx.components.statistics_gen.component.StatisticsGen',
      properties=dict.fromkeys((*STRINGS_OF_EACH_EXECUTION, 'exclude_splits', 'stats_options_json'), pb.STRING),
    ),
    pb.ContextType(name='pipeline', properties={'pipeline_name': pb.STRING}),
    pb.ContextType(name='run', properties={'pipeline_name': pb.STRING, 'run_id': pb.STRING}),
    pb.ContextType(
      name='component_run',
      properties={'pipeline_name': pb.STRING, 'run_id': pb.STRING, 'component_id': pb.STRING},
    ),
  ),
}


def register(store: mlmd.MetadataStore, kind: Type) -> int:
  """Registers a type as TFX does (tfx/orchestration/portable/mlmd/common_utils.py)."""
  name = {pb.ArtifactType: 'artifact', pb.ExecutionType: 'execution', pb.ContextType: 'context'}[type(kind)]
  return getattr(store, f'put_{name}_type')(kind, can_add_fields=True, can_omit_fields=True)


def types(store: mlmd.MetadataStore) -> dict[tuple[type[Type], str], Type]:
  """All types that are registered, without their ids."""
  found = {}
  for kind in (*store.get_artifact_types(), *store.get_execution_types(), *store.get_context_types()):
    kind.ClearField('id')
    found[type(kind), kind.name] = kind
  return found


@pytest.fixture(params=TYPES.values(), ids=TYPES)
def types_of_tfx(request: pytest.FixtureRequest) -> tuple[Type, ...]:
  return request.param


def test_a_run_is_recorded_where_tfx_has_been(store: mlmd.MetadataStore, types_of_tfx: tuple[Type, ...]) -> None:
  ids = [register(store, kind) for kind in types_of_tfx]

  record(store)

  assert [execution(store, node).last_known_state for node in NODES] == [pb.Execution.COMPLETE] * 3
  found = types(store)
  assert [found[type(kind), kind.name] for kind in types_of_tfx] == list(types_of_tfx)
  assert [register(store, kind) for kind in types_of_tfx] == ids


@pytest.mark.parametrize('name', ['Examples', 'ExampleStatistics', 'Schema', 'pipeline', 'pipeline_run', 'node'])
def test_tfx_finds_its_types_as_it_declares_them_where_a_run_has_been(store: mlmd.MetadataStore, name: str) -> None:
  record(store)

  [declared] = [kind for kind in TYPES['LocalDagRunner'] if kind.name == name]
  assert types(store)[type(declared), name] == declared


def test_a_run_and_tfx_take_turns(store: mlmd.MetadataStore, types_of_tfx: tuple[Type, ...]) -> None:
  record(store)
  ids = [register(store, kind) for kind in types_of_tfx]

  second = dataclasses.replace(RUN, run_id='run-2', folder=RunFolder.of('/out', 'run-2'))
  record_completion(store, second, dataclasses.replace(MANIFEST, run_id='run-2'), {})

  states = [execution(store, node, 'run-2').last_known_state for node in NODES]
  assert states == [pb.Execution.COMPLETE] * 3
  assert [register(store, kind) for kind in types_of_tfx] == ids
  pipeline = store.get_context_by_type_and_name('pipeline', 'taxi')
  assert len(store.get_children_contexts_by_context(pipeline.id)) == 2


# What TFX 1.16.0 records of each artifact that its CsvExampleGen, StatisticsGen and SchemaGen make, by the field of
# MLMD's Value; read from the store that benchmarks/tfx_pipeline.py writes. They are set in tfx/components/example_gen/
# {driver,base_example_gen_executor}.py, tfx/components/statistics_gen/executor.py and tfx/orchestration/portable/
# {outputs_utils,merge_utils}.py (tfx_version, is_external), which are the same in TFX 1.21.0.
PROPERTIES = {
  'Examples': {'split_names': 'string_value'},
  'ExampleStatistics': {'split_names': 'string_value', 'span': 'int_value'},
  'Schema': {},
}
OF_EACH_ARTIFACT = {'tfx_version': 'string_value', 'is_external': 'int_value'}
CUSTOM_PROPERTIES = {
  'Examples': {
    'span': 'int_value',
    'input_fingerprint': 'string_value',
    'file_format': 'string_value',
    'payload_format': 'string_value',
    **OF_EACH_ARTIFACT,
  },
  'ExampleStatistics': {
    'sample_rate_by_split': 'struct_value',
    'stats_dashboard_link': 'string_value',
    **OF_EACH_ARTIFACT,
  },
  'Schema': OF_EACH_ARTIFACT,
}
# What a run records besides: the values that TFX reads where its own artifacts have none, ...
MORE_PROPERTIES = {'Examples': {'span', 'version'}}
# ... those that tfx/types/artifact.py reads of any artifact, ...
OF_ANY_ARTIFACT = {'name', 'producer_component', 'pipeline_name'}
# ... a span that SpanRangeStrategy finds, and counts.
MORE_CUSTOM_PROPERTIES = {
  'Examples': {'rows', 'records.train', 'records.eval'},
  'ExampleStatistics': {'span'},
}


def fields(properties: Mapping[str, pb.Value]) -> dict[str, str | None]:
  return {name: properties[name].WhichOneof('value') for name in properties}


@pytest.mark.parametrize('kind', PROPERTIES)
def test_artifacts_have_the_properties_that_tfx_records(store: mlmd.MetadataStore, kind: str) -> None:
  record(store)

  [found] = store.get_artifacts_by_type(kind)
  properties, custom = fields(found.properties), fields(found.custom_properties)
  assert properties | PROPERTIES[kind] == properties
  assert custom | CUSTOM_PROPERTIES[kind] == custom
  assert properties.keys() - PROPERTIES[kind].keys() == MORE_PROPERTIES.get(kind, set())
  more = custom.keys() - CUSTOM_PROPERTIES[kind].keys()
  assert more == OF_ANY_ARTIFACT | MORE_CUSTOM_PROPERTIES.get(kind, set())


def test_statistics_say_as_tfx_does_that_they_are_of_all_examples(store: mlmd.MetadataStore) -> None:
  record(store)

  [statistics] = store.get_artifacts_by_type('ExampleStatistics')
  custom = statistics.custom_properties
  # Artifact.get_json_value_custom_property reads '__value__'.
  assert custom['sample_rate_by_split'].struct_value['__value__'] == '{"eval": 1.0, "train": 1.0}'
  assert custom['stats_dashboard_link'].string_value == ''
  assert custom['is_external'].int_value == 0


# Of each execution of CsvExampleGen, StatisticsGen and SchemaGen in TFX 1.16.0: event, key, index.
EVENTS = {
  'ExampleGen': {(pb.Event.OUTPUT, 'examples', 0)},
  'StatisticsGen': {(pb.Event.INPUT, 'examples', 0), (pb.Event.OUTPUT, 'statistics', 0)},
  'SchemaGen': {(pb.Event.INPUT, 'statistics', 0), (pb.Event.OUTPUT, 'schema', 0)},
}


@pytest.mark.parametrize('node', EVENTS)
def test_events_have_the_paths_that_tfx_records(store: mlmd.MetadataStore, node: str) -> None:
  record(store)

  found = store.get_events_by_execution_ids([execution(store, node).id])
  paths = {(event.type, *(getattr(step, step.WhichOneof('value')) for step in event.path.steps)) for event in found}
  # TFX has no artifact for the CSV.
  assert paths - {(pb.Event.INPUT, 'input', 0)} == EVENTS[node]
