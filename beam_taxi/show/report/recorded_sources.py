"""A run as its store has it, for a report: its state, times and properties, and its lineage with what is recorded."""

import dataclasses

import ml_metadata as mlmd

from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.metadata.lineage import EXECUTION, INPUT, Lineage, lineage_of, properties_of
from beam_taxi.metadata.runs import Run, find_run
from beam_taxi.show.report.lineage_picture import Picture, PictureNode
from beam_taxi.show.report.sources import Source, source_of_record

# So many nodes can be looked at; `lineage` shows all.
_MOST_NODES = 60


def source_of_run(store: mlmd.MetadataStore, run: Run) -> Source:
  """A run that a store has, complete or not; of one that took what an earlier run made, with what that made."""
  earlier = str(run.properties.get('cached_from') or '')
  folder = RunFolder(find_run(store, earlier).folder if earlier else run.folder)
  picture = picture_of_lineage(store, lineage_of(store, run.run_id, _MOST_NODES))
  return dataclasses.replace(source_of_record(run, folder), picture=picture)


def picture_of_lineage(store: mlmd.MetadataStore, lineage: Lineage) -> Picture:
  """A lineage as its picture; what was asked about is marked as its own."""
  properties = properties_of(store, lineage.nodes)
  start = {node.key for node in lineage.start}
  made = {
    f'artifact:{edge.artifact}'
    for edge in lineage.edges
    if edge.direction != INPUT and f'{EXECUTION}:{edge.execution}' in start
  }
  nodes = []
  for node in lineage.nodes:
    names = {name: value for name, value in (('run', node.run_id), ('name', node.name)) if value}
    facts = {**names, **properties[node.key]}
    is_own = node.key in start or node.key in made
    nodes.append(PictureNode(node.key, node.kind, node.type, facts, node.state, node.uri, is_own))
  edges = []
  for edge in lineage.edges:
    artifact, execution = f'artifact:{edge.artifact}', f'{EXECUTION}:{edge.execution}'
    edges.append((artifact, execution) if edge.direction == INPUT else (execution, artifact))
  return Picture(tuple(nodes), tuple(dict.fromkeys(edges)), lineage.left_out)
