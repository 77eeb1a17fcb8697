"""The report of a run as it is made: by the graph, into the run's folder, before the manifest."""

from beam_taxi.artifacts.manifest import Manifest, RunFolder, WrittenFile, write_file
from beam_taxi.show.report.report_page import page_of
from beam_taxi.show.report.sources import source_of_manifest


def write_report(manifest: Manifest, folder: RunFolder) -> WrittenFile:
  """Draws a run's report from its manifest, which need not be written yet, and from its statistics and schema."""
  page = page_of([source_of_manifest(manifest, folder)])
  return write_file(folder.report, page.encode(), mime_type='text/html; charset=utf-8')
