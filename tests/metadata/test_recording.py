"""A run in ML Metadata, in stores of every kind, read back with MLMD's own client."""

import contextlib
import dataclasses
import json
import pathlib

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb
from stored import MANIFEST, RUN, rows, rows_of_runs

from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.errors import UserError
from beam_taxi.metadata import recording
from beam_taxi.metadata.recording import (
  RecordedRun,
  record_completion,
  record_failure,
  record_manifest,
  record_properties,
  record_reuse,
  record_start,
)
from beam_taxi.metadata.store import connect

NODES = ('ExampleGen', 'StatisticsGen', 'SchemaGen')
OUTPUTS = {
  'ExampleGen': ('Examples', 'examples'),
  'StatisticsGen': ('ExampleStatistics', 'statistics'),
  'SchemaGen': ('Schema', 'schema'),
}


def execution(store: mlmd.MetadataStore, node: str, run_id: str = 'run-1') -> pb.Execution:
  return store.get_execution_by_type_and_name(f'beam_taxi.{node}', f'{run_id}.{node}')


def states(store: mlmd.MetadataStore) -> list[int]:
  return [execution(store, node).last_known_state for node in NODES]


def record(store: mlmd.MetadataStore, run: RecordedRun = RUN) -> dict[str, int]:
  record_start(store, run, {'runner': 'FnApiRunner'})
  return record_completion(store, run, MANIFEST, {'seconds': 1.5, 'counter.rows': 30})


# TFX's standard artifact types: properties and base type.
TYPES = {
  'Examples': ({'span': pb.INT, 'version': pb.INT, 'split_names': pb.STRING}, pb.ArtifactType.DATASET),
  'ExampleStatistics': ({'span': pb.INT, 'split_names': pb.STRING}, pb.ArtifactType.STATISTICS),
  'Schema': ({}, pb.ArtifactType.UNSET),
  # Not TFX's: it has none for what its CsvExampleGen reads.
  'beam_taxi.CsvInput': (
    {'patterns': pb.STRING, 'files': pb.INT, 'bytes': pb.INT, 'rows': pb.INT, 'fingerprint': pb.STRING},
    pb.ArtifactType.DATASET,
  ),
}


@pytest.mark.parametrize(('name', 'properties', 'base'), [(name, *rest) for name, rest in TYPES.items()], ids=TYPES)
def test_artifact_types_are_those_of_tfx(
  store: mlmd.MetadataStore, name: str, properties: dict[str, int], base: int
) -> None:
  record(store)

  found = store.get_artifact_type(name)
  assert (dict(found.properties), found.base_type) == (properties, base)


def test_executions_are_running_from_the_start(store: mlmd.MetadataStore) -> None:
  record_start(store, RUN, {'runner': 'FnApiRunner', 'answer': 42, 'share': 0.5})

  assert states(store) == [pb.Execution.RUNNING] * 3
  properties = execution(store, 'StatisticsGen').custom_properties
  assert properties['run_id'].string_value == 'run-1'
  assert properties['runner'].string_value == 'FnApiRunner'
  assert properties['answer'].int_value == 42
  assert properties['share'].double_value == 0.5
  assert store.get_artifacts() == []


def test_executions_of_a_finished_run_are_complete_and_keep_what_they_began_with(store: mlmd.MetadataStore) -> None:
  record(store)

  assert states(store) == [pb.Execution.COMPLETE] * 3
  properties = execution(store, 'SchemaGen').custom_properties
  assert properties['runner'].string_value == 'FnApiRunner'
  assert properties['seconds'].double_value == 1.5
  assert properties['counter.rows'].int_value == 30


def test_executions_of_a_failed_run_are_failed_with_the_error(store: mlmd.MetadataStore) -> None:
  record_start(store, RUN, {})
  assert record_failure(store, RUN, 'a.csv: line 3: bad') == 'FAILED'

  assert states(store) == [pb.Execution.FAILED] * 3
  for node in NODES:
    assert execution(store, node).custom_properties['error'].string_value == 'a.csv: line 3: bad'
  assert store.get_artifacts() == []


