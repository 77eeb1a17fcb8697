"""A UserError is found again in whatever a runner makes of it."""

import errno
import traceback

import grpc
import pytest

from beam_taxi.errors import MishapError, UserError, hide_secrets, mishap_in, user_error_in

MESSAGE = 'a.csv: line 3 (byte 10): 3 cells where the header has 2: [1,2]; mend that row'


def text_of_a_workers_traceback(step: str) -> str:
  try:
    raise UserError(MESSAGE + step)
  except UserError:
    return traceback.format_exc()


ERRORS = {
  'itself': UserError(MESSAGE),
  'with_its_step': UserError(f"{MESSAGE} [while running 'ScanInput/RejectBadRows']"),
  'with_several_lines_of_steps': UserError(f"{MESSAGE} [while running 'A']\n\nPassed on by:\n'B'"),
  'in_a_workers_traceback': RuntimeError(
    f'Error received from SDK harness for instruction 7:\n{text_of_a_workers_traceback("")}\n'
  ),
  'in_a_workers_traceback_with_its_step': RuntimeError(
    f'worker:\n{text_of_a_workers_traceback(" [while running " + repr("ScanInput/Reject-ptransform-12") + "]")}\nmore\n'
  ),
  'by_its_bare_name': RuntimeError(f'Traceback\nUserError: {MESSAGE}\nmore'),
}


@pytest.mark.parametrize('error', ERRORS.values(), ids=ERRORS)
def test_a_user_error_is_found_with_its_message_alone(error: Exception) -> None:
  found = user_error_in(error)

  assert isinstance(found, UserError)
  assert str(found) == MESSAGE


@pytest.mark.parametrize(
  'error',
  [RuntimeError('boom'), ValueError('not a UserError: really'), KeyError('SomeUserError: x'), RuntimeError('')],
  ids=repr,
)
def test_another_error_is_none(error: Exception) -> None:
  assert user_error_in(error) is None


HIDDEN = {
  'login': ('at mysql://me:s3cret@host/db: no', 'at mysql://me:***@host/db: no'),
  'login_without_a_name': ('redis://:s3cret@host', 'redis://:***@host'),
  'login_with_signs': ('hdfs://me:s3c/r@et@host/a', 'hdfs://me:***@host/a'),
  'pwd': ('mysql://me@h/d?pwd=s3cret: no', 'mysql://me@h/d?pwd=***: no'),
  'password': ('(mysql://me@h/d?a=b&password=s3cret)', '(mysql://me@h/d?a=b&password=***)'),
  'token': ('s3://b/a?token=s3cret&b=c', 's3://b/a?token=***&b=c'),
  'signature': ('azfs://b/a?sv=1&sig=s3cret', 'azfs://b/a?sv=1&sig=***'),
  'signature_of_amazon': ('https://b/a?X-Amz-Signature=s3cret, again', 'https://b/a?X-Amz-Signature=***, again'),
  'flag': ('unparseable: --s3_secret_access_key=s3cret', 'unparseable: --s3_secret_access_key=***'),
  'connection_string': ('AccountName=a;AccountKey=s3cret==;Blob=b', 'AccountName=a;AccountKey=***;Blob=b'),
  'shared_access': ("('SharedAccessSignature=s3cret')", "('SharedAccessSignature=***')"),
  'option_in_a_dict': ("{'s3_secret_access_key': 's3cret', 'a': 'b'}", "{'s3_secret_access_key': '***', 'a': 'b'}"),
  'flag_in_a_list': ("['--my_password', 's3cret', '--a']", "['--my_password', '***', '--a']"),
  'two_lines': ('a://b:s3cret@c\na://b:s3cret@c', 'a://b:***@c\na://b:***@c'),
}


@pytest.mark.parametrize(('text', 'shown'), HIDDEN.values(), ids=HIDDEN)
def test_what_is_secret_is_not_in_a_message(text: str, shown: str) -> None:
  assert hide_secrets(text) == shown
  assert hide_secrets(shown) == shown
  assert str(UserError(text)) == shown


