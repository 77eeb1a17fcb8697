"""A lineage as trees, JSON, Graphviz and Mermaid."""

import io
import json

import pytest
from rich.console import Console

from beam_taxi.metadata.lineage import Edge, Lineage, Node
from beam_taxi.show.terminal.lineage_trees import print_lineage, to_dot, to_json, to_mermaid

CSV = Node('artifact', 1, 'Csv', 'sha256:ab', '/data/in.csv', 'LIVE', '')
EXAMPLES = Node('artifact', 2, 'Examples', '', '/out/runs/run-1/examples', 'LIVE', 'run-1')
SCHEMA = Node('artifact', 3, 'Schema', '', '/out/runs/run-1/schema', 'DELETED', 'run-1')
GEN = Node('execution', 1, 'ExampleGen', 'run-1.ExampleGen', '', 'COMPLETE', 'run-1')
SCHEMA_GEN = Node('execution', 2, 'SchemaGen', '', '', 'FAILED', 'run-1')
EDGES = (
  Edge(1, 1, 'input', 'input'),
  Edge(2, 1, 'output', 'examples'),
  Edge(2, 2, 'input', 'examples'),
  Edge(3, 2, 'output', 'schema'),
)
NODES = (CSV, EXAMPLES, SCHEMA, GEN, SCHEMA_GEN)
RUN = Lineage((GEN, SCHEMA_GEN), NODES, EDGES)


def printed(lineage: Lineage, width: int = 80) -> str:
  out = io.StringIO()
  print_lineage(Console(file=out, width=width), lineage)
  return out.getvalue()


def test_an_artifact_has_a_tree_of_each_way() -> None:
  assert printed(Lineage((EXAMPLES,), NODES, EDGES)) == (
    'Made from\n'
    '└── Examples artifact 2 LIVE …/examples\n'
    '    └── ExampleGen execution 1 COMPLETE run-1\n'
    '        └── Csv artifact 1 LIVE /data/in.csv\n'
    '\n'
    'Used for\n'
    '└── Examples artifact 2 LIVE …/examples\n'
    '    └── SchemaGen execution 2 FAILED run-1\n'
    '        └── Schema artifact 3 DELETED …/schema\n'
    '\n'
    '… is /out/runs/run-1\n'
  )


def test_a_run_was_made_from_what_it_did_not_make_itself() -> None:
  assert printed(RUN) == (
    'Made from\n'
    '└── ExampleGen execution 1 COMPLETE run-1\n'
    '    └── Csv artifact 1 LIVE /data/in.csv\n'
    '\n'
    'Used for\n'
    '└── ExampleGen execution 1 COMPLETE run-1\n'
    '    └── Examples artifact 2 LIVE …/examples\n'
    '        └── SchemaGen execution 2 FAILED run-1\n'
    '            └── Schema artifact 3 DELETED …/schema\n'
    '\n'
    '… is /out/runs/run-1\n'
  )


def test_where_nothing_is_recorded_the_trees_say_so() -> None:
  assert printed(Lineage((GEN,), (GEN,), ())) == (
    'Made from\n'
    '└── nothing that is recorded\n'
    '\n'
    'Used for\n'
    '└── ExampleGen execution 1 COMPLETE run-1\n'
    '    └── nothing that is recorded\n'
    '\n'
  )


def test_what_is_reached_twice_is_followed_once() -> None:
  evaluator = Node('execution', 3, 'Evaluator', '', '', 'COMPLETE', 'run-2')
  edges = (*EDGES, Edge(2, 3, 'input', 'examples'), Edge(3, 3, 'input', 'schema'), Edge(4, 3, 'output', 'evaluation'))
  evaluation = Node('artifact', 4, 'Evaluation', '', '', '', 'run-2')

  text = printed(Lineage((EXAMPLES,), (*NODES, evaluation, evaluator), edges))

  assert text.count('Evaluator execution 3 COMPLETE run-2') == 2
  assert text.count('Evaluator execution 3 COMPLETE run-2 ↑') == 1
  assert text.count('Evaluation artifact 4') == 1


def test_a_circle_is_printed_to_its_end() -> None:
  edges = (Edge(1, 1, 'input', ''), Edge(1, 1, 'output', ''))

  text = printed(Lineage((CSV,), (CSV, GEN), edges))

  assert text.count('Csv artifact 1 LIVE /data/in.csv ↑') == 2


def test_what_another_run_made_says_which() -> None:
  cached = Node('execution', 9, 'ExampleGen', '', '', 'CACHED', 'run-2')

  text = printed(Lineage((cached,), (EXAMPLES, cached), (Edge(2, 9, 'output', 'examples'),)))

  assert 'Examples artifact 2 LIVE /out/runs/run-1/examples made by run-1\n' in text


def test_what_was_left_out_is_counted() -> None:
  assert printed(Lineage((CSV,), NODES, EDGES, 12345)).endswith(
    'Left out: 12,345 more, and all that comes after them.\n'
  )


