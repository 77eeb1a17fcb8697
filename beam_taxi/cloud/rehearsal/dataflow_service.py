"""A double of Dataflow's REST service, v1b3: it takes jobs as the service does, and has them executed on this machine.

Of projects.locations it has jobs.create, get, list, update, getMetrics, messages.list, and flexTemplates.launch; it is
its clients' token service, too. (Source: Dataflow's REST reference; AIP-193 for errors; RFC 6749, 5.1, for tokens.)
"""

import contextlib
import dataclasses
import datetime
import http.server
import json
import pathlib
import random
import re
import secrets
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

# In rising order. Each has a number too, in another order, which JSON may have in the name's place.
_IMPORTANCES = [f'JOB_MESSAGE_{name}' for name in ('DEBUG', 'DETAILED', 'BASIC', 'WARNING', 'ERROR')]
_IMPORTANCE_OF = {number: _IMPORTANCES[rank] for number, rank in zip('12534', range(5), strict=True)}
_CANCELLED = ('JOB_STATE_CANCELLED', 5)
_BATCH = ('JOB_TYPE_BATCH', 1)
ENDED = [f'JOB_STATE_{name}' for name in ('DONE', 'FAILED', 'CANCELLED', 'UPDATED', 'DRAINED')]
_STATUS = {
  400: 'FAILED_PRECONDITION',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ALREADY_EXISTS',
}
# Sources: https://cloud.google.com/dataflow/quotas; the reference of Job.
_LARGEST_REQUEST = 10 << 20
_JOB_NAME = re.compile(r'[a-z]([-a-z0-9]{0,1022}[a-z0-9])?')
_SUMMARY = ('id', 'projectId', 'location', 'name', 'type', 'currentState', 'currentStateTime', 'createTime')


class RefusalError(Exception):
  """An answer that is an error: the HTTP status and what is said."""


@dataclasses.dataclass
class Job:
  """What the service knows of a job: its resource, and what its sub-resources are made of."""

  resource: dict[str, Any]
  messages: list[dict[str, Any]] = dataclasses.field(default_factory=list)
  metrics: list[dict[str, Any]] = dataclasses.field(default_factory=list)
  on_cancel: Callable[[], None] | None = None

  @property
  def state(self) -> str:
    return str(self.resource.get('currentState', ''))

  def enter(self, state: str) -> None:
    """Moves it on to a state, such as 'JOB_STATE_RUNNING'."""
    self.resource = {**self.resource, 'currentState': state, 'currentStateTime': timestamp()}

  def say(self, text: str, importance: str = 'JOB_MESSAGE_BASIC') -> None:
    """Adds a message."""
    number = f'message-{len(self.messages)}'
    self.messages.append({'id': number, 'time': timestamp(), 'messageText': text, 'messageImportance': importance})


