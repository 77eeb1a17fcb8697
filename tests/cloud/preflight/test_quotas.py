"""Quotas of a region, as Compute Engine's REST service says them, against the workers that flags ask for."""

import pytest
from emulators.rest import RestService
from findings import cloud_of, shown

from beam_taxi.cloud.preflight.checks import Check, made
from beam_taxi.cloud.preflight.quotas import quota_findings, vcpus_of

REGION = 'GET /compute/v1/projects/p/regions/us-east1'
PLACE = ('--project=p', '--region=us-east1')

VCPUS = {
  'n1-standard-1': 1,
  'n2d-highmem-16': 16,
  'c3-standard-4-lssd': 4,
  'e2-medium': 2,
  'f1-micro': 1,
  'custom-4-5120': 4,
  'n2-custom-8-16384': 8,
  'n1-custom-2-16384-ext': 2,
  'zones/us-east1-b/machineTypes/n1-standard-8': 8,
  'a2-highgpu-1g': None,
}


@pytest.mark.parametrize(('machine', 'vcpus'), VCPUS.items())
def test_a_machines_name_says_its_vcpus(machine: str, vcpus: int | None) -> None:
  assert vcpus_of(machine) == vcpus


@pytest.fixture
def quotas(google: RestService) -> RestService:
  free = {
    'CPUS': (24, 4),
    'N2_CPUS': (8, 0),
    'IN_USE_ADDRESSES': (8, 1),
    'DISKS_TOTAL_GB': (4096, 0),
    'INSTANCES': (24, 0),
  }
  quotas = [{'metric': metric, 'limit': limit, 'usage': usage} for metric, (limit, usage) in free.items()]
  google.answer(REGION, {'name': 'us-east1', 'quotas': quotas})
  return google


CASES = {
  'room': (
    ['--max_num_workers=5'],
    [('ok', 'room for 7 workers of n1-standard-1 in us-east1, of which 5 are asked for')],
  ),
  'num_workers': (
    ['--num_workers=9'],
    [('warning', '9 workers need 9 of IN_USE_ADDRESSES, of which 7 are free in us-east1')],
  ),
  'private': (
    ['--max_num_workers=9', '--no_use_public_ips'],
    [('ok', 'room for 20 workers of n1-standard-1 in us-east1, of which 9 are asked for')],
  ),
  'cpus': (
    ['--max_num_workers=6', '--worker_machine_type=n1-standard-4'],
    [('warning', '6 workers need 24 of CPUS, of which 20 are free in us-east1')],
  ),
  'a_family_of_its_own': (
    ['--max_num_workers=3', '--worker_machine_type=n2-standard-4'],
    [('warning', '3 workers need 12 of N2_CPUS, of which 8 are free in us-east1')],
  ),
  'disks': (
    ['--max_num_workers=5', '--disk_size_gb=1000'],
    [('warning', '5 workers need 5,000 of DISKS_TOTAL_GB, of which 4,096 are free in us-east1')],
  ),
  'an_unknown_machine': (
    ['--max_num_workers=2', '--worker_machine_type=a2-highgpu-1g'],
    [('not checked', 'vCPUs: a2-highgpu-1g does not say in its name how many it has')],
  ),
}


@pytest.mark.parametrize(('flags', 'expected'), CASES.values(), ids=CASES)
def test_workers_are_held_against_what_is_free(
  quotas: RestService, flags: list[str], expected: list[tuple[str, str]]
) -> None:
  assert [each[:2] for each in shown(quota_findings(cloud_of(*PLACE, *flags)))] == expected


def test_too_few_are_told_with_how_many_there_is_room_for(quotas: RestService) -> None:
  [(_, _, remedy)] = shown(quota_findings(cloud_of(*PLACE, '--max_num_workers=9')))

  assert remedy == '--max_num_workers 7'


def test_no_room_at_all_is_told_with_where_to_ask_for_more(quotas: RestService) -> None:
  found = shown(quota_findings(cloud_of(*PLACE, '--worker_machine_type=n1-standard-32')))

  assert [(mark, remedy) for mark, _, remedy in found] == [
    ('warning', 'ask for more at https://console.cloud.google.com/iam-admin/quotas, or another --region')
  ]


def test_the_region_of_the_workers_is_asked(quotas: RestService) -> None:
  flags = ('--project=p', '--region=us-central1', '--worker_region=us-east1')

  assert [mark for mark, _, _ in shown(quota_findings(cloud_of(*flags)))] == ['ok']


REFUSALS = {
  'not_allowed': (
    403,
    '',
    'not checked',
    'gcloud projects add-iam-policy-binding p --member=user:YOUR_EMAIL --role=roles/compute.viewer',
  ),
  'not_enabled': (403, 'SERVICE_DISABLED', 'failed', 'gcloud services enable compute.googleapis.com --project p'),
  'no_region': (404, '', 'failed', 'check --project and --region; gcloud compute regions list shows all regions'),
}


@pytest.mark.parametrize(('status', 'reason', 'mark', 'remedy'), REFUSALS.values(), ids=REFUSALS)
def test_what_compute_engine_refuses_is_said(
  google: RestService, status: int, reason: str, mark: str, remedy: str
) -> None:
  google.refuse(REGION, status, '', reason)

  assert [(each[0], each[2]) for each in shown(quota_findings(cloud_of(*PLACE)))] == [(mark, remedy)]


def test_without_authorization_the_real_quotas_are_not_asked() -> None:
  found = made(Check('quotas', lambda: quota_findings(cloud_of(*PLACE))))

  assert shown(found) == [('not checked', '--no_auth', '')]