def test_a_run_can_fail_before_its_start_was_recorded(store: mlmd.MetadataStore) -> None:
  record_failure(store, RUN, 'bad')

  assert states(store) == [pb.Execution.FAILED] * 3


def test_a_failure_does_not_undo_what_is_complete(store: mlmd.MetadataStore) -> None:
  record(store)
  assert record_failure(store, RUN, 'too late') == 'COMPLETE'

  assert states(store) == [pb.Execution.COMPLETE] * 3


def test_artifacts_are_live_at_their_uris_and_found_by_the_ids_that_are_told(store: mlmd.MetadataStore) -> None:
  ids = record(store)

  found = {artifact.id: artifact for artifact in store.get_artifacts()}
  assert {key: found[ids[key]].uri for key in ids} == {
    'examples': '/out/runs/run-1/examples',
    'statistics': '/out/runs/run-1/statistics',
    'schema': '/out/runs/run-1/schema',
    'input': '*.csv',
  }
  assert {artifact.state for artifact in found.values()} == {pb.Artifact.LIVE}
  assert {found[ids[key]].type for key in ids} == set(TYPES)


def test_examples_have_the_properties_that_tfx_reads(store: mlmd.MetadataStore) -> None:
  record(store)

  [examples] = store.get_artifacts_by_type('Examples')
  assert json.loads(examples.properties['split_names'].string_value) == ['train', 'eval']
  assert (examples.properties['span'].int_value, examples.properties['version'].int_value) == (0, 0)
  assert examples.custom_properties['file_format'].string_value == 'tfrecords_gzip'
  assert examples.custom_properties['payload_format'].string_value == 'FORMAT_TF_EXAMPLE'
  assert examples.custom_properties['input_fingerprint'].string_value == 'sha256-sum:ab'
  assert examples.custom_properties['records.train'].int_value == 20


def test_parquet_is_recorded_by_the_names_that_tfx_knows(store: mlmd.MetadataStore) -> None:
  record_start(store, RUN, {})
  record_completion(store, RUN, dataclasses.replace(MANIFEST, output_format='parquet'), {})

  [examples] = store.get_artifacts_by_type('Examples')
  assert examples.custom_properties['file_format'].string_value == 'FILE_FORMAT_PARQUET'
  assert examples.custom_properties['payload_format'].string_value == 'FORMAT_PARQUET'


def test_a_run_belongs_to_its_pipeline_and_each_execution_to_its_node(store: mlmd.MetadataStore) -> None:
  record(store)

  for node in NODES:
    contexts = store.get_contexts_by_execution(execution(store, node).id)
    assert {(context.type, context.name) for context in contexts} == {
      ('pipeline', 'taxi'),
      ('pipeline_run', 'run-1'),
      ('node', f'taxi.{node}'),
    }
  run = store.get_context_by_type_and_name('pipeline_run', 'run-1')
  [parent] = store.get_parent_contexts_by_context(run.id)
  assert (parent.type, parent.name) == ('pipeline', 'taxi')


def test_each_artifact_is_attributed_to_the_contexts_of_the_node_that_made_it(store: mlmd.MetadataStore) -> None:
  record(store)

  for node, (kind, _) in OUTPUTS.items():
    [artifact] = store.get_artifacts_by_type(kind)
    names = {context.name for context in store.get_contexts_by_artifact(artifact.id)}
    assert {'taxi', 'run-1', f'taxi.{node}'} <= names


