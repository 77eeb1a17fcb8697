"""Credentials, flags, the Dataflow API and the workers' account, asked over HTTP of doubles of Google's services."""

import json
import os
import pathlib
import subprocess

import pytest
from apache_beam.internal.gcp import auth
from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner
from emulators.rest import RestService
from findings import cloud_of, shown

from beam_taxi.cloud.dataflow import google_rest
from beam_taxi.cloud.preflight import dataflow_checks as cloud
from beam_taxi.cloud.preflight.checks import Check, NotCheckedError, made
from beam_taxi.runners.options import parse_beam_args
from beam_taxi.settings.config import RunConfig

JOBS = 'GET /v1b3/projects/p/locations/us-east1/jobs'
PLACE = ('--project=p', '--region=us-east1')
WORKER = 'worker@p.iam.gserviceaccount.com'
ACCOUNT = f'/v1/projects/p/serviceAccounts/{WORKER}'
DEFAULT = '123-compute@developer.gserviceaccount.com'


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
  """As on a machine where nobody has logged in."""
  monkeypatch.setattr(auth._Credentials, '_credentials_init', False)
  monkeypatch.setattr(auth._Credentials, '_credentials', None)
  monkeypatch.delenv('GOOGLE_APPLICATION_CREDENTIALS', raising=False)
  monkeypatch.setenv('CLOUDSDK_CONFIG', str(tmp_path))
  monkeypatch.setenv('NO_GCE_CHECK', 'true')


