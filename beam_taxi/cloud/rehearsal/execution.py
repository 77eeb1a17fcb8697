"""What becomes of a job of the double: its states and messages, and the process that does its work."""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import Any

from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2 as beam_pb2
from google.cloud import storage

from beam_taxi.cloud.rehearsal.cloud_storage import blob_of, exists
from beam_taxi.cloud.rehearsal.dataflow_service import Job, RefusalError, timestamp

# As often a batch job's work is attempted. (Source: Dataflow's "Common errors", retries.)
_ATTEMPTS = 4
_WORKER = pathlib.Path(__file__).with_name('worker.py')


@dataclasses.dataclass
class Faults:
  """What goes wrong, because someone wants to see what happens then; may be changed at any time.

  Attributes:
    queue: while it is there and not set, jobs wait for workers.
    failure: jobs fail with this message in the place of their work; '' for none.
    lost_workers: so many times a job's worker is killed in the midst of its work, which is begun again.
  """

  queue: threading.Event | None = None
  failure: str = ''
  lost_workers: int = 0


class Executor:
  """Executes jobs, each on a thread and in a process of its own."""

  def __init__(self, buckets: storage.Client, environment: Mapping[str, str]):
    """`environment` is that of the processes."""
    self.faults = Faults()
    self._buckets = buckets
    self._environment = dict(environment)
    self._executions: list[_Execution] = []

  def execute(self, job: Job, complete: Callable[[], dict[str, Any]]) -> None:
    """Begins a job; see dataflow_service.Dataflow.execute."""
    execution = _Execution(job, self._buckets, self._environment, self.faults)
    self._executions.append(execution)
    job.on_cancel = execution.cancel
    threading.Thread(target=execution.live, args=[complete], daemon=True).start()

  def close(self) -> None:
    """Ends all jobs that go on."""
    for execution in self._executions:
      execution.cancel()
      execution.ended.wait()


class _JobError(Exception):
  """Why a job fails; its text is what the service says."""


