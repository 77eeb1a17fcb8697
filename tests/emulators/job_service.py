"""Beam's Python job service, a pool of workers, a runner that starts a job server, and a server that never answers."""

import contextlib
import dataclasses
import socket
import sys
from collections.abc import Iterator
from typing import Any

from apache_beam.runners.portability import job_server
from apache_beam.runners.portability.local_job_service import LocalJobServicer
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer
from apache_beam.utils.subprocess_server import pick_port

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


class _Subprocess(job_server.SubprocessJobServer):
  """Beam's job service as a program of its own."""

  def subprocess_cmd_and_endpoint(self) -> tuple[list[str], str]:
    [port] = pick_port(None)
    module = 'apache_beam.runners.portability.local_job_service_main'
    return [sys.executable, '-m', module, '--port', str(port), '--pid_file', PID_FILE], f'localhost:{port}'


class OwnServerRunner(PortableRunner):
  """Starts a job server for its run and handles Ctrl-C, as FlinkRunner, SparkRunner and PrismRunner do."""

  def default_job_server(self, options: Any) -> job_server.JobServer:
    return job_server.StopOnExitJobServer(_Subprocess())