OPEN = {
  'source_of_a_password': 'mysql://me@h/d?password_env=A',
  'file_of_a_password': 'mysql://me@h/d?password_file=/a/b',
  'secret_manager': 'mysql://me@h/d?password_secret=projects/p/secrets/s',
  'key_file': 'grpc://h:80?tls=true&key_file=a.pem',
  'port_and_a_sign': 'hdfs://name:9000/a@b.csv',
  'bucket': 'gs://bucket/a:b@c',
  'flag_in_a_sentence': 'give --s3_secret_access_key and --region',
}


@pytest.mark.parametrize('text', OPEN.values(), ids=OPEN)
def test_what_is_no_secret_is_shown(text: str) -> None:
  assert hide_secrets(text) == text


FULL = OSError(errno.ENOSPC, 'No space left on device', '/out/a')


def text_of_a_full_disk(step: str) -> str:
  return f'Traceback (most recent call last):\n  File "a.py", line 1, in a\nOSError: {FULL}{step}'


MISHAPS = {
  'itself': (FULL, '/out/a: No space left on device; free some space'),
  'with_its_step': (
    RuntimeError(f"OSError: {FULL} [while running 'WriteShards/Write']"),
    '/out/a: No space left on device; free some space',
  ),
  'in_a_workers_traceback': (
    RuntimeError(text_of_a_full_disk(" [while running 'A']")),
    '/out/a: No space left on device; free some space',
  ),
  'without_a_path': (OSError(errno.EIO, 'Input/output error'), 'a disk: Input/output error'),
  'store': (MishapError('the store is gone'), 'the store is gone'),
  'silent_server': (
    RuntimeError(
      '<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.UNAVAILABLE\n\tdetails = "failed to '
      'connect to all addresses"\n\tdebug_error_string = "x"\n>'
    ),
    'a gRPC server does not answer (failed to connect to all addresses); see that the job service and the workers run',
  ),
  'silent_server_of_java': (
    RuntimeError('io.grpc.StatusRuntimeException: DEADLINE_EXCEEDED: too late\n\tat io.grpc'),
    'a gRPC server does not answer (DEADLINE_EXCEEDED: too late); see that the job service and the workers run',
  ),
  'no_connection_in_time': (
    grpc.FutureTimeoutError(),
    'a gRPC server does not answer; see that the job service and the pools of workers run',
  ),
  'killed_worker': (
    RuntimeError('java.lang.IllegalStateException: Channel closed prematurely'),
    'a worker is gone (Channel closed prematurely): it was killed, or ran out of memory; see its log, and have the '
    'cluster start tasks again (on Flink, by a restart-strategy)',
  ),
  'client_that_is_gone': (
    grpc.RpcError(),
    'a worker, or whoever else is connected by gRPC, is gone; see that the workers run',
  ),
  'no_jar': (
    RuntimeError('Unable to fetch remote job server jar at https://a/b.jar: HTTP Error 404: Not Found. Also failed'),
    'https://a/b.jar: cannot be fetched; give --job_endpoint HOST:PORT of one that runs, or the path of another',
  ),
  'job_server_that_ends': (
    RuntimeError('Service failed to start up with error 1'),
    'the job server ended with 1; give --job_endpoint HOST:PORT of one that runs, or the path of another',
  ),
  'store_of_a_worker': (RuntimeError('beam_taxi.errors.MishapError: it is gone [while running A]'), 'it is gone'),
}


@pytest.mark.parametrize(('error', 'message'), MISHAPS.values(), ids=MISHAPS)
def test_a_mishap_is_found_with_its_message_alone(error: Exception, message: str) -> None:
  assert str(mishap_in(error)) == message


@pytest.mark.parametrize('error', [ValueError('bug'), FileNotFoundError(errno.ENOENT, 'gone', 'a'), UserError('a: b')])
def test_what_is_no_mishap_is_none(error: Exception) -> None:
  assert mishap_in(error) is None
