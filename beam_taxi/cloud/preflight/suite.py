"""Which checks a run needs, made all at once."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

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
from beam_taxi.errors import UserError
from beam_taxi.process.once import Once
from beam_taxi.runners.options import is_dataflow
from beam_taxi.runners.shipping import shipped_package
from beam_taxi.settings.config import RunConfig


@dataclasses.dataclass(frozen=True)
class Preflight:
  """What all checks of a run found; and its input, which the run needs too, where that is as it should be."""

  findings: tuple[Finding, ...]
  sources: tuple[local.Source, ...] = ()

  @property
  def refusal(self) -> PreflightError | None:
    """Why the run should not begin."""
    return PreflightError(self.findings) if failures(self.findings) else None


def preflight(config: RunConfig, runner: PipelineRunner, options: PipelineOptions) -> Preflight:
  """Makes all checks of a run on a runner."""
  sources = Once(functools.partial(local.plan_sources, config))
  findings = run_checks(_checks(config, runner, options, sources))
  return Preflight(tuple(findings), tuple(sources.made or ()))


def _checks(
  config: RunConfig, runner: PipelineRunner, options: PipelineOptions, sources: Once[list[local.Source]]
) -> list[Check]:
  on_dataflow = is_dataflow(runner)
  more, require_storage = _dataflow_checks(config, runner, options) if on_dataflow else ([], None)

  def with_storage(find: Callable[[], Finding | Sequence[Finding]]) -> Finding | Sequence[Finding]:
    if require_storage:
      require_storage()
    return find()

  def find_input() -> list[Finding]:
    try:
      return local.input_findings(config, sources())
    except UserError as error:
      return local.input_findings(config, error)

  def find_space() -> Finding:
    try:
      return local.space_finding(config, sources())
    except UserError as error:
      raise NotCheckedError('needs the input') from error

  def find_folder() -> Finding:
    try:
      return local.folder_finding(config)
    except UserError as error:  # The check of the bucket says it better.
      raise NotCheckedError('needs a bucket that can be read') from error

  reads_bucket = any(pattern.startswith('gs://') for pattern in (*config.input, config.schema))
  checks = [
    Check('input', functools.partial(with_storage, find_input) if reads_bucket else find_input),
    Check('metadata', lambda: local.store_finding(config, runner, options)),
  ]
  is_local = storage.is_local(config.output)
  if not on_dataflow:
    checks.append(Check('output', lambda: local.output_finding(config)))
  elif not is_local:
    checks.append(Check('run folder', functools.partial(with_storage, find_folder)))
  if is_local and not on_dataflow:
    checks.append(Check('disk space', find_space))
  return [*checks, *more]


def _dataflow_checks(
  config: RunConfig, runner: PipelineRunner, options: PipelineOptions
) -> tuple[list[Check], Callable[[], None]]:
  """The checks of a job on Dataflow, and what waits until buckets can be asked."""
  from beam_taxi.cloud.preflight import cloud as of_cloud
  from beam_taxi.cloud.preflight.buckets import bucket_checks
  from beam_taxi.cloud.preflight.images import image_findings
  from beam_taxi.cloud.preflight.packages import package_findings
  from beam_taxi.cloud.preflight.quotas import quota_findings

  cloud = of_cloud.Cloud(runner, options)
  image = options.view_as(WorkerOptions).sdk_container_image
  ships = bool(shipped_package(options))
  checks = [
    Check('flags', lambda: of_cloud.flag_findings(config, cloud)),
    Check('credentials', cloud.credentials_finding),
    *bucket_checks(config, cloud),
  ]
  if not cloud.flags.template_location:
    # Who only writes a template submits nothing, and need not be allowed to.
    checks += [
      Check('Dataflow', lambda: of_cloud.dataflow_finding(cloud)),
      Check('worker account', lambda: of_cloud.account_finding(cloud)),
      Check('quotas', lambda: quota_findings(cloud)),
    ]
  if image:
    checks.append(Check('worker image', lambda: image_findings(image, cloud.access_token, has_package=not ships)))
  if ships or not image:
    checks.append(Check('worker package', lambda: package_findings(runner, options)))
  return checks, cloud.require_storage
