"""The report of a run as it is made: by the graph, into the run's folder, before the manifest."""

import hashlib

from beam_taxi.artifacts.manifest import Manifest, RunFolder, WrittenFile
from beam_taxi.show.report.report_page import page_of
from beam_taxi.show.report.sources import source_of_manifest
from beam_taxi.storage import write_bytes


def write_report(manifest: Manifest, folder: RunFolder) -> WrittenFile:
  """Draws a run's report from its manifest, which need not be written yet, and from its statistics and schema."""
  data = page_of([source_of_manifest(manifest, folder)]).encode()
  write_bytes(folder.report, data, 'text/html; charset=utf-8')
  return WrittenFile(folder.report, hashlib.sha256(data).hexdigest())
