"""Where a lineage's nodes are drawn."""

from beam_taxi.metadata.lineage import ARTIFACT, EXECUTION, INPUT, OUTPUT, Edge, Lineage, Node
from beam_taxi.show.site.lineage_drawing import Drawing, draw, layers_of


def node(kind: str, number: int) -> Node:
  return Node(kind, number, 'T', '', '', '', '')


def lineage(artifacts: int, executions: int, *edges: Edge) -> Lineage:
  nodes = [node(ARTIFACT, number) for number in range(artifacts)]
  nodes += [node(EXECUTION, number) for number in range(executions)]
  return Lineage((nodes[0],), tuple(nodes), edges)


def drawn(found: Lineage) -> Drawing:
  return draw(found, layers_of(found))


CHAIN = lineage(2, 2, Edge(0, 0, INPUT, ''), Edge(1, 0, OUTPUT, ''), Edge(1, 1, INPUT, ''))
FAN = lineage(1, 5, *(Edge(0, number, INPUT, '') for number in range(5)))


def test_what_is_made_comes_behind_what_it_is_made_from() -> None:
  assert [[each.key for each in layer] for layer in layers_of(CHAIN)] == [
    ['artifact:0'],
    ['execution:0'],
    ['artifact:1'],
    ['execution:1'],
  ]


def test_a_node_is_behind_all_that_leads_to_it() -> None:
  # The execution takes an artifact and what another makes of that.
  found = lineage(2, 2, Edge(0, 0, INPUT, ''), Edge(1, 0, OUTPUT, ''), Edge(0, 1, INPUT, ''), Edge(1, 1, INPUT, ''))

  assert [each.key for each in layers_of(found)[-1]] == ['execution:1']


def test_a_circle_is_drawn_too() -> None:
  found = lineage(1, 1, Edge(0, 0, INPUT, ''), Edge(0, 0, OUTPUT, ''))

  assert sorted(each.key for layer in layers_of(found) for each in layer) == ['artifact:0', 'execution:0']


def test_a_node_alone_is_drawn() -> None:
  [box] = drawn(lineage(1, 0)).boxes

  assert box.asked


def test_a_chain_goes_down() -> None:
  boxes = {box.node.key: box for box in drawn(CHAIN).boxes}

  assert len({box.x for box in boxes.values()}) == 1
  assert boxes['artifact:0'].y < boxes['execution:0'].y < boxes['artifact:1'].y


def test_what_has_many_side_by_side_goes_to_the_right() -> None:
  boxes = drawn(FAN).boxes

  assert len({box.x for box in boxes}) == 2
  assert len({box.y for box in boxes if box.node.kind == EXECUTION}) == 5


def test_all_boxes_are_in_the_drawing_and_none_on_another() -> None:
  for found in map(drawn, (CHAIN, FAN)):
    places = [(box.x, box.y) for box in found.boxes]
    assert len(set(places)) == len(places)
    assert all(0 <= x <= found.width - found.box_width for x, _ in places)
    assert all(0 <= y <= found.height - found.box_height for _, y in places)
