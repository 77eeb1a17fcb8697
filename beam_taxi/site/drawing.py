"""Lineages as drawings: layers of boxes and the lines between them. Where things are, not how they look."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence

from beam_taxi.metadata.lineage import ARTIFACT, INPUT, Edge, Lineage, Node

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
  ends = [_ends(edge) for edge in lineage.edges]
  before: collections.defaultdict[_Key, list[_Key]] = collections.defaultdict(list)
  behind: collections.defaultdict[_Key, list[_Key]] = collections.defaultdict(list)
  for source, target in dict.fromkeys(ends):
    before[target].append(source)
    behind[source].append(target)
  depths = _depths([(node.kind, node.id) for node in lineage.nodes], before, behind)
  layers: list[list[Node]] = [[] for _ in range(max(depths.values()) + 1)]
  for node in lineage.nodes:
    layers[depths[node.kind, node.id]].append(node)
  order: dict[_Key, float] = {}
  for layer in layers:
    layer.sort(key=lambda node: (_middle(before[node.kind, node.id], order), node.id))
    order |= {(node.kind, node.id): place - len(layer) / 2 for place, node in enumerate(layer)}
  return layers


def _ends(edge: Edge) -> tuple[_Key, _Key]:
  artifact, execution = (ARTIFACT, edge.artifact), ('execution', edge.execution)
  return (artifact, execution) if edge.direction == INPUT else (execution, artifact)


def _depths(
  keys: Sequence[_Key], before: Mapping[_Key, Sequence[_Key]], behind: Mapping[_Key, Sequence[_Key]]
) -> dict[_Key, int]:
  """How many steps the longest way to each node has. Where a way leads in a circle, it is cut somewhere."""
  open_ways = {key: len(before.get(key, ())) for key in keys}
  depths: dict[_Key, int] = {}
  ready = collections.deque(key for key in keys if not open_ways[key])
  waiting = dict.fromkeys(keys)
  while waiting:
    if not ready:
      ready.append(next(iter(waiting)))
    key = ready.popleft()
    if key not in waiting:
      continue
    del waiting[key]
    depths[key] = max((depths[source] + 1 for source in before.get(key, ()) if source in depths), default=0)
    for target in behind.get(key, ()):
      open_ways[target] -= 1
      if not open_ways[target]:
        ready.append(target)
  return depths


def _middle(keys: Sequence[_Key], order: Mapping[_Key, float]) -> float:
  known = [order[key] for key in keys if key in order]
  return sum(known) / len(known) if known else 0


def _line(places: Mapping[_Key, tuple[int, int]], edge: Edge, is_wide: bool) -> str:
  (x, y), (end_x, end_y) = (places[key] for key in _ends(edge))
  if is_wide:
    x, y, end_y = x + _WIDTH, y + _HEIGHT // 2, end_y + _HEIGHT // 2
    half = (x + end_x) // 2
    return f'M{x} {y}C{half} {y} {half} {end_y} {end_x} {end_y}'
  x, y, end_x = x + _WIDTH // 2, y + _HEIGHT, end_x + _WIDTH // 2
  half = (y + end_y) // 2
  return f'M{x} {y}C{x} {half} {end_x} {half} {end_x} {end_y}'
