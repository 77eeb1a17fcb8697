"""Google's REST services: HTTP with the credentials that Beam uses, where the services are, and what they answer."""

import os
from typing import Any

import google.auth
import google.auth.exceptions
import requests
from apache_beam.internal.gcp import auth
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from google.auth.credentials import Credentials
from google.auth.transport.requests import AuthorizedSession, Request

from beam_taxi.errors import UserError, on_one_line

_ENDPOINTS = {'compute': 'https://compute.googleapis.com/compute/v1/', 'iam': 'https://iam.googleapis.com/'}
_OVERRIDES = 'CLOUDSDK_API_ENDPOINT_OVERRIDES_'

# To connect, and between two pieces of an answer.
_TIMEOUT_S = (5, 20)

LOG_IN = 'gcloud auth application-default login'


class RestError(Exception):
  """A service refuses: its status, its reason (as in SERVICE_DISABLED, else the status in words), and what it says."""

  def __init__(self, status: int, reason: str, message: str):
    super().__init__(f'HTTP status {status}, {reason or "no reason"}: {message}')
    self.status = status
    self.reason = reason
    self.message = message


def session(options: PipelineOptions) -> requests.Session:
  """HTTP with the credentials that Beam uses for its options; without any under --no_auth.

  Raises:
    UserError: there are none, or they are not good any more.
  """
  return requests.Session() if is_anonymous(options) else AuthorizedSession(credentials(options))


def is_anonymous(options: PipelineOptions) -> bool:
  """Whether --no_auth says that there are no credentials."""
  return bool(options.view_as(GoogleCloudOptions).no_auth)


def credentials(options: PipelineOptions) -> Credentials:
  """Beam's credentials, fresh. Raises UserError where there are none, or they are not good any more."""
  try:
    # Beam itself would look for them for half a minute, and then go on without.
    google.auth.default(scopes=options.view_as(GoogleCloudOptions).gcp_oauth_scopes)
    adapter = auth.get_service_credentials(options)
    if adapter is None:
      raise UserError(f'Beam finds no credentials for Google Cloud; {LOG_IN}')
    found: Credentials = adapter.get_google_auth_credentials()
    if not found.valid:
      found.refresh(Request())
  except google.auth.exceptions.DefaultCredentialsError as error:
    raise UserError(f'no credentials for Google Cloud ({_one_line(error)}); {LOG_IN}') from error
  except google.auth.exceptions.GoogleAuthError as error:
    whom = options.view_as(GoogleCloudOptions).impersonate_service_account
    remedy = f'your account needs the role roles/iam.serviceAccountTokenCreator on {whom}' if whom else LOG_IN
    raise UserError(f'the credentials for Google Cloud are refused ({_one_line(error)}); {remedy}') from error
  return found


def account_of(found: Credentials) -> str:
  """Whose credentials they are, as IAM names a member; a placeholder where they do not say."""
  for attribute in ('service_account_email', '_target_principal'):
    email = getattr(found, attribute, '')
    if email and '@' in email:
      return f'serviceAccount:{email}'
  email = getattr(found, 'account', '')
  return f'user:{email}' if email else 'user:YOUR_EMAIL'


def endpoint(service: str) -> str:
  """Where 'compute' or 'iam' is, with its last slash; as gcloud's environment variables have it, where they are set."""
  return os.environ.get(_OVERRIDES + service.upper(), _ENDPOINTS[service]).rstrip('/') + '/'


def dataflow_endpoint(options: PipelineOptions) -> str:
  """Where Dataflow is, without a last slash. Beam 2.77 takes it without a scheme too."""
  address = str(options.view_as(GoogleCloudOptions).dataflow_endpoint).rstrip('/')
  return address if '://' in address else f'https://{address}'


def is_overridden(service: str) -> bool:
  """Whether the environment puts another server in the place of Google's."""
  return _OVERRIDES + service.upper() in os.environ


def ask(http: requests.Session, method: str, url: str, **words: Any) -> dict[str, Any]:
  """One call of a REST service; its answer.

  Raises:
    RestError: it refuses.
    requests.RequestException: it does not answer.
  """
  answer = http.request(method, url, timeout=_TIMEOUT_S, **words)
  if not answer.ok:
    raise refusal(answer)
  return _json(answer)


def refusal(answer: requests.Response) -> RestError:
  """What an answer that is an error says: in the form of google.rpc.Status, in the older one, or as HTTP calls it."""
  error = _json(answer).get('error', {})
  if not isinstance(error, dict):
    error = {'message': str(error)}
  details = [each.get('reason') for each in error.get('details', []) if 'ErrorInfo' in each.get('@type', '')]
  older = [each.get('reason') for each in error.get('errors', [])]
  reason = next(filter(None, [*details, error.get('status'), *older]), '')
  return RestError(answer.status_code, reason, _one_line(error.get('message', '') or answer.reason))


def _json(answer: requests.Response) -> dict[str, Any]:
  try:
    body = answer.json()
  except ValueError:
    body = {}
  return body if isinstance(body, dict) else {}


def _one_line(text: object) -> str:
  return on_one_line(' '.join(str(text).split()))[:300]
