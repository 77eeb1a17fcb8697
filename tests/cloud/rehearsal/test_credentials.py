"""A rehearsal's cloud is for the command that is rehearsed, and for nobody else on the machine."""

from collections.abc import Iterator

import pytest
import requests

from beam_taxi.cloud.rehearsal.cloud import Cloud, rehearsal_cloud
from beam_taxi.cloud.rehearsal.dataflow_service import Dataflow


@pytest.fixture(scope='module')
def cloud() -> Iterator[Cloud]:
  with rehearsal_cloud(['mine']) as cloud:
    yield cloud


@pytest.mark.parametrize('form', [{}, {'refresh_token': 'r'}], ids=['nothing', 'a_guess'])
def test_its_token_is_for_who_has_its_credentials(cloud: Cloud, form: dict[str, str]) -> None:
  answer = requests.post(f'{cloud.dataflow.url}/token', form, timeout=60)

  assert (answer.status_code, answer.json()['error']) == (400, 'invalid_grant')


def test_each_has_a_token_of_its_own() -> None:
  assert Dataflow().token != Dataflow().token
  assert Dataflow().refresh_token != Dataflow().refresh_token


@pytest.mark.parametrize('headers', [{}, {'Authorization': 'Bearer token-of-another'}], ids=['none', 'another'])
def test_its_services_answer_its_token_alone(cloud: Cloud, headers: dict[str, str]) -> None:
  its = {'Authorization': f'Bearer {cloud.dataflow.token}'}
  jobs = f'{cloud.dataflow.url}/v1b3/projects/p/locations/r/jobs'
  bucket = f'{cloud.environment["STORAGE_EMULATOR_HOST"]}/storage/v1/b/mine'

  for url in (jobs, bucket):
    assert requests.get(url, headers=headers, timeout=60).status_code == 401
    assert requests.get(url, headers=its, timeout=60).ok