class _Execution:
  def __init__(self, job: Job, buckets: storage.Client, environment: dict[str, str], faults: Faults):
    self.ended = threading.Event()
    self._job, self._buckets, self._environment, self._faults = job, buckets, environment, faults
    self._canceled = threading.Event()
    self._process: subprocess.Popen[str] | None = None
    self._starting = threading.Lock()

  def cancel(self) -> None:
    with self._starting:
      self._canceled.set()
      if self._process:
        _kill(self._process)

  def live(self, complete: Callable[[], dict[str, Any]]) -> None:
    """From the first state to the last."""
    job = self._job
    try:
      request = complete()
      # A launcher's job has only now got its graph.
      job.resource = {**request, **job.resource}
      while self._faults.queue and not self._canceled.is_set() and not self._faults.queue.wait(0.05):
        pass
      if not self._canceled.is_set():
        job.enter('JOB_STATE_RUNNING')
        job.say('Worker configuration: one process on this machine.')
        self._work()
      job.enter('JOB_STATE_CANCELLED' if self._canceled.is_set() else 'JOB_STATE_DONE')
    except Exception as error:  # Whatever it was, the job has failed.
      if self._canceled.is_set():
        job.enter('JOB_STATE_CANCELLED')
      else:
        job.say(str(error.args[-1] if isinstance(error, RefusalError) else error), 'JOB_MESSAGE_ERROR')
        job.enter('JOB_STATE_FAILED')
    finally:
      self.ended.set()

  def _work(self) -> None:
    if self._faults.failure:
      raise _JobError(self._faults.failure)
    with tempfile.TemporaryDirectory(prefix='dataflow_') as name:
      folder = pathlib.Path(name)
      self._stage(folder)
      for _ in range(_ATTEMPTS):
        last = self._attempt(folder)
        if self._canceled.is_set() or 'done' in last:
          return
        if 'error' in last:
          raise _JobError(last['error'])
        self._job.say('The worker lost contact with the service; its work is begun again.', 'JOB_MESSAGE_WARNING')
    raise _JobError(f'A work item was attempted {_ATTEMPTS} times without success: the worker lost contact.')

  def _attempt(self, folder: pathlib.Path) -> dict[str, Any]:
    """One worker's work: what it said last, with 'done' or 'error'; without both where it was killed."""
    command = [sys.executable, '-I', '-S', str(_WORKER), str(folder), *_site_packages()]
    with self._starting, (folder / 'log').open('ab') as log:
      if self._canceled.is_set():
        return {}
      self._process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        cwd=folder,
        env=self._environment,
        start_new_session=True,
      )
    said: dict[str, Any] = {}
    with self._process as process:
      assert process.stdout is not None
      for line in process.stdout:
        said = json.loads(line)
        self._job.metrics = _metrics(said.get('counters') or said.get('done') or {}) or self._job.metrics
        if self._faults.lost_workers and 'counters' in said:
          self._faults.lost_workers -= 1
          _kill(process)
          return {}
    if not said.keys() & {'done', 'error'} and not self._canceled.is_set():
      # It ended by itself, and so it will each time.
      said = {'error': f'The worker ended: {(folder / "log").read_text(errors="replace")[-2000:]}'}
    return said

  def _stage(self, folder: pathlib.Path) -> None:
    """Fetches what the job names, and installs its packages as a worker's container does, for this job alone."""
    options = self._job.resource['environment']['sdkPipelineOptions']['options']
    (folder / 'options.json').write_text(json.dumps(options))
    pipeline = self._fetch(options['pipelineUrl'])
    (folder / 'pipeline.pb').write_bytes(pipeline)
    archives = []
    for name, url in _staged(beam_pb2.Pipeline.FromString(pipeline)).items():
      (folder / name).write_bytes(self._fetch(url))
      if name.endswith(('.tar.gz', '.whl')):
        archives.append(str(folder / name))
    packages = folder / 'packages'
    packages.mkdir()
    if archives:
      command = [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index', '--no-build-isolation']
      command += ['--disable-pip-version-check', '--target', str(packages), *archives]
      done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
      if done.returncode:
        raise _JobError(f'the packages of the job could not be installed: {done.stderr.strip()}')

  def _fetch(self, uri: str) -> bytes:
    if not exists(self._buckets, uri):
      raise _JobError(f'{uri}: there is no such object')
    return bytes(blob_of(self._buckets, uri).download_as_bytes())


def _staged(pipeline: beam_pb2.Pipeline) -> dict[str, str]:
  """Where what workers need was staged, by the names that they know it by."""
  found: dict[str, str] = {}
  for environment in pipeline.components.environments.values():
    for artifact in environment.dependencies:
      role = beam_pb2.ArtifactStagingToRolePayload.FromString(artifact.role_payload)
      if artifact.type_urn != common_urns.artifact_types.URL.urn:
        raise _JobError(f'{role.staged_name}: was not staged where a worker can fetch it')
      found[role.staged_name] = beam_pb2.ArtifactUrlPayload.FromString(artifact.type_payload).url
  return found


def _metrics(counters: Mapping[str, int]) -> list[dict[str, Any]]:
  """Counters, by NAMESPACE/NAME, as getMetrics shows users': committed, and what they may become."""
  now = timestamp()
  names = [name.partition('/') for name in sorted(counters)]
  return [
    {
      'name': {'origin': 'user', 'name': name, 'context': {'namespace': namespace, 'step': 's1', **more}},
      'scalar': counters[f'{namespace}/{name}'],
      'updateTime': now,
    }
    for namespace, _, name in names
    for more in ({}, {'tentative': 'true'})
  ]


def _site_packages() -> list[str]:
  """Where the locked packages are. As paths of sys.path they have modules, and no links to a checkout."""
  paths = sysconfig.get_paths()
  return list(dict.fromkeys([paths['purelib'], paths['platlib']]))


def _kill(process: 'subprocess.Popen[str]') -> None:
  """Ends a process and what it started."""
  with contextlib.suppress(ProcessLookupError):
    os.killpg(process.pid, signal.SIGKILL)
