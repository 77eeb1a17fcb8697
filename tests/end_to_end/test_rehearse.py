"""`rehearse`: a user's command line, without a cloud."""

import json
import pathlib
from collections.abc import Iterator

import pytest
from commands import beam_taxi, beam_taxi_anew

from beam_taxi.cloud.rehearsal.cloud import Cloud, rehearsal_cloud

WORDS = ['--input', 'gs://mine/in/*.csv', '--output', 'gs://mine/out', '--run_id', 'one']
WORDS += ['--runner', 'DataflowRunner', '--project', 'my-project', '--region', 'europe-west1']
WORDS += ['--temp_location', 'gs://mine/temp', '--staging_location', 'gs://other/staging']


@pytest.fixture(scope='module')
def real() -> Iterator[Cloud]:
  """What stands for the user's own cloud: it has the input."""
  with rehearsal_cloud(['mine']) as cloud:
    for name in 'ab':
      lines = 'n,s\n' + ''.join(f'{n},"row\n{n}"\n' for n in range(1000))
      cloud.buckets.bucket('mine').blob(f'in/{name}.csv').upload_from_string(lines)
    yield cloud


def test_a_command_line_is_run_as_it_is_and_leaves_the_cloud_alone(real: Cloud, tmp_path: pathlib.Path) -> None:
  words = [*WORDS, '--metadata', 'mysql://me@10.0.0.1/runs?password_secret=projects/p/secrets/s', '--record', 'graph']

  done = beam_taxi(tmp_path, 'rehearse', '--sample_size', '3000', '--keep', 'kept', *words, **real.environment)

  assert done.returncode == 0, done.stderr
  assert 'the rehearsal went well (beam-taxi-one: JOB_STATE_DONE)' in done.stdout
  manifest = json.loads((tmp_path / 'kept' / 'one' / 'manifest.json').read_text())
  assert 100 < manifest['input']['rows'] < 400
  assert manifest['input']['files'] == 1
  assert {blob.name for blob in real.buckets.list_blobs('mine')} == {'in/a.csv', 'in/b.csv'}


def test_a_template_is_launched(real: Cloud, tmp_path: pathlib.Path) -> None:
  words = [*WORDS, '--metadata', 'none', '--template_location', 'gs://mine/templates/job_object']

  done = beam_taxi(tmp_path, 'rehearse', *words, **real.environment)

  assert done.returncode == 0, done.stderr
  assert 'launched the job of gs://mine/templates/job_object' in done.stdout


def test_an_installed_package_is_shipped_where_the_image_would_bring_it(
  installed: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  (tmp_path / 'mine.csv').write_text('n,s\n1,row\n')
  words = [*WORDS, '--metadata', 'none', '--sdk_container_image', 'gcr.io/p/image:1', '--skip_preflight']

  done = beam_taxi_anew(tmp_path, 'rehearse', '--sample_from', 'mine.csv', *words, PYTHONPATH=str(installed))

  assert done.returncode == 0, done.stderr
  assert 'the rehearsal went well' in done.stdout


def test_a_local_file_can_stand_for_the_input(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'mine.csv').write_text('n,s\n' + ''.join(f'{n},row\n' for n in range(10)))
  # Without --run_id: what is copied is the run that the command made.
  words = ['--input', 'gs://mine/nowhere/*/*.csv', '--metadata', 'none', '--output', 'gs://mine/out', *WORDS[6:]]

  done = beam_taxi(tmp_path, 'rehearse', '--sample_from', 'mine.csv', '--keep', 'kept', *words)

  assert done.returncode == 0, done.stderr
  [folder] = (tmp_path / 'kept').iterdir()
  manifest = json.loads((folder / 'manifest.json').read_text())
  assert (manifest['input']['patterns'], manifest['input']['rows']) == (['gs://mine/nowhere/*/*.csv'], 10)


@pytest.mark.parametrize(
  ('words', 'said'),
  [
    (['--input', 'a.csv', '--output', 'out'], 'with --runner DataflowRunner'),
    ([*WORDS, '--output', 'out'], '/out: workers on Dataflow do not reach it'),
    ([*WORDS, '--input', 'gs://mine/nothing/*.csv', '--metadata', 'none'], 'gs://mine/nothing/*.csv'),
    (WORDS, 'SQLite cannot be kept there'),
    ([*WORDS, '--metadata', 'sqlite:///m', '--record', 'graph'], 'cannot reach an SQLite file of this one'),
    ([*WORDS, '--metadata', 'none', '--job_name', 'No', '--template_location', 'gs://mine/t'], 'refuse its job'),
  ],
  ids=['runner', 'output', 'input', 'store', 'record', 'template'],
)
def test_what_cannot_be_a_run_on_dataflow_is_said(
  real: Cloud, tmp_path: pathlib.Path, words: list[str], said: str
) -> None:
  done = beam_taxi(tmp_path, 'rehearse', *words, **real.environment)

  assert (done.returncode, said in done.stderr) == (2, True), done.stderr
