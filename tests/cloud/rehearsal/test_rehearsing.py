"""What a rehearsal reads, and when it needs credentials for that."""

import pathlib

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from beam_taxi.cloud.rehearsal import rehearsing
from beam_taxi.errors import UserError

WORDS = ['--output', 'gs://mine/out', '--metadata', 'none', '--runner', 'DataflowRunner', '--project', 'p']
WORDS += ['--region', 'r', '--temp_location', 'gs://mine/temp']
INPUT = ['--input', 'gs://mine/in.csv']


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
  def refuse(_: PipelineOptions) -> None:
    raise UserError('no credentials for Google Cloud; log in')

  monkeypatch.setattr(rehearsing, 'credentials', refuse)


LOCAL = {
  'input': (['--input', 'a.csv'], 'a.csv'),
  'one_of_two': ([*INPUT, 'a.csv'], 'a.csv'),
  'input_split': (['--input_split', 'train=gs://mine/in.csv', '--input_split', 'eval=a.csv'], 'a.csv'),
  'schema': ([*INPUT, '--schema', 'schema.pbtxt'], 'schema.pbtxt'),
}


@pytest.mark.parametrize('sample_from', ['', 'sample.csv'], ids=['as_it_is', 'with_a_sample'])
@pytest.mark.parametrize(('words', 'path'), LOCAL.values(), ids=LOCAL)
def test_what_workers_do_not_reach_is_said_without_credentials(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, words: list[str], path: str, sample_from: str
) -> None:
  monkeypatch.chdir(tmp_path)
  for name in ('a.csv', 'sample.csv', 'schema.pbtxt'):
    (tmp_path / name).write_text('n\n1\n')

  with pytest.raises(UserError, match=f'/{path}: workers on Dataflow do not reach it; copy it to a bucket'):
    rehearsing.rehearse([*words, *WORDS], 1000, sample_from, '')


BUCKETS = {
  'input': (INPUT, ''),
  'schema': ([*INPUT, '--schema', 'gs://mine/schema.pbtxt'], 'sample.csv'),
  'sample': (INPUT, 'gs://mine/sample.csv'),
}


@pytest.mark.parametrize(('words', 'sample_from'), BUCKETS.values(), ids=BUCKETS)
def test_what_is_read_from_a_bucket_needs_credentials_at_once(words: list[str], sample_from: str) -> None:
  with pytest.raises(UserError, match='no credentials for Google Cloud; log in'):
    rehearsing.rehearse([*words, *WORDS], 1000, sample_from, '')