def test_each_node_reads_what_the_one_before_it_made(store: mlmd.MetadataStore) -> None:
  ids = record(store)

  events = store.get_events_by_execution_ids([execution(store, node).id for node in NODES])
  nodes = {execution(store, node).id: node for node in NODES}
  assert {(nodes[event.execution_id], event.type, event.artifact_id) for event in events} == {
    ('ExampleGen', pb.Event.INPUT, ids['input']),
    ('ExampleGen', pb.Event.OUTPUT, ids['examples']),
    ('StatisticsGen', pb.Event.INPUT, ids['examples']),
    ('StatisticsGen', pb.Event.OUTPUT, ids['statistics']),
    ('SchemaGen', pb.Event.INPUT, ids['statistics']),
    ('SchemaGen', pb.Event.OUTPUT, ids['schema']),
  }


def test_events_carry_the_output_key_and_index_0(store: mlmd.MetadataStore) -> None:
  ids = record(store)
  keys = {artifact: key for key, artifact in ids.items()}

  for event in store.get_events_by_artifact_ids(list(keys)):
    key, index = event.path.steps
    assert (key.key, index.WhichOneof('value'), index.index) == (keys[event.artifact_id], 'index', 0)


def test_recording_the_start_twice_adds_nothing(store: mlmd.MetadataStore) -> None:
  record_start(store, RUN, {'runner': 'a'})
  before = rows(store)

  record_start(store, RUN, {'runner': 'a'})

  assert rows(store) == before


def test_a_failed_run_that_begins_again_is_running_and_has_nothing_of_its_failure(store: mlmd.MetadataStore) -> None:
  record_start(store, RUN, {'input': 'bad.csv', 'once': 'only'})
  record_failure(store, RUN, 'bad')

  record_start(store, RUN, {'input': 'good.csv'})

  assert states(store) == [pb.Execution.RUNNING] * 3
  properties = execution(store, 'ExampleGen').custom_properties
  assert {name: properties[name].string_value for name in properties} == {
    'run_id': RUN.run_id,
    'pipeline_name': RUN.pipeline_name,
    'folder': RUN.folder.uri,
    'input': 'good.csv',
  }


@pytest.mark.parametrize(
  'other',
  [
    RUN,
    dataclasses.replace(RUN, folder=RunFolder.of('/elsewhere', 'run-1')),
    dataclasses.replace(RUN, pipeline_name='b'),
  ],
  ids=['same', 'other_folder', 'other_pipeline'],
)
def test_the_id_of_a_complete_run_is_not_taken_again(store: mlmd.MetadataStore, other: RecordedRun) -> None:
  record(store)
  before = rows(store)

  with pytest.raises(UserError, match='the store has this run already, in /out/runs/run-1'):
    record_start(store, other, {})

  assert rows(store) == before
  assert states(store) == [pb.Execution.COMPLETE] * 3


def test_the_id_of_a_run_in_another_folder_is_not_taken(store: mlmd.MetadataStore) -> None:
  record_start(store, RUN, {})

  with pytest.raises(UserError, match='the store has this run already, in /out/runs/run-1'):
    record_start(store, dataclasses.replace(RUN, folder=RunFolder.of('/elsewhere', 'run-1')), {})


def test_recording_a_finished_run_twice_changes_nothing(store: mlmd.MetadataStore) -> None:
  ids = record(store)
  before = rows(store)

  assert record_completion(store, RUN, MANIFEST, {'seconds': 1.5, 'counter.rows': 30}) == ids
  assert rows(store) == before


def test_a_finished_run_has_as_many_rows_as_its_nodes_need(store: mlmd.MetadataStore) -> None:
  record(store)

  found = rows(store)
  counts = rows_of_runs(1)
  assert {table: found[table] for table in counts} == counts


@pytest.mark.parametrize('nodes', [0, 1, 2, 3])
def test_recording_goes_on_where_a_crash_between_nodes_ended_it(
  store: mlmd.MetadataStore, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, nodes: int
) -> None:
  undisturbed = connect(f'sqlite:///{tmp_path}/undisturbed.sqlite')
  expected = record(undisturbed)
  record_start(store, RUN, {'runner': 'FnApiRunner'})
  put, left = recording.put_step, iter(range(nodes))

  def put_until_the_crash(*args: object) -> object:
    if next(left, None) is None:
      raise KeyboardInterrupt
    return put(*args)

  with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
    patch.setattr(recording, 'put_step', put_until_the_crash)
    record_completion(store, RUN, MANIFEST, {'seconds': 1.5, 'counter.rows': 30})
  assert states(store).count(pb.Execution.COMPLETE) == nodes

  ids = record_completion(store, RUN, MANIFEST, {'seconds': 1.5, 'counter.rows': 30})

  assert rows(store) == rows(undisturbed)
  assert ids == expected
  assert states(store) == [pb.Execution.COMPLETE] * 3


