"""Vega-Lite, with which charts are drawn, as one script that needs nothing else, from the package vl-convert.

vl-convert has the JavaScript of Vega-Lite, Vega and vega-embed inside and joins it when it is asked, which takes a
second of a core with Python's lock held. So it is joined once on a machine and kept among the user's cached files, and
a run has that done in a process of its own, while it does other things.
"""

import contextlib
import gzip
import importlib.metadata
import os
import subprocess
import sys
import threading
import zlib

from beam_taxi.storage import write_bytes

# What a page needs of the libraries, under one name.
_SNIPPET = 'window.vegaParts = { vegaEmbed, vega, vegaLite };'

_lock = threading.Lock()
_ahead: list[subprocess.Popen[bytes]] = []


def prepare() -> None:
  """Begins to join the script in another process, where it is not cached. `script` waits for it."""
  with _lock:
    if not _ahead and not os.path.exists(_cached()):
      program = 'from beam_taxi.show.html import vega; vega.script()'
      environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))}
      _ahead.append(
        subprocess.Popen(
          [sys.executable, '-c', program],
          env=environment,
          stdin=subprocess.DEVNULL,
          stdout=subprocess.DEVNULL,
          stderr=subprocess.DEVNULL,
          start_new_session=True,
        )
      )


def script() -> bytes:
  """The script, packed by gzip. It sets `window.vegaParts`, with `vegaEmbed`, `vega` and `vegaLite`."""
  with _lock:
    for process in _ahead:
      process.wait()
    path = _cached()
    with contextlib.suppress(OSError, EOFError, zlib.error), open(path, 'rb') as file:
      kept = file.read()
      gzip.decompress(kept)
      return kept
    import vl_convert

    packed = gzip.compress(str(vl_convert.javascript_bundle(_SNIPPET)).encode(), mtime=0)
    with contextlib.suppress(OSError):  # A worker may have no home; then it is joined again the next time.
      write_bytes(path, packed)
    return packed


def _cached() -> str:
  home = os.environ.get('XDG_CACHE_HOME') or os.path.join(os.path.expanduser('~'), '.cache')
  version = importlib.metadata.version('vl-convert-python')
  return os.path.join(home, 'beam_taxi', f'vega-{version}.js.gz')