@pytest.fixture
def key_file(
  no_credentials: None, google: RestService, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> pathlib.Path:
  """A service account's key, as one is downloaded, whose tokens the double gives."""
  command = ['openssl', 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']
  key = subprocess.run(command, check=True, capture_output=True, text=True).stdout
  path = tmp_path / 'key.json'
  path.write_text(
    json.dumps(
      {
        'type': 'service_account',
        'project_id': 'p',
        'private_key_id': '1',
        'private_key': key,
        'client_email': 'me@p.iam.gserviceaccount.com',
        'token_uri': f'{google.address}/token',
      }
    )
  )
  monkeypatch.setenv('GOOGLE_APPLICATION_CREDENTIALS', str(path))
  return path


def with_credentials(*flags: str) -> cloud.Cloud:
  return cloud.Cloud(*parse_beam_args(['--runner=DataflowRunner', *flags]))


def test_where_nobody_has_logged_in_the_command_to_log_in_is_said(no_credentials: None) -> None:
  [(mark, what, remedy)] = shown(with_credentials().credentials_finding())

  assert (mark, remedy) == ('failed', 'gcloud auth application-default login')
  assert what.startswith('no credentials for Google Cloud')


def test_what_needs_credentials_is_not_checked_without(no_credentials: None) -> None:
  found = made(Check('Dataflow', lambda: cloud.dataflow_finding(with_credentials(*PLACE))))

  assert shown(found) == [('not checked', 'needs credentials', '')]


def test_credentials_that_are_refused_are_said(key_file: pathlib.Path, google: RestService) -> None:
  google.answer('POST /token', {'error': 'invalid_grant', 'error_description': 'the key is gone'}, 400)

  [(mark, what, remedy)] = shown(with_credentials().credentials_finding())

  assert (mark, 'the key is gone' in what, remedy) == ('failed', True, google_rest.LOG_IN)


def test_services_are_asked_with_the_credentials_and_roles_are_for_their_account(
  key_file: pathlib.Path, google: RestService
) -> None:
  google.answer('POST /token', {'access_token': 'TOKEN', 'expires_in': 3600, 'token_type': 'Bearer'})
  google.refuse(JOBS, 403, 'PERMISSION_DENIED', 'IAM_PERMISSION_DENIED', 'dataflow.jobs.list is denied')
  at = with_credentials(*PLACE, f'--dataflow_endpoint={google.address}')

  assert shown(at.credentials_finding()) == [('ok', 'good now, of me@p.iam.gserviceaccount.com', '')]
  assert shown(cloud.dataflow_finding(at)) == [
    (
      'failed',
      'Dataflow does not allow it (dataflow.jobs.list is denied)',
      'gcloud projects add-iam-policy-binding p --member=serviceAccount:me@p.iam.gserviceaccount.com '
      '--role=roles/dataflow.developer',
    )
  ]
  assert google.asked[-1].headers['authorization'] == 'Bearer TOKEN'
  assert at.access_token() == 'TOKEN'


def test_without_authorization_there_are_no_credentials_to_check() -> None:
  assert shown(cloud_of().credentials_finding()) == [('not checked', '--no_auth', '')]


GOOD = ('--project=taxi', '--region=us-east1')
HERE = 'workers of Dataflow cannot read files of this machine'
REFUSED = 'Beam refuses: '

FLAGS = {
  'all': (GOOD, 'gs://b/*.csv', '', ['project taxi, region us-east1']),
  'none': ((), 'gs://b/*.csv', '', ['no --project', 'no --region']),
  'local_files': (GOOD, 'trips/*.csv', 'schema.pbtxt', [f'trips/*.csv: {HERE}', f'--schema schema.pbtxt: {HERE}']),
  'a_bucket_without_a_folder': (
    (*GOOD, '--temp_location=gs://bucket'),
    'gs://b/*.csv',
    '',
    ['--temp_location gs://bucket: Beam wants a folder in a bucket'],
  ),
  'workers': (
    (*GOOD, '--num_workers=3', '--max_num_workers=2'),
    'gs://b/*.csv',
    '',
    [f'{REFUSED}num_workers (3) cannot exceed max_num_workers (2)'],
  ),
  'places': (
    (*GOOD, '--worker_region=us-east1', '--worker_zone=us-east1-b'),
    'gs://b/*.csv',
    '',
    [f'{REFUSED}worker_region and worker_zone are mutually exclusive.'],
  ),
}


@pytest.mark.parametrize(('flags', 'pattern', 'schema', 'expected'), FLAGS.values(), ids=FLAGS)
def test_flags_name_what_a_job_needs(flags: tuple[str, ...], pattern: str, schema: str, expected: list[str]) -> None:
  config = RunConfig((pattern,), 'gs://b/out', 'one', schema=schema)

  assert [what for _, what, _ in shown(cloud.flag_findings(config, cloud_of(*flags)))] == expected


def test_the_region_can_be_that_of_gclouds_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setenv('CLOUDSDK_COMPUTE_REGION', 'us-west1')

  assert cloud_of('--project=taxi').region() == 'us-west1'


@pytest.fixture(autouse=True)
def no_region_of_gclouds(monkeypatch: pytest.MonkeyPatch) -> None:
  """Whatever this machine is configured for."""
  monkeypatch.delenv('CLOUDSDK_COMPUTE_REGION', raising=False)
  monkeypatch.setattr(DataflowRunner, 'get_default_gcp_region', environment_region)


def environment_region(_: DataflowRunner) -> str | None:
  return os.environ.get('CLOUDSDK_COMPUTE_REGION')


def test_dataflow_that_answers_is_ok(google: RestService) -> None:
  google.answer(JOBS, {})

  found = cloud.dataflow_finding(cloud_of(*PLACE, f'--dataflow_endpoint={google.address}/'))

  assert shown(found) == [('ok', 'enabled, and takes jobs of p in us-east1', '')]
  assert google.asked[0].query == {'pageSize': '1'}


REFUSALS = {
  'not_enabled': (
    403,
    'PERMISSION_DENIED',
    'SERVICE_DISABLED',
    'gcloud services enable dataflow.googleapis.com --project p',
  ),
  'not_allowed': (
    403,
    'PERMISSION_DENIED',
    '',
    'gcloud projects add-iam-policy-binding p --member=user:YOUR_EMAIL --role=roles/dataflow.developer',
  ),
  'nobody_pays': (
    403,
    'PERMISSION_DENIED',
    'BILLING_DISABLED',
    'gcloud billing projects link p --billing-account=ACCOUNT',
  ),
  'no_project': (403, 'PERMISSION_DENIED', 'CONSUMER_INVALID', 'check --project; gcloud projects list shows yours'),
  'no_region': (
    400,
    'INVALID_ARGUMENT',
    '',
    'check --project and --region; gcloud compute regions list shows all regions',
  ),
  'no_login': (401, 'UNAUTHENTICATED', '', 'gcloud auth application-default login'),
}


@pytest.mark.parametrize(('status', 'words', 'reason', 'remedy'), REFUSALS.values(), ids=REFUSALS)
def test_what_dataflow_refuses_is_said_with_what_mends_it(
  google: RestService, status: int, words: str, reason: str, remedy: str
) -> None:
  google.refuse(JOBS, status, words, reason)

  [(mark, _, found)] = shown(cloud.dataflow_finding(cloud_of(*PLACE, f'--dataflow_endpoint={google.address}')))

  assert (mark, found) == ('failed', remedy)


def test_an_older_form_of_refusal_is_understood(google: RestService) -> None:
  error = {'code': 403, 'message': 'not used before', 'errors': [{'reason': 'accessNotConfigured'}]}
  google.answer(JOBS, {'error': error}, 403)

  [(_, what, _)] = shown(cloud.dataflow_finding(cloud_of(*PLACE, f'--dataflow_endpoint={google.address}')))

  assert what == 'the API of Dataflow is not enabled in p'


def test_dataflow_that_fails_is_not_checked(google: RestService) -> None:
  google.answer(JOBS, b'<html>', 503)
  at = cloud_of(*PLACE, f'--dataflow_endpoint={google.address}')

  [(mark, what, _)] = shown(made(Check('Dataflow', lambda: cloud.dataflow_finding(at))))

  assert (mark, 'HTTP status 503' in what) == ('not checked', True)


@pytest.mark.parametrize('check', [cloud.dataflow_finding, cloud.account_finding])
def test_without_authorization_the_real_services_are_not_asked(check) -> None:
  with pytest.raises(NotCheckedError, match='--no_auth'):
    check(cloud_of(*PLACE))


def worker(google: RestService, *permissions: str, **attributes: object) -> None:
  """Lets the double have the workers' account."""
  google.answer(f'POST {ACCOUNT}:testIamPermissions', {'permissions': list(permissions)} if permissions else {})
  google.answer(f'GET {ACCOUNT}', {'email': WORKER, **attributes})


def test_an_account_that_may_be_used_is_ok(google: RestService) -> None:
  worker(google, cloud.ACT_AS)

  found = cloud.account_finding(cloud_of(*PLACE, f'--service_account_email={WORKER}'))

  assert shown(found) == [('ok', f'workers run as {WORKER}', '')]
  assert json.loads(google.asked[0].body) == {'permissions': [cloud.ACT_AS]}


def test_an_account_that_may_not_be_used_is_said_with_the_role(google: RestService) -> None:
  worker(google)

  [(mark, _, remedy)] = shown(cloud.account_finding(cloud_of(*PLACE, f'--service_account_email={WORKER}')))

  assert (mark, remedy) == (
    'failed',
    f'gcloud iam service-accounts add-iam-policy-binding {WORKER} --member=user:YOUR_EMAIL '
    '--role=roles/iam.serviceAccountUser',
  )


def test_an_account_that_is_not_there_is_said(google: RestService) -> None:
  [found] = shown(cloud.account_finding(cloud_of(*PLACE, f'--service_account_email={WORKER}')))

  remedy = 'gcloud iam service-accounts create worker --project p'
  assert found == ('failed', f'there is no service account {WORKER}', remedy)


def test_an_account_that_is_disabled_is_said(google: RestService) -> None:
  worker(google, cloud.ACT_AS, disabled=True)

  [(mark, _, remedy)] = shown(cloud.account_finding(cloud_of(*PLACE, f'--service_account_email={WORKER}')))

  assert (mark, remedy) == ('failed', f'gcloud iam service-accounts enable {WORKER}')


def test_without_a_flag_workers_run_as_the_account_of_compute_engine(google: RestService) -> None:
  google.answer('GET /compute/v1/projects/p', {'defaultServiceAccount': DEFAULT})
  google.answer(f'POST /v1/projects/-/serviceAccounts/{DEFAULT}:testIamPermissions', {'permissions': [cloud.ACT_AS]})
  google.refuse(f'GET /v1/projects/-/serviceAccounts/{DEFAULT}', 403, 'PERMISSION_DENIED', '')

  assert shown(cloud.account_finding(cloud_of(*PLACE))) == [('ok', f'workers run as {DEFAULT}', '')]


def test_compute_engine_that_is_not_enabled_is_said(google: RestService) -> None:
  google.refuse('GET /compute/v1/projects/p', 403, 'PERMISSION_DENIED', 'SERVICE_DISABLED')

  [(mark, _, remedy)] = shown(made(Check('account', lambda: cloud.account_finding(cloud_of(*PLACE)))))

  assert (mark, remedy) == ('failed', 'gcloud services enable compute.googleapis.com --project p')


def test_iam_that_is_not_enabled_is_no_failure(google: RestService) -> None:
  google.refuse(f'POST {ACCOUNT}:testIamPermissions', 403, 'PERMISSION_DENIED', 'SERVICE_DISABLED')
  at = cloud_of(*PLACE, f'--service_account_email={WORKER}')

  [(mark, what, _)] = shown(made(Check('account', lambda: cloud.account_finding(at))))

  assert (mark, 'gcloud services enable iam.googleapis.com --project p' in what) == ('not checked', True)
