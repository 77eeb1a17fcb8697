"""Buckets of an emulator of Cloud Storage; where that allows everything, a double that refuses."""

import pytest
import requests
from emulators.cloud_storage import bucket_at
from emulators.rest import RestService
from findings import cloud_of, shown

from beam_taxi.cloud.preflight.buckets import bucket_checks
from beam_taxi.cloud.preflight.checks import Finding, run_checks
from beam_taxi.settings.config import RunConfig

PLACE = ('--project=p', '--region=europe-west1')


def found_of(output: str, *flags: str) -> list[Finding]:
  config = RunConfig(('gs://b/x.csv',), output, 'one')
  return run_checks(bucket_checks(config, cloud_of(*flags)))


def locate(address: str, location: str) -> None:
  """Has the emulator say that its bucket lies there."""
  requests.patch(f'{address}/storage/v1/b/bucket', json={'location': location}, timeout=10).raise_for_status()


def test_buckets_in_the_region_are_ok_and_left_as_they_were(buckets: str) -> None:
  locate(buckets, 'EUROPE-WEST1')
  before = [blob.name for blob in bucket_at(buckets).list_blobs()]

  found = found_of('gs://bucket/out', *PLACE, '--temp_location=gs://bucket/temp')

  assert shown(found) == [('ok', 'gs://bucket can be written, and lies in europe-west1', '')]
  assert found[0].check == 'output, temp_location'
  assert [blob.name for blob in bucket_at(buckets).list_blobs()] == before


def test_a_bucket_that_is_missing_is_said_for_each_place_with_the_command_that_makes_it(buckets: str) -> None:
  locate(buckets, 'EUROPE-WEST1')

  found = found_of(
    'gs://bucket/out', *PLACE, '--temp_location=gs://missing/temp', '--staging_location=gs://lost/staging'
  )

  assert [each.check for each in found] == ['output', 'temp_location', 'staging_location']
  assert shown(found)[1:] == [
    (
      'failed',
      f'there is no bucket gs://{name}',
      f'gcloud storage buckets create gs://{name} --project p --location europe-west1',
    )
    for name in ('missing', 'lost')
  ]


LOCATIONS = {
  'EUROPE-WEST1': ('europe-west1', 'ok'),
  'EU': ('europe-west1', 'warning'),
  'US': ('us-east1', 'warning'),
  'EUR5': ('europe-west1', 'ok'),
  'EUROPE-WEST4': ('europe-west1', 'failed'),
  'ASIA': ('europe-west1', 'failed'),
  'EUR4': ('europe-west1', 'failed'),
  'eu': ('europe-west6', 'failed'),
}


@pytest.mark.parametrize(('location', 'region', 'mark'), [(name, *value) for name, value in LOCATIONS.items()])
def test_a_bucket_should_lie_where_workers_are(buckets: str, location: str, region: str, mark: str) -> None:
  locate(buckets, location)

  found = found_of('gs://bucket/out', '--project=p', f'--region={region}', '--temp_location=gs://bucket/t')

  assert [each[0] for each in shown(found)] == [mark]


def test_where_workers_are_is_what_counts(buckets: str) -> None:
  locate(buckets, 'EUROPE-WEST4')

  found = found_of('gs://bucket/out', *PLACE, '--worker_zone=europe-west4-a', '--temp_location=gs://bucket/t')

  assert [each[0] for each in shown(found)] == ['ok']


def test_a_region_that_is_missing_leaves_where_buckets_lie_open(buckets: str) -> None:
  [(mark, what, _)] = shown(found_of('gs://bucket/out', '--temp_location=gs://bucket/t'))

  assert (mark, what) == ('not checked', 'gs://bucket: needs --region')


def test_places_that_are_no_buckets_are_refused(buckets: str) -> None:
  found = found_of('/home/me/out', *PLACE, '--temp_location=/tmp')

  assert shown(found) == [
    ('failed', '--output /home/me/out: workers of Dataflow write to buckets', '--output gs://BUCKET/output'),
    (
      'failed',
      '--temp_location /tmp: workers of Dataflow write to buckets',
      '--temp_location gs://BUCKET/temp_location',
    ),
  ]


def test_beams_own_bucket_for_temporary_files_is_named(buckets: str) -> None:
  [_, found] = sorted(found_of('gs://bucket/out', *PLACE), key=lambda each: each.check)

  [(mark, what, _)] = shown(found)
  assert (mark, what.startswith('no --temp_location: Beam takes gs://dataflow-staging-europe-west1-')) == (
    'warning',
    True,
  )


def test_without_authorization_the_real_buckets_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.delenv('STORAGE_EMULATOR_HOST', raising=False)

  found = found_of('gs://bucket/out', *PLACE, '--temp_location=gs://bucket/t')

  assert shown(found) == [('not checked', '--no_auth', '')]


@pytest.fixture
def refusing(google: RestService, monkeypatch: pytest.MonkeyPatch) -> RestService:
  """Cloud Storage with one bucket in the region, that has no right for anything else."""
  monkeypatch.setenv('STORAGE_EMULATOR_HOST', google.address)
  google.answer('GET /storage/v1/b/bucket', {'name': 'bucket', 'location': 'EUROPE-WEST1', 'locationType': 'region'})
  google.refuse('POST /upload/storage/v1/b/bucket/o', 403, 'PERMISSION_DENIED', '', 'storage.objects.create is denied')
  return google


ROLE = 'gcloud storage buckets add-iam-policy-binding gs://bucket --member=user:YOUR_EMAIL --role=roles/storage'


def test_a_bucket_that_cannot_be_written_is_said_with_the_role(refusing: RestService) -> None:
  found = found_of('gs://bucket/out', *PLACE, '--temp_location=gs://bucket/out')

  what = 'gs://bucket/out: cannot be written (storage.objects.create is denied)'
  assert shown(found) == [('failed', what, f'{ROLE}.objectAdmin')]


def test_a_bucket_that_may_not_be_asked_where_it_lies_is_tried_all_the_same(refusing: RestService) -> None:
  refusing.refuse('GET /storage/v1/b/bucket', 403, 'PERMISSION_DENIED', '', 'storage.buckets.get is denied')

  found = found_of('gs://bucket/out', *PLACE, '--temp_location=gs://bucket/out')

  assert [(mark, remedy) for mark, _, remedy in shown(found)] == [
    ('not checked', f'{ROLE}.legacyBucketReader'),
    ('failed', f'{ROLE}.objectAdmin'),
  ]


def test_an_object_that_cannot_be_deleted_is_said(refusing: RestService) -> None:
  refusing.answer('POST /upload/storage/v1/b/bucket/o', {'name': 'x'})

  def refuse(path: str) -> None:
    refusing.refuse(path, 403, 'PERMISSION_DENIED', '', 'storage.objects.delete is denied')

  # Its name is not known before.
  class Deletions(dict):
    def get(self, what, default=None):
      if what.startswith('DELETE '):
        refuse(what)
      return super().get(what, default)

  refusing.answers = Deletions(refusing.answers)

  [(mark, what, remedy)] = shown(found_of('gs://bucket/out', *PLACE, '--temp_location=gs://bucket/out'))

  assert (mark, remedy) == ('warning', f'{ROLE}.objectAdmin')
  assert 'gs://bucket/out: nothing can be deleted there (storage.objects.delete is denied)' in what
