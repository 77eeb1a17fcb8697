"""A run that is ended from outside leaves nothing that looks finished."""

import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

ROOT = pathlib.Path(__file__).parent.parent.parent


@pytest.fixture
def waiting_run(tmp_path: pathlib.Path) -> Iterator[subprocess.Popen]:
  """A run that has been recorded and then waits for ever: its second input is a pipe that nobody writes to."""
  (tmp_path / 'rows.csv').write_text('a,b\n1,2\n')
  os.mkfifo(tmp_path / 'pipe')
  # A real file when the run looks at it, and a pipe when it reads it in pass 1.
  (tmp_path / 'later.csv').write_text('a,b\n3,4\n')
  script = tmp_path / 'waiting.py'
  script.write_text(
    'import os, sys\n'
    'from beam_taxi import cli, run\n'
    'checked = run._check_input\n'
    'def check_then_block(config):\n'
    '  size = checked(config)\n'
    "  os.replace('pipe', 'later.csv')\n"
    "  print('recorded', flush=True)\n"
    '  return size\n'
    'run._check_input = check_then_block\n'
    'sys.exit(cli.main())\n'
  )
  process = subprocess.Popen(
    [sys.executable, script, '--input', 'rows.csv', 'later.csv', '--output', 'out', '--run_id', 'stopped'],
    cwd=tmp_path,
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )
  assert process.stdout
  assert process.stdout.readline() == 'recorded\n'
  yield process
  process.kill()
  process.communicate()


def executions(output: pathlib.Path) -> list[mlmd_pb2.Execution]:
  config = mlmd_pb2.ConnectionConfig()
  config.sqlite.filename_uri = str(output / 'metadata.sqlite')
  config.sqlite.connection_mode = mlmd_pb2.SqliteMetadataSourceConfig.READONLY
  return mlmd.MetadataStore(config).get_executions()


def test_ctrl_c_ends_at_once_with_130_and_a_failed_execution(waiting_run, tmp_path):
  waiting_run.send_signal(signal.SIGINT)
  _, stderr = waiting_run.communicate(timeout=60)
  assert waiting_run.returncode == 130
  assert 'error: interrupted: stopped is recorded as FAILED and has no manifest' in stderr
  assert 'Traceback' not in stderr
  found = executions(tmp_path / 'out')
  assert {execution.last_known_state for execution in found} == {mlmd_pb2.Execution.FAILED}
  assert {execution.custom_properties['error'].string_value for execution in found} == {'interrupted by Ctrl-C'}
  assert not list(tmp_path.rglob('manifest.json'))


def test_sigkill_leaves_no_manifest_and_no_complete_execution(waiting_run, tmp_path):
  waiting_run.kill()
  waiting_run.communicate(timeout=60)
  found = executions(tmp_path / 'out')
  assert {execution.last_known_state for execution in found} == {mlmd_pb2.Execution.RUNNING}
  assert not list(tmp_path.rglob('manifest.json'))
  assert not list(tmp_path.rglob('data_tfrecord-*'))
