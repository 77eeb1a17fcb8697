"""What is read of a store: of our runs and of TFX's."""

import pathlib

import ml_metadata as mlmd
import pytest
import site_stores as stores
from ml_metadata.proto import metadata_store_pb2 as pb

from beam_taxi.metadata.lineage import ARTIFACT, EXECUTION, lineage_of
from beam_taxi.show.site.store_contents import Records, read_records


def read(store: mlmd.MetadataStore) -> Records:
  return read_records(store, 'sqlite:///x')


def test_runs_are_in_their_pipelines_the_newest_first(site_store: mlmd.MetadataStore, tmp_path: pathlib.Path) -> None:
  for number, (name, pipeline) in enumerate([('one', 'a'), ('two', 'b'), ('three', 'a')]):
    stores.complete(site_store, stores.run_of(tmp_path, name, pipeline), number=number)

  records = read(site_store)

  assert [record.run.run_id for record in records.runs] == ['three', 'two', 'one']
  found = {name: [record.run.run_id for record in runs] for name, runs in records.pipelines.items()}
  assert found == {'a': ['three', 'one'], 'b': ['two']}


def test_of_runs_that_began_at_once_the_one_that_was_recorded_last_is_newer(
  site_store: mlmd.MetadataStore, tmp_path: pathlib.Path
) -> None:
  for name in ('one', 'two'):
    stores.complete(site_store, stores.run_of(tmp_path, name))

  assert [record.run.run_id for record in read(site_store).runs] == ['two', 'one']


def test_our_runs_say_what_they_are(site_store: mlmd.MetadataStore, tmp_path: pathlib.Path) -> None:
  stores.complete(site_store, stores.run_of(tmp_path, 'good'))
  stores.fail(site_store, stores.run_of(tmp_path, 'bad'), 'trips.csv: is empty', 1)
  stores.fail(site_store, stores.run_of(tmp_path, 'left'), 'interrupted', 2, canceled=True)
  stores.reuse(site_store, stores.run_of(tmp_path, 'again'), stores.run_of(tmp_path, 'good'), 3)

  found = {record.run.run_id: record for record in read(site_store).runs}

  states = {name: record.run.state for name, record in found.items()}
  assert states == {'good': 'COMPLETE', 'bad': 'FAILED', 'left': 'CANCELED', 'again': 'CACHED'}
  good = found['good']
  assert (good.run.rows, good.run.seconds, good.run.folder) == (30, 3.5, f'{tmp_path}/runs/good')
  assert [execution.step for execution in good.executions] == ['ExampleGen', 'StatisticsGen', 'SchemaGen']
  assert found['bad'].run.properties['error'] == 'trips.csv: is empty'


def test_what_a_run_took_from_a_cache_was_made_by_another(
  site_store: mlmd.MetadataStore, tmp_path: pathlib.Path
) -> None:
  ids = stores.complete(site_store, stores.run_of(tmp_path, 'good'))
  stores.reuse(site_store, stores.run_of(tmp_path, 'again'), stores.run_of(tmp_path, 'good'), 1)

  records = read(site_store)

  [edge] = records.makers[ids['examples']]
  assert records.executions[edge.execution].run == ('pipeline_run', 'good')
  assert records.outputs_of(records.runs[0]) == {
    ids['examples']: 'examples',
    ids['statistics']: 'statistics',
    ids['schema']: 'schema',
  }


def test_a_run_of_tfx_is_told_of_by_its_executions(site_store: mlmd.MetadataStore, tmp_path: pathlib.Path) -> None:
  stores.tfx_run(site_store, tmp_path, '2026-01-01T12:00:00.5')

  [record] = read(site_store).runs

  assert (record.run.run_id, record.run.pipeline_name, record.run.state) == (
    '2026-01-01T12:00:00.5',
    'peer',
    'COMPLETE',
  )
  assert [execution.step for execution in record.executions] == ['CsvExampleGen', 'StatisticsGen']
  assert record.run.rows is None
  assert record.run.seconds is not None
  assert record.run.seconds >= 0
  assert record.executions[0].properties == {'exclude_splits': '[]'}


def test_a_step_of_tfx_has_its_own_name_where_its_type_is_anothers_too(site_store: mlmd.MetadataStore) -> None:
  run = stores.TfxRun(site_store, 'r')
  run.step('latest_model', 'tfx.dsl.components.common.resolver.Resolver')

  [record] = read(site_store).runs

  assert record.executions[0].step == 'latest_model'


