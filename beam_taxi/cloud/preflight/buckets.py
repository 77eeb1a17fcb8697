"""Checks of the buckets that a job on Dataflow writes to: are they there, writable, and where its workers are?"""

import functools
import secrets
from collections.abc import Mapping, Sequence

from apache_beam.io.gcp.gcsio import create_storage_client, default_gcs_bucket_name
from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound, Unauthorized
from google.cloud import storage as cloud_storage

from beam_taxi.cloud.dataflow import google_rest
from beam_taxi.cloud.preflight.checks import Check, Finding, failed, not_checked, ok, warning
from beam_taxi.cloud.preflight.dataflow_checks import Cloud
from beam_taxi.runners.options import is_rehearsed
from beam_taxi.settings.config import RunConfig

_TIMEOUT_S = 20

# Source: Cloud Storage, "Bucket locations". The EU's is in its member states, which London and Zurich are not in.
_MULTI_REGIONS = {'us': 'us-', 'eu': 'europe-', 'asia': 'asia-'}
_NOT_IN_THE_EU = ('europe-west2', 'europe-west6')
_DUAL_REGIONS = {
  'asia1': ('asia-northeast1', 'asia-northeast2'),
  'eur4': ('europe-north1', 'europe-west4'),
  'eur5': ('europe-west1', 'europe-west2'),
  'eur7': ('europe-west2', 'europe-west3'),
  'eur8': ('europe-west3', 'europe-west6'),
  'nam4': ('us-central1', 'us-east1'),
}


def bucket_checks(config: RunConfig, cloud: Cloud) -> list[Check]:
  """A check for each place that the job writes to."""
  places: Mapping[str, str | None] = {
    'output': config.output,
    'temp_location': cloud.flags.temp_location,
    'staging_location': cloud.flags.staging_location,
  }
  checks = []
  by_bucket: dict[str, list[tuple[str, str]]] = {}
  for flag, place in places.items():
    if place and place.startswith('gs://') and bucket_of(place):
      by_bucket.setdefault(bucket_of(place), []).append((flag, place))
    elif place or (flag == 'temp_location' and not places.get('staging_location')):
      checks.append(Check(flag, functools.partial(_no_bucket, cloud, flag, place)))
  for bucket, written in by_bucket.items():
    checks.append(Check(', '.join(flag for flag, _ in written), functools.partial(_find, cloud, bucket, written)))
  return checks


def bucket_of(place: str) -> str:
  """'gs://BUCKET/a/b' -> 'BUCKET'"""
  return place.removeprefix('gs://').partition('/')[0]


def _no_bucket(cloud: Cloud, flag: str, place: str | None) -> Finding:
  if place:
    return failed(f'--{flag} {place}: workers of Dataflow write to buckets', f'--{flag} gs://BUCKET/{flag}')
  project, region = cloud.flags.project, cloud.flags.region
  default = f'gs://{default_gcs_bucket_name(project, region)}' if project and region else 'a bucket of its own'
  return warning(f'no --{flag}: Beam takes {default}, or makes it', f'--{flag} gs://BUCKET/temp')


def _find(cloud: Cloud, name: str, places: Sequence[tuple[str, str]]) -> list[Finding]:
  """What is amiss of a bucket, or that all is well."""
  cloud.require_storage()
  client = create_storage_client(cloud.options, use_credentials=not cloud.is_anonymous)
  found = []
  try:
    bucket = client.get_bucket(name, timeout=_TIMEOUT_S, retry=None)
  except NotFound:
    return [_missing(cloud, name)]
  except Unauthorized as error:
    return [failed(f'gs://{name}: the credentials are refused ({_reason(error)})', google_rest.LOG_IN)]
  except Forbidden:
    bucket = client.bucket(name)
    found.append(
      not_checked(
        f'gs://{name}: this account may not ask where it lies', _grant(cloud, name, 'roles/storage.legacyBucketReader')
      )
    )
  else:
    found.append(_location(cloud, bucket))
  for place in dict.fromkeys(place for _, place in places):
    found += _write(cloud, bucket, place)
  return [each for each in found if each.remedy] or found[:1]


def _missing(cloud: Cloud, name: str) -> Finding:
  region = cloud.workers_region or 'REGION'
  command = f'gcloud storage buckets create gs://{name} --project {cloud.flags.project or "PROJECT"}'
  return failed(f'there is no bucket gs://{name}', f'{command} --location {region}')


def _grant(cloud: Cloud, name: str, role: str) -> str:
  return f'gcloud storage buckets add-iam-policy-binding gs://{name} --member={cloud.member()} --role={role}'


def _location(cloud: Cloud, bucket: cloud_storage.Bucket) -> Finding:
  """Whether a bucket lies where workers will be: what goes to another region is slow, and paid for by the byte."""
  name, region = bucket.name, cloud.workers_region
  location = (bucket.location or '').lower()
  regions = [each.lower() for each in bucket.data_locations or _DUAL_REGIONS.get(location, [])]
  if is_rehearsed():
    return ok(f'gs://{name} can be written')  # The emulator's buckets all lie in the US.
  if not region or not location:
    return not_checked(f'gs://{name}: {"where it lies is not known" if region else "needs --region"}')
  if region == location or region in regions:
    return ok(f'gs://{name} can be written, and lies in {region}')
  another = f'a bucket in {region}: gcloud storage buckets create gs://{name}-{region} --location {region}'
  if (
    not regions
    and region.startswith(_MULTI_REGIONS.get(location, '-'))
    and (location != 'eu' or region not in _NOT_IN_THE_EU)
  ):
    return warning(
      f'gs://{name} lies in {location.upper()}, all of it: what workers in {region} read from it is billed', another
    )
  where = ' and '.join(regions) or location
  return failed(
    f'gs://{name} lies in {where}, and workers will be in {region}', f'--region {(regions or [where])[0]}, or {another}'
  )


def _write(cloud: Cloud, bucket: cloud_storage.Bucket, place: str) -> list[Finding]:
  """Writes an object where the job will write some, and deletes it."""
  prefix = place.removeprefix(f'gs://{bucket.name}').strip('/')
  blob = bucket.blob('/'.join(filter(None, [prefix, f'.beam_taxi-preflight-{secrets.token_hex(4)}'])))
  role = 'roles/storage.objectAdmin'
  try:
    blob.upload_from_string(b'x', timeout=_TIMEOUT_S, retry=None)
  except NotFound:
    return [_missing(cloud, bucket.name)]
  except (Forbidden, Unauthorized) as error:
    return [failed(f'{place}: cannot be written ({_reason(error)})', _grant(cloud, bucket.name, role))]
  try:
    blob.delete(timeout=_TIMEOUT_S, retry=None)
  except (Forbidden, Unauthorized) as error:
    what = f'{place}: nothing can be deleted there ({_reason(error)}), and gs://{bucket.name}/{blob.name} remains'
    return [warning(what, _grant(cloud, bucket.name, role))]
  return []


def _reason(error: GoogleAPICallError) -> str:
  """What Cloud Storage says, without the request that the client repeats around it."""
  try:
    said = error.response.json()['error']['message']
  except (AttributeError, ValueError, LookupError, TypeError):
    said = type(error).__name__
  return ' '.join(str(said).split())[:200]
