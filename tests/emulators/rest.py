"""A double of REST services: answers by method and path, in JSON as Google has it, and keeps what was asked."""

import contextlib
import dataclasses
import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any


@dataclasses.dataclass(frozen=True)
class Request:
  """A request that came: its path without the query, and its headers by their names in lower case."""

  method: str
  path: str
  query: dict[str, str]
  headers: dict[str, str]
  body: bytes


@dataclasses.dataclass(frozen=True)
class Answer:
  status: int
  body: Any
  headers: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class RestService:
  """A double that runs until its context ends.

  Attributes:
    address: as in 'http://127.0.0.1:1234'.
    answers: by method and path, as in 'GET /v1/things'; 404 for all others.
    asked: what was asked, in the order in which it came.
  """

  address: str
  answers: dict[str, Answer] = dataclasses.field(default_factory=dict)
  asked: list[Request] = dataclasses.field(default_factory=list)

  def answer(self, what: str, body: Any, status: int = 200, **headers: str) -> None:
    """Sets an answer; dicts become JSON."""
    self.answers[what] = Answer(status, body, headers)

  def refuse(self, what: str, status: int, words: str, reason: str, message: str = 'no') -> None:
    """Sets a refusal, in the form of google.rpc.Status; `words` is the status in words, as in PERMISSION_DENIED."""
    details = [{'@type': 'type.googleapis.com/google.rpc.ErrorInfo', 'reason': reason, 'domain': 'googleapis.com'}]
    error = {'code': status, 'message': message, 'status': words, 'details': details if reason else []}
    self.answer(what, {'error': error}, status)


@contextlib.contextmanager
def rest_service() -> Iterator[RestService]:
  service = RestService('')

  class Handler(http.server.BaseHTTPRequestHandler):
    def _answer(self) -> None:
      url = urllib.parse.urlsplit(self.path)
      body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
      headers = {name.lower(): value for name, value in self.headers.items()}
      service.asked.append(Request(self.command, url.path, dict(urllib.parse.parse_qsl(url.query)), headers, body))
      unknown = Answer(404, {'error': {'code': 404, 'message': 'not found', 'status': 'NOT_FOUND'}})
      found = service.answers.get(f'{self.command} {url.path}', unknown)
      if callable(found.body):
        found = found.body(service.asked[-1])
      content = found.body if isinstance(found.body, bytes) else json.dumps(found.body).encode()
      self.send_response(found.status)
      for name, value in {'Content-Type': 'application/json', **found.headers}.items():
        self.send_header(name, value)
      self.send_header('Content-Length', str(len(content)))
      self.end_headers()
      self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
      """Says nothing on the terminal."""

  server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
  service.address = f'http://127.0.0.1:{server.server_port}'
  threading.Thread(target=server.serve_forever, daemon=True).start()
  try:
    yield service
  finally:
    server.shutdown()
    server.server_close()