def test_two_runs_of_a_pipeline_share_its_context_and_input_and_nothing_else(
  store: mlmd.MetadataStore,
) -> None:
  first = record(store)
  second = record(store, dataclasses.replace(RUN, run_id='run-2', folder=RunFolder.of('/out', 'run-2')))

  # They read the same, and made each their own.
  assert set(first.values()) & set(second.values()) == {first['input']}
  pipeline = store.get_context_by_type_and_name('pipeline', 'taxi')
  runs = store.get_children_contexts_by_context(pipeline.id)
  assert {context.name for context in runs} == {'run-1', 'run-2'}
  # The pipeline, its three nodes and two runs.
  assert rows(store)['Context'] == 6


def test_an_interrupted_run_is_complete_once_its_end_is_recorded(store: mlmd.MetadataStore) -> None:
  record_failure(store, RUN, 'bad')
  record_completion(store, RUN, MANIFEST, {})

  assert states(store) == [pb.Execution.COMPLETE] * 3


OTHER_RELEASES = {
  'fewer': {'split_names': pb.STRING},
  'more': {'span': pb.INT, 'version': pb.INT, 'split_names': pb.STRING, 'of_another_release': pb.STRING},
}


@pytest.mark.parametrize('properties', OTHER_RELEASES.values(), ids=OTHER_RELEASES)
def test_a_type_that_another_tfx_registered_is_used_and_keeps_its_properties(
  store: mlmd.MetadataStore, properties: dict[str, int]
) -> None:
  type_id = store.put_artifact_type(
    pb.ArtifactType(name='Examples', properties=properties, base_type=pb.ArtifactType.DATASET)
  )

  record(store)

  [examples] = store.get_artifacts_by_type('Examples')
  assert examples.type_id == type_id
  assert set(store.get_artifact_type('Examples').properties) == {'span', 'version', 'split_names', *properties}


def test_the_input_is_an_artifact_that_says_what_was_read(store: mlmd.MetadataStore) -> None:
  record(store)

  [source] = store.get_artifacts_by_type('beam_taxi.CsvInput')
  assert json.loads(source.properties['patterns'].string_value) == ['*.csv']
  counts = {name: source.properties[name].int_value for name in ('files', 'bytes', 'rows')}
  assert counts == {'files': 1, 'bytes': 1000, 'rows': 30}
  assert source.properties['fingerprint'].string_value == 'sha256-sum:ab'


def test_a_run_keeps_how_it_was_begun_and_what_it_came_to(store: mlmd.MetadataStore) -> None:
  begun = dataclasses.replace(MANIFEST, provenance={'git_commit': 'abc'}, bad_rows={'wrong_type': 2}, cache_key='k')
  record_start(store, RUN, {})
  record_completion(store, RUN, begun, {})

  properties = execution(store, 'SchemaGen').custom_properties
  assert {name: properties[name].string_value for name in ('git_commit', 'cache_key', 'version.x')} == {
    'git_commit': 'abc',
    'cache_key': 'k',
    'version.x': '1.2',
  }
  counts = ('rows', 'bytes', 'files', 'bad_rows', 'bad_rows.wrong_type', 'records.train')
  assert [properties[name].int_value for name in counts] == [30, 1000, 1, 2, 2, 20]


