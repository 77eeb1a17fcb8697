"""What each page of the site shows, and its HTML. How it looks is in show/html."""

import collections
import dataclasses
import datetime
import functools
import os
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi import storage
from beam_taxi.analysis.figures import FIGURES
from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.errors import on_one_line
from beam_taxi.metadata.lineage import ARTIFACT, EXECUTION, Lineage, Node
from beam_taxi.metadata.types import PIPELINE_RUN
from beam_taxi.show.formats import count, duration, file_name, when
from beam_taxi.show.html.rendering import render
from beam_taxi.show.site.charts import FULL, bars, sparkline
from beam_taxi.show.site.lineage_drawing import Drawing, draw, layers_of
from beam_taxi.show.site.store_contents import Artifact, Execution, Records, RunKey, RunRecord
from beam_taxi.show.site.trends import OF_RUN, RunStatistics, headings, splits_of, trends_of

# Rows that a table has before any script runs, as many as site.js turns over at a time.
FIRST_ROWS = 50

# Nodes of a lineage each way, on the page of a run or an artifact, and on a page of its own where these are not all.
NEAR, _FAR = 40, 400

# Runs of which bars are drawn.
_CHARTED = 200
# Runs whose states an overview counts, and whose rows it draws.
_RECENT = 100

_LONGEST_IN_BOX = 20

# What the top of a run's page or its tables say.
_SHOWN = ('run_id', 'pipeline_name', 'folder', 'started', 'seconds', 'rows', 'error', 'cached_from')


@dataclasses.dataclass(frozen=True)
class Site:
  """What pages are made from.

  Attributes:
    folder: where the site is.
    records: the store.
    statistics: those of its newest runs that can be read, by the runs' keys.
    looked_at: how many runs of each pipeline were looked at for these.
    built: when.
  """

  folder: str
  records: Records
  statistics: Mapping[RunKey, RunStatistics]
  looked_at: int
  built: datetime.datetime

  def render(self, template: str, root: str, **values: Any) -> str:
    """A page; `root` is the way from it to the index."""
    return render(
      template,
      styles=['site.css'],
      scripts=['site.js'] if template in _WITH_TABLES else [],
      linked=f'{root}assets/',
      root=root,
      store=self.records.uri,
      built=when(self.built),
      **values,
    )

  @functools.cached_property
  def readers(self) -> dict[int, list[RunRecord]]:
    """The runs that took each artifact and did not make it, the newest first."""
    found: collections.defaultdict[int, dict[RunKey, RunRecord]] = collections.defaultdict(dict)
    for record in self.records.runs:
      for execution in record.executions:
        for edge in self.records.inputs(execution.id):
          if self.maker(edge.artifact) is not record:
            found[edge.artifact][record.key] = record
    return {artifact: list(readers.values()) for artifact, readers in found.items()}

  def maker(self, artifact: int) -> RunRecord | None:
    """The run that made an artifact."""
    execution = self.making(artifact)
    return self.records.by_key.get(execution.run) if execution and execution.run else None

  def making(self, artifact: int) -> Execution | None:
    """The execution that made an artifact."""
    edge = next(iter(self.records.makers.get(artifact, ())), None)
    return self.records.executions[edge.execution] if edge else None


_WITH_TABLES = ('site_index.html', 'site_artifacts.html', 'site_pipeline.html')


def index_page(site: Site, chunks: int) -> str:
  """Pipelines and runs. `chunks` is how many files have the rows of all runs."""
  runs, pipelines = site.records.runs, site.records.pipelines
  return site.render(
    'site_index.html',
    '',
    total=len(runs),
    chunks=chunks,
    artifacts=len(site.records.artifacts),
    recent=runs[:_RECENT],
    pipelines=[
      {'name': name, 'runs': of_it, 'rows': sparkline([record.run.rows for record in reversed(of_it[:_RECENT])])}
      for name, of_it in pipelines.items()
    ],
    states=sorted({record.run.state for record in runs}),
    first=runs[:FIRST_ROWS],
    pages={name: file_name(name) for name in pipelines},
  )


def artifacts_page(site: Site, newest: Sequence[Artifact], chunks: int) -> str:
  """All artifacts, which are given the newest first."""
  return site.render(
    'site_artifacts.html',
    '',
    total=len(newest),
    chunks=chunks,
    types=sorted({artifact.type for artifact in newest}),
    first=[(artifact, site.maker(artifact.id)) for artifact in newest[:FIRST_ROWS]],
  )


