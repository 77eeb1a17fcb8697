"""Checks of Google Cloud for a run on Dataflow: credentials, flags, the Dataflow API, the account of the workers."""

import functools
import os
import shlex
from typing import NoReturn

import requests
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, WorkerOptions
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.runner import PipelineRunner

from beam_taxi import storage
from beam_taxi.cloud.dataflow import google_rest
from beam_taxi.cloud.dataflow.google_rest import RestError, ask
from beam_taxi.cloud.preflight.checks import Finding, NotCheckedError, failed, failed_by, not_checked, ok
from beam_taxi.errors import UserError
from beam_taxi.process.once import Once
from beam_taxi.runners.options import is_rehearsed
from beam_taxi.settings.config import RunConfig

# What Google answers where an API is not enabled, in the newer form of errors and in the older.
_DISABLED = ('SERVICE_DISABLED', 'accessNotConfigured')
_NO_BILLING = ('BILLING_DISABLED', 'UREQ_PROJECT_BILLING_NOT_FOUND')
_NO_PROJECT = ('CONSUMER_INVALID', 'USER_PROJECT_DENIED', 'RESOURCE_PROJECT_INVALID')

ACT_AS = 'iam.serviceAccounts.actAs'


class Cloud:
  """What the checks of a cloud share: the run's flags, and credentials that are looked for once."""

  def __init__(self, runner: PipelineRunner, options: PipelineOptions):
    self.options = options
    self.flags = options.view_as(GoogleCloudOptions)
    self.workers = options.view_as(WorkerOptions)
    self.refused_by_beam = _refused_by_beam(runner, options)
    self._credentials = Once(functools.partial(google_rest.credentials, options))

  @property
  def is_anonymous(self) -> bool:
    """Whether --no_auth says that there are no credentials."""
    return google_rest.is_anonymous(self.options)

  @property
  def workers_region(self) -> str:
    """Where workers will be; '' where no flag says it."""
    zone = self.workers.worker_zone or self.workers.zone or ''
    return str(self.workers.worker_region or zone.rpartition('-')[0] or self.flags.region or '')

  def project(self) -> str:
    """Raises NotCheckedError where no flag names it."""
    if not self.flags.project:
      raise NotCheckedError('needs --project')
    return str(self.flags.project)

  def region(self) -> str:
    """The job's. Raises NotCheckedError where no flag names it."""
    if not self.flags.region:
      raise NotCheckedError('needs --region')
    return str(self.flags.region)

  def require_credentials(self) -> None:
    """Waits for the credentials, where there should be some. Raises NotCheckedError where there are none."""
    if not self.is_anonymous:
      try:
        self._credentials()
      except UserError as error:
        raise NotCheckedError('needs credentials') from error

  def require_storage(self) -> None:
    """Waits until buckets can be asked. Raises NotCheckedError where they cannot.

    Beam's file systems themselves would look for credentials for half a minute.
    """
    if 'STORAGE_EMULATOR_HOST' in os.environ:
      return
    if self.is_anonymous:
      raise NotCheckedError('--no_auth')
    self.require_credentials()

  def require_google(self) -> None:
    """Raises NotCheckedError where Google itself cannot be asked."""
    if self.is_anonymous:
      raise NotCheckedError('--no_auth')
    if is_rehearsed():
      raise NotCheckedError('the cloud is emulated on this machine, and no emulator has this')

  def session(self, service: str = '') -> requests.Session:
    """HTTP with credentials, for one thread.

    Args:
      service: 'compute' or 'iam'; under --no_auth only a double that stands in for it can be asked.

    Raises:
      NotCheckedError: there are no credentials.
    """
    if service and not google_rest.is_overridden(service):
      self.require_google()
    self.require_credentials()
    return google_rest.session(self.options)

  def member(self) -> str:
    """Whose credentials they are, as IAM names a member."""
    return 'user:YOUR_EMAIL' if self.is_anonymous else google_rest.account_of(self._credentials())

  def access_token(self) -> str:
    """What Google's registries take for a password; '' without credentials."""
    if self.is_anonymous:
      return ''
    self.require_google()
    self.require_credentials()
    return str(self._credentials().token)

  def credentials_finding(self) -> Finding:
    """Whether there are credentials that are good now."""
    if self.is_anonymous:
      return not_checked('--no_auth')
    try:
      self._credentials()
    except UserError as error:
      return failed_by(error)
    account = self.member().rpartition(':')[2]
    return ok('good now' if account == 'YOUR_EMAIL' else f'good now, of {account}')

  def grant(self, role: str) -> str:
    """The command that gives a role in the project."""
    return _command('projects', 'add-iam-policy-binding', str(self.flags.project), self.member(), role)