def test_tfx_finds_the_layout_that_it_knows(store: mlmd.MetadataStore) -> None:
  record(store)

  for kind in ('Examples', 'ExampleStatistics', 'Schema'):
    [artifact] = store.get_artifacts_by_type(kind)
    # Without it TFX looks for a split in NAME, and not in Split-NAME.
    assert artifact.custom_properties['tfx_version'].string_value == '1.21.0'
    assert artifact.custom_properties['name'].string_value == artifact.name


def test_a_canceled_run_is_canceled(store: mlmd.MetadataStore) -> None:
  record_start(store, RUN, {})
  assert record_failure(store, RUN, 'interrupted by Ctrl-C', canceled=True) == 'CANCELED'

  assert states(store) == [pb.Execution.CANCELED] * 3


def test_what_becomes_known_of_a_run_is_added_to_it_while_it_runs(store: mlmd.MetadataStore) -> None:
  record_start(store, RUN, {'runner': 'DataflowRunner'})
  record_properties(store, RUN, {'job_id': '2026-01'})

  properties = execution(store, 'ExampleGen').custom_properties
  assert (properties['runner'].string_value, properties['job_id'].string_value) == ('DataflowRunner', '2026-01')
  assert states(store) == [pb.Execution.RUNNING] * 3


def test_a_finished_run_is_recorded_from_its_manifest_alone(store: mlmd.MetadataStore, store_uri: str) -> None:
  finished = dataclasses.replace(MANIFEST, provenance={'started': 100.0, 'runner': 'DataflowRunner'}, finished=102.5)

  ids = record_manifest(store_uri, finished, RUN.folder)

  assert record_manifest(store_uri, finished, RUN.folder) == ids
  assert states(store) == [pb.Execution.COMPLETE] * 3
  properties = execution(store, 'SchemaGen').custom_properties
  assert (properties['seconds'].double_value, properties['runner'].string_value) == (2.5, 'DataflowRunner')


def test_a_run_that_takes_what_another_made_is_cached_with_the_same_inputs_and_outputs(
  store: mlmd.MetadataStore,
) -> None:
  made = record(store)
  reusing = RecordedRun('run-2', 'other', RunFolder.of('/out', 'run-2'))
  record_start(store, reusing, {})
  before = rows(store)['Artifact']

  assert record_reuse(store, reusing, MANIFEST, {'seconds': 0.5}) == made
  again = rows(store)
  assert record_reuse(store, reusing, MANIFEST, {'seconds': 0.5}) == made
  assert rows(store) == again
  assert again['Artifact'] == before
  for node in NODES:
    found = execution(store, node, 'run-2')
    assert found.last_known_state == pb.Execution.CACHED
    assert found.custom_properties['cached_from'].string_value == 'run-1'
  events = store.get_events_by_execution_ids([execution(store, node, 'run-2').id for node in NODES])
  assert {event.artifact_id for event in events} == set(made.values())


def test_a_run_takes_nothing_where_the_store_has_lost_a_part_of_it(store: mlmd.MetadataStore) -> None:
  without_schema = {key: files for key, files in MANIFEST.artifacts.items() if key != 'schema'}
  record_completion(store, RUN, dataclasses.replace(MANIFEST, artifacts=without_schema), {})
  reusing = RecordedRun('run-2', 'taxi', RunFolder.of('/out', 'run-2'))
  record_start(store, reusing, {})

  with pytest.raises(UserError, match='the store has lost what run-1 recorded'):
    record_reuse(store, reusing, MANIFEST, {})
  assert [execution(store, node, 'run-2').last_known_state for node in NODES] == [pb.Execution.RUNNING] * 3


def test_a_run_that_takes_what_another_made_is_not_failed_later(store: mlmd.MetadataStore) -> None:
  record(store)
  reusing = RecordedRun('run-2', 'taxi', RunFolder.of('/out', 'run-2'))
  record_reuse(store, reusing, MANIFEST, {})

  assert record_failure(store, reusing, 'too late') == 'CACHED'
  assert execution(store, 'SchemaGen', 'run-2').last_known_state == pb.Execution.CACHED
