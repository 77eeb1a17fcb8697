"""A graph in layers, for drawings of lineages: each node behind all that lead to it."""

import collections
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

_Key = TypeVar('_Key', bound=Hashable)


def layers(keys: Sequence[_Key], edges: Sequence[tuple[_Key, _Key]]) -> list[list[_Key]]:
  """Nodes in layers, those of a layer near to what they hang on, and else in the order in which they are given.

  Args:
    keys: the nodes.
    edges: pairs of them, from what is before to what is behind. A circle is cut somewhere.
  """
  before: collections.defaultdict[_Key, list[_Key]] = collections.defaultdict(list)
  behind: collections.defaultdict[_Key, list[_Key]] = collections.defaultdict(list)
  for source, target in dict.fromkeys(edges):
    before[target].append(source)
    behind[source].append(target)
  depths = _depths(keys, before, behind)
  found: list[list[_Key]] = [[] for _ in range(max(depths.values(), default=-1) + 1)]
  for key in keys:
    found[depths[key]].append(key)
  order: dict[_Key, float] = {}
  for layer in found:
    layer.sort(key=lambda key: _middle(before[key], order))
    order |= {key: place - len(layer) / 2 for place, key in enumerate(layer)}
  return found


def _depths(
  keys: Sequence[_Key], before: Mapping[_Key, Sequence[_Key]], behind: Mapping[_Key, Sequence[_Key]]
) -> dict[_Key, int]:
  """How many steps the longest way to each node has."""
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