def pipeline_page(site: Site, name: str) -> str:
  """A pipeline's runs, and the trends of its features."""
  runs = site.records.pipelines[name]
  charted = runs[:_CHARTED][::-1]
  read = _runs_with_statistics(site, name)
  return site.render(
    'site_pipeline.html',
    '../',
    name=name,
    runs=runs,
    states=collections.Counter(record.run.state for record in runs),
    charted=len(charted),
    charts=[
      _bar_chart('Rows', charted, [record.run.rows for record in charted], count),
      _bar_chart('Duration', charted, [record.run.seconds for record in charted], duration),
    ],
    headings=headings(),
    splits=_trends_of_splits(site, read),
    read=len(read),
    looked=len(runs[: site.looked_at]),
  )


def pipeline_trends(site: Site, name: str) -> dict[str, Any]:
  """The numbers behind a pipeline's lines, as site.js reads them: its runs, and of each split the features by place."""
  read = _runs_with_statistics(site, name)
  splits = [split['features'] for split in _trends_of_splits(site, read)]
  found = [[[trend for trend in feature.trends if trend] for feature in features] for features in splits]
  figures = {trend.figure.key: trend.figure for features in found for trends in features for trend in trends}
  return {
    'runs': [[record.page, record.run.run_id, when(record.run.started)] for record in read],
    'figures': {key: [figure.name, figure.unit] for key, figure in figures.items()},
    'splits': [
      [[[trend.figure.key, [_rounded(value) for value in trend.values]] for trend in trends] for trends in features]
      for features in found
    ],
  }


def _rounded(value: float | None) -> float | None:
  return None if value is None else float(f'{value:.6g}')


def _runs_with_statistics(site: Site, name: str) -> list[RunRecord]:
  """The runs whose statistics were read, the newest last."""
  looked = site.records.pipelines[name][: site.looked_at]
  return [record for record in reversed(looked) if record.key in site.statistics]


def _trends_of_splits(site: Site, runs: Sequence[RunRecord]) -> list[dict[str, Any]]:
  read = [site.statistics[record.key] for record in runs]
  return [{'name': split, 'features': trends_of(read, split)} for split in splits_of(read)]


def _bar_chart(title: str, runs: Sequence[RunRecord], values: Sequence[float | None], show: Any) -> dict[str, Any]:
  known = [value for value in values if value is not None]
  shown = ['' if value is None else show(value) for value in values]
  return {
    'title': title,
    'bars': list(zip(bars(values), runs, shown, strict=True)),
    'largest': show(max(known)) if known else '',
    'is_full': len(runs) >= FULL,
    'first': when(runs[0].run.started),
    'last': when(runs[-1].run.started),
  }


def run_page(site: Site, record: RunRecord, earlier: RunRecord | None, later: RunRecord | None) -> str:
  """A run. `earlier` and `later` are the runs of its pipeline next to it."""
  run, records = record.run, site.records
  cached_from = records.by_key.get((PIPELINE_RUN.name, str(run.properties.get('cached_from', ''))))
  found = site.statistics.get(record.key, {})
  return site.render(
    'site_run.html',
    '../',
    record=record,
    earlier=earlier,
    later=later,
    report=_report_of(site, record) or _report_of(site, cached_from),
    facts=_facts(run.properties),
    cached_from=cached_from,
    steps=[_step(site, record, execution) for execution in record.executions],
    summary=[(split, found[split]) for split in splits_of([found])],
    figures=[FIGURES[key] for key in OF_RUN],
    lineage=_lineage(site, EXECUTION, _ids(record), f'run-{record.page}', record)
    if _has_events(site, record)
    else None,
    properties={name: value for name, value in run.properties.items() if name not in _SHOWN and value != ''},
  )


def _facts(properties: Mapping[str, Any]) -> list[tuple[str, str]]:
  names = {name: name.removeprefix('records.') for name in properties if name.startswith('records.')}
  facts = [(f'Rows of {split}', count(properties[name])) for name, split in names.items()]
  return [*facts, ('Bad rows', count(properties['bad_rows']))] if properties.get('bad_rows') else facts


def _report_of(site: Site, record: RunRecord | None) -> str:
  """The way from a run's page to the report that is in its folder; '' where there is none on this machine."""
  if record is None or not record.run.folder or not storage.is_local(record.run.folder):
    return ''
  path = RunFolder(record.run.folder).report
  if not os.path.exists(path):
    return ''
  return urllib.parse.quote(os.path.relpath(path, storage.join(site.folder, 'runs')))


def _step(site: Site, record: RunRecord, execution: Execution) -> dict[str, Any]:
  records = site.records
  # Of our own runs all executions begin together, and end one behind the other in no time.
  is_ours = bool(record.run.folder)
  return {
    'execution': execution,
    'seconds': None if is_ours or execution.state not in ('COMPLETE', 'FAILED', 'CANCELED') else execution.seconds,
    'took': [(edge.key, records.artifacts[edge.artifact]) for edge in records.inputs(execution.id)],
    'gave': [(edge.key, records.artifacts[edge.artifact]) for edge in records.outputs(execution.id)],
  }


