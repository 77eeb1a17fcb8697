"""Whether a project's quotas have room for the workers that a job asks for."""

import re
from collections.abc import Mapping
from typing import Any

from beam_taxi.cloud.dataflow import google_rest
from beam_taxi.cloud.dataflow.google_rest import RestError, ask
from beam_taxi.cloud.preflight.checks import Finding, NotCheckedError, not_checked, ok, warning
from beam_taxi.cloud.preflight.dataflow_checks import Cloud, refused

# Dataflow's own defaults: the machine, and a disk of a batch job whose shuffle is the service's.
_MACHINE = 'n1-standard-1'
_DISK_GB = 25

# Machines that share a core, whose names have no number; vCPUs as quotas count them.
_SHARED = {'f1-micro': 1, 'g1-small': 1, 'e2-micro': 2, 'e2-small': 2, 'e2-medium': 2}
_PREDEFINED = re.compile(r'[a-z0-9]+-(?:standard|highmem|highcpu|ultramem|megamem|hypermem)-(\d+)(?:-lssd)?')
_CUSTOM = re.compile(r'(?:[a-z0-9]+-)?custom-(\d+)-\d+(?:-ext)?')


def vcpus_of(machine: str) -> int | None:
  """A machine type's vCPUs, by its name; None where that does not say."""
  name = machine.rpartition('/')[2]
  if name in _SHARED:
    return _SHARED[name]
  match = _PREDEFINED.fullmatch(name) or _CUSTOM.fullmatch(name)
  return int(match[1]) if match else None


def quota_findings(cloud: Cloud) -> list[Finding]:
  """Whether each quota of the workers' region that is known has room for them."""
  project = cloud.project()
  region = cloud.workers_region or cloud.region()
  try:
    answer = ask(
      cloud.session('compute'), 'GET', f'{google_rest.endpoint("compute")}projects/{project}/regions/{region}'
    )
  except RestError as error:
    finding = refused(cloud, error, 'compute', 'roles/compute.viewer', 'Compute Engine')
    if error.status == 403 and 'not enabled' not in finding.what:
      return [not_checked(f'this account may not ask ({error.message})', finding.remedy)]
    return [finding]
  free = {quota['metric']: quota['limit'] - quota.get('usage', 0) for quota in answer.get('quotas', [])}
  if not free:
    raise NotCheckedError(f'Compute Engine names no quotas of {region}')
  return _compare(cloud, region, free)


def _compare(cloud: Cloud, region: str, free: Mapping[str, float]) -> list[Finding]:
  needs = worker_needs(cloud, free)
  asked = cloud.workers.max_num_workers or cloud.workers.num_workers
  workers = asked or 1
  room = min((int(free[metric] // need) for metric, need in needs.items() if metric in free), default=0)
  findings = [
    warning(
      f'{workers:,} workers need {workers * need:,} of {metric}, of which {free[metric]:,.0f} are free in {region}',
      f'--max_num_workers {room}' if room else f'{_ASK}, or another --region',
    )
    for metric, need in needs.items()
    if metric in free and free[metric] < workers * need
  ]
  machine = _machine(cloud)
  if vcpus_of(machine) is None:
    findings.append(not_checked(f'vCPUs: {machine} does not say in its name how many it has'))
  wanted = f', of which {asked:,} are asked for' if asked else ''
  return findings or [ok(f'room for {room:,} workers of {machine} in {region}{wanted}')]


_ASK = 'ask for more at https://console.cloud.google.com/iam-admin/quotas'


def worker_needs(cloud: Cloud, known: Mapping[str, Any]) -> dict[str, int]:
  """What one worker takes of each quota.

  Args:
    cloud: with the flags that say what workers are like.
    known: the region's quotas, by metric: some families of machines have one of their own for vCPUs.
  """
  machine = _machine(cloud)
  needs = {'INSTANCES': 1}
  vcpus = vcpus_of(machine)
  if vcpus is not None:
    own = f'{machine.rpartition("/")[2].partition("-")[0].upper()}_CPUS'
    needs[own if own in known else 'CPUS'] = vcpus
  ssd = 'ssd' in (cloud.workers.disk_type or '')
  needs['SSD_TOTAL_GB' if ssd else 'DISKS_TOTAL_GB'] = cloud.workers.disk_size_gb or _DISK_GB
  if cloud.workers.use_public_ips is not False:
    needs['IN_USE_ADDRESSES'] = 1
  return needs


def _machine(cloud: Cloud) -> str:
  return str(cloud.workers.machine_type or _MACHINE)
