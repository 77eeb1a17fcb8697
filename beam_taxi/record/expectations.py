"""What a run's data is judged by, by its settings, and whether that can be had, which is asked before it begins."""

from collections.abc import Iterable, Sequence

from beam_taxi import storage
from beam_taxi.analysis.schema import read_schema
from beam_taxi.errors import UserError
from beam_taxi.record.baselines import baseline_name
from beam_taxi.settings.config import RunConfig
from beam_taxi.validation.anomalies import check_environment
from beam_taxi.validation.rules import Rule, check_names, parse_rules
from beam_taxi.validation.validating import Expectations, Reference, read_reference


def expectations_of(config: RunConfig, schema: str, splits: Sequence[str]) -> Expectations:
  """What the data is judged by.

  Args:
    config: settings whose baseline is found.
    schema: the path of the run's schema.
    splits: the splits that are judged.

  Raises:
    UserError: something that is named cannot be read.
  """
  return Expectations(
    schema=read_schema(schema),
    curated=bool(config.schema),
    environment=config.environment,
    baseline=_reference(config, 'baseline', splits),
    serving=_reference(config, 'serving_statistics', splits),
    rules=_rules(config),
    severities=config.severities,
  )


def check_expectations(config: RunConfig) -> None:
  """Raises UserError where what the data is to be judged by cannot be had."""
  _rules(config)
  splits = [split.name for split in config.splits]
  _reference(config, 'baseline', splits)
  _reference(config, 'serving_statistics', splits)
  if config.environment and not config.schema:
    raise UserError('--environment is one of a schema: give that with --schema')
  if config.environment:
    check_environment(read_schema(config.schema), config.environment)


def check_rules(config: RunConfig, features: Iterable[str]) -> None:
  """Raises UserError where a rule names a feature that there is not."""
  check_names(_rules(config), features, config.rules)


def _rules(config: RunConfig) -> tuple[Rule, ...]:
  if not config.rules:
    return ()
  try:
    return parse_rules(storage.read_bytes(config.rules), config.rules)
  except OSError as error:
    raise UserError(f'--rules {config.rules}: cannot be read ({storage.why(error)})') from error


def _reference(config: RunConfig, flag: str, splits: Sequence[str]) -> Reference | None:
  path = getattr(config, flag)
  return read_reference(baseline_name(path), path, splits, flag) if path else None