def _refused_by_beam(runner: PipelineRunner, options: PipelineOptions) -> list[Finding]:
  """What Beam will say against the flags, once the graph is built; sets the region that gcloud is configured for.

  Beam checks none where the service is a double at localhost. Its own call of all these also makes a bucket.
  """
  validator = PipelineOptionsValidator(options, runner)
  if not validator.is_service_runner():
    return []
  flags, workers = options.view_as(GoogleCloudOptions), options.view_as(WorkerOptions)
  said = [
    *validator.validate_cloud_options(flags),
    *validator.validate_num_workers(workers),
    *validator.validate_worker_region_zone(workers),
    *validator.validate_sdk_container_image_options(workers),
  ]
  findings = [
    failed(f'Beam refuses: {each}', 'give the flag as Beam wants it') for each in said if _MISSING not in each
  ]
  for flag in ('temp_location', 'staging_location'):
    place = getattr(flags, flag)
    if place and place.startswith('gs://') and validator.validate_gcs_path(flags, flag):
      findings.append(failed(f'--{flag} {place}: Beam wants a folder in a bucket', f'--{flag} gs://BUCKET/FOLDER'))
  return findings


# These are said with what to give.
_MISSING = 'Missing required option'


def _command(kind: str, verb: str, what: str, member: str, role: str, *more: str) -> str:
  return shlex.join(['gcloud', *kind.split(), verb, what, f'--member={member}', f'--role={role}', *more])


def flag_findings(config: RunConfig, cloud: Cloud) -> list[Finding]:
  """Whether the flags name what a job needs, and nothing that only this machine has."""
  findings = list(cloud.refused_by_beam)
  if not cloud.flags.project:
    findings.append(failed('no --project', '--project PROJECT; gcloud projects list shows yours'))
  if not cloud.flags.region:
    findings.append(failed('no --region', '--region REGION, as in us-central1; gcloud compute regions list shows all'))
  for pattern in filter(storage.is_local, config.input):
    findings.append(
      failed(f'{pattern}: workers of Dataflow cannot read files of this machine', _copy(pattern, 'and give its URI'))
    )
  for flag, path in config.beside_input.items():
    if storage.is_local(path):
      what = f'--{flag} {path}: workers of Dataflow cannot read files of this machine'
      findings.append(failed(what, _copy(path, 'and give its URI')))
  return findings or [ok(f'project {cloud.flags.project}, region {cloud.flags.region}')]


def _copy(path: str, what_then: str) -> str:
  return f'gcloud storage cp {shlex.quote(path)} gs://BUCKET/ {what_then}'


def dataflow_finding(cloud: Cloud) -> Finding:
  """Asks Dataflow itself for a job, any: is it enabled, may this account ask, is there such a region?"""
  project, region = cloud.project(), cloud.region()
  url = google_rest.dataflow_endpoint(cloud.options)
  if cloud.is_anonymous and url == GoogleCloudOptions.DATAFLOW_ENDPOINT:
    raise NotCheckedError('--no_auth')
  try:
    ask(cloud.session(), 'GET', f'{url}/v1b3/projects/{project}/locations/{region}/jobs', params={'pageSize': 1})
  except RestError as error:
    return refused(cloud, error, 'dataflow', 'roles/dataflow.developer', 'Dataflow')
  return ok(f'enabled, and takes jobs of {project} in {region}')


