"""Writes the site: its pages, what they share, and the rows that its tables search."""

import dataclasses
import datetime
import os
from collections.abc import Iterator, Sequence
from typing import Any

import ml_metadata as mlmd

from beam_taxi import storage
from beam_taxi.errors import UserError
from beam_taxi.show.formats import file_name
from beam_taxi.show.html.rendering import as_json, asset
from beam_taxi.show.site.page_contents import (
  Site,
  artifact_page,
  artifacts_page,
  has_lineage_page,
  index_page,
  lineage_page,
  pipeline_page,
  pipeline_trends,
  run_page,
)
from beam_taxi.show.site.store_contents import Artifact, RunRecord, read_records
from beam_taxi.show.site.trends import read_records_statistics, rows_of

_ASSETS = ('base.css', 'base.js', 'site.css', 'site.js')
_FOLDERS = ('artifacts', 'assets', 'data', 'lineage', 'pipelines', 'runs')

# Rows in a file: some 200 KB.
CHUNK = 2000


@dataclasses.dataclass(frozen=True)
class Built:
  """What was written."""

  runs: int
  pages: int
  bytes: int


def build_site(store: mlmd.MetadataStore, uri: str, folder: str, newest: int) -> Built:
  """Writes the site of a store.

  Args:
    store: an open store.
    uri: the store's.
    folder: a local folder, which need not be there. Files of an earlier site are replaced, others are left.
    newest: of how many runs of each pipeline statistics are read.

  Raises:
    UserError: the folder cannot be written.
  """
  if not storage.is_local(folder):
    raise UserError(f'--out {folder}: a site is built in a local folder; then copy it, as with gcloud storage rsync')
  records = read_records(store, uri)
  statistics = read_records_statistics(records, newest)
  rows = {key: rows_of(found) for key, found in statistics.items()}
  runs = [_with_rows(record, rows.get(record.key)) for record in records.runs]
  site = Site(
    folder=os.path.abspath(folder),
    records=dataclasses.replace(records, runs=runs),
    statistics=statistics,
    looked_at=newest,
    built=datetime.datetime.now(datetime.timezone.utc),
  )
  return write_site(site)


def write_site(site: Site) -> Built:
  """Writes a site's files. Raises UserError where its folder cannot be written."""
  try:
    for name in _FOLDERS:
      os.makedirs(os.path.join(site.folder, name), exist_ok=True)
    pages = written = 0
    for name, text in _files(site):
      pages += name.endswith('.html')
      written += _write(os.path.join(site.folder, name), text)
  except OSError as error:
    raise UserError(f'--out {site.folder}: cannot be written ({storage.why(error)})') from error
  return Built(len(site.records.runs), pages, written)


def _with_rows(record: RunRecord, rows: int | None) -> RunRecord:
  """A run with the rows that its statistics count, where it does not say how many it read."""
  if rows is None or record.run.rows is not None:
    return record
  return dataclasses.replace(record, run=dataclasses.replace(record.run, rows=rows))


def _files(site: Site) -> Iterator[tuple[str, str]]:
  """The site's files, each after those that it leads to."""
  records = site.records
  for name in _ASSETS:
    yield f'assets/{name}', asset(name)
  newest = sorted(records.artifacts.values(), key=lambda artifact: -artifact.id)
  for artifact in newest:
    yield f'artifacts/{artifact.id}.html', artifact_page(site, artifact)
    if has_lineage_page(site, artifact):
      yield f'lineage/artifact-{artifact.id}.html', lineage_page(site, artifact)
  for name, runs in records.pipelines.items():
    for later, record, earlier in zip([None, *runs], runs, [*runs[1:], None], strict=False):
      yield f'runs/{record.page}.html', run_page(site, record, earlier, later)
      if has_lineage_page(site, record):
        yield f'lineage/run-{record.page}.html', lineage_page(site, record)
    yield f'data/trends-{file_name(name)}.js', f'self.siteTrends = {as_json(pipeline_trends(site, name))};\n'
    yield f'pipelines/{file_name(name)}.html', pipeline_page(site, name)
  artifact_chunks = _chunks([_artifact_row(site, artifact) for artifact in newest])
  run_chunks = _chunks([_run_row(record) for record in records.runs])
  for kind, chunks in (('artifacts', artifact_chunks), ('runs', run_chunks)):
    for number, text in enumerate(chunks, 1):
      yield f'data/{kind}-{number}.js', text
  yield 'artifacts.html', artifacts_page(site, newest, len(artifact_chunks))
  yield 'index.html', index_page(site, len(run_chunks))


def _chunks(rows: Sequence[Any]) -> list[str]:
  """Scripts that hand rows to site.js: a page on a disk may run a script, and not read a file."""
  groups = (rows[begin : begin + CHUNK] for begin in range(0, len(rows), CHUNK))
  return [f'self.siteRows.push(...{as_json(group)});\n' for group in groups]


def _run_row(record: RunRecord) -> list[Any]:
  """As site.js reads it; no page's name where it is the run's id."""
  run = record.run
  return [
    '' if record.page == run.run_id else record.page,
    run.run_id,
    run.pipeline_name,
    run.state,
    int(run.started.timestamp()),
    None if run.seconds is None else round(run.seconds, 1),
    run.rows,
    run.properties.get('bad_rows', 0),
  ]


def _artifact_row(site: Site, artifact: Artifact) -> list[Any]:
  maker = site.maker(artifact.id)
  run_id = maker.run.run_id if maker else ''
  page = maker.page if maker and maker.page != run_id else ''
  return [artifact.id, artifact.type, artifact.uri, artifact.state, round(artifact.created.timestamp()), run_id, page]


def _write(path: str, text: str) -> int:
  data = text.encode()
  storage.write_bytes(path, data)
  return len(data)
