"""A double of Dataflow's REST service, v1b3: projects.locations.jobs get, update, getMetrics and messages.list.

It has the jobs that a test gives it, for clients without credentials or with those of a service account, for which it
is the token service too. (Source: Dataflow's REST reference; AIP-193 for errors; RFC 6749, 5.1, for tokens.)
"""

import contextlib
import dataclasses
import datetime
import http.server
import json
import pathlib
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

# In rising order. Each has a number too, in another order, which JSON may have in the name's place.
_IMPORTANCES = [f'JOB_MESSAGE_{name}' for name in ('DEBUG', 'DETAILED', 'BASIC', 'WARNING', 'ERROR')]
_IMPORTANCE_OF = {number: _IMPORTANCES[rank] for number, rank in zip('12534', range(5), strict=True)}
_CANCELLED = ('JOB_STATE_CANCELLED', 5)
_ENDED = [f'JOB_STATE_{name}' for name in ('DONE', 'FAILED', 'CANCELLED', 'UPDATED', 'DRAINED')]
_STATUS = {400: 'FAILED_PRECONDITION', 401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND'}
_TOKEN = 'token-of-the-double'


class RefusalError(Exception):
  """An answer that is an error: the HTTP status and what is said."""


@dataclasses.dataclass
class Job:
  """What the service knows of a job: its resource, and what its sub-resources are made of."""

  resource: dict[str, Any]
  messages: list[dict[str, Any]] = dataclasses.field(default_factory=list)
  metrics: list[dict[str, Any]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Dataflow:
  """A service that runs until its context ends.

  Attributes:
    port: of localhost.
    jobs: by (project, location, id).
    page_size: how many messages are given at a time.
    failures: HTTP status and message of the next answers, whatever is asked; 0 for none: the connection is closed.
    requests: 'METHOD PATH?QUERY' of all that was asked of jobs.
    needs_token: whether it refuses who does not show what the token service gives.
  """

  port: int = 0
  jobs: dict[tuple[str, str, str], Job] = dataclasses.field(default_factory=dict)
  page_size: int = 2
  failures: list[tuple[int, str]] = dataclasses.field(default_factory=list)
  requests: list[str] = dataclasses.field(default_factory=list)
  needs_token: bool = False

  @property
  def url(self) -> str:
    return f'http://localhost:{self.port}'

  @property
  def beam_args(self) -> list[str]:
    """Beam's arguments by which it is found, without credentials."""
    return [f'--dataflow_endpoint={self.url}', '--no_auth']

  def write_credentials(self, path: pathlib.Path) -> None:
    """Writes a service account's key file, as GOOGLE_APPLICATION_CREDENTIALS names one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    account = {
      'type': 'service_account',
      'project_id': 'p',
      'private_key_id': '1',
      'private_key': pem.decode(),
      'client_email': 'double@p.iam.gserviceaccount.com',
      'token_uri': f'{self.url}/token',
    }
    path.write_text(json.dumps(account))

  def answer(self, method: str, resource: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    """What the service says to a call of a job; raises RefusalError."""
    match [urllib.parse.unquote(part) for part in resource.split('/')]:
      case ['', 'v1b3', 'projects', project, 'locations', location, 'jobs', name, *rest]:
        job = self.jobs.get((project, location, name))
      case _:
        raise RefusalError(404, 'no such method')
    if not job:
      raise RefusalError(404, f'({project}): Information about job {name} could not be found.')
    match rest, method:
      case [], 'GET':
        return job.resource
      case [], 'PUT':
        return _update(job, body)
      case ['messages'], 'GET':
        return self._messages(job, query)
      case ['metrics'], 'GET':
        return {'metricTime': '2026-01-01T00:00:00Z', 'metrics': job.metrics}
    raise RefusalError(404, 'no such method')

  def _messages(self, job: Job, query: dict[str, str]) -> dict[str, Any]:
    least = query.get('minimumImportance', 'JOB_MESSAGE_DEBUG')
    rank = _IMPORTANCES.index(_IMPORTANCE_OF.get(least, least))
    since = _time(query.get('startTime', '1970-01-01T00:00:00Z'))
    found = [
      message
      for message in job.messages
      if _IMPORTANCES.index(message['messageImportance']) >= rank and _time(message['time']) >= since
    ]
    begin = int(query.get('pageToken', '0'))
    end = begin + self.page_size
    # A field that has its default is left out.
    page: dict[str, Any] = {'jobMessages': found[begin:end]} if found[begin:end] else {}
    return page | ({'nextPageToken': str(end)} if end < len(found) else {})


def _update(job: Job, body: dict[str, Any]) -> dict[str, Any]:
  if job.resource['currentState'] in _ENDED:
    raise RefusalError(400, 'the job has ended')
  if body.get('requestedState') in _CANCELLED:
    job.resource['currentState'] = 'JOB_STATE_CANCELLING'
  return job.resource


def _time(text: str) -> datetime.datetime:
  return datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))


@contextlib.contextmanager
def dataflow_service() -> Iterator[Dataflow]:
  """Serves jobs on a free port of localhost."""
  service = Dataflow()

  class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
      length = int(self.headers.get('Content-Length', 0))
      body = self.rfile.read(length)
      if self.path == '/token':
        self._send(200, {'access_token': _TOKEN, 'expires_in': 3600, 'token_type': 'Bearer'})
        return
      service.requests.append(f'{self.command} {self.path}')
      try:
        if service.failures:
          raise RefusalError(*service.failures.pop(0))
        if service.needs_token and self.headers.get('Authorization') != f'Bearer {_TOKEN}':
          raise RefusalError(401, 'Request is missing required authentication credential.')
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self._send(200, service.answer(self.command, url.path, query, json.loads(body or b'{}')))
      except RefusalError as refusal:
        code, message = refusal.args
        if code:
          self._send(code, {'error': {'code': code, 'message': message, 'status': _STATUS.get(code, 'UNKNOWN')}})
        self.close_connection = not code

    do_PUT = do_POST = do_GET  # noqa: N815 - BaseHTTPRequestHandler's names.

    def _send(self, code: int, answer: dict[str, Any]) -> None:
      content = json.dumps(answer).encode()
      self.send_response(code)
      self.send_header('Content-Type', 'application/json; charset=UTF-8')
      self.send_header('Content-Length', str(len(content)))
      self.end_headers()
      self.wfile.write(content)

    def log_message(self, *_: object) -> None:
      """Says nothing on the terminal."""

  server = http.server.ThreadingHTTPServer(('localhost', 0), Handler)
  service.port = server.server_port
  thread = threading.Thread(target=server.serve_forever)
  thread.start()
  try:
    yield service
  finally:
    server.shutdown()
    server.server_close()
    thread.join()
