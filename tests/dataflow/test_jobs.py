"""Asking Dataflow's REST service how a job is."""

import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from beam_taxi.dataflow.jobs import is_job_alive
from beam_taxi.errors import UserError

PROPERTIES = {'job_id': 'job-1', 'project': 'p', 'region': 'r'}


class Dataflow(http.server.BaseHTTPRequestHandler):
  """Answers projects.locations.jobs.get of one job, in Dataflow's REST protocol."""

  state = ''

  def do_GET(self) -> None:
    known = self.path.split('?')[0] == '/v1b3/projects/p/locations/r/jobs/job-1'
    answer = {'id': 'job-1', 'currentState': self.state} if known else {'error': {'code': 404, 'message': 'no job'}}
    body = json.dumps(answer).encode()
    self.send_response(200 if known else 404)
    self.send_header('Content-Type', 'application/json')
    self.send_header('Content-Length', str(len(body)))
    self.end_headers()
    self.wfile.write(body)

  def log_message(self, *_: object) -> None:
    """Says nothing on the terminal."""


@pytest.fixture
def beam_args() -> Iterator[list[str]]:
  server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Dataflow)
  threading.Thread(target=server.serve_forever, daemon=True).start()
  yield [f'--dataflow_endpoint=http://127.0.0.1:{server.server_port}', '--no_auth']
  server.shutdown()
  server.server_close()


STATES = {
  'JOB_STATE_PENDING': True,
  'JOB_STATE_RUNNING': True,
  'JOB_STATE_CANCELLING': True,
  'JOB_STATE_DRAINING': True,
  'JOB_STATE_DONE': False,
  'JOB_STATE_FAILED': False,
  'JOB_STATE_CANCELLED': False,
  'JOB_STATE_DRAINED': False,
}


@pytest.mark.parametrize(('state', 'alive'), STATES.items(), ids=STATES)
def test_a_job_is_alive_until_it_is_at_its_end(
  beam_args: list[str], monkeypatch: pytest.MonkeyPatch, state: str, alive: bool
) -> None:
  monkeypatch.setattr(Dataflow, 'state', state)

  assert is_job_alive(PROPERTIES, beam_args) is alive


def test_a_job_that_dataflow_does_not_know_is_neither(beam_args: list[str]) -> None:
  with pytest.raises(UserError, match='job other of project p: Dataflow does not say how it is .*404'):
    is_job_alive({**PROPERTIES, 'job_id': 'other'}, beam_args)
