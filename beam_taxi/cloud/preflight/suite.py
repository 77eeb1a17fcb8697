"""Which checks a run needs, made all at once."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

from apache_beam.options.pipeline_options import PipelineOptions, WorkerOptions
from apache_beam.runners.runner import PipelineRunner

from beam_taxi import storage
from beam_taxi.cloud.preflight import local
from beam_taxi.cloud.preflight.checks import (
  Check,
  Finding,
  NotCheckedError,
  PreflightError,
  failures,
  run_checks,
)
from beam_taxi.cloud.preflight.portable_checks import portable_checks
from beam_taxi.errors import UserError
from beam_taxi.record.resolving import ResolvedRun, Source
from beam_taxi.runners.options import is_dataflow, is_portable
from beam_taxi.runners.shipping import shipped_package
from beam_taxi.settings.config import RunConfig

T = TypeVar('T')
Find = Callable[[], Finding | Sequence[Finding]]


@dataclasses.dataclass(frozen=True)
class Preflight:
  """What all checks of a run found."""

  findings: tuple[Finding, ...]

  @property
  def refusal(self) -> PreflightError | None:
    """Why the run should not begin."""
    return PreflightError(self.findings) if failures(self.findings) else None


def preflight(run: ResolvedRun) -> Preflight:
  """Makes all checks of a run."""
  return Preflight(tuple(run_checks(_checks(run))))


def _checks(run: ResolvedRun) -> list[Check]:
  """All checks, in the order in which they are shown. A new one takes its place here, or in _dataflow_checks."""
  config, runner, options = run.config, run.runner, run.options
  on_dataflow = is_dataflow(runner)
  on_disk = storage.is_local(config.output)
  more, require_storage = _dataflow_checks(config, runner, options) if on_dataflow else ([], None)
  if is_portable(runner):
    more = portable_checks(runner, options)
  reads_bucket = any(pattern.startswith('gs://') for pattern in (*config.input, *config.beside_input.values()))

  def with_storage(find: Find) -> Find:
    return functools.partial(_after, require_storage, find) if require_storage else find

  def with_input(find: Callable[[Sequence[Source]], Finding]) -> Find:
    return lambda: find(_or_not_checked(run.sources, 'needs the input'))

  def input_findings() -> list[Finding]:
    try:
      return local.input_findings(config, run.sources())
    except UserError as error:
      return local.input_findings(config, error)

  def folder_finding() -> Finding:
    # The check of the bucket says better why it cannot be read.
    return _or_not_checked(lambda: local.folder_finding(config), 'needs a bucket that can be read')

  return [
    Check('input', with_storage(input_findings) if reads_bucket else input_findings),
    Check('metadata', lambda: local.store_finding(run)),
    Check('output', lambda: local.output_finding(config), when=not on_dataflow),
    Check('run folder', with_storage(folder_finding), when=on_dataflow and not on_disk),
    Check(
      'disk space',
      with_input(lambda found: local.space_finding(config, found)),
      when=on_disk and not on_dataflow,
    ),
    *more,
  ]


def _dataflow_checks(
  config: RunConfig, runner: PipelineRunner, options: PipelineOptions
) -> tuple[list[Check], Callable[[], None]]:
  """The checks of a job on Dataflow, and what waits until buckets can be asked."""
  from beam_taxi.cloud.preflight import dataflow_checks
  from beam_taxi.cloud.preflight.buckets import bucket_checks
  from beam_taxi.cloud.preflight.images import image_findings
  from beam_taxi.cloud.preflight.packages import package_findings
  from beam_taxi.cloud.preflight.quotas import quota_findings

  cloud = dataflow_checks.Cloud(runner, options)
  image = options.view_as(WorkerOptions).sdk_container_image
  ships = bool(shipped_package(options))
  # Who only writes a template submits nothing, and need not be allowed to.
  submits = not cloud.flags.template_location
  checks = [
    Check('flags', lambda: dataflow_checks.flag_findings(config, cloud)),
    Check('credentials', cloud.credentials_finding),
    *bucket_checks(config, cloud),
    Check('Dataflow', lambda: dataflow_checks.dataflow_finding(cloud), when=submits),
    Check('worker account', lambda: dataflow_checks.account_finding(cloud), when=submits),
    Check('quotas', lambda: quota_findings(cloud), when=submits),
    Check('worker image', lambda: image_findings(image, cloud.access_token, has_package=not ships), when=bool(image)),
    Check('worker package', lambda: package_findings(runner, options), when=ships or not image),
  ]
  return checks, cloud.require_storage


def _after(require: Callable[[], None], find: Find) -> Finding | Sequence[Finding]:
  require()
  return find()


def _or_not_checked(make: Callable[[], T], why: str) -> T:
  """What is made, where a UserError is for another check to say. Raises NotCheckedError in its place."""
  try:
    return make()
  except UserError as error:
    raise NotCheckedError(why) from error
