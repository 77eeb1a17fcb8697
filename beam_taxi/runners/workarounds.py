"""What must be set right in Beam itself before a graph runs; importing this module does it.

Beam's in-process workers, where they are threads, flush their output every second from a thread of their own, which
does not wait for an element to be written whole (apache_beam/runners/worker/data_plane.py, in 2.72 and 2.77). An
element that is torn so is read as garbage: seen as a run that failed, and as one that took all memory. They need not
flush by time at all, since they do by size and at the end of each bundle.

Where they are processes, nobody notices when one is gone, as it is where memory is short, and the run waits for it for
good (apache_beam/runners/portability/fn_api_runner/worker_handlers.py). Here the run fails.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import grpc
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner import worker_handlers

from beam_taxi.errors import MishapError

_NEVER_IN_A_RUN_MS = 2**31
_DONE = worker_handlers.BeamFnControlServicer._DONE_MARKER

worker_handlers.DATA_BUFFER_TIME_LIMIT_MS = _NEVER_IN_A_RUN_MS


@worker_handlers.WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)
class _WatchedWorkerHandler(worker_handlers.SubprocessSdkWorkerHandler):
  """A worker process whose end fails what it was asked to do, and whatever it is asked after that."""

  def start_worker(self) -> None:
    """Starts it, with a thread that waits for its end, as Beam's does."""
    self.worker = local_job_service.SubprocessSdkWorker(
      self._worker_command_line, self.control_address, self.provision_info, self.worker_id
    )
    self._gone = ''
    self.control_conn.push = self._watched(self.control_conn.push)
    # Nothing has connected yet.
    self.control_conn._read_thread = threading.Thread(name='beam_control_read', target=self._read)
    self.worker_thread = threading.Thread(name='run_worker', target=self._work)
    self.worker_thread.start()

  def close(self) -> None:
    """Ends it, also where it has not connected yet: once it does, it is told that nothing is to be done."""
    self.control_conn.push(_DONE)
    super().close()

  def _read(self) -> None:
    # That the worker is gone is said once.
    with contextlib.suppress(grpc.RpcError):
      self.control_conn._read()

  def _work(self) -> None:
    try:
      self.worker.run()
    except RuntimeError as error:  # It says the exit code.
      self._fail(
        f'a worker process ended before its work was done ({error}); run again, with fewer --direct_num_workers if '
        'memory is short'
      )

  def _fail(self, why: str) -> None:
    # As the text of a worker's traceback, in which mishap_in finds it.
    self._gone = f'{MishapError.__module__}.{MishapError.__name__}: {why}'
    for request, future in [*self.control_conn._futures_by_id.items()]:
      future.set(self._failed(request))

  def _failed(self, request: str) -> beam_fn_api_pb2.InstructionResponse:
    return beam_fn_api_pb2.InstructionResponse(instruction_id=request, error=self._gone)

  def _watched(self, push: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Beam's way to ask the worker, which also answers once the worker is gone."""

    def ask(request: Any) -> Any:
      future = push(request)
      # Whoever asks while it goes may not be among those that are told.
      if future and self._gone:
        future.set(self._failed(request.instruction_id))
      return future

    return ask
