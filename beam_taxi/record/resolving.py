"""What a run is, before anything is done: its settings in full, its folder and store, the files that it reads.

Resolving asks and writes nothing, so that a check of a run can do it as well as the run.
"""

import dataclasses
import functools
import logging
import os
from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineRunner

from beam_taxi import storage
from beam_taxi.artifacts.listing import ListedSource, Listing
from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.errors import UserError
from beam_taxi.examples.splitting import check_feature
from beam_taxi.inputs.layout import InputPlan
from beam_taxi.inputs.matching import absolute, list_input
from beam_taxi.inputs.reader import Range
from beam_taxi.metadata.uri import NO_STORE, only_of_this_machine, parse_uri, store_uri
from beam_taxi.process.once import Once
from beam_taxi.record.baselines import with_baseline
from beam_taxi.record.expectations import check_expectations, check_rules
from beam_taxi.runners.options import is_rehearsed, is_template, is_waited_for, runs_here
from beam_taxi.settings.config import RunConfig

_LOG = logging.getLogger(__name__)


# What is planned of a source of the input, as the graph will find it too.
Source = tuple[Sequence[Range], InputPlan]


@dataclasses.dataclass(frozen=True)
class ResolvedRun:
  """What a run is.

  What depends on the world is asked when it is first needed, once, and stays so: a file that comes later is not in the
  run. Each of these raises UserError, whenever it is asked for, where there is no answer.

  Attributes:
    config: its settings, with local paths from the root on.
    runner: what executes its graph.
    options: Beam's, of that runner.
    recorded_config: the settings with the store that is recorded into and who records the end; see `with_record`.
    listing: the files that it reads.
    sources: what is planned of each of its sources.
  """

  config: RunConfig
  runner: PipelineRunner
  options: PipelineOptions
  recorded_config: Once[RunConfig]
  listing: Once[Listing]
  sources: Once[list[Source]]

  @property
  def folder(self) -> RunFolder:
    """Where all that it makes goes."""
    return RunFolder.of(self.config.output, self.config.run_id)

  @property
  def is_template(self) -> bool:
    """Whether only its template is written. What is launched later lists the input then."""
    return is_template(self.runner, self.options)

  @property
  def is_waited_for(self) -> bool:
    """Whether the command that begins it waits for its end. Raises UserError where it should not, and must."""
    return is_waited_for(self.runner, self.options, self.config.no_wait)


def resolve(config: RunConfig, runner: PipelineRunner, options: PipelineOptions) -> ResolvedRun:
  """What the settings come to on a runner."""
  config = with_absolute_paths(config)
  listing = Once(functools.partial(list_sources, config))
  return ResolvedRun(
    config,
    runner,
    options,
    Once(lambda: _with_baseline(with_record(config, runner, options))),
    listing,
    Once(lambda: plan_sources(config, listing())),
  )


def _with_baseline(config: RunConfig) -> RunConfig:
  config = with_baseline(config)
  check_expectations(config)
  return config


def list_sources(config: RunConfig) -> Listing:
  """Lists the input of a run: each of its sources. Raises UserError where a pattern names no file."""
  names = [source.splits[0].name if config.input_splits else '' for source in config.sources]
  return list_input(zip(names, (source.input for source in config.sources), strict=True), _written_by_runs(config))


def _written_by_runs(config: RunConfig) -> list[str]:
  """How the paths begin of what runs write with these settings; input may lie around the output."""
  config = with_absolute_paths(config)
  stores = [storage.join(config.output, 'metadata.sqlite')]
  if config.metadata.startswith('sqlite:'):
    stores.append(os.path.abspath(parse_uri(config.metadata).path))
  return [RunFolder.of(config.output, '').uri, *stores]


def plan_sources(config: RunConfig, listing: Listing) -> list[Source]:
  """What is planned of each source of a listed input. Raises UserError where one cannot be read."""
  return [_plan_source(*source) for source in zip(config.sources, listing.sources, strict=True)]


def _plan_source(config: RunConfig, listed: ListedSource) -> Source:
  plan = config.input_form.plan(listed)
  for doubt in plan.doubts:
    _LOG.warning('%s', doubt)
  if config.partition_feature:
    check_feature(config.partition_feature, plan.layout.names)
  check_rules(config, plan.layout.names)
  return config.input_form.ranges(listed), plan


def total_bytes(sources: Sequence[Source]) -> int:
  """The input's bytes as stored."""
  return sum(plan.bytes for _, plan in sources)


def with_absolute_paths(config: RunConfig) -> RunConfig:
  """The settings with local paths from the root on: what is recorded and sent to workers means the same elsewhere."""
  splits = tuple(
    dataclasses.replace(split, patterns=tuple(map(absolute, split.patterns))) for split in config.input_splits
  )
  return dataclasses.replace(
    config,
    input=tuple(map(absolute, config.input)),
    input_splits=splits,
    output=os.path.abspath(storage.expanded(config.output)) if storage.is_local(config.output) else config.output,
    schema=absolute(config.schema),
    serving_statistics=absolute(config.serving_statistics),
    rules=absolute(config.rules),
  )


def with_record(config: RunConfig, runner: PipelineRunner, options: PipelineOptions) -> RunConfig:
  """The settings with the store that is recorded into, and with who records the end.

  Raises:
    UserError: who should record it cannot.
  """
  uri = NO_STORE if config.record == 'manifest' else store_uri(config.metadata, config.output)
  writes_template = is_template(runner, options)
  waited = is_waited_for(runner, options, config.no_wait)
  # A command that does not wait lives on where its store is, and can settle the run later; a launcher does not.
  own = uri != NO_STORE and not writes_template and only_of_this_machine(parse_uri(uri), is_rehearsed())
  record = config.record or ('driver' if waited or uri == NO_STORE or own else 'graph')
  if writes_template and record == 'driver' and uri != NO_STORE:
    raise UserError(
      '--record driver: whoever writes a template is gone when its job ends; give --record graph, or manifest and '
      'record it later'
    )
  if config.cache and uri == NO_STORE:
    raise UserError(
      '--cache finds earlier runs in a metadata store: give one with --metadata, and not --record manifest'
    )
  if record == 'graph':
    if uri == NO_STORE:
      raise UserError('--record graph records into a metadata store: give one with --metadata')
    what = '' if runs_here(runner) else only_of_this_machine(parse_uri(uri), is_rehearsed())
    if what:
      raise UserError(
        f'--metadata {uri}: workers of another machine cannot reach {what} of this one, and with --record graph one of '
        'them records; give a server that they reach and ?password_secret=projects/PROJECT/secrets/NAME, or --record '
        'driver'
      )
  return dataclasses.replace(config, metadata=uri, record=record)
