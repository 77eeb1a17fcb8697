"""Cloud Storage on a bad day: a proxy before the emulator that refuses, delays and cuts some of what it is asked."""

import contextlib
import http.client
import http.server
import random
import threading
import time
import urllib.parse
from collections.abc import Iterator

_SLOW_S = 0.5
# What services say when they are overloaded, or fail, and what makes no client try again.
_PASSING = (429, 500, 503, 'slow', 'cut', 'gone')
FORBIDDEN = 403


class BadDay:
  """What befalls the requests from now on. `begin` chooses it, `end` has all be answered again.

  Attributes:
    befell: how many requests something befell since it began.
  """

  def __init__(self) -> None:
    self._lock = threading.Lock()
    self._chooser = random.Random(0)
    self._share, self._left, self._until_forbidden = 0.0, 0, -1
    self.befell = 0

  def begin(self, chooser: random.Random, share: float, most: int, forbidden_after: int = -1) -> None:
    """Has something pass befall a share of the requests, `most` at most.

    With `forbidden_after` all are refused for good after so many.
    """
    with self._lock:
      self._chooser, self._share, self._left = chooser, share, most
      self._until_forbidden, self.befell = forbidden_after, 0

  def end(self) -> None:
    self.begin(self._chooser, 0, 0)

  def next(self) -> int | str:
    """What befalls a request: a status, 'slow', 'cut' within its answer, 'gone' before it; or ''."""
    with self._lock:
      if self._until_forbidden == 0:
        self.befell += 1
        return FORBIDDEN
      self._until_forbidden -= self._until_forbidden > 0
      if not self._left or self._chooser.random() >= self._share:
        return ''
      self._left -= 1
      self.befell += 1
      return self._chooser.choice(_PASSING)


@contextlib.contextmanager
def faulty_storage(address: str) -> Iterator[tuple[str, BadDay]]:
  """A proxy before an emulator, until the context ends: its address, and what befalls its requests."""
  day, upstream = BadDay(), urllib.parse.urlsplit(address).netloc

  class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def answer(self) -> None:
      body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
      what = day.next()
      if what == 'slow':
        time.sleep(_SLOW_S)
      elif what == 'gone':
        self.close_connection = True
        return
      elif isinstance(what, int):
        self._send(what, {'Content-Type': 'application/json'}, b'{"error": {"code": %d, "message": "bad day"}}' % what)
        return
      connection = http.client.HTTPConnection(upstream, timeout=60)
      with contextlib.closing(connection):
        headers = {name: value for name, value in self.headers.items() if name.lower() != 'host'}
        connection.request(self.command, self.path, body, {**headers, 'Host': upstream})
        answer = connection.getresponse()
        content = answer.read()
      # The emulator says where to go on by its own address.
      names = {name: value.replace(upstream, ours) for name, value in answer.getheaders()}
      if names.get('Content-Type', '').startswith('application/json'):
        content = content.replace(upstream.encode(), ours.encode())
      self._send(answer.status, names, content, is_cut=what == 'cut')

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815 - as http.server calls them.

    def do_HEAD(self) -> None:
      self.answer()

    def _send(self, status: int, headers: dict[str, str], content: bytes, *, is_cut: bool = False) -> None:
      self.send_response(status)
      for name, value in headers.items():
        if name.lower() not in ('content-length', 'transfer-encoding', 'connection', 'server', 'date'):
          self.send_header(name, value)
      self.send_header('Content-Length', str(len(content)))
      self.end_headers()
      self.wfile.write(content[: len(content) // 2] if is_cut else content)
      self.close_connection |= is_cut

    def log_message(self, *_: object) -> None:
      pass

  with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
    ours = f'127.0.0.1:{server.server_port}'
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
      yield f'http://{ours}', day
    finally:
      server.shutdown()
