"""Dataflow's REST service, v1b3: what it says of a job, and the end of one.

Beam has a client of its own, but Beam 2.77 has another one than 2.72, with other names. Here all goes by the REST
reference, projects.locations.jobs, and answers are its JSON.
"""

import collections
import textwrap
import urllib.parse
from typing import Any

import google.auth.exceptions
import requests
import tenacity
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions

from beam_taxi.cloud.dataflow.google_rest import dataflow_endpoint, refusal, session
from beam_taxi.errors import UserError, on_one_line
from beam_taxi.runners.counters import NAMESPACE

# With waits that double up to 10 s, about 20 s in all where each answer comes at once.
_ATTEMPTS = 8

# Of one request, in seconds: to connect, and between two bytes of the answer.
_TIMEOUTS = (10, 30)


class DataflowService:
  """The jobs of one project in one region.

  Every method raises UserError where Dataflow refuses or cannot be reached, after it was asked again, within bounds,
  where that could help.
  """

  def __init__(self, options: PipelineOptions):
    """Finds credentials, and connects to nothing yet.

    Args:
      options: with those of GoogleCloudOptions, such as project, region, dataflow_endpoint and no_auth.

    Raises:
      UserError: there are no credentials.
    """
    cloud = options.view_as(GoogleCloudOptions)
    self._project, self._region = str(cloud.project), str(cloud.region)
    self._endpoint = dataflow_endpoint(options)
    self._jobs = f'v1b3/projects/{_quoted(self._project)}/locations/{_quoted(self._region)}/jobs'
    self._session = session(options)

  def job(self, job_id: str) -> dict[str, Any]:
    """The job as the service has it: 'currentState', 'createTime', 'currentStateTime', ..."""
    return self._ask('GET', job_id)

  def jobs_named(self, name: str) -> list[dict[str, Any]]:
    """Summaries of the jobs that have or had this name, the newest first: 'id', 'currentState', 'createTime', ..."""
    query = {'name': name}
    found: list[dict[str, Any]] = []
    while True:
      page = self._ask('GET', params=query)
      # The filter is the service's; jobs of exactly this name are meant.
      found += [job for job in page.get('jobs', []) if job.get('name') == name]
      if not page.get('nextPageToken'):
        return found
      query['pageToken'] = page['nextPageToken']

  def messages(
    self, job_id: str, since: str = '', minimum_importance: str = 'JOB_MESSAGE_BASIC'
  ) -> list[dict[str, Any]]:
    """What the service and the workers said of the job, oldest first: 'id', 'time', 'messageImportance', 'messageText'.

    Args:
      job_id: of the job.
      since: a message's 'time'; those of that very time are given too. '' for all.
      minimum_importance: JOB_MESSAGE_ERROR, _WARNING, _BASIC, _DETAILED or _DEBUG.
    """
    query = {'minimumImportance': minimum_importance, **({'startTime': since} if since else {})}
    found: list[dict[str, Any]] = []
    while True:
      page = self._ask('GET', job_id, '/messages', params=query)
      found += page.get('jobMessages', [])
      if not page.get('nextPageToken'):
        return found
      query['pageToken'] = page['nextPageToken']

  def metrics(self, job_id: str) -> dict[str, int]:
    """What this project's counters have come to, by STEP.NAME, as GraphRun has them of any runner.

    Of a job that goes on they are behind: what is counted in a bundle that may yet be done again, which the service
    calls tentative, is left out.
    """
    totals: collections.Counter[str] = collections.Counter()
    for metric in self._ask('GET', job_id, '/metrics').get('metrics', []):
      name = metric['name']
      context = name.get('context', {})
      ours = name.get('origin') == 'user' and context.get('namespace') == NAMESPACE
      if ours and context.get('tentative') != 'true' and 'scalar' in metric:
        # There is one for each step of the graph that counted.
        totals[name['name']] += int(metric['scalar'])
    return dict(totals)

  def cancel(self, job_id: str) -> None:
    """Has the job end without its output. It is in JOB_STATE_CANCELLING for a while."""
    self._ask('PUT', job_id, json={'requestedState': 'JOB_STATE_CANCELLED'})

  def _ask(self, method: str, job_id: str = '', resource: str = '', **request: Any) -> dict[str, Any]:
    url = f'{self._endpoint}/{self._jobs}' + (f'/{_quoted(job_id)}{resource}' if job_id else '')
    job = f'{f"job {job_id}" if job_id else "jobs"} of project {self._project} in {self._region}'
    try:
      response = _attempts()(self._session.request, method, url, timeout=_TIMEOUTS, **request)
      if not response.ok:
        said = refusal(response)
        raise UserError(f'{job}: Dataflow answered with HTTP status {said.status}: {said.message}')
      answer: dict[str, Any] = response.json()
    except google.auth.exceptions.GoogleAuthError as error:
      raise UserError(f'{job}: the credentials give no access: {_cause(error)}') from error
    except requests.RequestException as error:
      raise UserError(f'{job}: no answer of Dataflow at {self._endpoint}: {_cause(error)}') from error
    return answer


def _attempts() -> tenacity.Retrying:
  """Makes a request again, within bounds, as long as another time may do.

  Gives its last answer, or raises its last error.
  """
  return tenacity.Retrying(
    retry=tenacity.retry_if_result(_is_passing) | tenacity.retry_if_exception(_may_pass),
    wait=tenacity.wait_random_exponential(multiplier=0.5, max=10),
    stop=tenacity.stop_after_attempt(_ATTEMPTS),
    retry_error_callback=_last_outcome,
  )


def _is_passing(response: requests.Response) -> bool:
  return response.status_code == requests.codes.too_many_requests or response.status_code >= 500


def _may_pass(error: BaseException) -> bool:
  if isinstance(error, google.auth.exceptions.GoogleAuthError):
    return isinstance(error, google.auth.exceptions.TransportError) or bool(error.retryable)
  return isinstance(error, requests.ConnectionError | requests.Timeout)


def _last_outcome(state: tenacity.RetryCallState) -> Any:
  assert state.outcome
  return state.outcome.result()


def _cause(error: BaseException) -> str:
  """What went wrong at first; the errors around it say it again, with addresses of objects."""
  while within := error.__cause__ or error.__context__:
    error = within
  # Behind what they say, google-auth's errors have the answer that they say it of.
  is_of_google_auth = isinstance(error, google.auth.exceptions.GoogleAuthError) and error.args
  return _on_one_line(error.args[0] if is_of_google_auth else error)


def _on_one_line(text: object) -> str:
  return on_one_line(textwrap.shorten(str(text), 300))


def _quoted(name: str) -> str:
  """A name as a part of a URL's path; a project's may have a domain and a colon in it."""
  return urllib.parse.quote(name, safe='')
