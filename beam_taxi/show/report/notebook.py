"""The report in a notebook, within a frame of its own."""

import html
import os
from typing import Any

from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beam_taxi import storage
from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.show.report.report_page import page_of
from beam_taxi.show.report.sources import Source, source_of_path, source_of_record, source_of_statistics


class Report:
  """A report that a notebook shows where it is the last value of a cell.

  The page is in a frame that has no access to the notebook: what is in the data cannot reach it.
  """

  def __init__(self, page: str, height: int):
    self.page = page
    self._height = height

  def save(self, path: str | os.PathLike[str]) -> None:
    """Writes the page to a file."""
    with open(path, 'w', encoding='utf-8') as file:
      file.write(self.page)

  def _repr_html_(self) -> str:
    return (
      f'<iframe srcdoc="{html.escape(self.page)}" sandbox="allow-scripts allow-popups" '
      f'style="width: 100%; height: {self._height}px; border: 0" title="Report"></iframe>'
    )

  def __repr__(self) -> str:
    return f'<report of {len(self.page):,} characters: shown in a notebook, or written by .save(PATH)>'


def report(*stats: Any, height: int = 800) -> Report:
  """The report of a run or of statistics, in a notebook; of two, with what moved between them.

  Args:
    stats: one or two of: a Run that a store has, a run's folder, the path of a FeatureStats.pb or of a folder of them,
      a tfdv DatasetFeatureStatisticsList.
    height: of the frame that the page is in, in pixels.

  Returns:
    What a notebook shows where it is the last value of a cell; `.save(PATH)` writes the page, `.page` is its HTML.
  """
  if not 1 <= len(stats) <= 2:
    raise TypeError(f'a report is of one or two, and {len(stats)} were given')
  return Report(page_of([_source(each, place) for place, each in enumerate(stats, start=1)]), height)


def _source(stats: Any, place: int) -> Source:
  if isinstance(stats, Source):
    return stats
  if isinstance(stats, DatasetFeatureStatisticsList):
    return source_of_statistics(stats, f'Statistics {place}')
  if isinstance(stats, str | os.PathLike):
    return source_of_path(os.fspath(stats))
  if hasattr(stats, 'folder') and hasattr(stats, 'run_id'):
    return _source_of_record(stats)
  raise TypeError(f'{type(stats).__name__}: give a run, a path, or a DatasetFeatureStatisticsList')


def _source_of_record(run: Any) -> Source:
  """A metadata.Run, without its store; of one that took what an earlier run made, with that, where it is beside it."""
  earlier = run.properties.get('cached_from')
  folder = RunFolder(storage.join(run.folder.rpartition('/')[0], str(earlier)) if earlier else run.folder)
  return source_of_record(run, folder)
