"""Lineages as drawings: layers of boxes and the lines between them. Where things are, not how they look."""

import dataclasses
from collections.abc import Mapping, Sequence

from beam_taxi.metadata.lineage import ARTIFACT, INPUT, Edge, Lineage, Node
from beam_taxi.show.html.layers import layers

_WIDTH, _HEIGHT = 152, 42
# Between boxes of a layer, and between layers.
_ASIDE, _AHEAD = 14, 24
_MARGIN = 4

_Key = tuple[str, int]


@dataclasses.dataclass(frozen=True)
class Box:
  """A node's place: its upper left corner."""

  node: Node
  x: int
  y: int
  asked: bool


@dataclasses.dataclass(frozen=True)
class Drawing:
  """A drawing's size, that of each box, the boxes, and the lines as paths of SVG."""

  width: int
  height: int
  box_width: int
  box_height: int
  boxes: Sequence[Box]
  lines: Sequence[str]


def draw(lineage: Lineage, layers: Sequence[Sequence[Node]]) -> Drawing:
  """Draws a lineage, layer by layer: what something was made from is before it, what was made from it behind.

  From top to bottom or from left to right, whichever is narrower.
  """
  is_wide = max(map(len, layers)) * (_WIDTH + _ASIDE) > len(layers) * (_WIDTH + _AHEAD)
  across, along = (_HEIGHT, _WIDTH) if is_wide else (_WIDTH, _HEIGHT)
  breadth = max(len(layer) * (across + _ASIDE) for layer in layers) - _ASIDE
  places: dict[_Key, tuple[int, int]] = {}
  for depth, layer in enumerate(layers):
    begin = _MARGIN + (breadth - len(layer) * (across + _ASIDE) + _ASIDE) // 2
    for place, node in enumerate(layer):
      one, other = begin + place * (across + _ASIDE), _MARGIN + depth * (along + _AHEAD)
      places[node.kind, node.id] = (other, one) if is_wide else (one, other)
  length = len(layers) * (along + _AHEAD) - _AHEAD + 2 * _MARGIN
  size = (length, breadth + 2 * _MARGIN) if is_wide else (breadth + 2 * _MARGIN, length)
  asked = {(node.kind, node.id) for node in lineage.start}
  boxes = [Box(node, *places[node.kind, node.id], (node.kind, node.id) in asked) for node in lineage.nodes]
  lines = [_line(places, edge, is_wide) for edge in lineage.edges]
  return Drawing(*size, _WIDTH, _HEIGHT, boxes, list(dict.fromkeys(lines)))


def layers_of(lineage: Lineage) -> list[list[Node]]:
  """The nodes in layers, each behind all that lead to it, those of a layer near to what they hang on."""
  nodes = {(node.kind, node.id): node for node in sorted(lineage.nodes, key=lambda node: node.id)}
  return [[nodes[key] for key in layer] for layer in layers(list(nodes), [_ends(edge) for edge in lineage.edges])]


def _ends(edge: Edge) -> tuple[_Key, _Key]:
  artifact, execution = (ARTIFACT, edge.artifact), ('execution', edge.execution)
  return (artifact, execution) if edge.direction == INPUT else (execution, artifact)


def _line(places: Mapping[_Key, tuple[int, int]], edge: Edge, is_wide: bool) -> str:
  (x, y), (end_x, end_y) = (places[key] for key in _ends(edge))
  if is_wide:
    x, y, end_y = x + _WIDTH, y + _HEIGHT // 2, end_y + _HEIGHT // 2
    half = (x + end_x) // 2
    return f'M{x} {y}C{half} {y} {half} {end_y} {end_x} {end_y}'
  x, y, end_x = x + _WIDTH // 2, y + _HEIGHT, end_x + _WIDTH // 2
  half = (y + end_y) // 2
  return f'M{x} {y}C{x} {half} {end_x} {half} {end_x} {end_y}'
