"""What `reconcile` takes runs for whose process is gone, by their runner."""

import pathlib

import pytest

from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.cli import reconcile
from beam_taxi.metadata.recording import RecordedRun, record_start
from beam_taxi.metadata.runs import find_run
from beam_taxi.metadata.store import connect
from beam_taxi.process.provenance import this_process

RUNNERS = {
  'here': ('FnApiRunner', 'FAILED', 'its process is gone'),
  'elsewhere': ('SparkRunner', 'RUNNING', 'its job may go on, and SparkRunner cannot be asked'),
}


def test_workers_that_were_threads_of_a_process_are_gone_with_it(
  tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
  uri = f'sqlite:///{tmp_path}/m.sqlite'
  of_the_job = {
    'runner': 'PortableRunner',
    'environment_type': 'LOOPBACK',
    'job_endpoint': 'none.invalid:1',
    'job_id': 'a',
  }
  properties = {'started': 100.0, 'process': f'{this_process()}0', **of_the_job}
  record_start(connect(uri), RecordedRun('one', 'taxi', RunFolder(str(tmp_path / 'one'))), properties)

  assert reconcile.run({'metadata': uri, 'json': True}, []) == 0

  assert find_run(connect(uri), 'one').state == 'FAILED'


@pytest.mark.parametrize(('runner', 'state', 'why'), RUNNERS.values(), ids=RUNNERS)
@pytest.mark.parametrize('record', ['driver', 'graph'])
def test_a_job_may_outlive_its_command_unless_they_are_one_process(
  tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], record: str, runner: str, state: str, why: str
) -> None:
  uri = f'sqlite:///{tmp_path}/m.sqlite'
  gone = f'{this_process()}0'  # No process began then.
  properties = {'started': 100.0, 'process': gone, 'runner': runner, 'record': record}
  record_start(connect(uri), RecordedRun('one', 'taxi', RunFolder(str(tmp_path / 'one'))), properties)

  assert reconcile.run({'metadata': uri, 'json': True}, []) == 0

  assert find_run(connect(uri), 'one').state == state
  assert why in capsys.readouterr().out
