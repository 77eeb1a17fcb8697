"""Runs through a job service: one that the runner starts, one that is lost, and a job that outlives its command."""

import dataclasses
import os
import pathlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from commands import Here, environment, started
from emulators.flink import FlinkJob, flink_cluster
from emulators.job_service import PID_FILE, JobService, job_server_flags, job_service, worker_pool
from test_interruption import WAITING
from warm import Process

from beam_taxi.inputs.csv import csv_input

_PATIENCE_S = 120
STOPS = pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM], ids=str)


# Takes the runner's connection, and is never ready.
MUTE_JOB_SERVER = f"""#!{sys.executable}
import signal, socket, sys

# Beam stops servers so, and what this one says would be in Beam's log.
signal.signal(signal.SIGINT, signal.SIG_DFL)
with socket.create_server(('localhost', int(sys.argv[2]))) as server:
  connection, _ = server.accept()
  with open('begun', 'w') as file:
    file.write('yes')
  connection.recv(1 << 20)
  server.accept()
"""


def begun(folder: pathlib.Path, program: tuple[str, ...], *words: object) -> Process:
  """A run of rows.csv, in a process of its own."""
  given = ('--input', 'rows.csv', '--output', 'out', '--run_id', 'one', *map(str, words))
  return started([*program, *given], folder, environment(no_proxy='127.0.0.1,localhost'))


@pytest.mark.parametrize('runner', ['FlinkRunner', 'SparkRunner', 'PrismRunner'])
def test_a_runner_that_starts_a_job_server_is_run_and_its_server_ends(here: Here, runner: str) -> None:
  process = begun(here.folder, ('-m', 'beam_taxi'), *job_server_flags(here.folder, runner))
  out, err = process.communicate()

  assert process.returncode == 0, err
  assert 'Run one is complete' in out
  assert not (here.folder / PID_FILE).exists()


@STOPS
def test_its_run_is_canceled_with_the_command(here: Here, number: int) -> None:
  process = begun(here.folder, ('-c', WAITING), *job_server_flags(here.folder, 'FlinkRunner'))
  assert process.stdout
  assert process.stdout.readline() == 'scanning\n'

  process.send_signal(number)
  _, err = process.communicate()

  assert process.returncode == 130
  assert 'error: interrupted: one is recorded as CANCELED and has no manifest' in err
  assert 'Traceback' not in err
  assert not (here.folder / PID_FILE).exists()


def test_a_run_that_is_interrupted_while_its_job_server_starts_is_canceled(here: Here) -> None:
  flags = job_server_flags(here.folder, 'PrismRunner')
  os.mkfifo(here.folder / 'begun')
  (here.folder / 'job_server').write_text(MUTE_JOB_SERVER)
  process = begun(here.folder, ('-m', 'beam_taxi'), *flags)
  assert (here.folder / 'begun').read_text() == 'yes'

  process.send_signal(signal.SIGINT)
  _, err = process.communicate()

  assert process.returncode == 130
  assert 'error: interrupted: one is recorded as CANCELED and has no manifest' in err
  assert 'Traceback' not in err


@dataclasses.dataclass
class Held:
  """A run whose workers, which are not its own, wait in pass 1 until they are let go."""

  process: Process
  service: JobService
  let_go: threading.Event


@pytest.fixture
def service_and_pool() -> Iterator[tuple[JobService, list[str]]]:
  """A job service, and flags of a run on it whose workers are threads of this process."""
  with job_service() as service, worker_pool() as pool:
    flags = ['--runner', 'PortableRunner', '--job_endpoint', service.address]
    yield service, [*flags, '--environment_type', 'EXTERNAL', '--environment_config', pool]


@pytest.fixture
def hold(here: Here, service_and_pool: tuple[JobService, list[str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
  service, flags = service_and_pool
  real = csv_input.scan_range
  scanning, let_go = threading.Event(), threading.Event()

  def scan(*args: Any) -> Any:
    scanning.set()
    assert let_go.wait(_PATIENCE_S)
    return real(*args)

  def begin(*words: object) -> Held:
    process = begun(here.folder, ('-m', 'beam_taxi'), *flags, *words)
    assert scanning.wait(_PATIENCE_S), process.communicate()
    return Held(process, service, let_go)

  monkeypatch.setattr(csv_input, 'scan_range', scan)
  yield begin
  let_go.set()
  service.wait_for_jobs()


def state(here: Here) -> str:
  return str(here.asked('show', 'one', '--output', 'out')['state'])


@STOPS
def test_a_job_that_may_outlive_its_command_is_left_to_reconcile(here: Here, hold: Any, number: int) -> None:
  run = hold()

  run.process.send_signal(number)
  _, err = run.process.communicate()

  assert run.process.returncode == 130
  assert f'the job service at {run.service.address} was asked to, and does not say whether workers have stopped' in err
  assert 'the job may go on, and ' in err
  assert state(here) == 'RUNNING'
  [settled] = here.asked('reconcile', '--output', 'out')
  assert 'was canceled, and not whether its workers have stopped' in settled['why']

  run.let_go.set()
  run.service.wait_for_jobs()
  [settled] = here.asked('reconcile', '--output', 'out')
  assert (settled['state'], settled['why']) == ('COMPLETE', 'it has a manifest')


def test_a_job_server_that_a_run_started_ends_with_it_though_workers_are_elsewhere(here: Here, hold: Any) -> None:
  run = hold(*job_server_flags(here.folder, 'SparkRunner'))

  run.process.send_signal(signal.SIGINT)
  _, err = run.process.communicate()

  assert 'error: interrupted: one is recorded as CANCELED and has no manifest' in err
  assert not (here.folder / PID_FILE).exists()


def test_a_job_whose_service_is_lost_is_not_said_to_have_failed(here: Here, hold: Any) -> None:
  run = hold()

  run.service.servicer.stop(0)
  _, err = run.process.communicate()

  assert run.process.returncode == 1
  assert f'the job service at {run.service.address} does not answer any more (UNAVAILABLE); ' in err
  assert 'Traceback' not in err
  assert state(here) == 'RUNNING'


def test_a_job_on_flink_is_canceled_there(here: Here, hold: Any, monkeypatch: pytest.MonkeyPatch) -> None:
  with flink_cluster() as flink:
    run = hold('--flink_master', flink.address, '--parallelism', 2)
    flink.jobs.append(FlinkJob('a', 'beam-taxi-one'))

    run.process.send_signal(signal.SIGINT)
    _, err = run.process.communicate()

    assert run.process.returncode == 130
    assert 'error: interrupted: one is recorded as CANCELED and has no manifest' in err
    assert flink.jobs[0].state == 'CANCELED'
    properties = here.asked('show', 'one', '--output', 'out')['properties']
    assert (properties['job_endpoint'], properties['flink_master']) == (run.service.address, flink.address)
    assert properties['job_id']


def test_a_canceled_run_whose_manifest_came_all_the_same_is_corrected(here: Here, hold: Any) -> None:
  with flink_cluster() as flink:
    run = hold('--flink_master', flink.address, '--parallelism', 2)
    flink.jobs.append(FlinkJob('a', 'beam-taxi-one'))
    run.process.send_signal(signal.SIGINT)
    run.process.communicate()
    assert state(here) == 'CANCELED'

    run.let_go.set()
    run.service.wait_for_jobs()
    [settled] = here.asked('reconcile', '--output', 'out')

  assert (settled['state'], state(here)) == ('COMPLETE', 'COMPLETE')
