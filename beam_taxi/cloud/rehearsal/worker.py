"""What a Dataflow job's workers do, in one process: run a staged pipeline with staged packages.

It is run as a script, by a Python that is kept from the user's checkout, and so imports nothing of this project by
itself: what the pipeline needs of it must have been staged. It prints one JSON object a line: {"counters": {...}} while
it works, and in the end {"done": {...}} or {"error": "a traceback"}.

    python -I -S worker.py FOLDER SITE_PACKAGES...

FOLDER has pipeline.pb, options.json (the job's SDK options) and packages/, where the staged packages are installed.
"""

import json
import logging
import os
import pathlib
import sys
import threading
import traceback
from typing import Any

_SECONDS_BETWEEN_COUNTERS = 0.2


def main(folder: pathlib.Path, site_packages: list[str]) -> int:
  sys.path[:0] = [str(folder / 'packages'), *site_packages]
  # What is printed is the service's; whatever a step prints is not.
  out = os.fdopen(os.dup(sys.stdout.fileno()), 'w', buffering=1)
  os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
  logging.basicConfig(level=logging.WARNING)

  ended = threading.Event()
  reporter = threading.Thread(target=_report, args=(out, ended), daemon=True)
  reporter.start()
  last: dict[str, Any]
  try:
    last = {'done': _run(folder)}
  except BaseException:
    last = {'error': traceback.format_exc()}
  ended.set()
  reporter.join()
  print(json.dumps(last), file=out)
  return 0 if 'done' in last else 1


def _run(folder: pathlib.Path) -> dict[str, int]:
  """Runs the pipeline; its counters, as NAMESPACE/NAME."""
  from apache_beam.io.filesystems import FileSystems
  from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
  from apache_beam.portability import python_urns
  from apache_beam.portability.api import beam_runner_api_pb2 as beam_pb2
  from apache_beam.runners.portability.fn_api_runner import FnApiRunner

  given = json.loads((folder / 'options.json').read_text())
  # As on a worker: the plugins that the launcher names are imported, and file systems get the job's options.
  for plugin in given.get('beam_plugins') or []:
    __import__(plugin.rpartition('.')[0])
  options = PipelineOptions.from_dictionary(_flags(given))
  options.view_as(DirectOptions).direct_num_workers = 1
  FileSystems.set_options(options)
  proto = beam_pb2.Pipeline.FromString((folder / 'pipeline.pb').read_bytes())
  for environment in proto.components.environments.values():
    environment.urn = python_urns.EMBEDDED_PYTHON
    environment.payload = b''
    del environment.dependencies[:]
  result = FnApiRunner().run_via_runner_api(proto, options)
  result.wait_until_finish()
  totals: dict[str, int] = {}
  for counter in result.metrics().query()['counters']:
    metric = counter.key.metric
    name = f'{metric.namespace}/{metric.name}'
    totals[name] = totals.get(name, 0) + (counter.committed or 0)
  return totals


def _flags(given: dict[str, Any]) -> dict[str, Any]:
  """The options that a worker's Beam can take; the others mean something to the launcher or the service alone."""
  names = ('project', 'region', 'no_auth', 'temp_location', 'staging_location', 'impersonate_service_account')
  return {name: given[name] for name in names if given.get(name)}


def _report(out: Any, ended: threading.Event) -> None:
  """Prints what the steps have counted so far, each time that there is more."""
  before: dict[str, int] = {}
  while not ended.wait(_SECONDS_BETWEEN_COUNTERS):
    # Beam's runner tells what a pipeline counted only in the end. This project's steps also count where it shows.
    counters: Any = sys.modules.get('beam_taxi.runners.counters')
    counted = counters.all_counted_here() if hasattr(counters, 'all_counted_here') else {}
    now = {f'{counters.NAMESPACE}/{name}': count for name, count in counted.items()}
    if now != before:
      print(json.dumps({'counters': now}), file=out)
      before = now


if __name__ == '__main__':
  sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2:]))
