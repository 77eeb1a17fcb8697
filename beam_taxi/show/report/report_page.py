"""The report: one page of a run, or of two side by side, from its sources to HTML."""

import base64
import datetime
import gzip
import itertools
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from beam_taxi.analysis.feature_statistics import DatasetStatistics
from beam_taxi.analysis.figures import FIGURES
from beam_taxi.artifacts.manifest import Manifest, Value, total_bytes
from beam_taxi.show.formats import count, duration, plural, share, size, when
from beam_taxi.show.html import vega
from beam_taxi.show.html.rendering import render
from beam_taxi.show.report.feature_values import SORTS, feature_values, shown_figures
from beam_taxi.show.report.lineage_picture import HEIGHT, WIDTH, drawing
from beam_taxi.show.report.moved import moved
from beam_taxi.show.report.schema_notes import schema_notes
from beam_taxi.show.report.sources import Source, partners
from beam_taxi.validation.findings import Finding, grouped, splits_of, verdict_of

# A distance that the page marks. What is nearer may be due to small samples, or to an outlier in a histogram.
_FAR = 0.1
_MOST_MOVES = 100
_MOST_FINDINGS = 200
# What has a place of its own in the report.
_SHOWN = ('run_id', 'pipeline_name', 'folder', 'started', 'seconds', 'rows', 'bytes', 'bad_rows', 'job_link', 'error')


def page_of(sources: Sequence[Source]) -> str:
  """The page of one source, or of two with what moved between them."""
  datasets, names, pairs = _laid_over(sources)
  notes = [schema_notes(source.schema, source.datasets, source.curated) if source.schema else {} for source in sources]
  of_last = notes[-1] if notes else {}
  features = feature_values(datasets, pairs)
  for feature in features:
    feature['schema'] = of_last.get(feature['name'])
  # Packed it is a third as long, and no browser reads it before it is to draw.
  packed = vega.script() if features else b''
  types = sorted(set(itertools.chain.from_iterable(feature['type'].split(' | ') for feature in features)))
  data = {
    'datasets': [{'name': name} for name in names],
    'features': features,
    'pairs': [f'{names[first]} and {names[second]}' for first, second in pairs],
    'far': _FAR,
    **shown_figures(),
    'sort': 'linf' if len(sources) > 1 and pairs else 'order',
  }
  return render(
    'run.html',
    styles=['report.css'],
    scripts=['report.js'],
    code=[gzip.decompress(packed).decode()] if packed else [],
    sides=[_side(source, f'node-{place}-') for place, source in enumerate(sources)],
    comparison=moved(*sources) if len(sources) > 1 else None,
    datasets=names,
    types=types,
    sorts=[(key, FIGURES[key].name) for key in SORTS],
    notes=_schema_rows(of_last),
    curated=sources[-1].curated if sources else '',
    data=data,
    packed=base64.b64encode(packed).decode(),
    box={'width': WIDTH, 'height': HEIGHT},
    most_moves=_MOST_MOVES,
  )


def _laid_over(
  sources: Sequence[Source],
) -> tuple[list[DatasetStatistics], list[str], list[tuple[int, int]]]:
  """The datasets that are drawn over each other, their names, and the pairs of them whose distances are of interest.

  Of one source: all its splits, each with each. Of two: each split beside the other's of the same name; where no names
  agree, in their order.
  """
  splits = [(source, split) for source in sources for split in source.datasets]
  if len(sources) < 2:
    pairs = list(itertools.combinations(range(len(splits)), 2))
    return [source.datasets[split] for source, split in splits], [split for _, split in splits], pairs
  first, second = sources
  compared = partners(first, second)
  order = [each for one, other in compared.items() for each in ((first, one), (second, other))]
  left = [(first, split) for split in first.datasets if split not in compared]
  left += [(second, split) for split in second.datasets if split not in compared.values()]
  pairs = [(place, place + 1) for place in range(0, len(order), 2)]
  labels = _labels(first, second)
  every = [*order, *left]
  return (
    [source.datasets[split] for source, split in every],
    [labels[id(source)] + split for source, split in every],
    pairs,
  )


def _labels(first: Source, second: Source) -> dict[int, str]:
  """What is before a split's name to say whose it is: as much of the sources' names as tells them apart."""
  if first.name == second.name:
    return {id(first): 'A · ', id(second): 'B · '}
  return {
    id(source): f'{source.name if len(source.name) < 40 else "…" + source.name[-38:]} · ' for source in (first, second)
  }


