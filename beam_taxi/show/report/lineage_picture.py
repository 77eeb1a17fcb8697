"""A lineage as a picture: where each node goes, from the first input down to what was made last."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from beam_taxi.artifacts.manifest import Manifest, RunFolder, Value
from beam_taxi.show.html.layers import layers
from beam_taxi.steps import INPUT, OWN, STEPS, Output, facts_of

WIDTH, HEIGHT = 190, 46
_GAP_X, _GAP_Y = 22, 34
_LONGEST = 25
_MARGIN = 8


@dataclasses.dataclass(frozen=True)
class PictureNode:
  """An artifact or an execution: its key, as in 'artifact:12', what it is called, and all that is recorded of it."""

  key: str
  kind: str
  type: str
  facts: Mapping[str, Value]
  state: str = ''
  uri: str = ''
  own: bool = False


@dataclasses.dataclass(frozen=True)
class Picture:
  """Nodes, edges as pairs of keys from what was first to what was made of it, and how many nodes were left out."""

  nodes: tuple[PictureNode, ...]
  edges: tuple[tuple[str, str], ...]
  left_out: int = 0


def picture_of_manifest(manifest: Manifest, folder: RunFolder) -> Picture:
  """What a run read and made, by its manifest alone: as its record in ML Metadata has it, but for ids."""
  provenance = {name: value for name, value in manifest.provenance.items() if value != ''}
  nodes = [_artifact(INPUT, manifest, ' '.join(manifest.input.patterns))]
  edges = []
  known = {INPUT.key}
  for step in STEPS:
    made = [output for output in step.makes if output.key in manifest.artifacts]
    if not made:
      continue
    execution = f'execution:{step.name}'
    nodes += [_artifact(output, manifest, folder.artifact(output.key), own=True) for output in made]
    nodes.append(PictureNode(execution, 'execution', step.type, provenance, 'COMPLETE', own=True))
    edges += [(f'artifact:{key}', execution) for key in step.reads if key in known]
    edges += [(execution, f'artifact:{output.key}') for output in made]
    known |= {output.key for output in made}
  return Picture(tuple(nodes), tuple(edges))


def _artifact(output: Output, manifest: Manifest, uri: str, own: bool = False) -> PictureNode:
  facts = facts_of(output, manifest)
  return PictureNode(f'artifact:{output.key}', 'artifact', output.type.name, facts, 'LIVE', uri, own)


def drawing(picture: Picture, prefix: str) -> dict[str, Any]:
  """The picture's `width`, `height`, `boxes`, whose ids begin with `prefix`, and `lines`, for the template."""
  rows = layers([node.key for node in picture.nodes], picture.edges)
  most = max((len(row) for row in rows), default=0)
  width = most * (WIDTH + _GAP_X) - _GAP_X + 2 * _MARGIN if most else 0
  places: dict[str, tuple[float, float]] = {}
  for number, row in enumerate(rows):
    left = (width - (len(row) * (WIDTH + _GAP_X) - _GAP_X)) / 2
    for place, key in enumerate(row):
      places[key] = (left + place * (WIDTH + _GAP_X), _MARGIN + number * (HEIGHT + _GAP_Y))
  nodes = {node.key: node for node in picture.nodes}
  order = [key for row in rows for key in row]
  boxes = [
    {
      'id': f'{prefix}{number}',
      'x': places[key][0],
      'y': places[key][1],
      'node': nodes[key],
      'title': _cut(nodes[key].type.removeprefix(OWN)),
      'sub': _cut(_sub(nodes[key])),
    }
    for number, key in enumerate(order)
  ]
  lines = [_line(places[source], places[target]) for source, target in picture.edges]
  height = len(rows) * (HEIGHT + _GAP_Y) - _GAP_Y + 2 * _MARGIN if rows else 0
  return {'width': width, 'height': height, 'boxes': boxes, 'lines': lines, 'left_out': picture.left_out}


def _line(source: tuple[float, float], target: tuple[float, float]) -> str:
  """A curve from the bottom of one box to the top of another; the path's data."""
  x, y = source[0] + WIDTH / 2, source[1] + HEIGHT
  to_x, to_y = target[0] + WIDTH / 2, target[1] - 6
  bend = max((to_y - y) / 2, 10)
  return f'M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} {to_x:.0f} {to_y:.0f}'


def _sub(node: PictureNode) -> str:
  number = node.key.partition(':')[2]
  if node.kind == 'execution':
    return node.state
  return f'artifact {number}' if number.isdigit() else number


def _cut(text: str) -> str:
  return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'
