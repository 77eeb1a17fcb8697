"""A run that is ended from outside leaves nothing that looks finished."""

import pathlib
import signal

import ml_metadata as mlmd
import pytest
from commands import environment, started
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
from warm import Process

# Runs the command line until pass 1 begins, which then never ends.
WAITING = """
import sys, threading
from beam_taxi.cli import _main as cli
from beam_taxi.inputs.csv import csv_input

def wait(*_):
  print('scanning', flush=True)
  threading.Event().wait()

csv_input.scan_range = wait
sys.exit(cli.main())
"""

# Runs the command line until pass 1 begins, which goes on, or fails, once the run has been interrupted.
GOING_ON = """
import sys, threading
from beam_taxi.cli import _main as cli
from beam_taxi.inputs.csv import csv_input

ended = threading.Event()
scan_range = csv_input.scan_range

def go_on(*args):
  print('scanning', flush=True)
  ended.wait()
  {what}
  return scan_range(*args)

csv_input.scan_range = go_on
code = cli.main(sys.argv[1:])
ended.set()
for thread in threading.enumerate():
  if '_attempt' in thread.name:
    thread.join()
sys.exit(code)
"""


@pytest.fixture
def waiting_run(tmp_path: pathlib.Path) -> Process:
  """A run that is in the middle of pass 1 for as long as it lives."""
  (tmp_path / 'rows.csv').write_text('a,b\n1,2\n')
  process = started(
    ['-c', WAITING, '--input', 'rows.csv', '--output', 'out', '--run_id', 'stopped'], tmp_path, environment()
  )
  assert process.stdout
  assert process.stdout.readline() == 'scanning\n'
  return process


def executions(output: pathlib.Path) -> list[mlmd_pb2.Execution]:
  config = mlmd_pb2.ConnectionConfig()
  config.sqlite.filename_uri = str(output / 'metadata.sqlite')
  config.sqlite.connection_mode = mlmd_pb2.SqliteMetadataSourceConfig.READONLY
  return mlmd.MetadataStore(config).get_executions()


@pytest.mark.parametrize(('number', 'cause'), [(signal.SIGINT, 'Ctrl-C'), (signal.SIGTERM, 'SIGTERM')], ids=str)
def test_an_interrupted_run_ends_at_once_with_130_and_a_canceled_execution(waiting_run, tmp_path, number, cause):
  waiting_run.send_signal(number)
  _, stderr = waiting_run.communicate()
  assert waiting_run.returncode == 130
  assert 'error: interrupted: stopped is recorded as CANCELED and has no manifest' in stderr
  assert 'Traceback' not in stderr
  found = executions(tmp_path / 'out')
  assert {execution.last_known_state for execution in found} == {mlmd_pb2.Execution.CANCELED}
  assert {execution.custom_properties['error'].string_value for execution in found} == {f'interrupted by {cause}'}
  assert not list(tmp_path.rglob('manifest.json'))


@pytest.mark.parametrize('what', ['pass', 'raise ValueError("of a thread")'], ids=['finishes', 'fails'])
def test_the_threads_of_an_interrupted_run_say_nothing(tmp_path: pathlib.Path, what: str) -> None:
  (tmp_path / 'rows.csv').write_text('a,b\n1,2\n')
  words = ['-c', GOING_ON.format(what=what), '--input', 'rows.csv', '--output', 'out', '--run_id', 'one']
  process = started(words, tmp_path, environment())
  assert process.stdout
  assert process.stdout.readline() == 'scanning\n'

  process.send_signal(signal.SIGINT)

  assert process.communicate()[1] == 'error: interrupted: one is recorded as CANCELED and has no manifest\n'
  assert process.returncode == 130


def test_sigkill_leaves_no_manifest_and_no_complete_execution(waiting_run, tmp_path):
  waiting_run.kill()
  waiting_run.communicate()
  found = executions(tmp_path / 'out')
  assert {execution.last_known_state for execution in found} == {mlmd_pb2.Execution.RUNNING}
  assert not list(tmp_path.rglob('manifest.json'))
  assert not list(tmp_path.rglob('data_tfrecord-*'))
