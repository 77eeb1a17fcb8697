"""A lineage as `lineage` shows it: two trees on a terminal, JSON, Graphviz, Mermaid."""

import collections
import dataclasses
import itertools
import json
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.segment import Segments
from rich.tree import Tree

from beam_taxi.errors import on_one_line
from beam_taxi.metadata.lineage import ARTIFACT, EXECUTION, INPUT, Edge, Lineage, Node

_COLORS = {'COMPLETE': 'green', 'CACHED': 'green', 'RUNNING': 'cyan', 'FAILED': 'red', 'CANCELED': 'yellow'}

# Wide enough for any line, and narrow enough for rich to be quick with it.
_UNBOUNDED = 100_000


def to_json(lineage: Lineage) -> str:
  """A lineage as JSON.

  An object of `start`, the keys of the nodes that were asked about, as in 'artifact:12'; `nodes`, each with its `key`
  and Node's attributes; `edges`, each with the ids `artifact` and `execution`, the `direction` 'input' or 'output' as
  the execution sees it, and the event's `key`; and `left_out`, a number. Nodes and edges are in the order of ids.
  """
  return json.dumps(
    {
      'start': [node.key for node in lineage.start],
      'nodes': [{'key': node.key, **dataclasses.asdict(node)} for node in lineage.nodes],
      'edges': [dataclasses.asdict(edge) for edge in lineage.edges],
      'left_out': lineage.left_out,
    },
    indent=1,
  )


def to_dot(lineage: Lineage) -> str:
  """A lineage as a graph of Graphviz, from inputs to outputs; what was asked about is bold."""
  lines = ['digraph lineage {', '  rankdir=LR;']
  for node in lineage.nodes:
    shape = 'box' if node.kind == ARTIFACT else 'ellipse'
    style = ', style=bold' if node in lineage.start else ''
    label = '\\n'.join(map(_in_dot, _facts(node)))
    lines.append(f'  "{node.key}" [shape={shape}{style}, label="{label}"];')
  for edge in lineage.edges:
    source, target = _ends(edge)
    lines.append(f'  "{source}" -> "{target}" [label="{_in_dot(edge.key)}"];')
  return '\n'.join([*lines, '}'])


def to_mermaid(lineage: Lineage) -> str:
  """A lineage as a flowchart of Mermaid, likewise."""
  lines = ['flowchart LR']
  for node in lineage.nodes:
    opening, closing = ('[', ']') if node.kind == ARTIFACT else ('([', '])')
    label = '<br/>'.join(map(_in_mermaid, _facts(node)))
    lines.append(f'  {_mermaid_id(node.key)}{opening}"{label}"{closing}')
  for edge in lineage.edges:
    source, target = map(_mermaid_id, _ends(edge))
    arrow = f'-- "{_in_mermaid(edge.key)}" -->' if edge.key else '-->'
    lines.append(f'  {source} {arrow} {target}')
  lines += [f'  style {_mermaid_id(node.key)} stroke-width:3px' for node in lineage.start]
  return '\n'.join(lines)


def _ends(edge: Edge) -> tuple[str, str]:
  """The keys of the nodes that an edge leads from and to, in the order in which things were made."""
  artifact, execution = f'artifact:{edge.artifact}', f'execution:{edge.execution}'
  return (artifact, execution) if edge.direction == INPUT else (execution, artifact)


def _facts(node: Node) -> list[str]:
  """What a graph's node says, line by line."""
  facts = (node.type, f'{node.key} {node.state}'.strip(), node.uri if node.kind == ARTIFACT else node.run_id)
  return [on_one_line(fact) for fact in facts if fact]


def _in_dot(text: str) -> str:
  """Text within a quoted string of DOT, where a backslash would begin an escape."""
  return on_one_line(text).replace('\\', '\\\\').replace('"', '\\"')


def _in_mermaid(text: str) -> str:
  """Text within a quoted string of Mermaid, which reads HTML and Markdown there: what these know is named by number."""
  return ''.join(f'#{ord(character)};' if character in '#"<>&`\\*_~' else character for character in on_one_line(text))


def _mermaid_id(key: str) -> str:
  return key.replace(':', '')


