"""Beam's job service, through which portable runners take jobs: whether one is there, and how it says a job is."""

import logging
import socket

import grpc
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions, PrismRunnerOptions
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc
from apache_beam.runners.runner import PipelineRunner

from beam_taxi.errors import UserError, on_one_line
from beam_taxi.runners.options import starts_job_server

_LOG = logging.getLogger(__name__)

# Whoever starts a service beside the run need not wait for it.
PATIENCE_S = 15.0

# The service is in this process, and not asked about.
EMBEDDED = 'embed'

# What a service says of a job that has come to its end. What it calls CANCELLED may go on where its workers are.
ENDED = ('DONE', 'FAILED', 'DRAINED')
CANCELED = 'CANCELLED'


def require_service(runner: PipelineRunner, options: PipelineOptions) -> None:
  """Raises UserError where a portable runner has no job service, and can start none."""
  if not starts_job_server(runner, options):
    return
  name = type(runner).__name__
  if name == 'PortableRunner':
    raise UserError('--runner PortableRunner: needs a job service; give its address with --job_endpoint HOST:PORT')
  if name == 'PrismRunner' and not options.view_as(PrismRunnerOptions).prism_location:
    raise UserError(
      '--runner PrismRunner: Beam would download Prism; give --prism_location PATH of its binary (or a URL, to have it '
      'downloaded), or --job_endpoint HOST:PORT where it runs'
    )


def endpoint_of(options: PipelineOptions) -> str:
  """The job service's HOST:PORT; '' where the runner starts one, or it is in this process."""
  endpoint = options.view_as(PortableOptions).job_endpoint or ''
  return '' if endpoint == EMBEDDED else str(endpoint)


def require_answer(endpoint: str, patience: float | None = None) -> None:
  """Waits within bounds for a job service to answer.

  Raises:
    UserError: it does not.
  """
  with _channel(endpoint) as channel:
    stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
    request = beam_job_api_pb2.DescribePipelineOptionsRequest()
    try:
      stub.DescribePipelineOptions(request, timeout=PATIENCE_S if patience is None else patience, wait_for_ready=True)
    except grpc.RpcError as error:
      raise UserError(f'--job_endpoint {endpoint}: {_why_silent(endpoint, error)}') from error


def state_of(endpoint: str, job_id: str) -> str:
  """A job's state, as in 'RUNNING'. Raises UserError where the service does not say."""
  with _channel(endpoint) as channel:
    stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
    try:
      state = stub.GetState(beam_job_api_pb2.GetJobStateRequest(job_id=job_id), timeout=PATIENCE_S).state
    except grpc.RpcError as error:
      raise UserError(f'job {job_id}: the job service at {endpoint} does not say how it is ({_told(error)})') from error
  return str(beam_job_api_pb2.JobState.Enum.Name(state))


def answers(address: str, patience: float | None = None) -> bool:
  """Whether a gRPC server, such as a pool of workers, answers at HOST:PORT within bounds."""
  with _channel(address) as channel:
    try:
      grpc.channel_ready_future(channel).result(timeout=PATIENCE_S if patience is None else patience)
    except grpc.FutureTimeoutError:
      return False
  return True


def _channel(address: str) -> grpc.Channel:
  # As often as Beam's own tests of a connection; gRPC's backoff would soon be longer than patience is.
  return grpc.insecure_channel(address, options=[('grpc.max_reconnect_backoff_ms', 500)])


def _why_silent(endpoint: str, error: grpc.RpcError) -> str:
  """What is wrong with a service that does not answer, and what to do."""
  if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
    return f'is no job service ({_told(error)}); give HOST:PORT of one, by default 8099'
  host, _, port = endpoint.rpartition(':')
  try:
    with socket.create_connection((host.strip('[]'), int(port)), timeout=5):
      return 'takes connections and does not answer as a job service does; see to it, or give another'
  except (OSError, ValueError) as refused:
    return f'cannot be reached ({on_one_line(str(refused))}); start a job service there, or give HOST:PORT of one'


def _told(error: grpc.RpcError) -> str:
  return f'{error.code().name}: {on_one_line(" ".join(str(error.details()).split()))[:200]}'
