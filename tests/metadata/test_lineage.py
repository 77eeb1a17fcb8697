"""What something was made from and for, in real SQLite stores that MLMD's own client writes."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from beam_taxi.errors import UserError
from beam_taxi.metadata.lineage import Edge, Lineage, Node, lineage_of
from beam_taxi.metadata.store import connect

CHAIN = (('ExampleGen', 'Examples'), ('StatisticsGen', 'ExampleStatistics'), ('SchemaGen', 'Schema'))


@pytest.fixture
def store(tmp_path: pathlib.Path) -> mlmd.MetadataStore:
  return connect(f'sqlite:///{tmp_path}/m.sqlite')


def artifact(store: mlmd.MetadataStore, kind: str, uri: str = '', state: int = pb.Artifact.LIVE) -> int:
  type_id = store.put_artifact_type(pb.ArtifactType(name=kind))
  [number] = store.put_artifacts([pb.Artifact(type_id=type_id, uri=uri, state=state)])
  return int(number)


def execution(
  store: mlmd.MetadataStore,
  kind: str,
  run: str = '',
  takes: Sequence[int] = (),
  gives: Sequence[int] = (),
  state: int = pb.Execution.COMPLETE,
  output: int = pb.Event.OUTPUT,
) -> int:
  """An execution with its events, each under the key 'the_key'."""
  type_id = store.put_execution_type(pb.ExecutionType(name=kind))
  context = pb.Context(type_id=store.put_context_type(pb.ContextType(name='pipeline_run')), name=run)
  pairs = []
  for event_type, ids in ((pb.Event.INPUT, takes), (output, gives)):
    for found in store.get_artifacts_by_id(ids) if ids else []:
      event = pb.Event(type=event_type)
      event.path.steps.add().key = 'the_key'
      event.path.steps.add().index = 0
      pairs.append((found, event))
  made = pb.Execution(type_id=type_id, last_known_state=state)
  number, *_ = store.put_execution(made, pairs, [context] if run else [], reuse_context_if_already_exist=True)
  return int(number)


def record(store: mlmd.MetadataStore, run: str, source: int) -> dict[str, int]:
  """A run that makes Examples, statistics and a schema of a source: ids by type."""
  ids: dict[str, int] = {}
  for node, kind in CHAIN:
    ids[kind] = artifact(store, kind, f'/out/runs/{run}/{kind}')
    ids[node] = execution(store, node, run, [source], [ids[kind]])
    source = ids[kind]
  return ids


def above(lineage: Lineage) -> set[tuple[str, str]]:
  """(type, run) of all that the start was made from."""
  return reached(lineage, lineage.up)


def below(lineage: Lineage) -> set[tuple[str, str]]:
  """(type, run) of all that was made from the start."""
  return reached(lineage, lineage.down)


def reached(lineage: Lineage, follow: Any) -> set[tuple[str, str]]:
  found: set[Node] = set()
  ahead = list(lineage.start)
  while ahead:
    new = {node for _, node in follow(ahead.pop())} - found
    found |= new
    ahead += new
  return {(node.type, node.run_id) for node in found - set(lineage.start)}


def test_an_artifact_has_all_that_it_was_made_from_and_all_that_was_made_from_it(store: mlmd.MetadataStore) -> None:
  ids = record(store, 'run-1', artifact(store, 'Csv', '/in.csv'))

  found = lineage_of(store, ids['ExampleStatistics'])

  assert above(found) == {('StatisticsGen', 'run-1'), ('Examples', 'run-1'), ('ExampleGen', 'run-1'), ('Csv', '')}
  assert below(found) == {('SchemaGen', 'run-1'), ('Schema', 'run-1')}


def test_nodes_and_edges_say_what_the_store_says(store: mlmd.MetadataStore) -> None:
  source = artifact(store, 'Csv', '/in.csv')
  made = artifact(store, 'Examples', '/out/examples', pb.Artifact.DELETED)
  run = execution(store, 'Gen', 'run-1', [source], [made], pb.Execution.CANCELED)

  found = lineage_of(store, source)

  assert found == Lineage(
    start=(Node('artifact', source, 'Csv', '', '/in.csv', 'LIVE', ''),),
    nodes=(
      Node('artifact', source, 'Csv', '', '/in.csv', 'LIVE', ''),
      Node('artifact', made, 'Examples', '', '/out/examples', 'DELETED', 'run-1'),
      Node('execution', run, 'Gen', '', '', 'CANCELED', 'run-1'),
    ),
    edges=(Edge(source, run, 'input', 'the_key'), Edge(made, run, 'output', 'the_key')),
  )


def test_a_run_begins_at_all_of_its_executions(store: mlmd.MetadataStore) -> None:
  record(store, 'run-1', artifact(store, 'Csv'))

  found = lineage_of(store, 'run-1')

  assert {node.type for node in found.start} == {'ExampleGen', 'StatisticsGen', 'SchemaGen'}
  assert len(found.nodes) == 7
  assert len(found.edges) == 6


def test_a_run_that_has_only_begun_is_found_by_itself(store: mlmd.MetadataStore) -> None:
  execution(store, 'Gen', 'run-1', state=pb.Execution.RUNNING)

  found = lineage_of(store, 'run-1')

  assert [node.state for node in found.nodes] == ['RUNNING']
  assert found.edges == ()


def test_lineage_goes_on_in_runs_of_other_pipelines(store: mlmd.MetadataStore) -> None:
  ids = record(store, 'run-1', artifact(store, 'Csv'))
  model = artifact(store, 'Model')
  execution(store, 'tfx.Trainer', 'tfx-run', [ids['Examples'], ids['Schema']], [model])

  assert {('tfx.Trainer', 'tfx-run'), ('Model', 'tfx-run')} <= below(lineage_of(store, 'run-1'))
  assert {('Csv', ''), ('SchemaGen', 'run-1')} <= above(lineage_of(store, 'tfx-run'))


def test_what_else_was_made_of_a_runs_input_has_nothing_to_do_with_it(store: mlmd.MetadataStore) -> None:
  source = artifact(store, 'Csv')
  record(store, 'run-1', source)
  record(store, 'run-2', source)

  assert {node.run_id for node in lineage_of(store, 'run-1').nodes} == {'run-1', ''}
  assert {node.run_id for node in lineage_of(store, source).nodes} == {'run-1', 'run-2', ''}


@pytest.mark.parametrize(
  'spelling', ['{}', 'artifact:{}', '/data/examples', '/data/examples/', '/data/examples/a/b.gz']
)
def test_an_artifact_has_many_names(store: mlmd.MetadataStore, spelling: str) -> None:
  artifact(store, 'Folder', '/data')
  number = artifact(store, 'Examples', '/data/examples')

  [start] = lineage_of(store, spelling.format(number)).start

  assert (start.kind, start.id) == ('artifact', number)


def test_an_artifact_in_an_object_store_is_found_by_a_file_in_it(store: mlmd.MetadataStore) -> None:
  number = artifact(store, 'Examples', 'gs://bucket/examples')

  [start] = lineage_of(store, 'gs://bucket/examples/Split-train/data.gz').start

  assert start.id == number


@pytest.mark.parametrize(
  ('recorded', 'asked'), [('{}/out/examples', 'out/examples/a.gz'), ('out/examples', '{}/out/examples/a.gz')]
)
def test_relative_and_absolute_paths_name_the_same(
  store: mlmd.MetadataStore, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, recorded: str, asked: str
) -> None:
  monkeypatch.chdir(tmp_path)
  number = artifact(store, 'Examples', recorded.format(os.getcwd()))

  [start] = lineage_of(store, asked.format(os.getcwd())).start

  assert start.id == number


def test_an_execution_is_found_by_its_id(store: mlmd.MetadataStore) -> None:
  ids = record(store, 'run-1', artifact(store, 'Csv'))

  [start] = lineage_of(store, f'execution:{ids["StatisticsGen"]}').start

  assert (start.kind, start.type) == ('execution', 'StatisticsGen')


def test_artifacts_of_one_uri_are_all_found(store: mlmd.MetadataStore) -> None:
  numbers = [artifact(store, 'Csv', '/in.csv') for _ in range(2)]

  assert [start.id for start in lineage_of(store, '/in.csv').start] == numbers


def test_a_run_may_be_called_like_a_number(store: mlmd.MetadataStore) -> None:
  record(store, '20260131', artifact(store, 'Csv'))

  assert lineage_of(store, '20260131').start[0].run_id == '20260131'


@pytest.mark.parametrize('what', ['run-2', '99', 'artifact:99', 'execution:99', '/else/a.gz', 'gs://bucket/a', '', ':'])
def test_what_the_store_does_not_have_is_refused_with_where_to_look(store: mlmd.MetadataStore, what: str) -> None:
  record(store, 'run-1', artifact(store, 'Csv', '/in.csv'))

  with pytest.raises(UserError, match='the store has no run .* `runs` lists the runs'):
    lineage_of(store, what)


def test_a_misspelled_run_is_not_a_file_of_the_folder_around(
  store: mlmd.MetadataStore, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.chdir(tmp_path)
  artifact(store, 'Csv', os.getcwd())

  with pytest.raises(UserError):
    lineage_of(store, 'run-11')


def test_an_artifact_from_a_cache_was_made_by_the_run_before(store: mlmd.MetadataStore) -> None:
  source = artifact(store, 'Csv')
  ids = record(store, 'run-1', source)
  execution(store, 'ExampleGen', 'run-2', [source], [ids['Examples']], pb.Execution.CACHED)

  found = lineage_of(store, ids['Examples'])

  assert above(found) == {('ExampleGen', 'run-1'), ('Csv', '')}
  assert found.start[0].run_id == 'run-1'


def test_a_cached_run_has_what_the_run_before_made(store: mlmd.MetadataStore) -> None:
  source = artifact(store, 'Csv')
  ids = record(store, 'run-1', source)
  execution(store, 'ExampleGen', 'run-2', [source], [ids['Examples']], pb.Execution.CACHED)

  found = lineage_of(store, 'run-2')

  assert above(found) == {('Csv', '')}
  assert ('Examples', 'run-1') in below(found)


def test_an_artifact_whose_maker_the_store_lacks_comes_from_the_first_that_took_it(store: mlmd.MetadataStore) -> None:
  examples = artifact(store, 'Examples')
  for run in ('run-1', 'run-2'):
    execution(store, 'ExampleGen', run, [], [examples], pb.Execution.CACHED)

  assert above(lineage_of(store, examples)) == {('ExampleGen', 'run-1')}


def test_a_resolver_of_tfx_made_nothing_that_it_found(store: mlmd.MetadataStore) -> None:
  model = artifact(store, 'Model')
  execution(store, 'Trainer', 'run-1', [], [model])
  execution(store, 'Resolver', 'run-2', [], [model], output=pb.Event.INTERNAL_OUTPUT)

  assert above(lineage_of(store, model)) == {('Trainer', 'run-1')}


def test_a_circle_ends(store: mlmd.MetadataStore) -> None:
  first, second = (artifact(store, 'Model') for _ in range(2))
  execution(store, 'Trainer', 'run-1', [first], [second])
  execution(store, 'Trainer', 'run-2', [second], [first])

  found = lineage_of(store, first)

  assert (len(found.nodes), len(found.edges)) == (4, 4)


def test_an_execution_that_gives_what_it_takes_is_there_once(store: mlmd.MetadataStore) -> None:
  model = artifact(store, 'Model')
  execution(store, 'Resolver', 'run-1', [model], [model])

  found = lineage_of(store, model)

  assert [edge.direction for edge in found.edges] == ['input', 'output']


def test_a_lineage_may_be_longer_than_mlmd_walks_at_once(store: mlmd.MetadataStore) -> None:
  models = [artifact(store, 'Model')]
  for step in range(120):
    models.append(artifact(store, 'Model'))
    execution(store, 'Trainer', f'run-{step}', [models[-2]], [models[-1]])

  assert len(lineage_of(store, models[-1]).nodes) == 241
  assert len(lineage_of(store, models[0]).nodes) == 241


class CountedCalls:
  """A store that counts how often it is asked for more than one thing at a time.

  MLMD 1.21 tells an execution's run only for one execution at a time.
  """

  def __init__(self, store: mlmd.MetadataStore):
    self._store = store
    self.calls = 0

  def __getattr__(self, name: str) -> Any:
    self.calls += name != 'get_contexts_by_execution'
    return getattr(self._store, name)


RUNS = 2000


@pytest.fixture(scope='module')
def many(tmp_path_factory: pytest.TempPathFactory) -> mlmd.MetadataStore:
  """A store of 2,000 runs that make Examples of one CSV, written all at once. The CSV is artifact 1."""
  store = connect(f'sqlite:///{tmp_path_factory.mktemp("many")}/m.sqlite')
  source = artifact(store, 'Csv', '/in.csv')
  examples = store.put_artifact_type(pb.ArtifactType(name='Examples'))
  node = store.put_execution_type(pb.ExecutionType(name='ExampleGen'))
  run = store.put_context_type(pb.ContextType(name='pipeline_run'))
  made = store.put_artifacts([pb.Artifact(type_id=examples, uri=f'/out/{number}') for number in range(RUNS)])
  executions = store.put_executions([pb.Execution(type_id=node)] * RUNS)
  contexts = store.put_contexts([pb.Context(type_id=run, name=f'run-{number}') for number in range(RUNS)])
  pairs = list(zip(executions, contexts, strict=True))
  store.put_attributions_and_associations(
    # As put_execution does, all runs share their input.
    [pb.Attribution(artifact_id=source, context_id=context) for _, context in pairs],
    [pb.Association(execution_id=execution, context_id=context) for execution, context in pairs],
  )
  inputs = [pb.Event(type=pb.Event.INPUT, artifact_id=source, execution_id=execution) for execution in executions]
  outputs = [
    pb.Event(type=pb.Event.OUTPUT, artifact_id=output, execution_id=execution)
    for output, execution in zip(made, executions, strict=True)
  ]
  store.put_events([*inputs, *outputs])
  return store


def test_one_of_many_runs_comes_without_the_others(many: mlmd.MetadataStore) -> None:
  store = CountedCalls(many)

  found = lineage_of(store, 'run-7')

  assert [(node.type, node.uri, node.run_id) for node in found.nodes] == [
    ('Csv', '/in.csv', ''),
    ('Examples', '/out/7', 'run-7'),
    ('ExampleGen', '', 'run-7'),
  ]
  assert found.left_out == 0
  assert store.calls <= 12


def test_what_many_runs_were_made_from_is_followed_in_few_calls(many: mlmd.MetadataStore) -> None:
  store = CountedCalls(many)

  found = lineage_of(store, 'artifact:1', limit=2 * RUNS)

  assert (len(found.nodes), found.left_out) == (2 * RUNS + 1, 0)
  assert {node.run_id for node in found.nodes} == {'', *(f'run-{number}' for number in range(RUNS))}
  # A call for each 1,000 nodes and level, and where MLMD can filter one for the names of 100 runs.
  assert store.calls < 60


def test_of_too_many_runs_those_that_were_recorded_last_are_shown_and_the_others_counted(
  many: mlmd.MetadataStore,
) -> None:
  found = lineage_of(many, 'artifact:1', limit=10)

  assert [node.run_id for node in found.nodes[1:]] == [f'run-{number}' for number in range(RUNS - 10, RUNS)]
  assert found.left_out == RUNS - 10