def test_runs_of_an_interactive_context_are_runs(site_store: mlmd.MetadataStore) -> None:
  strings = {'pipeline_name': pb.STRING, 'run_id': pb.STRING}
  names = {'pipeline_name': 'notebook', 'run_id': '2026-01-01'}
  contexts = []
  for kind, name, extra in (
    ('pipeline', 'notebook', {}),
    ('run', 'notebook.2026-01-01', {}),
    ('component_run', 'notebook.2026-01-01.StatisticsGen', {'component_id': 'StatisticsGen'}),
  ):
    type_id = site_store.put_context_type(pb.ContextType(name=kind, properties={**strings, 'component_id': pb.STRING}))
    contexts.append(pb.Context(type_id=type_id, name=name, properties=stores.values({**names, **extra})))
  type_id = site_store.put_execution_type(
    pb.ExecutionType(name='tfx.components.statistics_gen.component.StatisticsGen')
  )
  execution = pb.Execution(type_id=type_id, last_known_state=pb.Execution.COMPLETE)
  site_store.put_execution(execution, [], contexts)

  [record] = read(site_store).runs

  assert (record.run.run_id, record.run.pipeline_name, record.run.state) == ('2026-01-01', 'notebook', 'COMPLETE')
  assert [execution.step for execution in record.executions] == ['StatisticsGen']


def test_a_run_without_executions_is_there(site_store: mlmd.MetadataStore) -> None:
  type_id = site_store.put_context_type(pb.ContextType(name='pipeline_run'))
  site_store.put_contexts([pb.Context(type_id=type_id, name='empty')])

  [record] = read(site_store).runs

  assert (record.run.run_id, record.run.state, record.run.seconds) == ('empty', 'UNKNOWN', None)


def test_an_execution_of_no_run_is_in_lineages_and_in_no_run(site_store: mlmd.MetadataStore) -> None:
  type_id = site_store.put_execution_type(pb.ExecutionType(name='by.Hand'))
  site_store.put_executions([pb.Execution(type_id=type_id)])

  records = read(site_store)

  assert records.runs == []
  [execution] = records.executions.values()
  assert (execution.step, execution.run) == ('Hand', None)


def test_an_empty_store_has_nothing(site_store: mlmd.MetadataStore) -> None:
  records = read(site_store)

  assert (records.runs, records.pipelines, records.artifacts) == ([], {}, {})


def test_more_nodes_than_are_read_at_a_time_are_all_read(
  site_store: mlmd.MetadataStore, tmp_path: pathlib.Path
) -> None:
  for number in range(35):
    stores.complete(site_store, stores.run_of(tmp_path, f'run-{number}'), number=number)

  records = read(site_store)

  assert (len(records.runs), len(records.executions), len(records.artifacts)) == (35, 105, 106)


def test_a_store_without_filters_is_read_as_well(
  site_store: mlmd.MetadataStore, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  stores.tfx_run(site_store, tmp_path, 'one')
  expected = read(site_store)

  def refuse(*_: object) -> None:
    raise mlmd.errors.UnimplementedError('filter_query')

  monkeypatch.setattr(site_store, 'get_lineage_subgraph', refuse)

  assert read(site_store) == expected


@pytest.mark.parametrize('what', ['run', 'artifact'])
def test_lineages_are_those_that_the_store_tells(
  site_store: mlmd.MetadataStore, tmp_path: pathlib.Path, what: str
) -> None:
  ids = stores.complete(site_store, stores.run_of(tmp_path, 'good'))
  stores.reuse(site_store, stores.run_of(tmp_path, 'again'), stores.run_of(tmp_path, 'good'), 1)
  stores.tfx_run(site_store, tmp_path, 'other')
  records = read(site_store)
  if what == 'run':
    [record] = [record for record in records.runs if record.run.run_id == 'again']
    found = records.lineage(EXECUTION, [execution.id for execution in record.executions], 100)
    expected = lineage_of(site_store, 'again')
  else:
    found = records.lineage(ARTIFACT, [ids['examples']], 100)
    expected = lineage_of(site_store, ids['examples'])

  assert found.edges == expected.edges
  assert [(node.key, node.type, node.run_id) for node in found.nodes] == [
    (node.key, node.type, node.run_id) for node in expected.nodes
  ]
