"""A double of Flink's REST API, as far as it is asked: a cluster, its jobs, and their end.

Paths, names and forms are those of Flink 1.19's documentation (Ops, REST API). No job runs in it.
"""

import contextlib
import dataclasses
import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

MIB = 1 << 20


@dataclasses.dataclass
class FlinkJob:
  """A job; `cancelable` says whether it ends when it is told to."""

  jid: str
  name: str
  state: str = 'RUNNING'
  started: int = 0
  finished_tasks: int = 0
  tasks: int = 24
  stacktrace: str = ''
  cancelable: bool = True

  def listed(self) -> dict[str, Any]:
    """It as /jobs/overview has it."""
    tasks = {'finished': self.finished_tasks, 'running': self.tasks - self.finished_tasks, 'total': self.tasks}
    return {'jid': self.jid, 'name': self.name, 'state': self.state, 'start-time': self.started, 'tasks': tasks}


@dataclasses.dataclass
class Flink:
  """A cluster of task managers that are alike.

  Attributes:
    address: as in 'http://127.0.0.1:1234'.
    jobs: all that it lists.
    settings: the job manager's configuration.
    asked: the method and path of each request.
    silent: refuses each request, as while its job manager begins.
  """

  address: str = ''
  version: str = '1.19.1'
  task_managers: int = 2
  slots: int = 2
  busy: int = 0
  network_mib: int = 768
  jobs: list[FlinkJob] = dataclasses.field(default_factory=list)
  settings: dict[str, str] = dataclasses.field(default_factory=lambda: {'restart-strategy.type': 'fixed-delay'})
  asked: list[str] = dataclasses.field(default_factory=list)
  silent: bool = False

  def answer(self, method: str, path: str, query: dict[str, str]) -> tuple[int, Any]:
    """A status and JSON."""
    total = self.task_managers * self.slots
    if self.silent:
      return 503, {'errors': ['Service temporarily unavailable due to an ongoing leader election.']}
    match method, path.split('/')[1:]:
      case 'GET', ['overview']:
        numbers = {'taskmanagers': self.task_managers, 'slots-total': total, 'slots-available': total - self.busy}
        return 200, {**numbers, 'flink-version': self.version}
      case 'GET', ['taskmanagers']:
        memory = {'networkMemory': self.network_mib * MIB}
        one = {'slotsNumber': self.slots, 'memoryConfiguration': memory}
        return 200, {'taskmanagers': [{'id': str(number), **one} for number in range(self.task_managers)]}
      case 'GET', ['jobmanager', 'config']:
        return 200, [{'key': key, 'value': value} for key, value in self.settings.items()]
      case 'GET', ['jobs', 'overview']:
        return 200, {'jobs': [job.listed() for job in self.jobs]}
      case _, ['jobs', jid, *of_job] if job := next((job for job in self.jobs if job.jid == jid), None):
        if method == 'PATCH' and query == {'mode': 'cancel'}:
          job.state = 'CANCELED' if job.cancelable else 'CANCELLING'
          return 202, {}
        if of_job == ['exceptions']:
          return 200, {'exceptionHistory': {'entries': [{'stacktrace': job.stacktrace}] if job.stacktrace else []}}
        return 200, job.listed()
    return 404, {'errors': ['Not found: /bad-request']}


@contextlib.contextmanager
def flink_cluster() -> Iterator[Flink]:
  """A cluster without jobs, for as long as the context lasts."""
  flink = Flink()

  class Handler(http.server.BaseHTTPRequestHandler):
    def _answer(self) -> None:
      url = urllib.parse.urlsplit(self.path)
      flink.asked.append(f'{self.command} {url.path}')
      status, body = flink.answer(self.command, url.path, dict(urllib.parse.parse_qsl(url.query)))
      content = json.dumps(body).encode()
      self.send_response(status)
      self.send_header('Content-Type', 'application/json; charset=UTF-8')
      self.send_header('Content-Length', str(len(content)))
      self.end_headers()
      self.wfile.write(content)

    do_GET = do_PATCH = _answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
      """Says nothing on the terminal."""

  server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
  flink.address = f'http://127.0.0.1:{server.server_port}'
  threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
  try:
    yield flink
  finally:
    server.shutdown()
    server.server_close()
