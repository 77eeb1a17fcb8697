"""What a person looks at: progress, summaries, tables on a terminal, and in `html` the report as a page."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from beam_taxi.report.html.show import Report


def show(*stats: Any, height: int = 800) -> 'Report':
  """The report of a run or of statistics, in a notebook; of two, with what moved between them.

  Args:
    stats: one or two of: a metadata.Run, a run's folder, the path of a FeatureStats.pb or of a folder of them, a
      tfdv DatasetFeatureStatisticsList.
    height: of the frame that the page is in, in pixels.

  Returns:
    What a notebook shows where it is the last value of a cell; `.save(PATH)` writes the page, `.page` is its HTML.
  """
  from beam_taxi.report.html.show import show as show_report

  return show_report(*stats, height=height)
