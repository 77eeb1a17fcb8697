"""Who records a run, by its flags and its runner."""

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import create_runner

from beam_taxi.errors import UserError
from beam_taxi.record.resolving import with_record
from beam_taxi.settings.config import RunConfig

SERVER = 'mysql://me@10.0.0.1/runs?password_secret=projects/p/secrets/s'
TEMPLATE = '--template_location=gs://b/t'

WAYS = {
  'waits': ({'metadata': 'sqlite:///m'}, [], 'driver'),
  'leaves': ({'metadata': SERVER, 'no_wait': True}, [], 'graph'),
  'leaves_by_beams_flag': ({'metadata': SERVER}, ['--no_wait_until_finish'], 'graph'),
  'leaves_with_a_store_of_its_own': ({'metadata': 'sqlite:///m', 'no_wait': True}, [], 'driver'),
  'template': ({'metadata': SERVER}, [TEMPLATE], 'graph'),
  'nowhere': ({'metadata': 'none', 'no_wait': True}, [], 'driver'),
  'asked': ({'metadata': SERVER, 'record': 'manifest'}, [TEMPLATE], 'manifest'),
}


def recording(values: dict, beam_args: list[str]) -> RunConfig:
  config = RunConfig(input=('gs://b/*.csv',), output='gs://b/out', run_id='r', **values)
  return with_record(config, create_runner('DataflowRunner'), PipelineOptions(beam_args))


@pytest.mark.parametrize(('values', 'beam_args', 'who'), WAYS.values(), ids=WAYS)
def test_who_records_follows_from_who_is_there_at_the_end(values: dict, beam_args: list[str], who: str) -> None:
  assert recording(values, beam_args).record == who


REFUSED = {
  'template_by_its_driver': ({'metadata': SERVER, 'record': 'driver'}, [TEMPLATE], 'is gone when its job ends'),
  'template_into_a_file': ({'metadata': 'sqlite:///m'}, [TEMPLATE], 'cannot reach an SQLite file'),
  'graph_without_a_store': ({'metadata': 'none', 'record': 'graph'}, [], 'give one with --metadata'),
}


@pytest.mark.parametrize(('values', 'beam_args', 'why'), REFUSED.values(), ids=REFUSED)
def test_who_cannot_record_is_refused(values: dict, beam_args: list[str], why: str) -> None:
  with pytest.raises(UserError, match=why):
    recording(values, beam_args)