def refused(cloud: Cloud, error: RestError, service: str, role: str, name: str) -> Finding:
  """The finding of a service's refusal, with what mends it. Raises it again where nothing is known of it."""
  project = cloud.flags.project
  api = f'{service}.googleapis.com'
  if error.reason in _DISABLED:
    return failed(f'the API of {name} is not enabled in {project}', f'gcloud services enable {api} --project {project}')
  if error.reason in _NO_BILLING:
    remedy = f'gcloud billing projects link {project} --billing-account=ACCOUNT'
    return failed(f'{name} refuses {project}, which nobody pays for ({error.message})', remedy)
  if error.reason in _NO_PROJECT:
    remedy = 'check --project; gcloud projects list shows yours'
    return failed(f'{name} knows no project {project} of this account ({error.message})', remedy)
  if error.status == 401:
    return failed(f'{name} refuses the credentials ({error.message})', google_rest.LOG_IN)
  if error.status == 403:
    return failed(f'{name} does not allow it ({error.message})', cloud.grant(role))
  if error.status in (400, 404):
    remedy = 'check --project and --region; gcloud compute regions list shows all regions'
    return failed(f'{name} does not know the project or the region ({error.message})', remedy)
  raise error


def account_finding(cloud: Cloud) -> Finding:
  """Whether the account that workers run as is there and enabled, and this account may have them run as it."""
  account = cloud.flags.service_account_email or _default_account(cloud)
  project = account.partition('@')[2].partition('.')[0] if account.endswith('.iam.gserviceaccount.com') else '-'
  http = cloud.session('iam')
  url = f'{google_rest.endpoint("iam")}v1/projects/{project}/serviceAccounts/{account}'
  try:
    allowed = ask(http, 'POST', f'{url}:testIamPermissions', json={'permissions': [ACT_AS]}).get('permissions', [])
  except RestError as error:
    if error.status == 404:
      return failed(f'there is no service account {account}', _make_account(cloud, account))
    if error.status == 403:
      _not_checked_for(error, 'iam', cloud)
    raise
  if ACT_AS not in allowed:
    role = 'roles/iam.serviceAccountUser'
    command = _command('iam service-accounts', 'add-iam-policy-binding', account, cloud.member(), role)
    return failed(f'workers run as {account}, which this account may not have them do', command)
  try:
    disabled = ask(http, 'GET', url).get('disabled', False)
  except RestError as error:
    if error.status == 404:
      return failed(f'there is no service account {account}', _make_account(cloud, account))
    if error.status != 403:
      raise
    return ok(f'workers run as {account}')
  if disabled:
    return failed(f'{account}, which workers run as, is disabled', f'gcloud iam service-accounts enable {account}')
  return ok(f'workers run as {account}')


def _make_account(cloud: Cloud, account: str) -> str:
  name, _, domain = account.partition('@')
  if not domain.endswith('.iam.gserviceaccount.com'):
    return '--service_account_email ACCOUNT; gcloud iam service-accounts list shows those of a project'
  return f'gcloud iam service-accounts create {name} --project {domain.partition(".")[0]}'


def _default_account(cloud: Cloud) -> str:
  """The account of Compute Engine that workers run as where no flag names one."""
  project = cloud.project()
  try:
    answer = ask(cloud.session('compute'), 'GET', f'{google_rest.endpoint("compute")}projects/{project}')
  except RestError as error:
    if error.reason not in _DISABLED and error.status == 403:
      _not_checked_for(error, 'compute', cloud)
    found = refused(cloud, error, 'compute', 'roles/compute.viewer', 'Compute Engine')
    raise UserError(f'{found.what}; {found.remedy}') from error
  if 'defaultServiceAccount' not in answer:
    raise UserError(f'{project} has no default service account; --service_account_email ACCOUNT')
  return str(answer['defaultServiceAccount'])


def _not_checked_for(error: RestError, service: str, cloud: Cloud) -> NoReturn:
  what = f'gcloud services enable {service}.googleapis.com --project {cloud.flags.project}'
  if error.reason in _DISABLED:
    raise NotCheckedError(f'the API {service}.googleapis.com is not enabled; {what}') from error
  raise NotCheckedError(f'this account may not ask ({error.message})') from error