def print_lineage(console: Console, lineage: Lineage) -> None:
  """Prints two trees: what was asked about with all that it was made from, and with all that was made from it.

  A node is followed where it appears first; later a '↑' points there. Nothing is wrapped, so that paths can be copied,
  and the folder that most of them are in is said once.
  """
  common = _common_folder([node.uri for node in lineage.nodes if node.uri])
  own = _made_by_start(lineage)

  def sources(node: Node) -> list[Node]:
    # What a run made itself and went on with is in the other tree.
    return [other for _, other in lineage.up(node) if not (node in lineage.start and other in own)]

  def uses(node: Node) -> list[Node]:
    return [other for _, other in lineage.down(node)]

  def label(node: Node) -> str:
    return _label(node, lineage, common)

  made_from = _tree('Made from', [start for start in lineage.start if sources(start)], sources, label)
  used_for = _tree('Used for', _first_of(lineage, own), uses, label)
  for tree in (made_from, used_for):
    # Rich would crop a tree to the terminal's width.
    lines = console.render(tree, console.options.update(width=_UNBOUNDED))
    console.print(Segments(lines), end='', soft_wrap=True)
    console.print()
  if common:
    console.print(f'… is {on_one_line(common)}', markup=False, highlight=False, soft_wrap=True)
  if lineage.left_out:
    console.print(f'Left out: {lineage.left_out:,} more, and all that comes after them.', highlight=False)


def _tree(
  title: str, roots: Sequence[Node], follow: Callable[[Node], Sequence[Node]], label: Callable[[Node], str]
) -> Tree:
  tree = Tree(f'[bold cyan]{title}[/]', guide_style='dim')
  shown: set[Node] = set()
  # Not by recursion: a lineage may be longer than Python's stack.
  ahead = [(tree, root) for root in reversed(roots)]
  while ahead:
    parent, node = ahead.pop()
    following = follow(node)
    if node in shown and following:
      parent.add(f'{label(node)} [dim]↑[/]')
      continue
    shown.add(node)
    branch = parent.add(label(node))
    ahead += [(branch, other) for other in reversed(following)]
  if shown == set(roots):
    for branch in tree.children or [tree]:
      branch.add('[dim]nothing that is recorded[/]')
  return tree


def _made_by_start(lineage: Lineage) -> set[Node]:
  """The artifacts that a run gave, where a run was asked about."""
  return {made for start in lineage.start if start.kind == EXECUTION for _, made in lineage.down(start)}


def _first_of(lineage: Lineage, own: set[Node]) -> Sequence[Node]:
  """Those of a run's executions that take nothing of the run's own; all, where each does."""
  behind = {taker for made in own for _, taker in lineage.down(made)}
  return [start for start in lineage.start if start not in behind] or lineage.start


def _label(node: Node, lineage: Lineage, common: str) -> str:
  """Type, id, state, and where an artifact is or which run an execution was part of."""
  style = 'bold' if node in lineage.start else 'default'
  words = [f'[{style}]{_shown(node.type)}[/]', f'{node.kind} {node.id}']
  if node.state:
    words.append(f'[{_COLORS.get(node.state, "default")}]{node.state}[/]')
  if node.kind == EXECUTION:
    words.append(f'[dim]{_shown(node.run_id)}[/]' if node.run_id else '')
  else:
    inside = common and node.uri.startswith(f'{common}/')
    words.append(_shown(f'…{node.uri[len(common) :]}' if inside else node.uri))
    # A run may have taken what another made.
    foreign = node.run_id and node.run_id not in {start.run_id for start in lineage.start}
    words.append(f'[dim]made by {_shown(node.run_id)}[/]' if foreign else '')
  return ' '.join(word for word in words if word)


def _shown(text: str) -> str:
  return escape(on_one_line(text))


def _common_folder(uris: Sequence[str]) -> str:
  """The folder that most URIs are somewhere in; '' where no two share more than the root of all paths."""
  groups = collections.defaultdict(list)
  for uri in uris:
    root = uri.find('/', uri.find('://') + 3 if '://' in uri else 1)
    groups[uri[: root + 1]].append(uri.split('/')[:-1])
  group = max(groups.values(), key=len, default=[])
  shared = [names[0] for names in itertools.takewhile(lambda names: len(set(names)) == 1, zip(*group, strict=False))]
  folder = '/'.join(shared)
  return folder if len(group) > 1 and folder.rpartition('://')[2].strip('/') else ''