@dataclasses.dataclass
class Dataflow:
  """A service that runs until its context ends.

  Attributes:
    port: of localhost.
    jobs: by (project, location, id), in the order in which they came.
    page_size: how many messages are given at a time.
    failures: HTTP status and message of the next answers, whatever is asked; 0 for none: the connection is closed.
    requests: 'METHOD PATH?QUERY' of all that was asked.
    largest: the bytes of the largest request.
    needs_token: whether it refuses who does not show what the token service gives.
    token: what the token service gives; each service has another.
    refresh_token: by which it knows its clients, who have it from write_credentials.
    gives_tokens: whether the token service still knows its clients.
    exists: whether there is an object or, without a name behind it, a bucket, by its gs:// URI.
    execute: begins a job that was created, with what makes its request where that is a launcher's work.
    launch: makes a job's request of a launch of a flex template and the job that this becomes.
  """

  port: int = 0
  jobs: dict[tuple[str, str, str], Job] = dataclasses.field(default_factory=dict)
  page_size: int = 2
  failures: list[tuple[int, str]] = dataclasses.field(default_factory=list)
  requests: list[str] = dataclasses.field(default_factory=list)
  largest: int = 0
  needs_token: bool = False
  token: str = dataclasses.field(default_factory=secrets.token_urlsafe)
  refresh_token: str = dataclasses.field(default_factory=secrets.token_urlsafe)
  gives_tokens: bool = True
  exists: Callable[[str], bool] | None = None
  execute: Callable[[Job, Callable[[], dict[str, Any]]], None] | None = None
  launch: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]] | None = None
  _creating: threading.Lock = dataclasses.field(default_factory=threading.Lock)

  @property
  def url(self) -> str:
    # Beam 2.77 speaks REST only to an address with this name in it.
    return f'http://localhost:{self.port}'

  @property
  def beam_args(self) -> list[str]:
    """Beam's arguments by which it is found, without credentials."""
    return [f'--dataflow_endpoint={self.url}', '--no_auth']

  def write_credentials(self, path: pathlib.Path) -> None:
    """Writes a user's credentials of a kind that names its token service, for GOOGLE_APPLICATION_CREDENTIALS.

    With a service account's google-auth would also ask Google itself where its token may be used.
    """
    user = {'type': 'external_account_authorized_user', 'audience': '', 'token_url': f'{self.url}/token'}
    user |= {'refresh_token': self.refresh_token, 'client_id': 'c', 'client_secret': 's'}
    path.write_text(json.dumps(user))

  def is_shown_by(self, authorization: str | None) -> bool:
    """Whether a request's header has the token."""
    return secrets.compare_digest((authorization or '').encode(), f'Bearer {self.token}'.encode())

  def knows(self, form: Mapping[str, str]) -> bool:
    """Whether the token service knows who asks it."""
    return self.gives_tokens and secrets.compare_digest(
      form.get('refresh_token', '').encode(), self.refresh_token.encode()
    )

  def answer(self, method: str, resource: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    """What the service says to a call; raises RefusalError."""
    match [method, *(urllib.parse.unquote(part) for part in resource.split('/'))]:
      case ['POST', '', 'v1b3', 'projects', project, 'locations', region, 'jobs'] if self.execute:
        self._check(body)
        return self._create(project, region, body, lambda: body)
      case ['POST', '', 'v1b3', 'projects', project, 'locations', region, 'flexTemplates:launch'] if self.launch:
        return self._launch(project, region, body)
      case ['GET', '', 'v1b3', 'projects', project, 'locations', region, 'jobs']:
        return self._list(project, region, query.get('name', ''))
      case [_, '', 'v1b3', 'projects', project, 'locations', region, 'jobs', name, *rest]:
        job = self.jobs.get((project, region, name))
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
        return {'metricTime': timestamp(), 'metrics': job.metrics}
    raise RefusalError(404, 'no such method')

  def _create(
    self, project: str, region: str, request: Mapping[str, Any], complete: Callable[[], dict[str, Any]]
  ) -> dict[str, Any]:
    """A new job that is executed. `complete` gives the request whole, and is called once the job is there."""
    name = str(request.get('name', ''))
    if not _JOB_NAME.fullmatch(name):
      raise _not_created(400, f'The job name {name!r} is invalid; it must match the expression {_JOB_NAME.pattern}.')
    with self._creating:
      if any(job.resource.get('name') == name and job.state not in ENDED for job in self.jobs.values()):
        raise _not_created(409, f'There is already an active job named {name}.')
      now = timestamp()
      number = f'{datetime.datetime.now():%Y-%m-%d_%H_%M_%S}-{random.randrange(10**18, 10**19)}'
      place = {'id': number, 'projectId': project, 'location': region, 'type': 'JOB_TYPE_BATCH'}
      job = Job({**request, **place, 'createTime': now, 'currentStateTime': now, 'currentState': 'JOB_STATE_PENDING'})
      self.jobs[project, region, number] = job
    assert self.execute
    self.execute(job, complete)
    return job.resource

  def _launch(self, project: str, region: str, body: Mapping[str, Any]) -> dict[str, Any]:
    parameter = body.get('launchParameter', {})
    place = {'project': project, 'region': region}

    def complete() -> dict[str, Any]:
      assert self.launch
      request = self.launch(place, parameter)
      self._check(request)
      return request

    return {'job': self._create(project, region, {'name': parameter.get('jobName', '')}, complete)}

  def _list(self, project: str, region: str, name: str) -> dict[str, Any]:
    """Summaries in one page, the newest first."""
    found = [job.resource for key, job in reversed(self.jobs.items()) if key[:2] == (project, region)]
    found = [resource for resource in found if name in ('', resource.get('name'))]
    return {'jobs': [{key: each[key] for key in _SUMMARY if key in each} for each in found]} if found else {}

  def _check(self, request: Mapping[str, Any]) -> None:
    """Refuses a request of which no worker could make anything."""
    given = request.get('environment', {})
    options = given.get('sdkPipelineOptions', {}).get('options', {})
    if request.get('type') not in _BATCH:
      raise _not_created(400, f'{request.get("type")} is not the type of a batch job.')
    if 'use_runner_v2' not in given.get('experiments', []):
      raise _not_created(400, 'Jobs of this SDK need Runner v2.')
    temp = str(given.get('tempStoragePrefix', '')).replace('storage.googleapis.com/', 'gs://')
    bucket = '/'.join(temp.split('/')[:3])
    for what, uri in (('temporary location', bucket), ('pipeline', str(options.get('pipelineUrl', '')))):
      if self.exists and not self.exists(uri):
        raise _not_created(400, f'The {what} {uri!r} does not exist.')

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
  if job.state in ENDED:
    raise RefusalError(400, 'the job has ended')
  if body.get('requestedState') in _CANCELLED:
    job.enter('JOB_STATE_CANCELLING')
    if job.on_cancel:
      job.on_cancel()
  return job.resource


def _not_created(status: int, cause: str) -> RefusalError:
  return RefusalError(status, f'(a1b2c3d4): The workflow could not be created. Causes: (a1b2c3d4): {cause}')


def _time(text: str) -> datetime.datetime:
  return datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))


def timestamp() -> str:
  """Now, as the service writes it."""
  return datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.%fZ')


@contextlib.contextmanager
def dataflow_service() -> Iterator[Dataflow]:
  """Serves jobs on a free port of this machine alone."""
  service = Dataflow()

  class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
      length = int(self.headers.get('Content-Length', 0))
      body = self.rfile.read(length)
      if self.path == '/token':
        if service.knows(dict(urllib.parse.parse_qsl(body.decode(errors='replace')))):
          self._send(200, {'access_token': service.token, 'expires_in': 3600, 'token_type': 'Bearer'})
        else:
          self._send(400, {'error': 'invalid_grant', 'error_description': 'account not found'})
        return
      service.requests.append(f'{self.command} {self.path}')
      service.largest = max(service.largest, length)
      try:
        if service.failures:
          raise RefusalError(*service.failures.pop(0))
        if service.needs_token and not service.is_shown_by(self.headers.get('Authorization')):
          raise RefusalError(401, 'Request is missing required authentication credential.')
        if length > _LARGEST_REQUEST:
          raise RefusalError(400, f'Request payload size exceeds the limit: {_LARGEST_REQUEST} bytes.')
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

  server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
  service.port = server.server_port
  thread = threading.Thread(target=server.serve_forever)
  thread.start()
  try:
    yield service
  finally:
    server.shutdown()
    server.server_close()
    thread.join()