def _side(source: Source, prefix: str) -> dict[str, Any]:
  """What the page says of a source besides its features."""
  manifest, properties = source.manifest, source.properties
  facts: list[tuple[str, str]] = []
  if source.pipeline:
    facts.append(('Pipeline', source.pipeline))
  if source.started:
    facts.append(('Began', f'{when(source.started.astimezone(datetime.timezone.utc))} UTC'))
  if source.seconds is not None:
    facts.append(('Took', duration(source.seconds)))
  if properties.get('runner'):
    facts.append(('Runner', str(properties['runner'])))
  rows = manifest.input.rows if manifest else properties.get('rows')
  if rows is not None:
    facts.append(('Rows', f'{rows:,}'))
  elif source.datasets:
    facts.append(('Rows', count(sum(dataset.rows for dataset in source.datasets.values()))))
  read = manifest.input.bytes if manifest else properties.get('bytes')
  if isinstance(read, int):
    files = f' in {count(manifest.input.files)} file{plural(manifest.input.files)}' if manifest else ''
    facts.append(('Input', size(read) + files))
  if manifest:
    bad = sum(manifest.bad_rows.values())
    part = f' ({bad / manifest.input.rows:.2%})' if bad and manifest.input.rows else ''
    facts.append(('Bad rows', count(bad) + part))
    facts.append(('Examples', size(total_bytes(manifest.examples))))
  facts.append(('Features', count(len({name for each in source.datasets.values() for name in each.features}))))
  return {
    'name': source.name,
    'findings': None if source.findings is None else _findings(source.findings),
    'state': source.state,
    'facts': facts,
    'folder': source.folder,
    'job': _job(properties),
    'error': str(properties.get('error') or ''),
    'cached_from': str(properties.get('cached_from') or ''),
    'splits': _splits(source),
    'bad_rows': [
      (reason.replace('_', ' '), count(rows)) for reason, rows in (manifest.bad_rows if manifest else {}).items()
    ],
    'versions': _versions(manifest, properties),
    'properties': _properties(properties),
    'drawing': drawing(source.picture, prefix) if source.picture else None,
  }


def _findings(findings: Sequence[Finding]) -> dict[str, Any]:
  groups = grouped(findings)
  rows = [
    {
      'severity': group[0].severity,
      'feature': group[0].feature,
      'what': group[0].what,
      'expected': group[0].expected,
      'why': group[0].why,
      'where': '; against '.join(filter(None, (splits_of(group), group[0].baseline))),
      'remedy': group[0].remedy,
    }
    for group in groups[:_MOST_FINDINGS]
  ]
  return {'verdict': verdict_of(findings), 'rows': rows, 'more': max(len(groups) - _MOST_FINDINGS, 0)}


def _job(properties: Mapping[str, Value]) -> dict[str, str]:
  """The link to a job of Dataflow, or, where its id is not known as on its workers, to where it is by its name."""
  link, name, project = (str(properties.get(key) or '') for key in ('job_link', 'job_name', 'project'))
  if link.startswith('https://'):
    return {'link': link, 'name': str(properties.get('job_id') or name)}
  if name and project:
    query = urllib.parse.urlencode({'project': project})
    return {'link': f'https://console.cloud.google.com/dataflow/jobs?{query}', 'name': name}
  return {'link': '', 'name': ''}


def _splits(source: Source) -> list[tuple[str, str, str, str, str]]:
  """Each split's name, records, share of all, shards and bytes."""
  records = {split: dataset.rows for split, dataset in source.datasets.items()}
  if source.manifest:
    records = dict(source.manifest.splits)
  total = sum(records.values())
  rows = []
  for split, number in records.items():
    shards = [shard for shard in (source.manifest.examples if source.manifest else ()) if shard.split == split]
    stored = size(total_bytes(shards)) if shards else ''
    rows.append((split, count(number), share(number, total), count(len(shards)) if shards else '', stored))
  return rows


def _versions(manifest: Manifest | None, properties: Mapping[str, Value]) -> list[tuple[str, str]]:
  if manifest:
    return [(name, version or 'under another name') for name, version in manifest.versions.items()]
  prefix = 'version.'
  return [(name.removeprefix(prefix), str(value)) for name, value in properties.items() if name.startswith(prefix)]


def _properties(properties: Mapping[str, Value]) -> list[tuple[str, str]]:
  return [
    (name, f'{value:,}' if isinstance(value, int) else f'{value:,.6g}' if isinstance(value, float) else value)
    for name, value in properties.items()
    if name not in _SHOWN and value != '' and not name.startswith(('version.', 'records.'))
  ]


def _schema_rows(notes: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
  rows = []
  for name, note in notes.items():
    why = {what: reason for what, _, reason in note['notes']}
    rows.append({'name': name, **note, 'why': why})
  return rows