def _has_events(site: Site, record: RunRecord) -> bool:
  return any(site.records.inputs(number) or site.records.outputs(number) for number in _ids(record))


def _ids(record: RunRecord) -> list[int]:
  return [execution.id for execution in record.executions]


def artifact_page(site: Site, artifact: Artifact) -> str:
  """An artifact."""
  making = site.making(artifact.id)
  return site.render(
    'site_artifact.html',
    '../',
    artifact=artifact,
    maker=site.maker(artifact.id),
    step=making.step if making else '',
    readers=site.readers.get(artifact.id, []),
    lineage=_lineage(site, ARTIFACT, [artifact.id], f'artifact-{artifact.id}'),
    properties={name: value for name, value in artifact.properties.items() if value != ''},
  )


def lineage_page(site: Site, subject: RunRecord | Artifact) -> str:
  """The lineage of a run or an artifact, as far as it can be drawn."""
  if isinstance(subject, RunRecord):
    kind, ids, name, href = EXECUTION, _ids(subject), subject.run.run_id, f'runs/{subject.page}.html'
    record: RunRecord | None = subject
  else:
    kind, ids, name, href = ARTIFACT, [subject.id], f'{subject.type} {subject.id}', f'artifacts/{subject.id}.html'
    record = None
  shown = _ShownLineage(site, site.records.lineage(kind, ids, _FAR), record, '')
  return site.render('site_lineage.html', '../', name=name, href=href, lineage=shown)


def _lineage(site: Site, kind: str, ids: Sequence[int], page: str, record: RunRecord | None = None) -> '_ShownLineage':
  lineage = site.records.lineage(kind, ids, NEAR)
  return _ShownLineage(site, lineage, record, f'lineage/{page}.html' if lineage.left_out else '')


def has_lineage_page(site: Site, subject: RunRecord | Artifact) -> bool:
  """Whether there is more than the subject's own page shows."""
  kind, ids = (EXECUTION, _ids(subject)) if isinstance(subject, RunRecord) else (ARTIFACT, [subject.id])
  return bool(ids and site.records.lineage(kind, ids, NEAR).left_out)


class _ShownLineage:
  """A lineage as a page shows it: a drawing, and a list of what each execution took and gave."""

  def __init__(self, site: Site, lineage: Lineage, record: RunRecord | None, more: str):
    self._site = site
    self._lineage = lineage
    self._record = record
    self.more = more
    self.left_out = lineage.left_out
    self.layers = layers_of(lineage)
    self.drawing: Drawing = draw(lineage, self.layers)

  def href(self, node: Node) -> str:
    """A node's page: an execution's is that of its run."""
    if node.kind == ARTIFACT:
      return f'artifacts/{node.id}.html'
    record = self._run_of(node)
    return f'runs/{record.page}.html' if record else ''

  def title(self, node: Node) -> str:
    return _short(node.name if node.kind == EXECUTION else node.type.rpartition('.')[2])

  def detail(self, node: Node) -> str:
    """What tells a node from others of its title."""
    if node.kind == ARTIFACT:
      return f'artifact {node.id}'
    record = self._run_of(node)
    return node.state if record is None or record is self._record else _short(node.run_id, 22)

  def whole(self, node: Node) -> str:
    """What there is no room for in the drawing."""
    words = (f'{node.type} {node.id}', node.state, node.uri if node.kind == ARTIFACT else node.run_id)
    return ', '.join(on_one_line(word) for word in words if word)

  @property
  def steps(self) -> list[dict[str, Any]]:
    """The executions in the order in which things were made, with what they took and gave of what is shown."""
    return [
      {
        'name': node.name,
        'href': self.href(node),
        'run': node.run_id if self._run_of(node) is not self._record else '',
        'took': list({edge.artifact: other for edge, other in self._lineage.up(node)}.values()),
        'gave': list({edge.artifact: other for edge, other in self._lineage.down(node)}.values()),
      }
      for layer in self.layers
      for node in layer
      if node.kind == EXECUTION
    ]

  def _run_of(self, node: Node) -> RunRecord | None:
    run = self._site.records.executions[node.id].run
    return self._site.records.by_key.get(run) if run else None


def _short(text: str, longest: int = _LONGEST_IN_BOX) -> str:
  text = on_one_line(text)
  return text if len(text) <= longest else f'{text[: longest - 1]}…'