def test_a_long_path_stays_on_its_line() -> None:
  path = f'gs://bucket/{"folder/" * 30}in.csv'
  csv = Node('artifact', 1, 'Csv', '', path, 'LIVE', '')

  assert f'Csv artifact 1 LIVE {path}\n' in printed(Lineage((csv,), (csv, GEN), EDGES[:1]), width=40)


def test_names_are_shown_as_they_are_on_one_line() -> None:
  odd = Node('artifact', 1, '[red]Csv', '', '/data/[bold]\n.csv', '', '')

  assert r'[red]Csv artifact 1 /data/[bold]\n.csv' in printed(Lineage((odd,), (odd,), ()))


def test_a_lineage_longer_than_pythons_stack_is_printed() -> None:
  steps = 600
  models = [Node('artifact', number, 'Model', '', '', '', '') for number in range(steps + 1)]
  runs = [Node('execution', number, 'Trainer', '', '', '', '') for number in range(steps)]
  edges = [Edge(run.id, run.id, 'input', '') for run in runs] + [Edge(run.id + 1, run.id, 'output', '') for run in runs]

  text = printed(Lineage((models[0],), (*models, *runs), tuple(edges)))

  assert f'Model artifact {steps}\n' in text


@pytest.mark.parametrize(
  ('uris', 'shown', 'common'),
  [
    (('/out/a/x', '/out/a/y'), ('…/x', '…/y'), '/out/a'),
    (('gs://b/out/r1/x', 'gs://b/out/r2/y'), ('…/r1/x', '…/r2/y'), 'gs://b/out'),
    (('out/a/x', 'out/a/y'), ('…/x', '…/y'), 'out/a'),
    (('gs://b/x', 'gs://b/y'), ('…/x', '…/y'), 'gs://b'),
    (('gs://b/x', 's3://b/y'), ('gs://b/x', 's3://b/y'), ''),
    (('/x', '/y'), ('/x', '/y'), ''),
    (('/out/a', '/out/a/x'), ('…/a', '…/a/x'), '/out'),
  ],
  ids=lambda value: ' '.join(value) if isinstance(value, tuple) else value,
)
def test_the_folder_that_paths_have_in_common_is_said_once(
  uris: tuple[str, str], shown: tuple[str, str], common: str
) -> None:
  nodes = tuple(Node('artifact', number, 'Csv', '', uri, '', '') for number, uri in enumerate(uris, 1))

  text = printed(Lineage(nodes, nodes, ()))

  for number, uri in enumerate(shown, 1):
    assert f'Csv artifact {number} {uri}\n' in text
  assert [line for line in text.splitlines() if line.startswith('… is')] == ([f'… is {common}'] if common else [])


def test_json_has_nodes_and_edges_by_their_ids() -> None:
  found = json.loads(to_json(RUN))

  assert found['start'] == ['execution:1', 'execution:2']
  assert found['nodes'][0] == {
    'key': 'artifact:1',
    'kind': 'artifact',
    'id': 1,
    'type': 'Csv',
    'name': 'sha256:ab',
    'uri': '/data/in.csv',
    'state': 'LIVE',
    'run_id': '',
  }
  assert found['edges'][1] == {'artifact': 2, 'execution': 1, 'direction': 'output', 'key': 'examples'}
  assert found['left_out'] == 0


def test_dot_leads_from_inputs_to_outputs() -> None:
  lines = to_dot(RUN).splitlines()

  assert r'  "artifact:1" [shape=box, label="Csv\nartifact:1 LIVE\n/data/in.csv"];' in lines
  assert r'  "execution:1" [shape=ellipse, style=bold, label="ExampleGen\nexecution:1 COMPLETE\nrun-1"];' in lines
  assert '  "artifact:1" -> "execution:1" [label="input"];' in lines
  assert '  "execution:1" -> "artifact:2" [label="examples"];' in lines


def test_dot_has_quotes_and_backslashes_as_text() -> None:
  odd = Node('artifact', 1, 'C"s\\v', '', 'a\nb', '', '')

  assert r'label="C\"s\\v\nartifact:1\na\\nb"' in to_dot(Lineage((odd,), (odd,), ()))


def test_mermaid_leads_from_inputs_to_outputs() -> None:
  lines = to_mermaid(RUN).splitlines()

  assert lines[0] == 'flowchart LR'
  assert '  artifact1["Csv<br/>artifact:1 LIVE<br/>/data/in.csv"]' in lines
  assert '  execution1(["ExampleGen<br/>execution:1 COMPLETE<br/>run-1"])' in lines
  assert '  artifact1 -- "input" --> execution1' in lines
  assert '  execution1 -- "examples" --> artifact2' in lines
  assert '  style execution1 stroke-width:3px' in lines


def test_mermaid_has_what_it_would_read_as_markup_as_text() -> None:
  odd = Node('artifact', 1, '<b>"`x`"</b>', '', '/_a_/#1', '', '')

  label = to_mermaid(Lineage((odd,), (odd,), ())).splitlines()[1]

  assert label == ('  artifact1["#60;b#62;#34;#96;x#96;#34;#60;/b#62;<br/>artifact:1<br/>/#95;a#95;/#35;1"]')
