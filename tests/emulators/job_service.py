"""Beam's Python job service, also as what runners start as their job server; a pool of workers; a mute server."""

import contextlib
import dataclasses
import pathlib
import socket
import sys
from collections.abc import Iterator

from apache_beam.runners.portability.local_job_service import LocalJobServicer
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer

# Where a server that a runner started has its process's number, in the folder that the run is begun in.
PID_FILE = 'job_server.pid'


@dataclasses.dataclass(frozen=True)
class JobService:
  """Beam's own job service; `address` is its HOST:PORT."""

  address: str
  servicer: LocalJobServicer

  def wait_for_jobs(self) -> None:
    """Waits until all jobs have ended, those that it calls canceled too."""
    for job in self.servicer._jobs.values():
      job._run_thread.join()


@contextlib.contextmanager
def job_service() -> Iterator[JobService]:
  """One that runs jobs in this process."""
  servicer = LocalJobServicer()
  port = servicer.start_grpc_server()
  try:
    yield JobService(f'localhost:{port}', servicer)
  finally:
    servicer.stop()


@contextlib.contextmanager
def worker_pool() -> Iterator[str]:
  """A pool whose workers are threads of this process; its HOST:PORT."""
  address, server = BeamFnExternalWorkerPoolServicer.start()
  try:
    yield address
  finally:
    server.stop(1)


@contextlib.contextmanager
def mute_server() -> Iterator[str]:
  """Takes connections, and never says a word; its HOST:PORT."""
  with socket.create_server(('127.0.0.1', 0)) as server:
    yield f'localhost:{server.getsockname()[1]}'


# In the place of `java` and of Prism's binary: takes of their arguments the port that they shall listen on.
_PROGRAM = f"""#!{sys.executable}
import sys
from apache_beam.runners.portability import local_job_service_main

[port] = [value for flag, value in zip(sys.argv, sys.argv[1:]) if flag in ('--job-port', '--job_port')]
local_job_service_main.run(['--port', port, '--pid_file', '{PID_FILE}'])
"""


def job_server_flags(folder: pathlib.Path, runner: str) -> list[str]:
  """Flags by which FlinkRunner, SparkRunner or PrismRunner starts Beam's own job service as its job server."""
  program, jar = folder / 'job_server', folder / 'job_server.jar'
  program.write_text(_PROGRAM)
  program.chmod(0o755)
  jar.touch()
  java = ['--job_server_java_launcher', str(program)]
  starts = {
    'FlinkRunner': [*java, '--flink_job_server_jar', str(jar)],
    'SparkRunner': [*java, '--spark_job_server_jar', str(jar)],
    'PrismRunner': ['--prism_location', str(program)],
  }
  return ['--runner', runner, '--job_endpoint', '', *starts[runner]]
